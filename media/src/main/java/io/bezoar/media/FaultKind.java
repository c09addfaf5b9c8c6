package io.bezoar.media;

/** The ways in which a drill makes media go bad. */
public enum FaultKind {
  /** A load traps (a real SIGBUS where the media is mapped); cured by reinitialising. */
  POISON,
  /** Reading fails with an I/O error; cured by rewriting, as a disk reallocates a sector. */
  EIO,
  /** One bit of the range is inverted. */
  FLIP,
  /** The range holds what it held before its last write: the write was lost. */
  STALE,
  /** The range holds what was meant for another place. */
  MISDIRECT,
  /** Only some sectors of the last write arrived. */
  TORN;

  /** True for faults that refuse to be read; false for those that give wrong bytes. */
  public boolean refuses() {
    return this == POISON || this == EIO;
  }
}
