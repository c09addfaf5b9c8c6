package io.bezoar.media;

import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * Opens files and block devices as media, and creates files for it.
 *
 * <p>Nothing is created, truncated or written to find out what a path is. What is opened is what
 * was looked at: the path is resolved once, to a handle that has no side effects, and everything
 * else happens through that handle.
 */
public final class MediaFiles {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PRIVATE_MODE = 0600;

  /** A repair of a few pages takes milliseconds; of a disk that retries, longer. */
  static final long REPAIR_PATIENCE_NANOS = 1_000_000_000;

  private static final long REPAIR_POLL_NANOS = 200_000;

  private MediaFiles() {}

  /**
   * Opens existing media: a regular file of any size, or a block device.
   *
   * <p>With {@link Access#READ_WRITE} the file is locked exclusively until the media is closed. If
   * a list of injected faults stands beside it, they are in force whatever the options say.
   *
   * @throws MediaOpenException when the path cannot be opened so; its reason says why
   */
  public static Media open(Path path, MediaOptions options) throws IOException {
    Descriptor file = openFile(path, options.access());
    try {
      return assemble(path, file, options);
    } catch (IOException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /**
   * Creates a file of {@code sizeBytes} zeroes, readable by its owner only, and opens it. What was
   * made is removed again when that fails.
   *
   * @param sizeBytes any positive number
   * @throws MediaOpenException {@code EXISTS} when there is something at {@code path}
   * @throws MediaFullException when the file system has no room for it
   */
  public static Media create(Path path, long sizeBytes, Allocation allocation, MediaOptions options)
      throws IOException {
    if (options.access() != Access.READ_WRITE) {
      throw new IllegalArgumentException("new media is opened to be written");
    }
    if (sizeBytes <= 0) {
      throw new MediaOpenException(
          path.toString(),
          Reason.BAD_GEOMETRY,
          "a size of " + sizeBytes + " bytes: choose another");
    }
    if (Files.exists(DrillList.pathOf(path), LinkOption.NOFOLLOW_LINKS)) {
      throw new MediaOpenException(
          DrillList.pathOf(path).toString(),
          Reason.EXISTS,
          "injected faults of an earlier file of this name: remove the list first");
    }
    long fd = Posix.open(path.toString(), createFlags(), PRIVATE_MODE);
    if (fd < 0) {
      throw notOpened(path, Access.READ_WRITE, (int) -fd);
    }
    Descriptor file = new Descriptor((int) fd);
    try {
      lock(path, file);
      allocate(path, file, sizeBytes, allocation);
      DrillList.syncFolder(path);
      return assemble(path, file, options);
    } catch (IOException | RuntimeException | Error e) {
      Posix.unlink(path.toString());
      file.close();
      throw e;
    }
  }

  private static int createFlags() {
    return Posix.O_RDWR | Posix.O_CREAT | Posix.O_EXCL | Posix.O_NOCTTY | Posix.O_NONBLOCK;
  }

  private static void allocate(Path path, Descriptor file, long sizeBytes, Allocation allocation)
      throws IOException {
    long result = file.call(fd -> Posix.ftruncate(fd, sizeBytes));
    if (result >= 0 && allocation == Allocation.PREALLOCATED) {
      result = file.call(fd -> Posix.fallocate(fd, 0, 0, sizeBytes));
      if (result == -Posix.EOPNOTSUPP) {
        result = fillWithZeroes(file, sizeBytes);
      }
    }
    if (result >= 0) {
      result = file.call(Posix::fsync);
    }
    if (result >= 0) {
      return;
    }
    int errno = (int) -result;
    if (Errno.isFull(errno)) {
      throw new MediaFullException(path.toString(), sizeBytes);
    }
    if (errno == Posix.EFBIG) {
      throw new MediaOpenException(
          path.toString(),
          Reason.BAD_GEOMETRY,
          sizeBytes + " bytes are more than its file system allows for one file");
    }
    throw new FileSystemException(path.toString(), null, "cannot allocate: " + Errno.text(errno));
  }

  private static long fillWithZeroes(Descriptor file, long sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeroes = arena.allocate(1 << 20, PAGE);
      for (long at = 0; at < sizeBytes; ) {
        long put = file.pwrite(at, zeroes.asSlice(0, Math.min(zeroes.byteSize(), sizeBytes - at)));
        if (put <= 0) {
          return put;
        }
        at += put;
      }
      return 0;
    }
  }

  private static Descriptor openFile(Path path, Access access) throws IOException {
    long handle = Posix.open(path.toString(), Posix.O_PATH, 0);
    if (handle < 0) {
      throw notOpened(path, access, (int) -handle);
    }
    try (Descriptor looked = new Descriptor((int) handle)) {
      FileStat stat = stat(path, looked);
      if (!stat.isRegular() && !stat.isBlockDevice()) {
        throw new MediaOpenException(
            path.toString(), Reason.NOT_A_FILE, "is not a regular file or block device: name one");
      }
      return openAgain(path, looked, stat, access);
    }
  }

  /** Opens what {@code handle} is open on, whatever stands at {@code path} by now. */
  static Descriptor openAgain(Path path, Descriptor handle, FileStat stat, Access access)
      throws IOException {
    return openAgain(path, handle, stat, access, 0);
  }

  /** As above, waiting for so long for somebody else's repair when it is opened to be written. */
  static Descriptor openAgain(
      Path path, Descriptor handle, FileStat stat, Access access, long patienceNanos)
      throws IOException {
    boolean write = access == Access.READ_WRITE;
    if (write && stat.isRegular() && !stat.hasWriteBit()) {
      throw readOnly(path); // root could, but somebody said that nobody should
    }
    int exclusive = write && stat.isBlockDevice() ? Posix.O_EXCL : 0; // refuses a mounted disk
    int flags = (write ? Posix.O_RDWR : Posix.O_RDONLY) | Posix.O_NOCTTY | exclusive;
    long fd = handle.call(open -> Posix.open("/proc/self/fd/" + open, flags, 0));
    if (fd < 0) {
      throw notOpened(path, access, (int) -fd);
    }
    Descriptor file = new Descriptor((int) fd);
    try {
      if (write) {
        lock(path, file, patienceNanos);
      }
      return file;
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  static FileStat stat(Path path, Descriptor file) throws IOException {
    return switch (FileStat.of(file)) {
      case FileStat.Found found -> found.stat();
      case FileStat.Failed failed -> throw notOpened(path, Access.READ_ONLY, failed.errno());
    };
  }

  private static void lock(Path path, Descriptor file) throws IOException {
    lock(path, file, 0);
  }

  /** As above, waiting for so long for a repair that somebody else is making. */
  static void lock(Path path, Descriptor file, long patienceNanos) throws IOException {
    long locked = lock(file, Posix.F_WRLCK, patienceNanos);
    if (isTaken(locked)) {
      throw locked(path);
    }
    if (locked < 0) {
      throw new FileSystemException(
          path.toString(), null, "cannot be locked: " + Errno.text((int) -locked));
    }
  }

  private static long lock(Descriptor file, short kind, long patienceNanos) {
    long end = System.nanoTime() + patienceNanos;
    boolean interrupted = false;
    try {
      while (true) {
        long locked = file.call(fd -> Posix.lock(fd, kind));
        if (!isTaken(locked) || System.nanoTime() - end >= 0) {
          return locked;
        }
        LockSupport.parkNanos(REPAIR_POLL_NANOS);
        interrupted |= Thread.interrupted(); // or it would not park any more
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static boolean isTaken(long locked) {
    return locked == -Posix.EAGAIN || locked == -Posix.EACCES;
  }

  /**
   * Something to be found out about a file.
   *
   * @param <T> what
   */
  @FunctionalInterface
  public interface Look<T> {
    /** Looks. */
    T look() throws IOException;
  }

  /**
   * Looks at a file while nobody repairs it ({@link Access#REPAIR}), in this process or another: a
   * repair changes the modification time for as long as it takes. Waits for one that is under way,
   * about a second at most; a lock that is held for longer is not a repair's, and is not waited
   * for.
   *
   * @throws MediaOpenException when the file cannot be opened to be read
   */
  public static <T> T whileNobodyRepairs(Path file, Look<T> look) throws IOException {
    try (Descriptor open = openFile(file, Access.READ_ONLY)) {
      lock(open, Posix.F_RDLCK, REPAIR_PATIENCE_NANOS);
      return look.look();
    }
  }

  /** The size and time of what {@code file} is open on, while nobody repairs it. */
  static MediaStamp stampOf(Path path, Descriptor file) throws IOException {
    FileStat stat = stat(path, file);
    try (Descriptor open = openAgain(path, file, stat, Access.READ_ONLY)) {
      lock(open, Posix.F_RDLCK, REPAIR_PATIENCE_NANOS);
      FileStat settled = stat(path, open);
      return new MediaStamp(settled.sizeBytes(), settled.modified().sinceEpochNanos());
    }
  }

  private static Media assemble(Path path, Descriptor file, MediaOptions options)
      throws IOException {
    FileStat stat = stat(path, file);
    long sizeBytes = stat.isBlockDevice() ? FileStat.blockDeviceSizeBytes(file) : stat.sizeBytes();
    if (sizeBytes < 0) {
      throw notOpened(path, options.access(), (int) -sizeBytes);
    }
    DrillList list = new DrillList(path, sizeBytes);
    return new MediaAssembly(path, file, stat, sizeBytes, options, list, list.load()).make();
  }

  static MediaOpenException locked(Path path) {
    return new MediaOpenException(
        path.toString(),
        Reason.LOCKED,
        "is in use by another process: stop it, or give it the command instead");
  }

  private static MediaOpenException readOnly(Path path) {
    return new MediaOpenException(
        path.toString(),
        Reason.READ_ONLY,
        "may not be written: change its mode or its mount, or open it read-only");
  }

  static MediaOpenException notOurs(Path path) {
    return new MediaOpenException(
        path.toString(),
        Reason.DENIED,
        "belongs to somebody else: it may be written, but not repaired, because only its owner can"
            + " keep its modification time; run this as its owner");
  }

  private static IOException notOpened(Path path, Access access, int errno) {
    String name = path.toString();
    return switch (errno) {
      case Posix.ENOENT, Posix.ENOTDIR, Posix.ELOOP, Posix.ENAMETOOLONG ->
          new MediaOpenException(name, Reason.MISSING, "no such file");
      case Posix.EEXIST ->
          new MediaOpenException(
              name, Reason.EXISTS, "exists already: choose another name, or open it instead");
      case Posix.EISDIR ->
          new MediaOpenException(name, Reason.NOT_A_FILE, "is a folder: name a file in it");
      case Posix.EROFS, Posix.EPERM -> readOnly(path);
      case Posix.EACCES ->
          access == Access.READ_WRITE && Files.isReadable(path)
              ? readOnly(path)
              : new MediaOpenException(
                  name, Reason.DENIED, "permission denied: check the modes along the path");
      case Posix.ETXTBSY, Posix.EBUSY -> locked(path);
      default -> new FileSystemException(name, null, "cannot be opened: " + Errno.text(errno));
    };
  }
}
