package io.bezoar.media;

/** Whether a new file owns its space from the start. */
public enum Allocation {
  /** All of it is allocated now, so that a later write cannot find the file system full. */
  PREALLOCATED,
  /** Space is taken as it is written; a write may then fail with {@link MediaFullException}. */
  SPARSE
}
