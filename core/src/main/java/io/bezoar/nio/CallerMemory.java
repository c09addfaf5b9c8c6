package io.bezoar.nio;

import io.bezoar.media.Window;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Memory of whoever calls: on the heap, native, or a mapped file.
 *
 * <p>Mapped memory may have bad pages, and the error of a bad load comes late, after invented bytes
 * were used. So none of it is given to a device; it is copied, and the copy is looked at only when
 * the error would have come. Not a byte that was not loaded is stored.
 */
final class CallerMemory {
  private CallerMemory() {}

  /**
   * Copies from a caller's memory, or to it.
   *
   * @param from as long as {@code to}
   * @throws IOException when it is mapped, and part of it cannot be loaded or stored
   */
  static void copy(MemorySegment from, MemorySegment to) throws IOException {
    try {
      to.copyFrom(from);
      if (from.isMapped() || to.isMapped()) {
        Window.barrier();
      }
    } catch (InternalError e) {
      if (!Window.isFault(e)) {
        throw e;
      }
      throw new IOException(
          "the buffer is mapped memory that cannot be reached: look after the file it is of", e);
    }
  }
}
