package io.bezoar.media;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

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
 * the call failed; {@link FileMedia} is the one place that turns those into exceptions. A call that
 * a signal interrupted is made again, except close, which has released the descriptor by then.
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
  static final int MAP_PRIVATE = 0x02;
  static final int MAP_SHARED_VALIDATE = 0x03;
  static final int MAP_FIXED = 0x10;
  static final int MAP_ANONYMOUS = 0x20;
  static final int MAP_SYNC = 0x80000;

  static final int MADV_WILLNEED = 3;
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
  static final short F_RDLCK = 0;
  static final short F_WRLCK = 1;

  private static final Linker LINKER = Linker.nativeLinker();

  // Three shapes of call serve every function, because making one costs the JVM ten milliseconds of
  // start-up. On the processors that Bezoar runs on, up to six whole numbers and addresses travel
  // in
  // registers, a callee ignores those it does not name and the upper half of those it takes as int.
  private static final MethodHandle TO_INT = numbers(JAVA_INT);
  private static final MethodHandle TO_LONG = numbers(JAVA_LONG);

  // Callers' buffers are passed as segments, so that their arena cannot be closed under the call.
  private static final MethodHandle BUFFER =
      shape(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

  private static final MemorySegment OPEN = find("open");
  private static final MemorySegment CLOSE = find("close");
  private static final MemorySegment UNLINK = find("unlink");
  private static final MemorySegment PREAD = find("pread");
  private static final MemorySegment PWRITE = find("pwrite");
  private static final MemorySegment FDATASYNC = find("fdatasync");
  private static final MemorySegment FSYNC = find("fsync");
  private static final MemorySegment FALLOCATE = find("fallocate");
  private static final MemorySegment FTRUNCATE = find("ftruncate");
  private static final MemorySegment LSEEK = find("lseek");
  private static final MemorySegment FADVISE = find("posix_fadvise");
  private static final MemorySegment STATX = find("statx");
  private static final MemorySegment FSTATFS = find("fstatfs");
  private static final MemorySegment FUTIMENS = find("futimens");
  private static final MemorySegment MMAP = find("mmap");
  private static final MemorySegment MADVISE = find("madvise");
  private static final MemorySegment MEMFD_CREATE = find("memfd_create");
  private static final MemorySegment IOCTL = find("ioctl");
  private static final MemorySegment FCNTL = find("fcntl");
  private static final MemorySegment PROCESS_VM_READV = find("process_vm_readv");

  private static final int PID = (int) ProcessHandle.current().pid();

  /** Capture slots for errno; a thread borrows one for the length of a call. */
  private static final AtomicReferenceArray<MemorySegment> SLOTS = new AtomicReferenceArray<>(64);

  private static final MemorySegment EMPTY_PATH = Arena.global().allocateFrom("");

  private Posix() {}

  static long open(String path, int flags, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      return number(OPEN, arena.allocateFrom(path).address(), flags | O_CLOEXEC, mode);
    }
  }

  static long close(int fd) {
    long result = once(CLOSE, fd, 0, 0, 0, 0);
    return result == -EINTR ? 0 : result;
  }

  static long unlink(String path) {
    try (Arena arena = Arena.ofConfined()) {
      return number(UNLINK, arena.allocateFrom(path).address(), 0, 0);
    }
  }

  static long pread(int fd, MemorySegment dst, long offset) {
    return transfer(PREAD, fd, dst, offset);
  }

  static long pwrite(int fd, MemorySegment src, long offset) {
    return transfer(PWRITE, fd, src, offset);
  }

  /** Never repeated: the second answer would be success whatever happened. */
  static long fdatasync(int fd) {
    return once(FDATASYNC, fd, 0, 0, 0, 0);
  }

  static long fsync(int fd) {
    return once(FSYNC, fd, 0, 0, 0, 0);
  }

  static long fallocate(int fd, int mode, long offset, long lengthBytes) {
    return number(FALLOCATE, fd, mode, offset, lengthBytes, 0);
  }

  static long ftruncate(int fd, long sizeBytes) {
    return number(FTRUNCATE, fd, sizeBytes, 0);
  }

  static long lseek(int fd, long offset, int whence) {
    return wide(LSEEK, fd, offset, whence, 0, 0, 0);
  }

  /** Returns its error instead of setting errno, unlike the others. */
  static long fadvise(int fd, long offset, long lengthBytes, int advice) {
    return -number(FADVISE, fd, offset, lengthBytes, advice, 0);
  }

  static long statx(int fd, MemorySegment result) {
    return number(
        STATX, fd, EMPTY_PATH.address(), FileStat.AT_EMPTY_PATH, FileStat.MASK, result.address());
  }

  static long fstatfs(int fd, MemorySegment result) {
    return number(FSTATFS, fd, result.address(), 0);
  }

  static long futimens(int fd, MemorySegment times) {
    return number(FUTIMENS, fd, times.address(), 0);
  }

  static long mmap(long address, long lengthBytes, int prot, int flags, int fd, long offset) {
    return wide(MMAP, address, lengthBytes, prot, flags, fd, offset);
  }

  static long madvise(long address, long lengthBytes, int advice) {
    return number(MADVISE, address, lengthBytes, advice);
  }

  static long ioctl(int fd, long request, MemorySegment argument) {
    return number(IOCTL, fd, request, argument.address());
  }

  /**
   * A memfd of {@code sizeBytes} bytes that can never grow, so that a page mapped beyond its end
   * raises SIGBUS for as long as it is mapped.
   */
  static long memfd(String name, long sizeBytes) {
    long fd;
    try (Arena arena = Arena.ofConfined()) {
      long label = arena.allocateFrom(name).address();
      fd = number(MEMFD_CREATE, label, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0);
    }
    if (fd < 0) {
      return fd;
    }
    long sized = ftruncate((int) fd, sizeBytes);
    long done = sized < 0 ? sized : number(FCNTL, fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL);
    if (done < 0) {
      close((int) fd);
      return done;
    }
    return fd;
  }

  /**
   * A lock of the whole file, exclusive ({@link #F_WRLCK}) or shared ({@link #F_RDLCK}), owned by
   * the open file description: unlike a POSIX lock it is not dropped when another descriptor of the
   * file is closed. Does not wait.
   */
  static long lock(int fd, short kind) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = arena.allocate(32, 8); // whole file: whence, start, length, pid are 0
      flock.set(JAVA_SHORT, 0, kind);
      return number(FCNTL, fd, F_OFD_SETLK, flock.address());
    }
  }

  /** Copies from this process's own address space without a load: a bad page is a short count. */
  static long processVmReadv(
      MemorySegment localVector, long localCount, MemorySegment remoteVector, long remoteCount) {
    return wide(
        PROCESS_VM_READV,
        PID,
        localVector.address(),
        localCount,
        remoteVector.address(),
        remoteCount,
        0);
  }

  private static long number(MemorySegment function, long a, long b, long c) {
    return number(function, a, b, c, 0, 0);
  }

  private static long number(MemorySegment function, long a, long b, long c, long d, long e) {
    while (true) {
      long result = once(function, a, b, c, d, e);
      if (result != -EINTR) {
        return result;
      }
    }
  }

  /** A call that returns an int. */
  private static long once(MemorySegment function, long a, long b, long c, long d, long e) {
    int slot = slot();
    MemorySegment errno = borrow(slot);
    try {
      int result = (int) TO_INT.invokeExact(function, errno, a, b, c, d, e, 0L);
      return result >= 0 ? result : -errno.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw unexpected(t);
    } finally {
      SLOTS.set(slot, errno);
    }
  }

  /** A call that returns a count, an offset or an address. */
  private static long wide(MemorySegment function, long a, long b, long c, long d, long e, long f) {
    int slot = slot();
    MemorySegment errno = borrow(slot);
    try {
      while (true) {
        long result = (long) TO_LONG.invokeExact(function, errno, a, b, c, d, e, f);
        if (result >= 0) {
          return result;
        }
        int error = errno.get(JAVA_INT, 0);
        if (error != EINTR) {
          return -error;
        }
      }
    } catch (Throwable t) {
      throw unexpected(t);
    } finally {
      SLOTS.set(slot, errno);
    }
  }

  private static long transfer(MemorySegment function, int fd, MemorySegment buffer, long offset) {
    int slot = slot();
    MemorySegment errno = borrow(slot);
    try {
      while (true) {
        long moved =
            (long) BUFFER.invokeExact(function, errno, fd, buffer, buffer.byteSize(), offset);
        if (moved >= 0) {
          return moved;
        }
        int error = errno.get(JAVA_INT, 0);
        if (error != EINTR) {
          return -error;
        }
      }
    } catch (Throwable t) {
      throw unexpected(t);
    } finally {
      SLOTS.set(slot, errno);
    }
  }

  private static int slot() {
    return (int) Thread.currentThread().threadId() & (SLOTS.length() - 1);
  }

  private static MemorySegment borrow(int slot) {
    MemorySegment borrowed = SLOTS.getAndSet(slot, null);
    return borrowed != null ? borrowed : Arena.ofAuto().allocate(JAVA_INT);
  }

  private static RuntimeException unexpected(Throwable thrown) {
    switch (thrown) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new AssertionError("a downcall throws nothing checked", thrown);
    }
  }

  @SuppressWarnings("restricted") // the module is named in --enable-native-access
  private static MethodHandle shape(MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        FunctionDescriptor.of(result, arguments), Linker.Option.captureCallState("errno"));
  }

  private static MethodHandle numbers(MemoryLayout result) {
    return shape(result, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  }

  private static MemorySegment find(String name) {
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
