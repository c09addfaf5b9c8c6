package io.bezoar.media;

/**
 * One deliberate fault.
 *
 * @param kind what goes wrong
 * @param range where, in the media's address space; widened to whole granules for kinds that refuse
 * @param stuck true when clearing must fail too, as on media that has run out of spare blocks
 * @param seed decides what the wrong bytes are (which bit, which other content)
 */
public record FaultSpec(FaultKind kind, ByteRange range, boolean stuck, long seed) {
  /** A curable fault. */
  public static FaultSpec of(FaultKind kind, ByteRange range, long seed) {
    return new FaultSpec(kind, range, false, seed);
  }
}
