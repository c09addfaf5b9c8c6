package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/** Pages of the device to and from arrays, through private native memory. Thread-safe. */
final class PageIo {
  /** Most pages written at once. */
  static final int RUN_PAGES = 64;

  private final DaxDevice device;
  private final ConcurrentLinkedDeque<MemorySegment> idle = new ConcurrentLinkedDeque<>();
  private final ConcurrentLinkedDeque<MemorySegment> idleRuns = new ConcurrentLinkedDeque<>();

  PageIo(DaxDevice device) {
    this.device = device;
  }

  /** Reads one page. */
  byte[] read(long address) throws IOException {
    MemorySegment buffer = take(idle, 1);
    try {
      device.read(address, buffer);
      return buffer.toArray(ValueLayout.JAVA_BYTE);
    } finally {
      idle.addFirst(buffer);
    }
  }

  /**
   * Reads one page past every cache.
   *
   * @return null when not every byte of it can be had
   */
  byte @Nullable [] readPastCache(long address) throws IOException {
    MemorySegment buffer = take(idle, 1);
    try {
      for (RecoveryRead.Run run : device.recoveryRead(address, buffer).runs()) {
        if (run instanceof RecoveryRead.Hole || run instanceof RecoveryRead.Absent) {
          return null;
        }
      }
      return buffer.toArray(ValueLayout.JAVA_BYTE);
    } finally {
      idle.addFirst(buffer);
    }
  }

  /**
   * Reads pages past every cache, neighbours in one go.
   *
   * @param addresses ascending
   * @return null for a page that not every byte of can be had, or that it has to be asked for alone
   */
  byte[] @Nullable [] readPastCache(long[] addresses) throws IOException {
    byte[] @Nullable [] pages = new byte[addresses.length][];
    MemorySegment buffer = take(idleRuns, RUN_PAGES);
    try {
      for (int from = 0; from < addresses.length; ) {
        int to = runFrom(addresses, from);
        readRun(addresses[from], buffer.asSlice(0, pages(to - from)), pages, from);
        from = to;
      }
      return pages;
    } finally {
      idleRuns.addFirst(buffer);
    }
  }

  private void readRun(long address, MemorySegment run, byte[] @Nullable [] pages, int first)
      throws IOException {
    List<RecoveryRead.Run> runs;
    try {
      runs = device.recoveryRead(address, run).runs();
    } catch (DeviceUnavailableException partly) {
      return;
    }
    int count = (int) (run.byteSize() / PAGE_BYTES);
    for (int i = 0; i < count; i++) {
      pages[first + i] = run.asSlice(pages(i), PAGE_BYTES).toArray(ValueLayout.JAVA_BYTE);
    }
    for (RecoveryRead.Run part : runs) {
      if (part instanceof RecoveryRead.Hole || part instanceof RecoveryRead.Absent) {
        ByteRange bad = part.range().alignOutward(PAGE_BYTES);
        int from = (int) ((bad.start() - address) / PAGE_BYTES);
        int to = (int) ((bad.end() - address) / PAGE_BYTES);
        Arrays.fill(pages, first + from, first + to, null);
      }
    }
  }

  /** Where the run of neighbours ends that begins at {@code from}. */
  private static int runFrom(long[] addresses, int from) {
    int to = from + 1;
    while (to < addresses.length
        && to - from < RUN_PAGES
        && addresses[to] == addresses[from] + pages(to - from)) {
      to++;
    }
    return to;
  }

  /** Stores one page over whatever is there, durably; false when the media does not take it. */
  boolean replace(long address, byte[] page) throws IOException {
    MemorySegment buffer = take(idle, 1);
    try {
      buffer.copyFrom(MemorySegment.ofArray(page));
      RecoveryWrite written = device.recoveryWrite(address, buffer);
      return written.complete();
    } finally {
      idle.addFirst(buffer);
    }
  }

  /** The image that belongs at an address; looked at before the next one is asked for. */
  interface Images {
    byte[] image(int index);
  }

  /**
   * Stores pages, neighbours together.
   *
   * @param addresses where they go, best ascending
   * @return the indices of those that the media does not take
   */
  BitSet write(long[] addresses, Images images) throws IOException {
    BitSet refused = new BitSet();
    MemorySegment buffer = take(idleRuns, RUN_PAGES);
    try {
      int from = 0;
      while (from < addresses.length) {
        int to = runFrom(addresses, from);
        for (int i = from; i < to; i++) {
          MemorySegment.copy(
              images.image(i), 0, buffer, ValueLayout.JAVA_BYTE, pages(i - from), PAGE_BYTES);
        }
        try {
          device.write(addresses[from], buffer.asSlice(0, pages(to - from)));
        } catch (PoisonedRangeException struck) {
          // Went bad since it was chosen: clear it, page by page.
          for (int i = from; i < to; i++) {
            MemorySegment page = buffer.asSlice(pages(i - from), PAGE_BYTES);
            if (!device.recoveryWrite(addresses[i], page).complete()) {
              refused.set(i);
            }
          }
        }
        from = to;
      }
      return refused;
    } finally {
      idleRuns.addFirst(buffer);
    }
  }

  static ByteRange pageAt(long address) {
    return ByteRange.ofLength(address, PAGE_BYTES);
  }

  static List<ByteRange> pagesAt(Ref ref) {
    List<ByteRange> both = new ArrayList<>();
    both.add(pageAt(ref.address()));
    both.add(pageAt(ref.twin()));
    return both;
  }

  private static long pages(int count) {
    return (long) count * PAGE_BYTES;
  }

  private static MemorySegment take(ConcurrentLinkedDeque<MemorySegment> from, int pages) {
    MemorySegment buffer = from.pollFirst();
    return buffer != null ? buffer : Arena.ofAuto().allocate(pages(pages), PAGE_BYTES);
  }
}
