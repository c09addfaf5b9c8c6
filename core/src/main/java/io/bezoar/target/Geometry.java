package io.bezoar.target;

import io.bezoar.dax.Role;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;

/**
 * Where everything of a protected target lies in its child.
 *
 * <p>The region is laid out as {@code checksums A | journal A | column 0 .. column n-1 | journal B
 * | checksums B}: copies of one thing lie at opposite ends. The last column is parity. A
 * <em>row</em> is the set of pages at one index of all columns, so the pages of a row are a whole
 * column apart and a contiguous loss of up to one column takes at most one page of each row. The
 * volume is the data columns, one after the other.
 *
 * @param region the bytes of the child that the target owns, page-aligned
 * @param columns data columns plus one parity column, 2 to 256
 * @param rows pages per column
 * @param checksumPages pages of one copy of the checksum table
 * @param journalPages pages of one journal, its head page included
 */
public record Geometry(
    ByteRange region, int columns, long rows, long checksumPages, long journalPages) {

  private static final int PAGE = Units.PAGE_BYTES;

  /** Fewest and most columns, parity included. */
  public static final int MIN_COLUMNS = 2;

  /** Most columns, parity included. */
  public static final int MAX_COLUMNS = 256;

  /** Smallest journal: the head, one record of one run, and room to write two at a time. */
  private static final long MIN_JOURNAL_PAGES = 10;

  private static final long MAX_JOURNAL_PAGES = (32L << 20) / PAGE;

  /** Checks that the parts fill no more than the region. */
  public Geometry {
    if (region.start() % PAGE != 0 || region.end() % PAGE != 0) {
      throw new IllegalArgumentException("region " + region + " is not page-aligned");
    }
    if (columns < MIN_COLUMNS || columns > MAX_COLUMNS) {
      throw new IllegalArgumentException(
          "columns " + columns + " not in [" + MIN_COLUMNS + ", " + MAX_COLUMNS + "]");
    }
    if (rows < 1 || journalPages < MIN_JOURNAL_PAGES) {
      throw new IllegalArgumentException("region " + region + " is too small to protect");
    }
    if (checksumPages * ChecksumLayout.ENTRIES_PER_PAGE < rows * (columns - 1)
        || 2 * (checksumPages + journalPages) + rows * columns > region.length() / PAGE) {
      throw new IllegalArgumentException(
          "parts do not fit: "
              + rows
              + " rows of "
              + columns
              + " columns, "
              + checksumPages
              + " checksum pages, "
              + journalPages
              + " journal pages in "
              + region);
    }
  }

  /**
   * The largest layout with {@code columns} columns that fits in {@code region}.
   *
   * @throws IllegalArgumentException when the region is too small or the columns out of bounds
   */
  public static Geometry plan(ByteRange region, int columns) {
    long pages = region.length() / PAGE;
    long journal = Math.clamp(pages / 512, MIN_JOURNAL_PAGES, MAX_JOURNAL_PAGES);
    long rows = Math.max(0, (pages - 2 * journal) / Math.max(1, columns));
    while (rows > 0) {
      long checksums = Math.ceilDiv(rows * (columns - 1), (long) ChecksumLayout.ENTRIES_PER_PAGE);
      long excess = 2 * (checksums + journal) + rows * columns - pages;
      if (excess <= 0) {
        return new Geometry(region, columns, rows, checksums, journal);
      }
      rows -= Math.ceilDiv(excess, (long) columns);
    }
    throw new IllegalArgumentException(
        "region "
            + region
            + " is too small for "
            + columns
            + " columns: at least "
            + (2 * (MIN_JOURNAL_PAGES + 1) + columns) * PAGE
            + " bytes are needed");
  }

  /** Number of data columns. */
  public int dataColumns() {
    return columns - 1;
  }

  /** Bytes of the volume. */
  public long volumeBytes() {
    return dataPages() * PAGE;
  }

  /** Pages of the volume. */
  public long dataPages() {
    return rows * (columns - 1);
  }

  /** Row of a volume page. */
  public long rowOf(long page) {
    return page % rows;
  }

  /** Column of a volume page. */
  public int columnOf(long page) {
    return (int) (page / rows);
  }

  /** The volume page at a row of a data column. */
  public long pageAt(long row, int column) {
    return column * rows + row;
  }

  /** Child offset of a row's page in a column (the parity column is {@code columns - 1}). */
  public long childOffset(long row, int column) {
    return columnsStart() + (column * rows + row) * PAGE;
  }

  /** Child offset of a volume page. */
  public long childOffsetOfPage(long page) {
    return columnsStart() + page * PAGE;
  }

  /** Child offset of a row's parity page. */
  public long parityOffset(long row) {
    return childOffset(row, columns - 1);
  }

  /** Child offset of one page of a copy (0 or 1) of the checksum table. */
  public long checksumOffset(int copy, long index) {
    long start = copy == 0 ? region.start() : journalStart(1) + journalPages * PAGE;
    return start + index * PAGE;
  }

  /** Child offset of the head page of journal 0 or 1. */
  public long journalStart(int journal) {
    return journal == 0
        ? region.start() + checksumPages * PAGE
        : columnsStart() + rows * columns * PAGE;
  }

  /** Child offset of column 0. */
  public long columnsStart() {
    return region.start() + (checksumPages + journalPages) * PAGE;
  }

  /** What the child's byte at {@code childOffset} is used for. */
  public Role roleOf(long childOffset) {
    if (!region.contains(childOffset)) {
      throw new IllegalArgumentException("offset " + childOffset + " is outside " + region);
    }
    long page = (childOffset - region.start()) / PAGE;
    if (page < checksumPages) {
      return Role.CHECKSUMS;
    }
    page -= checksumPages;
    if (page < journalPages) {
      return Role.JOURNAL;
    }
    page -= journalPages;
    if (page < rows * columns) {
      return page < dataPages() ? Role.DATA : Role.PARITY;
    }
    page -= rows * columns;
    if (page < journalPages) {
      return Role.JOURNAL;
    }
    return page - journalPages < checksumPages ? Role.CHECKSUMS : Role.UNUSED;
  }

  /** Row of the column page that holds {@code childOffset}; role must be data or parity. */
  public long rowOfChild(long childOffset) {
    return (childOffset - columnsStart()) / PAGE % rows;
  }

  /** Column of the column page that holds {@code childOffset}; role must be data or parity. */
  public int columnOfChild(long childOffset) {
    return (int) ((childOffset - columnsStart()) / PAGE / rows);
  }

  /** The child's bytes of a range of the volume: contiguous, as the columns are. */
  public ByteRange toChild(ByteRange volumeRange) {
    return volumeRange.shift(columnsStart());
  }

  /** The part of the volume that a child range holds; empty when it holds none. */
  public ByteRange toVolume(ByteRange childRange) {
    ByteRange data = ByteRange.ofLength(columnsStart(), volumeBytes());
    ByteRange inside = childRange.intersect(data);
    return inside.isEmpty() ? new ByteRange(0, 0) : inside.shift(-columnsStart());
  }

  /** The rows that a child range touches, as half-open row ranges, ascending, at most two each. */
  public List<RowRange> rowsOf(ByteRange childRange) {
    ByteRange inside =
        childRange.intersect(ByteRange.ofLength(columnsStart(), rows * columns * PAGE));
    if (inside.isEmpty()) {
      return List.of();
    }
    long first = (inside.start() - columnsStart()) / PAGE;
    long last = (inside.end() - 1 - columnsStart()) / PAGE;
    if (last - first + 1 >= rows) {
      return List.of(new RowRange(0, rows));
    }
    List<RowRange> result = new ArrayList<>(2);
    if (first % rows <= last % rows) {
      result.add(new RowRange(first % rows, last % rows + 1));
    } else {
      result.add(new RowRange(0, last % rows + 1));
      result.add(new RowRange(first % rows, rows));
    }
    return result;
  }

  /**
   * Half-open range of rows.
   *
   * @param first first row
   * @param end first row after the range
   */
  public record RowRange(long first, long end) {}
}
