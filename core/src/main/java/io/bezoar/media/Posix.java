package io.bezoar.media;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The system calls that media is made of, and nothing else: no policy, no exceptions.
 *
 * <p>Every method returns what the call returned when that is not negative, and {@code -errno} when
 * the call failed; {@link MediaErrors} is the one place that turns those into exceptions. A call
 * that a signal interrupted is made again, except close, which has released the descriptor by then.
 *
 * <p>Java's own channels are not used for I/O because an interrupt of the calling thread closes
 * them, and with them every lock and every error cursor of the file.
 */
final class Posix {
  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EINTR = 4;
  static final int EIO = 5;
  static final int ENXIO = 6;
  static final int EBADF = 9;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EBUSY = 16;
  static final int EEXIST = 17;
  static final int ENODEV = 19;
  static final int ENOTDIR = 20;
  static final int EISDIR = 21;
  static final int EINVAL = 22;
  static final int ENFILE = 23;
  static final int EMFILE = 24;
  static final int ETXTBSY = 26;
  static final int EFBIG = 27;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ENAMETOOLONG = 36;
  static final int ELOOP = 40;
  static final int ENODATA = 61;
  static final int ENOLINK = 67;
  static final int EBADMSG = 74;
  static final int EILSEQ = 84;
  static final int EOPNOTSUPP = 95;
  static final int ENOTCONN = 107;
  static final int ESHUTDOWN = 108;
  static final int ETIMEDOUT = 110;
  static final int ESTALE = 116;
  static final int EUCLEAN = 117;
  static final int EREMOTEIO = 121;
  static final int EDQUOT = 122;
  static final int ENOMEDIUM = 123;
  static final int EHWPOISON = 133;

  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int O_NOCTTY = 0x100;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  static final int O_PATH = 0x200000;
  // Two of the few numbers that differ between the processors that Linux runs on.
  static final int O_DIRECT = isArm() ? 0x10000 : 0x4000;
  static final int O_DIRECTORY = isArm() ? 0x4000 : 0x10000;

  static final int PROT_READ = 1;
  static final int PROT_WRITE = 2;
  static final int MAP_SHARED = 0x01;
  static final int MAP_SHARED_VALIDATE = 0x03;
  static final int MAP_FIXED = 0x10;
  static final int MAP_SYNC = 0x80000;

  static final int MADV_POPULATE_READ = 22;
  static final int FALLOC_FL_KEEP_SIZE = 1;
  static final int FALLOC_FL_PUNCH_HOLE = 2;
  static final int POSIX_FADV_DONTNEED = 4;
  static final int SEEK_END = 2;
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;

  private static final int MFD_CLOEXEC = 1;
  private static final int MFD_ALLOW_SEALING = 2;
  private static final int F_ADD_SEALS = 1033;
  private static final int F_SEAL_SEAL = 1;
  private static final int F_SEAL_GROW = 4;
  private static final int F_OFD_SETLK = 37;
  private static final short F_WRLCK = 1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");

  private static final MethodHandle OPEN =
      variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOSE = find("close", JAVA_INT, JAVA_INT);
  private static final MethodHandle UNLINK = find("unlink", JAVA_INT, ADDRESS);
  private static final MethodHandle PREAD =
      find("pread", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle PWRITE =
      find("pwrite", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle FDATASYNC = find("fdatasync", JAVA_INT, JAVA_INT);
  private static final MethodHandle FSYNC = find("fsync", JAVA_INT, JAVA_INT);
  private static final MethodHandle FALLOCATE =
      find("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle FTRUNCATE = find("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle LSEEK = find("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
  private static final MethodHandle FADVISE =
      find("posix_fadvise", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle STATX =
      find("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle FSTATFS = find("fstatfs", JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle MMAP =
      find("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = find("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle MADVISE =
      find("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle MEMFD_CREATE =
      find("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle IOCTL =
      variadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
  private static final MethodHandle FCNTL_LOCK =
      variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle FCNTL_INT =
      variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle PROCESS_VM_READV =
      find(
          "process_vm_readv",
          JAVA_LONG,
          JAVA_INT,
          ADDRESS,
          JAVA_LONG,
          ADDRESS,
          JAVA_LONG,
          JAVA_LONG);

  private static final int PID = (int) ProcessHandle.current().pid();

  /** Capture slots for errno; a thread borrows one for the length of a call. */
  private static final AtomicReferenceArray<MemorySegment> SLOTS = new AtomicReferenceArray<>(64);

  private Posix() {}

  /** One call; the segment receives errno. */
  private interface Call {
    long run(MemorySegment errno) throws Throwable;
  }

  static long open(String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      return retry(errno -> (int) OPEN.invokeExact(errno, name, flags | O_CLOEXEC, mode));
    }
  }

  static long close(int fd) {
    long result = once(errno -> (int) CLOSE.invokeExact(errno, fd));
    return result == -EINTR ? 0 : result;
  }

  static long unlink(String path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      return retry(errno -> (int) UNLINK.invokeExact(errno, name));
    }
  }

  static long pread(int fd, MemorySegment dst, long offset) {
    return retry(errno -> (long) PREAD.invokeExact(errno, fd, dst, dst.byteSize(), offset));
  }

  static long pwrite(int fd, MemorySegment src, long offset) {
    return retry(errno -> (long) PWRITE.invokeExact(errno, fd, src, src.byteSize(), offset));
  }

  /** Never repeated: the second answer would be success whatever happened. */
  static long fdatasync(int fd) {
    return once(errno -> (int) FDATASYNC.invokeExact(errno, fd));
  }

  static long fsync(int fd) {
    return once(errno -> (int) FSYNC.invokeExact(errno, fd));
  }

  static long fallocate(int fd, int mode, long offset, long lengthBytes) {
    return retry(errno -> (int) FALLOCATE.invokeExact(errno, fd, mode, offset, lengthBytes));
  }

  static long ftruncate(int fd, long sizeBytes) {
    return retry(errno -> (int) FTRUNCATE.invokeExact(errno, fd, sizeBytes));
  }

  static long lseek(int fd, long offset, int whence) {
    return retry(errno -> (long) LSEEK.invokeExact(errno, fd, offset, whence));
  }

  /** Returns its error instead of setting errno, unlike the others. */
  static long fadvise(int fd, long offset, long lengthBytes, int advice) {
    return -once(errno -> (int) FADVISE.invokeExact(errno, fd, offset, lengthBytes, advice));
  }

  static long statx(int fd, MemorySegment result) {
    return retry(
        errno ->
            (int)
                STATX.invokeExact(
                    errno, fd, EMPTY_PATH, FileStat.AT_EMPTY_PATH, FileStat.MASK, result));
  }

  static long fstatfs(int fd, MemorySegment result) {
    return retry(errno -> (int) FSTATFS.invokeExact(errno, fd, result));
  }

  static long mmap(long address, long lengthBytes, int prot, int flags, int fd, long offset) {
    return retry(
        errno -> (long) MMAP.invokeExact(errno, address, lengthBytes, prot, flags, fd, offset));
  }

  static long munmap(long address, long lengthBytes) {
    return retry(errno -> (int) MUNMAP.invokeExact(errno, address, lengthBytes));
  }

  static long madvise(long address, long lengthBytes, int advice) {
    return retry(errno -> (int) MADVISE.invokeExact(errno, address, lengthBytes, advice));
  }

  static long ioctl(int fd, long request, MemorySegment argument) {
    return retry(errno -> (int) IOCTL.invokeExact(errno, fd, request, argument));
  }

  /**
   * A memfd of {@code sizeBytes} bytes that can never grow, so that a page mapped beyond its end
   * raises SIGBUS for as long as it is mapped.
   */
  static long memfd(String name, long sizeBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment label = arena.allocateFrom(name);
      int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
      long fd = retry(errno -> (int) MEMFD_CREATE.invokeExact(errno, label, flags));
      if (fd < 0) {
        return fd;
      }
      long sized = ftruncate((int) fd, sizeBytes);
      long done = sized < 0 ? sized : seal((int) fd);
      if (done < 0) {
        close((int) fd);
        return done;
      }
      return fd;
    }
  }

  private static long seal(int fd) {
    int seals = F_SEAL_GROW | F_SEAL_SEAL;
    return retry(errno -> (int) FCNTL_INT.invokeExact(errno, fd, F_ADD_SEALS, seals));
  }

  /**
   * The exclusive lock of the whole file, owned by the open file description: unlike a POSIX lock
   * it is not dropped when another descriptor of the file is closed. Does not wait.
   */
  static long lockExclusive(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = arena.allocate(32, 8); // whole file: whence, start, length, pid are 0
      flock.set(java.lang.foreign.ValueLayout.JAVA_SHORT, 0, F_WRLCK);
      return retry(errno -> (int) FCNTL_LOCK.invokeExact(errno, fd, F_OFD_SETLK, flock));
    }
  }

  /** Copies from this process's own address space without a load: a bad page is a short count. */
  static long processVmReadv(
      MemorySegment localVector, long localCount, MemorySegment remoteVector, long remoteCount) {
    return retry(
        errno ->
            (long)
                PROCESS_VM_READV.invokeExact(
                    errno, PID, localVector, localCount, remoteVector, remoteCount, 0L));
  }

  private static final MemorySegment EMPTY_PATH = Arena.global().allocateFrom("");

  private static long retry(Call call) {
    while (true) {
      long result = once(call);
      if (result != -EINTR) {
        return result;
      }
    }
  }

  private static long once(Call call) {
    int slot = (int) Thread.currentThread().threadId() & (SLOTS.length() - 1);
    MemorySegment borrowed = SLOTS.getAndSet(slot, null);
    MemorySegment errno = borrowed != null ? borrowed : Arena.ofAuto().allocate(JAVA_INT);
    try {
      long result = call.run(errno);
      return result >= 0 ? result : -errno.get(JAVA_INT, 0);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing checked", e);
    } finally {
      SLOTS.set(slot, errno);
    }
  }

  @SuppressWarnings("restricted") // the module is named in --enable-native-access
  private static MethodHandle find(String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(address(name), FunctionDescriptor.of(result, arguments), ERRNO);
  }

  @SuppressWarnings("restricted")
  private static MethodHandle variadic(
      String name, int firstVariadic, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        address(name),
        FunctionDescriptor.of(result, arguments),
        ERRNO,
        Linker.Option.firstVariadicArg(firstVariadic));
  }

  private static MemorySegment address(String name) {
    return LINKER
        .defaultLookup()
        .find(name)
        .orElseThrow(
            () ->
                new UnsupportedOperationException(
                    "this system has no " + name + "(): Bezoar needs 64-bit Linux"));
  }

  private static boolean isArm() {
    return System.getProperty("os.arch", "").equals("aarch64");
  }
}
