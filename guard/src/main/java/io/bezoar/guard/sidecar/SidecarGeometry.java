package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

/**
 * How one file is laid out in rows and columns, and so what damage it survives.
 *
 * <p>The file's pages (the last one counts as filled up with zeroes) are cut into {@code
 * dataColumns} runs of {@code rows} pages each, the last run perhaps shorter. Row {@code r} is the
 * {@code r}-th page of each run, and has {@code parityColumns} parity pages in the sidecar.
 *
 * <p><b>What is survived</b>: any {@code parityColumns} bad pages of each row, data and parity
 * counted together. So any run of {@link #longestRunPages()} pages, wherever it is, in the file or
 * in the sidecar; and scattered bad pages as long as no row has more of them than that: the odds
 * are those of {@link #oddsAgainstScattered}. A bad checksum costs nothing: checksums have two
 * copies, at the two ends of the sidecar. For a file of 4 GiB with the default redundancy that
 * means any 132 MiB at a stretch; any 2 pages; 10 pages at random places in more than 99.999% of
 * all cases, 100 in 99.9%, 1,000 in 59%.
 *
 * @param fileSizeBytes size of the protected file
 * @param rows rows; 0 for an empty file
 * @param parityColumns parity pages of each row; 0 for an empty file
 */
public record SidecarGeometry(long fileSizeBytes, long rows, int parityColumns) {
  /** More than any file system holds, and little enough that nothing here overflows. */
  static final long FILE_BYTES_MAX = 1L << 56;

  /**
   * Checks that there is a code for it.
   *
   * @throws IllegalArgumentException when no file can have this geometry
   */
  public SidecarGeometry {
    if (!isPossible(fileSizeBytes, rows, parityColumns)) {
      throw new IllegalArgumentException(
          "no layout of "
              + fileSizeBytes
              + " bytes in "
              + rows
              + " rows with "
              + parityColumns
              + " parity columns");
    }
  }

  static boolean isPossible(long fileSizeBytes, long rows, int parityColumns) {
    if (fileSizeBytes == 0) {
      return rows == 0 && parityColumns == 0;
    }
    if (fileSizeBytes < 0 || fileSizeBytes > FILE_BYTES_MAX || rows < 1 || parityColumns < 1) {
      return false;
    }
    long pages = Math.ceilDiv(fileSizeBytes, PAGE_BYTES);
    long columns = Math.ceilDiv(pages, rows);
    return rows <= pages
        && parityColumns <= Redundancy.PARITY_MAX
        && columns <= GaloisField.ORDER
        && ErasureCode.isPossible((int) columns, parityColumns);
  }

  /**
   * The geometry of a file of that size. Rows are as long as asked for, or a little longer (up to
   * twice in files of few rows). A small file gets as many parity columns as fit into the space
   * that was asked for or into two pages, at least one.
   */
  public static SidecarGeometry of(long fileSizeBytes, Redundancy redundancy) {
    if (fileSizeBytes == 0) {
      return new SidecarGeometry(0, 0, 0);
    }
    long pages = Math.ceilDiv(fileSizeBytes, PAGE_BYTES);
    long rows = Math.max(1, pages / redundancy.dataColumns());
    double share = redundancy.parityColumns() / (double) redundancy.dataColumns();
    // Parity and its checksums; then checksums of the file, twice, and a little for heads.
    long room = (long) (fileSizeBytes * (share * (1 + 1.0 / 256) + 0.0026));
    room = Math.max(room, 2L * PAGE_BYTES - 1);
    int parity = redundancy.parityColumns();
    SidecarGeometry geometry = new SidecarGeometry(fileSizeBytes, rows, parity);
    while (parity > 1 && geometry.sidecarBytes() > room) {
      parity--;
      geometry = new SidecarGeometry(fileSizeBytes, rows, parity);
    }
    return geometry;
  }

  /** Pages of the file, the last one perhaps not full. */
  public long pages() {
    return Math.ceilDiv(fileSizeBytes, PAGE_BYTES);
  }

  /** Data columns; the last one may have fewer pages than {@link #rows}. */
  public int dataColumns() {
    return rows == 0 ? 0 : (int) Math.ceilDiv(pages(), rows);
  }

  /** Size of the sidecar. */
  public long sidecarBytes() {
    return new SidecarLayout(this).sizeBytes();
  }

  /** Any run of so many pages, of the file or of the sidecar, is repaired. */
  public long longestRunPages() {
    return rows * parityColumns;
  }

  /**
   * How likely it is that {@code badPages} pages which go bad at random places of the file and of
   * its parity, each place as likely as any other, can all be repaired: from 0 to 1.
   *
   * @param badPages from 0 on; more than there are pages is as bad as all of them
   */
  public double oddsAgainstScattered(int badPages) {
    return Odds.allRepairable(this, badPages);
  }

  /** Parity pages of the sidecar. */
  long parityPages() {
    return rows * parityColumns;
  }

  ErasureCode code() {
    return new ErasureCode(dataColumns(), parityColumns);
  }

  long row(long page) {
    return page % rows;
  }

  int column(long page) {
    return (int) (page / rows);
  }

  /** The page at a place, which exists when {@link #columnsOf} says so. */
  long page(long row, int column) {
    return column * rows + row;
  }

  /** How many data pages a row has: all columns, or all but the last. */
  int columnsOf(long row) {
    int columns = dataColumns();
    return page(row, columns - 1) < pages() ? columns : columns - 1;
  }

  /** Bytes of the file in this page. */
  int bytesOf(long page) {
    return (int) Math.min(PAGE_BYTES, fileSizeBytes - page * PAGE_BYTES);
  }
}
