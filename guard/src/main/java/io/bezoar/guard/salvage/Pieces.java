package io.bezoar.guard.salvage;

/**
 * How much is read at once.
 *
 * @param copyBytes in places that nobody has tried; a power of two
 * @param scrapeBytes around bad places; a power of two
 * @param skipBytesMin how far to go away from a bad place at first
 * @param skipBytesMax how far to go away after one bad place on the other, each time twice as far
 */
record Pieces(int copyBytes, int scrapeBytes, long skipBytesMin, long skipBytesMax) {
  /**
   * A disk delivers 128 KiB at a time as fast as any larger piece, and loses less time over a bad
   * place in it; around bad places what fits a page of the page cache is read.
   */
  static final Pieces DEFAULT = new Pieces(128 << 10, 4096, 64 << 10, 1L << 30);
}
