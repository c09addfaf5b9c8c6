package io.bezoar.guard.salvage;

/** How a source is read. */
public enum Reading {
  /**
   * Through the page cache, and past it around bad places. For files: what the cache still holds of
   * a bad sector is rescued.
   */
  CACHED,
  /**
   * Past the page cache. For disks: the cache reads ahead, and tries every bad sector of a piece
   * dozens of times, where a failing disk takes seconds for each.
   */
  DIRECT
}
