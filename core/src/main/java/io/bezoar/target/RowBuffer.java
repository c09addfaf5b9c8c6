package io.bezoar.target;

import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Private memory for one row: every data page, the parity page, and what is known of each. */
final class RowBuffer {
  private static final int PAGE = Units.PAGE_BYTES;

  /** What a page of a row turned out to be. */
  enum State {
    /** Verified; the buffer holds it. Its child may refuse it all the same: then it has a cause. */
    GOOD,
    /** Cannot be read; the buffer holds nothing of use. */
    UNREADABLE,
    /** Read, but it is not what was written; the buffer holds what was read. */
    MISMATCH,
    /** Marked lost before; the buffer holds zeroes, as parity assumes. */
    LOST
  }

  private final MemorySegment pages;
  private final State[] states;
  private final @Nullable Cause[] causes;

  /** XOR of everything that is good, on the heap. */
  final MemorySegment sum = MemorySegment.ofArray(new long[PAGE / Long.BYTES]);

  /** A rebuilt page, or the new parity page. */
  final MemorySegment result;

  boolean parityReadable;
  Cause parityCause = Cause.REDUNDANCY;

  RowBuffer(int columns) {
    pages = Arena.ofAuto().allocate((long) (columns + 1) * PAGE, PAGE);
    states = new State[columns];
    causes = new Cause[columns];
    result = pages.asSlice((long) columns * PAGE, PAGE);
  }

  /** Buffer of a column's page; the last column is parity. */
  MemorySegment page(int column) {
    return pages.asSlice((long) column * PAGE, PAGE);
  }

  MemorySegment parity() {
    return page(states.length - 1);
  }

  State state(int column) {
    return states[column];
  }

  Cause cause(int column) {
    Cause cause = causes[column];
    return cause == null ? Cause.CHECKSUM : cause;
  }

  void set(int column, State state, @Nullable Cause cause) {
    states[column] = state;
    causes[column] = cause;
  }

  boolean bad(int column) {
    return states[column] == State.UNREADABLE || states[column] == State.MISMATCH;
  }

  /** True for a page that is good, and that the child refuses to whoever just reads it. */
  boolean refused(int column) {
    return states[column] == State.GOOD && causes[column] != null;
  }

  void addToSum(int column) {
    Xor.into(sum, pages, (long) column * PAGE, PAGE);
  }
}
