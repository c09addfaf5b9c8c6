package io.bezoar.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Lays pages over mapped memory by the bare system call: to make faults, and as a peer. */
final class BareMappings {
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_SHARED_FIXED = 0x11;
  private static final int MAP_PRIVATE_ANONYMOUS_FIXED = 0x32;

  private static final MethodHandle MMAP =
      function(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MEMFD_CREATE =
      function(
          "memfd_create",
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));

  /** One per process: a file that ends at its first byte. */
  private static final int EMPTY_FILE = makeEmpty();

  private BareMappings() {}

  /** Every touch of these mapped pages raises SIGBUS from now on. */
  static void layTrap(MemorySegment pages) throws IOException {
    if (EMPTY_FILE < 0) {
      throw new IOException("memfd_create failed");
    }
    map(pages, MAP_SHARED_FIXED, EMPTY_FILE);
  }

  /** These mapped pages are zeroes from now on. */
  static void layZeroes(MemorySegment pages) throws IOException {
    map(pages, MAP_PRIVATE_ANONYMOUS_FIXED, -1);
  }

  private static void map(MemorySegment pages, int flags, int fd) throws IOException {
    long result;
    try {
      result =
          (long)
              MMAP.invokeExact(pages.address(), pages.byteSize(), PROT_READ_WRITE, flags, fd, 0L);
    } catch (Throwable failed) {
      throw new IllegalStateException("mmap", failed);
    }
    if (result == -1) {
      throw new IOException("cannot lay pages: see vm.max_map_count");
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function(String name, FunctionDescriptor type) {
    SymbolLookup libc = Linker.nativeLinker().defaultLookup();
    return Linker.nativeLinker().downcallHandle(libc.findOrThrow(name), type);
  }

  private static int makeEmpty() {
    try (Arena scratch = Arena.ofConfined()) {
      return (int) MEMFD_CREATE.invokeExact(scratch.allocateFrom("bezoar-bench"), 0);
    } catch (Throwable failed) {
      throw new IllegalStateException("memfd_create", failed);
    }
  }
}
