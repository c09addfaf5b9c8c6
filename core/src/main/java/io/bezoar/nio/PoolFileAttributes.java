package io.bezoar.nio;

import io.bezoar.fs.Attributes;
import io.bezoar.fs.FileType;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Attributes of a file, all of one moment.
 *
 * @param fs where names of users come from
 * @param of what the filesystem says
 */
record PoolFileAttributes(PoolFileSystem fs, Attributes of) implements PosixFileAttributes {
  private static final int TYPE_REGULAR = 0100000;
  private static final int TYPE_DIRECTORY = 0040000;
  private static final int TYPE_SYMLINK = 0120000;

  /**
   * Which file it is: equal for two names of one file, and for nothing else in this process.
   *
   * @param dev tells pools apart, and the live state of one from its snapshots
   * @param ino number of the inode
   */
  record Key(long dev, long ino) {
    @Override
    public String toString() {
      return "(dev=" + Long.toHexString(dev) + ",ino=" + ino + ")";
    }
  }

  /** Tells states of pools apart, with the number of the file. */
  Key key() {
    long pool = (long) fs.pool().hashCode() << 32;
    return new Key(pool ^ of.id().snapshot(), of.id().inode());
  }

  /** Permissions and type, as {@code stat} has them. */
  int modeWithType() {
    return of.mode()
        | switch (of.type()) {
          case REGULAR -> TYPE_REGULAR;
          case DIRECTORY -> TYPE_DIRECTORY;
          case SYMLINK -> TYPE_SYMLINK;
        };
  }

  static FileTime time(long nanos) {
    return FileTime.from(nanos, TimeUnit.NANOSECONDS);
  }

  FileTime changeTime() {
    return time(of.changedNanos());
  }

  @Override
  public UserPrincipal owner() {
    return fs.accounts().user(of.uid());
  }

  @Override
  public GroupPrincipal group() {
    return fs.accounts().group(of.gid());
  }

  @Override
  public Set<PosixFilePermission> permissions() {
    return Options.permissions(of.mode());
  }

  @Override
  public FileTime lastModifiedTime() {
    return time(of.modifiedNanos());
  }

  @Override
  public FileTime lastAccessTime() {
    return time(of.accessedNanos());
  }

  @Override
  public FileTime creationTime() {
    return time(of.createdNanos());
  }

  @Override
  public boolean isRegularFile() {
    return of.type() == FileType.REGULAR;
  }

  @Override
  public boolean isDirectory() {
    return of.type() == FileType.DIRECTORY;
  }

  @Override
  public boolean isSymbolicLink() {
    return of.type() == FileType.SYMLINK;
  }

  @Override
  public boolean isOther() {
    return false;
  }

  @Override
  public long size() {
    return of.sizeBytes();
  }

  @Override
  public Object fileKey() {
    return key();
  }
}
