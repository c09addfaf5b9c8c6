package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assumptions.abort;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Poison that the kernel itself keeps in the page table, as it does for memory that failed
 * (UFFDIO_POISON, Linux 6.6): a real SIGBUS, which no list of ours knows about.
 */
final class UserfaultPoison implements AutoCloseable {
  private static final long SYSCALL =
      System.getProperty("os.arch").equals("aarch64") ? 282 : 323; // userfaultfd
  private static final long USER_MODE_ONLY = 1;
  private static final long UFFDIO_API = 0xc018aa3fL;
  private static final long UFFDIO_REGISTER = 0xc020aa00L;
  private static final long UFFDIO_POISON = 0xc020aa08L;
  private static final long FEATURES = 1L << 14 | 1L << 12;
  private static final long REGISTER_WRITE_PROTECT = 2;
  private static final int MADV_DONTNEED = 4;

  private final int fd;
  private final Arena arena = Arena.ofConfined();

  /** Prepares {@code window} for {@link #strike}; skips the test where the kernel cannot. */
  @SuppressWarnings("restricted")
  UserfaultPoison(MemorySegment window) throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle syscall =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));
    fd = (int) syscall.invokeExact(SYSCALL, Posix.O_CLOEXEC | USER_MODE_ONLY);
    MemorySegment api = arena.allocate(24, 8);
    api.setAtIndex(JAVA_LONG, 0, 0xAA);
    api.setAtIndex(JAVA_LONG, 1, FEATURES);
    if (fd < 0 || Posix.ioctl(fd, UFFDIO_API, api) < 0) {
      System.err.println("SKIPPED: tests of poison in the page table: needs Linux 6.6");
      abort("no UFFDIO_POISON");
    }
    MemorySegment register = arena.allocate(32, 8);
    register.setAtIndex(JAVA_LONG, 0, window.address());
    register.setAtIndex(JAVA_LONG, 1, window.byteSize());
    register.setAtIndex(JAVA_LONG, 2, REGISTER_WRITE_PROTECT);
    check(Posix.ioctl(fd, UFFDIO_REGISTER, register));
  }

  /** Makes the page at {@code offset} of the window bad. */
  void strike(MemorySegment window, long offset) {
    long address = window.address() + offset;
    MemorySegment poison = arena.allocate(32, 8);
    long result = -Posix.EEXIST;
    for (int i = 0; i < 10 && result == -Posix.EEXIST; i++) {
      check(Posix.madvise(address, Units.PAGE_BYTES, MADV_DONTNEED));
      poison.setAtIndex(JAVA_LONG, 0, address);
      poison.setAtIndex(JAVA_LONG, 1, Units.PAGE_BYTES);
      result = Posix.ioctl(fd, UFFDIO_POISON, poison);
    }
    check(result);
  }

  private static void check(long result) {
    if (result < 0) {
      throw new AssertionError("userfaultfd: " + Errno.text((int) -result));
    }
  }

  @Override
  public void close() {
    Posix.close(fd);
    arena.close();
  }
}
