package io.bezoar.target;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads both journals after an open: the newest head, and every record from there on that at least
 * one journal holds whole. The first record that neither holds was being written when the power
 * went: nothing of it, nor of any after it, is in place.
 */
final class JournalScan {
  private static final int PAGE = Units.PAGE_BYTES;

  /**
   * One record, with the images that verify.
   *
   * @param header the header, from whichever journal has it
   * @param data new data pages, null where no journal has the image (empty for MARK_LOST)
   * @param parity new parity pages, null where journal B has not got the image
   * @param inBoth true when both journals hold it whole
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared, never handed on to be changed.
  record Found(
      JournalLayout.Header header,
      @Nullable MemorySegment[] data,
      @Nullable MemorySegment[] parity,
      boolean inBoth) {}

  private final Geometry geometry;
  private final MemorySegment a;
  private final MemorySegment b;
  private final JournalLayout.Head head;
  private final List<Found> records = new ArrayList<>();

  JournalScan(Geometry geometry, ChildIo child, Arena arena) throws IOException {
    this.geometry = geometry;
    long bytes = geometry.journalPages() * PAGE;
    a = arena.allocate(bytes, PAGE);
    b = arena.allocate(bytes, PAGE);
    child.reread(geometry.journalStart(0), a);
    child.reread(geometry.journalStart(1), b);
    head = newestHead(child);
    scan();
  }

  JournalLayout.Head head() {
    return head;
  }

  List<Found> records() {
    return records;
  }

  private JournalLayout.Head newestHead(ChildIo child) throws DeviceUnavailableException {
    JournalLayout.Head newest = null;
    for (int journal = 0; journal < 2; journal++) {
      for (int slot = 0; slot < 2; slot++) {
        MemorySegment bytes =
            (journal == 0 ? a : b)
                .asSlice((long) slot * JournalLayout.SLOT_STRIDE, JournalLayout.HEADER_BYTES);
        JournalLayout.Head found = JournalLayout.decodeHead(bytes, geometry.journalStart(journal));
        if (found != null && (newest == null || found.generation() > newest.generation())) {
          newest = found;
        }
      }
    }
    if (newest == null) {
      throw new DeviceUnavailableException(
          child.device().info().name(),
          DeviceState.FOREIGN,
          "no journal head at "
              + geometry.journalStart(0)
              + " or "
              + geometry.journalStart(1)
              + " verifies: this is not a protected target, or both copies are destroyed",
          null);
    }
    return newest;
  }

  private void scan() {
    long atA = PAGE;
    long atB = PAGE;
    for (long sequence = head.firstSequence(); ; sequence++) {
      JournalLayout.Header inA = header(a, atA, sequence);
      JournalLayout.Header inB = header(b, atB, sequence);
      JournalLayout.Header header = inB != null ? inB : inA;
      if (header == null
          || !fitsIn(a, atA, header.pagesInA())
          || !fitsIn(b, atB, header.pagesInB())) {
        return;
      }
      Found found = collect(header, inA != null, atA, inB != null, atB);
      if (found == null) {
        return;
      }
      records.add(found);
      atA += (long) header.pagesInA() * PAGE;
      atB += (long) header.pagesInB() * PAGE;
    }
  }

  private static boolean fitsIn(MemorySegment journal, long at, int pages) {
    return at + (long) pages * PAGE <= journal.byteSize();
  }

  private JournalLayout.@Nullable Header header(MemorySegment journal, long at, long sequence) {
    return fitsIn(journal, at, 1)
        ? JournalLayout.decodeRecord(journal.asSlice(at, PAGE), head.formatId(), sequence)
        : null;
  }

  /** Null when neither journal holds the record whole. */
  private @Nullable Found collect(
      JournalLayout.Header header, boolean headerInA, long atA, boolean headerInB, long atB) {
    int n = header.dataImages();
    @Nullable MemorySegment[] data = new @Nullable MemorySegment[n];
    @Nullable MemorySegment[] parity = new @Nullable MemorySegment[header.parityImages()];
    boolean wholeA = headerInA;
    boolean wholeB = headerInB;
    for (int i = 0; i < n; i++) {
      data[i] = image(a, atA + (1L + i) * PAGE, header.dataSums()[i]);
      wholeA &= data[i] != null;
    }
    for (int i = 0; i < parity.length; i++) {
      parity[i] = image(b, atB + (1L + i) * PAGE, header.paritySums()[i]);
      wholeB &= parity[i] != null;
    }
    for (int i = 0; i < n; i++) {
      MemorySegment second = image(b, atB + (1L + parity.length + i) * PAGE, header.dataSums()[i]);
      wholeB &= second != null;
      data[i] = data[i] != null ? data[i] : second;
    }
    return wholeA || wholeB ? new Found(header, data, parity, wholeA && wholeB) : null;
  }

  private static @Nullable MemorySegment image(MemorySegment journal, long at, int sum) {
    MemorySegment page = journal.asSlice(at, PAGE);
    return PageCrc.of(page) == sum ? page : null;
  }
}
