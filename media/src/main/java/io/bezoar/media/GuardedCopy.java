package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Copies between mapped and private memory that survive a bad page.
 *
 * <p><b>Invariant.</b> {@link #load} answers true only when every byte of {@code dst} was really
 * read; {@link #store} only when every byte was really stored.
 *
 * <p><b>Threat.</b> A load from poison raises SIGBUS. HotSpot turns it into an {@link
 * InternalError}, but in code compiled by C2 it does so late: the copy returns, the code after it
 * runs on whatever is in the destination, and the error appears at the next safepoint poll, in a
 * caller, outside the {@code try} that was meant to catch it.
 *
 * <p><b>Protocol.</b> Copy in bulk into private memory; then a <em>poll barrier</em>, a loop that
 * the compiler must keep with its safepoint poll because its bound is volatile, still inside the
 * {@code try}; only after it is anything looked at. The whole price is that loop (about 20 ns). It
 * is measured behaviour of one JVM, not a promise of any, so {@link GuardSelfTest} plants real
 * faults before mapped media is used.
 *
 * <p>Nothing but this class and its tests touches mapped memory. The methods are static and take
 * the mapped side in one fixed position, so that the copy inside keeps one type profile per side.
 */
final class GuardedCopy {
  /** Volatile, so that no compiler can know how often the barrier loops. */
  private static volatile int barrierRounds = 2;

  private static final int IOVEC_BYTES = 16;
  private static final int SALVAGE_PAGES = 256;

  private GuardedCopy() {}

  /**
   * Fills {@code dst} from {@code mapped} at {@code offset}.
   *
   * @return false when a fault arrived: the content of {@code dst} is then undefined
   */
  static boolean load(MemorySegment mapped, long offset, MemorySegment dst) {
    try {
      MemorySegment.copy(mapped, offset, dst, 0, dst.byteSize());
      for (int i = 0; i < barrierRounds; ) {
        i++;
      }
      return true;
    } catch (InternalError e) {
      return faulted(e);
    }
  }

  /** As {@link #load(MemorySegment, long, MemorySegment)}, into an array. */
  static boolean load(MemorySegment mapped, long offset, byte[] dst, int from, int length) {
    try {
      MemorySegment.copy(mapped, JAVA_BYTE, offset, dst, from, length);
      for (int i = 0; i < barrierRounds; ) {
        i++;
      }
      return true;
    } catch (InternalError e) {
      return faulted(e);
    }
  }

  /** Returns only after the fault of any load that this thread made before has been thrown. */
  static void barrier() {
    for (int i = 0; i < barrierRounds; ) {
      i++;
    }
  }

  /** True for the error by which the JVM reports a fault of mapped memory. */
  static boolean isFault(Throwable thrown) {
    return thrown instanceof InternalError e
        && e.getMessage() != null
        && e.getMessage().contains("unsafe memory access");
  }

  /**
   * Stores {@code src} into {@code mapped} at {@code offset}.
   *
   * @return false when a fault arrived: any part of {@code src} may have been stored
   */
  static boolean store(MemorySegment src, MemorySegment mapped, long offset) {
    try {
      MemorySegment.copy(src, 0, mapped, offset, src.byteSize());
      for (int i = 0; i < barrierRounds; ) {
        i++;
      }
      return true;
    } catch (InternalError e) {
      return faulted(e);
    }
  }

  private static boolean faulted(InternalError e) {
    if (!isFault(e)) {
      throw e; // an error of the JVM itself
    }
    return false;
  }

  /**
   * Brings out the bytes before the first bad page, without a load: the kernel copies them and
   * stops at the page that it cannot read.
   *
   * <p>The caller keeps {@code mapped} from being unmapped meanwhile.
   *
   * @return how many bytes from the start of {@code dst} are now good, exact to the page
   */
  static long salvage(MemorySegment mapped, long offset, MemorySegment dst) {
    long done = 0;
    try (Arena arena = Arena.ofConfined()) {
      long chunkBytes = Math.min(dst.byteSize(), (long) SALVAGE_PAGES * Units.PAGE_BYTES);
      MemorySegment buffer = arena.allocate(Math.max(1, chunkBytes), Units.PAGE_BYTES);
      MemorySegment local = arena.allocate(IOVEC_BYTES, 8);
      MemorySegment remote = arena.allocate((long) IOVEC_BYTES * (SALVAGE_PAGES + 1), 8);
      while (done < dst.byteSize()) {
        long want = Math.min(chunkBytes, dst.byteSize() - done);
        local.set(JAVA_LONG, 0, buffer.address());
        local.set(JAVA_LONG, 8, want);
        int count = pageVector(remote, mapped.address() + offset + done, want);
        long got = Math.max(0, Posix.processVmReadv(local, 1, remote, count));
        MemorySegment.copy(buffer, 0, dst, done, got);
        done += got;
        if (got < want) {
          return done;
        }
      }
    }
    return done;
  }

  /** One element per page: the system call promises not to split an element, nothing finer. */
  private static int pageVector(MemorySegment vector, long address, long lengthBytes) {
    int count = 0;
    long at = address;
    long end = address + lengthBytes;
    while (at < end) {
      long next = Math.min(end, (at & -Units.PAGE_BYTES) + Units.PAGE_BYTES);
      vector.set(JAVA_LONG, (long) count * IOVEC_BYTES, at);
      vector.set(JAVA_LONG, (long) count * IOVEC_BYTES + 8, next - at);
      at = next;
      count++;
    }
    return count;
  }
}
