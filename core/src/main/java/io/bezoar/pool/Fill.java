package io.bezoar.pool;

/** What lost bytes are filled with when their loss is accepted. */
public enum Fill {
  /** Zeroes: what a program sees in a hole. */
  ZERO,
  /** The word {@code LOST} over and over, so that filled bytes are not mistaken for content. */
  PATTERN
}
