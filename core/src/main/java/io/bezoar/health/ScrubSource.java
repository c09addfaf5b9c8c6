package io.bezoar.health;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.List;

/** What a scrub walks over: rows of a volume, and what the pool keeps about itself. */
public interface ScrubSource {
  /** A half-open run of rows. */
  record Rows(long first, long end) {
    /** Checks {@code 0 <= first <= end}. */
    public Rows {
      if (first < 0 || end < first) {
        throw new IllegalArgumentException("not rows: [" + first + ", " + end + ")");
      }
    }

    /** How many. */
    public long count() {
      return end - first;
    }
  }

  /** How many rows there are. */
  long rowCount();

  /** Bytes of media in one row, for rate and progress. */
  long rowBytes();

  /** The rows that hold {@code volume}, ascending and disjoint. */
  List<Rows> rowsOf(ByteRange volume);

  /** Reads and compares every copy of everything in {@code rows}, and repairs what it can. */
  ScrubTotals check(Rows rows) throws IOException;

  /** Called before the first row of a scrub. */
  void begin(Coverage coverage);

  /** Called after the last row: checks tables, labels, lists and logs in the same way. */
  ScrubTotals end() throws IOException;

  /** Which rows a scrub is going to check. */
  enum Coverage {
    /** All of them. */
    EVERYTHING,
    /** Those that an interrupted scrub, of an earlier process perhaps, had left. */
    REST,
    /** Some of them. */
    PART
  }
}
