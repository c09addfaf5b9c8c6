package io.bezoar.nio;

import io.bezoar.fs.AttributeChange;
import io.bezoar.fs.FileId;
import io.bezoar.fs.PathWalk.LastLink;
import java.io.IOException;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Attributes of what is at a path, to be read and set; the basic and the owner's view, too.
 *
 * @param name of the view that was asked for
 */
record PosixView(String name, PoolPath path, LastLink last) implements PosixFileAttributeView {
  private FileId file() throws IOException {
    return path.getFileSystem().walk().find(path.route(), last).require().id();
  }

  @Override
  public PoolFileAttributes readAttributes() throws IOException {
    return path.getFileSystem().call(path, null, this::read);
  }

  private PoolFileAttributes read() throws IOException {
    PoolFileSystem fs = path.getFileSystem();
    FileId file = fs.filesByPath().requireLook(path, last).id();
    return new PoolFileAttributes(fs, fs.files().attributes(file));
  }

  void set(AttributeChange change) throws IOException {
    PoolFileSystem fs = path.getFileSystem();
    fs.call(
        path,
        null,
        () -> {
          FileId file = file();
          fs.checkWritable(file);
          fs.files().setAttributes(file, change);
          return true;
        });
  }

  @Override
  public void setTimes(
      @Nullable FileTime modified, @Nullable FileTime accessed, @Nullable FileTime created)
      throws IOException {
    if (modified == null && accessed == null && created == null) {
      return;
    }
    set(new AttributeChange(null, null, null, nanos(accessed), nanos(modified), nanos(created)));
  }

  private static @Nullable Long nanos(@Nullable FileTime time) {
    return time == null ? null : time.to(TimeUnit.NANOSECONDS);
  }

  @Override
  public void setPermissions(Set<PosixFilePermission> permissions) throws IOException {
    set(AttributeChange.NONE.withMode(Options.mode(permissions)));
  }

  @Override
  public UserPrincipal getOwner() throws IOException {
    return readAttributes().owner();
  }

  @Override
  public void setOwner(UserPrincipal owner) throws IOException {
    int uid = path.getFileSystem().accounts().uid(owner);
    set(new AttributeChange(null, uid, null, null, null, null));
  }

  @Override
  public void setGroup(GroupPrincipal group) throws IOException {
    int gid = path.getFileSystem().accounts().gid(group);
    set(new AttributeChange(null, null, gid, null, null, null));
  }
}
