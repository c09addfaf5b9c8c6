package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Media;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads every page of a file and of its sidecar once, and compares them with their checksums.
 *
 * @param unreadable what of the file cannot be read
 * @param different what of the file can be read and has another checksum
 * @param unknown what of the file has no checksum, because both copies of it are bad
 * @param badSidecar what of the sidecar is bad, in its own bytes
 */
record Survey(
    ByteRanges unreadable, ByteRanges different, ByteRanges unknown, ByteRanges badSidecar) {

  /** Read at once: so much stays in the second-level cache until its checksum is taken. */
  private static final int PIECE_PAGES = 32;

  /** What is wrong with the file, by whatever sign. */
  ByteRanges bad() {
    return unreadable.union(different);
  }

  static Survey of(Sidecar sidecar, Media file, Progress progress)
      throws IOException, InterruptedException {
    SidecarGeometry geometry = sidecar.geometry();
    Notebook notebook = new Notebook();
    checkHeads(sidecar, notebook);
    long filePieces = Math.ceilDiv(geometry.pages(), PIECE_PAGES);
    long parityPieces = Math.ceilDiv(geometry.parityPages(), PIECE_PAGES);
    long bytes = geometry.fileSizeBytes() + geometry.parityPages() * PAGE_BYTES;
    Workers.run(
        filePieces + parityPieces,
        bytes,
        progress,
        () -> new Reader(sidecar, new PageSource(file, geometry), filePieces, notebook));
    return notebook.survey();
  }

  /** Headers and checksums: a thousandth of the file, twice. */
  private static void checkHeads(Sidecar sidecar, Notebook notebook) throws IOException {
    SidecarLayout layout = sidecar.layout();
    Headers headers = new Headers(sidecar.path(), sidecar.bytes());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PAGE_BYTES, Long.BYTES);
      if (sidecar.note().pages().isEmpty()) { // then nothing belongs behind it
        long end = Math.max(layout.sizeBytes(), sidecar.bytes().sizeBytes());
        notebook.badSidecar(new ByteRange(layout.sizeBytes(), end));
      }
      MemorySegment padding = buffer.asSlice(0, layout.padding().length());
      if (!sidecar.bytes().read(layout.padding().start(), padding)
          || !SidecarLayout.isZero(padding, 0, padding.byteSize())) {
        notebook.badSidecar(layout.padding());
      }
      for (Copy copy : Copy.values()) {
        if (!headers.isGood(copy, sidecar.header())) {
          notebook.badSidecar(
              ByteRange.ofLength(layout.headerOffset(copy), SidecarLayout.HEADER_BYTES));
        }
        for (long block = 0; block < layout.blocks(); block++) {
          if (!sidecar.table().isGood(copy, block, buffer)) {
            notebook.badSidecar(layout.blockRange(copy, block));
          }
        }
      }
    }
  }

  /** What the threads found. */
  private static final class Notebook {
    // All guarded by this.
    private final List<ByteRange> unreadable = new ArrayList<>();
    private final List<ByteRange> different = new ArrayList<>();
    private final List<ByteRange> unknown = new ArrayList<>();
    private final List<ByteRange> badSidecar = new ArrayList<>();

    /** When neighbours that different threads found are joined. */
    private int settleAt = 1 << 16;

    synchronized void unreadable(ByteRange range) {
      append(unreadable, range);
    }

    synchronized void different(ByteRange range) {
      append(different, range);
    }

    synchronized void unknown(ByteRange range) {
      append(unknown, range);
    }

    synchronized void badSidecar(ByteRange range) {
      append(badSidecar, range);
    }

    /** Runs are kept as one range, or a file that was rewritten would fill the heap. */
    private void append(List<ByteRange> ranges, ByteRange range) {
      if (!ranges.isEmpty() && ranges.getLast().end() == range.start()) {
        ranges.add(ranges.removeLast().span(range));
        return;
      }
      ranges.add(range);
      if (ranges.size() >= settleAt) {
        List<ByteRange> settled = ByteRanges.of(ranges).asList();
        ranges.clear();
        ranges.addAll(settled);
        settleAt = Math.max(settleAt, 2 * settled.size());
      }
    }

    synchronized Survey survey() {
      return new Survey(
          ByteRanges.of(unreadable),
          ByteRanges.of(different),
          ByteRanges.of(unknown),
          ByteRanges.of(badSidecar));
    }
  }

  /** One thread's part. */
  private static final class Reader implements Workers.Hand {
    private final Sidecar sidecar;
    private final SidecarGeometry geometry;
    private final SidecarLayout layout;
    private final PageSource file;
    private final long filePieces;
    private final Notebook notebook;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer =
        arena.allocate((long) PIECE_PAGES * PAGE_BYTES, PAGE_BYTES);
    private final PageChecksum checksum = new PageChecksum(buffer);

    Reader(Sidecar sidecar, PageSource file, long filePieces, Notebook notebook) {
      this.sidecar = sidecar;
      this.geometry = sidecar.geometry();
      this.layout = sidecar.layout();
      this.file = file;
      this.filePieces = filePieces;
      this.notebook = notebook;
    }

    @Override
    public long piece(long index) throws IOException {
      return index < filePieces
          ? filePages(index * PIECE_PAGES)
          : parityPages((index - filePieces) * PIECE_PAGES);
    }

    private long filePages(long first) throws IOException {
      int count = (int) Math.min(PIECE_PAGES, geometry.pages() - first);
      if (file.readAll(first, count, buffer)) {
        for (int i = 0; i < count; i++) {
          compare(first + i, i * PAGE_BYTES);
        }
      } else {
        for (int i = 0; i < count; i++) {
          if (file.read(first + i, buffer.asSlice(0, PAGE_BYTES))) {
            compare(first + i, 0);
          } else {
            notebook.unreadable(sidecar.rangeOf(first + i));
          }
        }
      }
      return (long) count * PAGE_BYTES;
    }

    private void compare(long page, int at) throws IOException {
      long expected = sidecar.table().get(page);
      if (expected == ChecksumTable.UNKNOWN) {
        notebook.unknown(sidecar.rangeOf(page));
      } else if (expected != checksum.of(at)) {
        notebook.different(sidecar.rangeOf(page));
      }
    }

    private long parityPages(long first) throws IOException {
      int count = (int) Math.min(PIECE_PAGES, geometry.parityPages() - first);
      long offset = layout.parityOffset() + first * PAGE_BYTES;
      MemorySegment all = buffer.asSlice(0, (long) count * PAGE_BYTES);
      boolean whole = sidecar.bytes().read(offset, all);
      for (int i = 0; i < count; i++) {
        long at = offset + (long) i * PAGE_BYTES;
        boolean read =
            whole || sidecar.bytes().read(at, buffer.asSlice((long) i * PAGE_BYTES, PAGE_BYTES));
        long expected = sidecar.table().get(geometry.pages() + first + i);
        if (!read
            || (expected != ChecksumTable.UNKNOWN && expected != checksum.of(i * PAGE_BYTES))) {
          notebook.badSidecar(ByteRange.ofLength(at, PAGE_BYTES));
        }
      }
      return (long) count * PAGE_BYTES;
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
