package io.bezoar.dax;

/** How far a poison entry's range is to be believed. */
public enum Confidence {
  /** Every granule of the range is bad: reads are refused without touching the media. */
  EXACT,
  /** Reported by a coarse or doubtful reporter: probe it, never refuse it unread. */
  SUSPECT
}
