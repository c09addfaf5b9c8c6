package io.bezoar.guard.sidecar;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/** Which rows and columns ranges of a file lie in. */
final class RowsOf {
  private RowsOf() {}

  /** The rows, as ranges of row numbers. */
  static ByteRanges pages(SidecarGeometry geometry, ByteRanges bytes) {
    long rows = geometry.rows();
    List<ByteRange> found = new ArrayList<>();
    for (ByteRange range : bytes.asList()) {
      long first = range.start() / Units.PAGE_BYTES;
      long end = Math.ceilDiv(range.end(), Units.PAGE_BYTES);
      if (end - first >= rows) {
        return ByteRanges.of(new ByteRange(0, rows));
      }
      long start = first % rows;
      long stop = start + end - first;
      found.add(new ByteRange(start, Math.min(stop, rows)));
      found.add(new ByteRange(0, Math.max(0, stop - rows)));
    }
    return ByteRanges.of(found);
  }

  /** The columns in which the row has a page that the bytes touch. */
  static BitSet columns(SidecarGeometry geometry, ByteRanges bytes, long row) {
    BitSet columns = new BitSet();
    for (int column = 0; column < geometry.columnsOf(row); column++) {
      long start = geometry.page(row, column) * Units.PAGE_BYTES;
      if (bytes.overlaps(ByteRange.ofLength(start, Units.PAGE_BYTES))) {
        columns.set(column);
      }
    }
    return columns;
  }
}
