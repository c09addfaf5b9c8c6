package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Files on a device. */
public final class Filesystem implements AutoCloseable {

  private Filesystem() {}

  /** What a rename does when the new name is taken. */
  public enum Replace {
    /** Replaces it, as one step: a file a file, a directory an empty directory. */
    REPLACE,
    /** Refuses. */
    REFUSE
  }

  /**
   * Makes the whole of a device an empty filesystem. What was on it is gone.
   *
   * @param id tells this filesystem from every other: random
   * @param root mode and owner of the root directory
   * @throws IllegalArgumentException when the device has less than 4 MiB
   */
  public static void format(DaxDevice device, long id, NewFile root, FilesystemOptions options)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens a filesystem at its newest commit, and puts synced writes on top that came after it. A
   * device that takes no writes is opened for reading.
   */
  public static Filesystem open(DaxDevice device, FilesystemOptions options) throws IOException {
    throw new UnsupportedOperationException();
  }

  // Looking. All of these work in snapshots too.

  /**
   * The entry of this name. {@code /.snapshots} is found in the live root, though it is not listed.
   *
   * @throws NotDirectoryException when {@code directory} is none
   */
  public Optional<DirectoryEntry> lookup(FileId directory, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** The directory that a directory is in; the root is in itself. */
  public FileId parent(FileId directory) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Attributes. */
  public Attributes attributes(FileId file) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Entries in the order of their names.
   *
   * @param after begins behind this name, there or not; null for the start
   * @param max how many at most
   */
  public List<DirectoryEntry> list(FileId directory, @Nullable FileName after, int max)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Target of a symbolic link, 1 to 4095 bytes. */
  public byte[] readLink(FileId link) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** All paths of a file, absolute; those of a snapshot begin with {@code /.snapshots/}. */
  public List<String> paths(FileId file) throws IOException {
    throw new UnsupportedOperationException();
  }

  // Changes of directories. Each happens as a whole or not at all, for readers and for crashes.

  /**
   * Makes an empty file or directory.
   *
   * @throws FileAlreadyExistsException when the name is taken
   */
  public FileId create(FileId directory, FileName name, FileType type, NewFile file)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Makes a symbolic link. */
  public FileId symlink(FileId directory, FileName name, byte[] target, NewFile file)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Gives a file one more name. */
  public void link(FileId file, FileId directory, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Takes a name of a file or symbolic link away; what has no name any more goes when nobody has it
   * open.
   *
   * @throws NoSuchFileException when there is none
   */
  public void unlink(FileId directory, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Removes an empty directory. */
  public void rmdir(FileId directory, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Gives a file or directory another name, anywhere. */
  public void rename(
      FileId directory, FileName name, FileId toDirectory, FileName toName, Replace replace)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Sets attributes. */
  public void setAttributes(FileId file, AttributeChange change) throws IOException {
    throw new UnsupportedOperationException();
  }

  // Extended attributes: names of 1 to 255 bytes as for files; values of up to 64 KiB.

  /** Value of an extended attribute. */
  public Optional<byte[]> extended(FileId file, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Names and lengths of all extended attributes. */
  public Map<FileName, Integer> listExtended(FileId file) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Sets an extended attribute. */
  public void setExtended(FileId file, FileName name, byte[] value) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Removes an extended attribute; false when there is none. */
  public boolean removeExtended(FileId file, FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  // Content.

  /** Opens a file of the live state or of a snapshot. */
  public OpenFile open(FileId file) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Lets {@code to} share a range of {@code from}, as one step, in place of what it had there.
   * Whole pages, but for an end that is the end of {@code from} and at or behind the end of {@code
   * to}.
   */
  public void reflink(OpenFile from, ByteRange range, OpenFile to, long toOffset)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  // Snapshots.

  /** Keeps everything as it is now, durably, under a name. */
  public SnapshotInfo snapshot(FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** All snapshots, oldest first. */
  public List<SnapshotInfo> snapshots() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Deletes a snapshot at once; its space comes back in the background. */
  public void deleteSnapshot(FileName name) throws IOException {
    throw new UnsupportedOperationException();
  }

  // The device.

  /** Everything that owns bytes of {@code range}, ascending. */
  public List<Owner> owners(ByteRange range) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Figures. */
  public FilesystemStatus status() {
    throw new UnsupportedOperationException();
  }

  /** Verifies every structure, and that all of them agree. Beside readers and writers. */
  public CheckReport check() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Makes everything durable that was done before. */
  public void sync() throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Does what there is to do in the background: makes changes durable, takes deleted files and
   * snapshots apart, a little.
   *
   * @return true when there is more
   */
  public boolean tick() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Makes everything durable. The device stays open. */
  @Override
  public void close() throws IOException {
    throw new UnsupportedOperationException();
  }
}
