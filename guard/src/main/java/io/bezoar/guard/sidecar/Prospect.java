package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Which bad pages can be computed anew, told without doing it: those of rows that have at least as
 * many good parity pages as bad data pages. That is exact, because the code is MDS.
 *
 * @param repairable bytes of the file
 * @param lost bytes of the file
 */
record Prospect(ByteRanges repairable, ByteRanges lost) {

  static Prospect of(Sidecar sidecar, ByteRanges bad, ByteRanges badSidecar) throws IOException {
    SidecarGeometry geometry = sidecar.geometry();
    List<ByteRange> lost = new ArrayList<>();
    for (ByteRange rows : RowsOf.pages(geometry, bad).asList()) {
      for (long row = rows.start(); row < rows.end(); row++) {
        BitSet columns = RowsOf.columns(geometry, bad, row);
        boolean enough = columns.cardinality() <= goodParity(sidecar, badSidecar, row);
        for (int column = columns.nextSetBit(0); column >= 0; ) {
          long page = geometry.page(row, column);
          if (!enough || !sidecar.knows(page)) {
            lost.add(sidecar.rangeOf(page));
          }
          column = columns.nextSetBit(column + 1);
        }
      }
    }
    ByteRanges none = ByteRanges.of(lost);
    return new Prospect(bad.minus(none), none);
  }

  private static int goodParity(Sidecar sidecar, ByteRanges badSidecar, long row) {
    int good = 0;
    for (int column = 0; column < sidecar.geometry().parityColumns(); column++) {
      long at = sidecar.layout().parityOffset(column, row);
      if (!badSidecar.overlaps(ByteRange.ofLength(at, PAGE_BYTES))) {
        good++;
      }
    }
    return good;
  }
}
