package io.bezoar.tree;

/** What a transaction is for decides how much of the free space it may use. */
public enum Purpose {
  /** Anything: leaves the reserve alone. */
  ORDINARY(1),
  /** Deletes or repairs: uses most of the reserve, and in the end gives back more than it takes. */
  RELIEF(4);

  private final int share;

  Purpose(int share) {
    this.share = share;
  }

  /** Pages that must stay free. */
  long floorPages(long reservePages) {
    return reservePages / share;
  }
}
