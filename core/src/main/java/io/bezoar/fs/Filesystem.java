package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.ForestStatus;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.TreeDamagedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * Files on a device: directories, hard and symbolic links, extended attributes, sparse and shared
 * content, snapshots; and for every byte of the device whose it is.
 *
 * <p><b>Threat.</b> The power goes at any store. Pages go bad, data and metadata alike. The device
 * runs full. Many threads at once.
 *
 * <p><b>Invariant.</b> Every change is one transaction of a {@link io.bezoar.tree.Forest}: others
 * and crashes see it whole or not at all, and in the order in which changes were made. What is
 * reachable is never overwritten. What stands twice (names and links, extents and owners) always
 * agrees.
 *
 * <p><b>Durability.</b> What {@link #sync()}, {@link OpenFile#sync()} and {@link #snapshot}
 * returned from survives every crash. Of everything else a crash takes at most what was done within
 * the options' window, and then the latest changes, never some in between; only the content of
 * files that were synced one by one may be newer than the rest.
 *
 * <p><b>Locks.</b> Inodes, in the order of their numbers → the forest's right to write → the
 * device. Mappings come behind the inode, and not within a transaction. Looking takes none. Nothing
 * waits for a repair with a lock held: the device below heals.
 *
 * <p>Every operation throws {@link FilesystemDamagedException} when metadata that it needs is lost
 * in both copies, and {@link io.bezoar.dax.DeviceUnavailableException} when the device, or the part
 * that it needs, is not there; what changes something throws {@link FilesystemReadOnlyException} in
 * snapshots and where no writes are taken, {@link FilesystemFullException} when there is no room,
 * and {@link io.bezoar.tree.ForestFailedException} after a commit failed. Then nothing was done. A
 * file that is not there any more is {@link InvalidFileException} GONE; a directory that is none,
 * {@link NotDirectoryException}. Thread-safe.
 */
public final class Filesystem implements AutoCloseable {
  /** Longest target of a symbolic link, bytes. */
  public static final int TARGET_BYTES_MAX = AttributeTree.TARGET_BYTES_MAX;

  /** Longest value of an extended attribute, bytes. */
  public static final int EXTENDED_BYTES_MAX = AttributeTree.VALUE_BYTES_MAX;

  private final FsCore core;
  private final OpenInodes inodes;
  private final Reaper reaper;
  private final Namespace namespace;
  private final FileContent content;
  private final Snapshots snapshots;
  private final SyncLog log;
  private final Background background;
  private final LogWatch watch;
  private final List<String> notes;

  Filesystem(
      FsCore core,
      OpenInodes inodes,
      Reaper reaper,
      FileContent content,
      SyncLog log,
      List<String> notes,
      FilesystemOptions options) {
    this.core = core;
    this.inodes = inodes;
    this.reaper = reaper;
    this.content = content;
    this.log = log;
    this.namespace = new Namespace(core, inodes, reaper);
    this.snapshots = new Snapshots(core);
    this.notes = List.copyOf(notes);
    this.background = Background.start(core, reaper, options);
    this.watch = new LogWatch(core.device, core.log(), background::hurry);
  }

  /** What a rename does when the new name is taken. */
  public enum Replace {
    /** Replaces it, as one step: a file a file, a directory an empty directory. */
    REPLACE,
    /** Refuses. */
    REFUSE
  }

  /**
   * Makes the whole of a device an empty filesystem, durably. What was on it is gone.
   *
   * @param id tells this filesystem from every other: random
   * @param root mode and owner of the root directory
   * @throws IllegalArgumentException when the device has less than 4 MiB
   */
  public static void format(DaxDevice device, long id, NewFile root, FilesystemOptions options)
      throws IOException {
    Opening.format(device, id, root, options);
  }

  /**
   * Opens a filesystem at its newest commit, and does synced writes again that came after it. Reads
   * a few pages, whatever the size. A device that takes no writes is opened for reading.
   *
   * @throws FilesystemFormatException when there is none that this version can open; nothing was
   *     written
   */
  public static Filesystem open(DaxDevice device, FilesystemOptions options) throws IOException {
    return Opening.open(device, options);
  }

  /**
   * What is worth knowing of how it was opened, for people: what had been made durable and is not
   * there. Empty when all was in order.
   */
  public List<String> notes() {
    return notes;
  }

  // Looking. All of these work in snapshots, too.

  /**
   * The entry of this name. {@code /.snapshots} is found in the live root, though it is not listed.
   *
   * @throws NotDirectoryException when {@code directory} is none
   */
  public Optional<DirectoryEntry> lookup(FileId directory, FileName name) throws IOException {
    core.checkOpen();
    if (Namespace.isSnapshots(directory, name)) {
      return Optional.of(new DirectoryEntry(name, FileType.DIRECTORY, FileId.SNAPSHOTS));
    }
    if (directory.equals(FileId.SNAPSHOTS)) {
      return snapshots.find(name).map(Filesystem::entry);
    }
    return core.look(
        directory,
        view -> {
          NameTree.Target target = core.names.get(view, directory.inode(), name);
          if (target == null) {
            core.requireDirectory(view, directory);
            return Optional.empty();
          }
          FileId file = directory.of(target.inode());
          return Optional.of(new DirectoryEntry(name, target.type(), file));
        });
  }

  private static DirectoryEntry entry(SnapshotInfo snapshot) {
    return new DirectoryEntry(
        FileName.stored(snapshot.name().getBytes(StandardCharsets.UTF_8)),
        FileType.DIRECTORY,
        new FileId(snapshot.commit(), Inode.ROOT));
  }

  /**
   * The directory that a directory is in. The root is in itself, that of a snapshot in {@code
   * /.snapshots}.
   */
  public FileId parent(FileId directory) throws IOException {
    core.checkOpen();
    if (directory.equals(FileId.SNAPSHOTS)) {
      return FileId.ROOT;
    }
    if (directory.isSnapshot() && directory.inode() == Inode.ROOT) {
      return FileId.SNAPSHOTS;
    }
    return core.look(
        directory,
        view -> {
          core.requireDirectory(view, directory);
          Long parent = core.names.parent(view, directory.inode());
          if (parent == null) {
            throw core.gone(directory);
          }
          return directory.of(parent);
        });
  }

  /** Attributes. */
  public Attributes attributes(FileId file) throws IOException {
    core.checkOpen();
    if (file.equals(FileId.SNAPSHOTS)) {
      Attributes root = attributes(FileId.ROOT);
      int count = core.forest.holds().size();
      return new Attributes(
          file,
          FileType.DIRECTORY,
          0555,
          root.uid(),
          root.gid(),
          2L + count,
          count,
          0,
          0,
          root.createdNanos(),
          root.createdNanos(),
          root.createdNanos(),
          root.createdNanos());
    }
    return core.look(file, view -> core.require(view, file)).attributes(file);
  }

  /**
   * Entries in the order of their names.
   *
   * @param after begins behind this name, there or not; null for the start
   * @param max how many at most
   */
  public List<DirectoryEntry> list(FileId directory, @Nullable FileName after, int max)
      throws IOException {
    core.checkOpen();
    if (directory.equals(FileId.SNAPSHOTS)) {
      return snapshots.list().stream()
          .map(Filesystem::entry)
          .filter(entry -> after == null || entry.name().compareTo(after) > 0)
          .sorted((a, b) -> a.name().compareTo(b.name()))
          .limit(max)
          .toList();
    }
    return core.look(
        directory,
        view -> {
          core.requireDirectory(view, directory);
          return core.names.list(view, directory, after, max);
        });
  }

  /**
   * Target of a symbolic link, 1 to {@link #TARGET_BYTES_MAX} bytes.
   *
   * @throws InvalidFileException NOT_A_LINK when it is none
   */
  public byte[] readLink(FileId link) throws IOException {
    core.checkOpen();
    if (link.equals(FileId.SNAPSHOTS)) {
      throw new InvalidFileException(core.describe(link), InvalidFileException.Problem.NOT_A_LINK);
    }
    return core.look(
        link,
        view -> {
          core.require(view, link);
          byte[] target = core.attributes.target(view, link.inode());
          if (target == null) {
            throw new InvalidFileException(
                core.describe(link), InvalidFileException.Problem.NOT_A_LINK);
          }
          return target;
        });
  }

  /**
   * All paths of a file, absolute, ascending, 1,000 at most; those of a snapshot begin with {@code
   * /.snapshots/}. Empty for a file that has no name any more.
   */
  public List<String> paths(FileId file) throws IOException {
    core.checkOpen();
    if (file.equals(FileId.SNAPSHOTS)) {
      return List.of(core.describe(file));
    }
    return core.look(
        file,
        view -> {
          core.require(view, file);
          return core.paths(view, file);
        });
  }

  // Changes of directories. Each happens as a whole or not at all, for readers and for crashes.

  /**
   * Makes an empty file or directory.
   *
   * @throws FileAlreadyExistsException when the name is taken
   * @throws IllegalArgumentException for a symbolic link
   */
  public FileId create(FileId directory, FileName name, FileType type, NewFile file)
      throws IOException {
    core.checkOpen();
    if (type == FileType.SYMLINK) {
      throw new IllegalArgumentException("a symbolic link has a target: use symlink");
    }
    return namespace.create(directory, name, type, file, null);
  }

  /**
   * Makes a symbolic link.
   *
   * @param target 1 to {@link #TARGET_BYTES_MAX} bytes without NUL
   * @throws FileAlreadyExistsException when the name is taken
   * @throws IllegalArgumentException when the target is none
   */
  public FileId symlink(FileId directory, FileName name, byte[] target, NewFile file)
      throws IOException {
    core.checkOpen();
    boolean hasNul = false;
    for (byte b : target) {
      hasNul |= b == 0;
    }
    if (target.length == 0 || target.length > TARGET_BYTES_MAX || hasNul) {
      throw new IllegalArgumentException(
          "the target of a symbolic link has 1 to "
              + TARGET_BYTES_MAX
              + " bytes without NUL, and not "
              + target.length);
    }
    return namespace.create(directory, name, FileType.SYMLINK, file, target);
  }

  /**
   * Gives a file or symbolic link one more name.
   *
   * @throws FileAlreadyExistsException when the name is taken
   * @throws InvalidFileException NO_LINKS_TO_DIRECTORIES
   */
  public void link(FileId file, FileId directory, FileName name) throws IOException {
    core.checkOpen();
    namespace.link(file, directory, name);
  }

  /**
   * Takes a name of a file or symbolic link away; what has no name any more goes when nobody has it
   * open.
   *
   * @throws NoSuchFileException when there is none
   * @throws InvalidFileException IS_DIRECTORY
   */
  public void unlink(FileId directory, FileName name) throws IOException {
    core.checkOpen();
    namespace.unlink(directory, name);
  }

  /**
   * Removes an empty directory.
   *
   * @throws NoSuchFileException when there is none
   * @throws java.nio.file.DirectoryNotEmptyException when it is not empty
   */
  public void rmdir(FileId directory, FileName name) throws IOException {
    core.checkOpen();
    namespace.rmdir(directory, name);
  }

  /**
   * Gives a file or directory another name, anywhere. When both names are of one file, nothing
   * happens, as in POSIX.
   *
   * @throws NoSuchFileException when there is none
   * @throws FileAlreadyExistsException when the new name is taken and is to stay
   * @throws java.nio.file.DirectoryNotEmptyException when it would replace a directory with entries
   * @throws InvalidFileException INTO_ITSELF, or IS_DIRECTORY when a file would replace a directory
   * @throws NotDirectoryException when a directory would replace a file
   */
  public void rename(
      FileId directory, FileName name, FileId toDirectory, FileName toName, Replace replace)
      throws IOException {
    core.checkOpen();
    namespace.rename(directory, name, toDirectory, toName, replace);
  }

  /** Sets attributes, as one step. */
  public void setAttributes(FileId file, AttributeChange change) throws IOException {
    core.checkOpen();
    namespace.setAttributes(file, change);
  }

  // Extended attributes: values of up to 64 KiB.

  /** Value of an extended attribute. */
  public Optional<byte[]> extended(FileId file, AttributeName name) throws IOException {
    core.checkOpen();
    if (file.equals(FileId.SNAPSHOTS)) {
      return Optional.empty();
    }
    return core.look(
        file,
        view -> {
          core.require(view, file);
          return Optional.ofNullable(core.attributes.extended(view, file.inode(), name));
        });
  }

  /** Names of all extended attributes, and how long their values are, bytes. */
  public Map<AttributeName, Integer> listExtended(FileId file) throws IOException {
    core.checkOpen();
    if (file.equals(FileId.SNAPSHOTS)) {
      return Map.of();
    }
    return core.look(
        file,
        view -> {
          core.require(view, file);
          return core.attributes.listExtended(view, file.inode());
        });
  }

  /**
   * Sets an extended attribute.
   *
   * @throws InvalidFileException TOO_LARGE for more than {@link #EXTENDED_BYTES_MAX} bytes
   */
  public void setExtended(FileId file, AttributeName name, byte[] value) throws IOException {
    core.checkOpen();
    namespace.setExtended(file, name, value);
  }

  /** Removes an extended attribute; false when there is none. */
  public boolean removeExtended(FileId file, AttributeName name) throws IOException {
    core.checkOpen();
    return namespace.removeExtended(file, name);
  }

  // Content.

  /**
   * Opens a file of the live state or of a snapshot; to be closed. One that is deleted meanwhile
   * stays until then.
   *
   * @throws InvalidFileException IS_DIRECTORY or NOT_A_FILE
   */
  public OpenFile open(FileId file) throws IOException {
    core.checkOpen();
    if (file.equals(FileId.SNAPSHOTS)) {
      throw new InvalidFileException(
          core.describe(file), InvalidFileException.Problem.IS_DIRECTORY);
    }
    return file.isSnapshot() ? openKept(file) : openLive(file);
  }

  private OpenFile openLive(FileId file) throws IOException {
    OpenInode inode = inodes.acquire(file.inode());
    boolean done = false;
    try {
      // Whoever takes its last name away holds the lock.
      Lock lock = inode.lock.asReadLock();
      lock.lock();
      try {
        Inode found = core.look(file, view -> core.require(view, file));
        requireFile(found, file);
        if (found.links() == 0 && inode.handles.get() == 0) {
          throw core.gone(file);
        }
        inode.handles.incrementAndGet();
      } finally {
        lock.unlock();
      }
      done = true;
      return new OpenFile(core, file, content, log, reaper, inode, null);
    } finally {
      if (!done) {
        reaper.release(inode);
      }
    }
  }

  private OpenFile openKept(FileId file) throws IOException {
    Snapshot view = core.open(file);
    boolean done = false;
    try {
      requireFile(core.require(view, file), file);
      done = true;
      return new OpenFile(core, file, content, log, reaper, null, view);
    } catch (TreeDamagedException lost) {
      throw new FilesystemDamagedException(core.describe(file), lost);
    } finally {
      if (!done) {
        view.close();
      }
    }
  }

  private void requireFile(Inode inode, FileId file) throws InvalidFileException {
    switch (inode.type()) {
      case REGULAR -> {}
      case DIRECTORY ->
          throw new InvalidFileException(
              core.describe(file), InvalidFileException.Problem.IS_DIRECTORY);
      case SYMLINK ->
          throw new InvalidFileException(
              core.describe(file), InvalidFileException.Problem.NOT_A_FILE);
    }
  }

  /**
   * Lets {@code to} share a range of {@code from}, as one step, in place of what it had there. No
   * byte is copied; either goes its own way when it is written. What only a snapshot has cannot be
   * shared back: copy it.
   *
   * @param range whole pages of 4096 bytes, but for an end that is the end of {@code from} and
   *     comes to lie at or behind the end of {@code to}
   * @throws IllegalArgumentException for a range that is not so, or that would be shared with
   *     itself, or when {@code from} is of a snapshot
   */
  public void reflink(OpenFile from, ByteRange range, OpenFile to, long toOffset)
      throws IOException {
    core.checkOpen();
    if (!from.isOf(core) || !to.isOf(core)) {
      throw new IllegalArgumentException("only files of one filesystem can share: copy");
    }
    OpenInode target = to.writable();
    OpenInode source = from.inode();
    if (source == null) {
      throw new IllegalArgumentException(
          "a live file cannot share what a snapshot keeps: copy " + core.describe(from.id()));
    }
    content.reflink(source, range, target, toOffset);
  }

  // Snapshots.

  /**
   * Keeps everything as it is now, durably, under a name, at once.
   *
   * @throws FileAlreadyExistsException when there is one of this name
   * @throws java.nio.file.FileSystemException when the name is not UTF-8
   */
  public SnapshotInfo snapshot(FileName name) throws IOException {
    core.checkOpen();
    return snapshots.create(name);
  }

  /** All snapshots, oldest first. */
  public List<SnapshotInfo> snapshots() throws IOException {
    core.checkOpen();
    return snapshots.list();
  }

  /**
   * Deletes a snapshot, durably, at once; its space comes back in the background, and not before
   * files of it are closed that somebody has open.
   *
   * @throws NoSuchFileException when there is none
   */
  public void deleteSnapshot(FileName name) throws IOException {
    core.checkOpen();
    snapshots.delete(name);
  }

  // The device.

  /**
   * Everything that owns bytes of {@code range} of the device, ascending: files, sharers and
   * snapshots of the data; metadata; nobody.
   *
   * @throws IndexOutOfBoundsException when it is not within the device
   */
  public List<Owner> owners(ByteRange range) throws IOException {
    core.checkOpen();
    return new OwnerQuery(core).owners(range);
  }

  /**
   * Takes pages of the device from the readers of every mapping that they are laid in, of live
   * files and of snapshots: a load from them faults, from the next one on. Copies that mappings
   * show instead stay. Where a mapping cannot be splintered further, pages beside go with them.
   *
   * @param device widened to whole pages
   * @return in how many mappings
   * @throws IndexOutOfBoundsException when it is not within the device
   * @throws IOException when the kernel refuses; some may have been taken away then
   */
  public int revoke(ByteRange device) throws IOException {
    core.checkOpen();
    ByteRange pages = pagesOf(device);
    return core.mappings.revoke(pages.start() / PAGE_BYTES, pages.end() / PAGE_BYTES);
  }

  /**
   * Gives pages that were {@linkplain #revoke revoked} back to the readers; to be called when the
   * device has them again.
   *
   * @param device widened to whole pages
   * @return in how many mappings; those without a mapping of memory to spare are not among them
   * @throws IndexOutOfBoundsException when it is not within the device
   * @throws io.bezoar.dax.PoisonedRangeException when the device has not got them: nothing was done
   */
  public int restore(ByteRange device) throws IOException {
    core.checkOpen();
    ByteRange pages = pagesOf(device);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE_BYTES, PAGE_BYTES);
      for (long at = pages.start(); at < pages.end(); at += PAGE_BYTES) {
        core.device.read(at, page);
      }
    }
    return core.mappings.restore(pages.start() / PAGE_BYTES, pages.end() / PAGE_BYTES);
  }

  private ByteRange pagesOf(ByteRange device) {
    Objects.checkFromToIndex(device.start(), device.end(), core.device.sizeBytes());
    return device.alignOutward(PAGE_BYTES);
  }

  /** Figures. */
  public FilesystemStatus status() {
    core.checkOpen();
    ForestStatus forest = core.forest.status();
    long available = forest.availablePages() + forest.restingPages();
    long free = Math.max(0, available - forest.reservePages());
    return new FilesystemStatus(
        forest.pages() * PAGE_BYTES,
        free * PAGE_BYTES,
        Math.min(forest.reservePages(), available) * PAGE_BYTES,
        forest.quarantinedPages() * PAGE_BYTES,
        forest.restingPages() * PAGE_BYTES,
        core.forest.holds().size(),
        forest.durableCommit());
  }

  /**
   * Makes everything durable, then verifies every structure, and that all of them agree. Bad copies
   * of metadata are rewritten. Readers and writers go on beside it.
   */
  public CheckReport check() throws IOException {
    core.checkOpen();
    if (core.isWritable()) {
      core.forest.persist();
    }
    return new FsCheck(core).run();
  }

  /** Makes everything durable that was done before. */
  public void sync() throws IOException {
    core.checkOpen();
    core.forest.persist();
  }

  /**
   * Does what there is to do in the background: makes changes durable, takes deleted files and
   * snapshots apart, a little.
   *
   * @return true when there is more
   */
  public boolean tick() throws IOException {
    core.checkOpen();
    return background.tick();
  }

  /** False once it was closed. */
  public boolean isOpen() {
    return core.isOpen();
  }

  /** False while the device takes no writes, and so no file does. */
  public boolean isWritable() {
    return core.isWritable();
  }

  /**
   * Makes everything durable. The device stays open; files that are open can be used no more, and
   * mappings fault, because their pages may soon be somebody else's. Idempotent.
   *
   * @throws IOException when something could not be made durable, now or by a commit in the
   *     background; all is closed all the same
   */
  @Override
  public void close() throws IOException {
    if (!core.beginClosing()) {
      return;
    }
    try {
      watch.close();
      background.close();
    } finally {
      try {
        core.forest.close();
      } finally {
        core.mappings.close();
      }
    }
  }
}
