package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One way over the source.
 *
 * @param phase what for
 * @param number which pass of its phase, as it stands in the map
 * @param direction which way
 * @param wanted what is read
 * @param pieceBytes how much at once
 * @param skipBytesMin how far to go away from the first bad place; 0 for not at all
 */
record Pass(
    RescuePhase phase,
    int number,
    Direction direction,
    Set<RescueStatus> wanted,
    int pieceBytes,
    long skipBytesMin) {
  /** ddrescue's number of the copying pass that skips nothing. */
  private static final int SWEEPING = 5;

  /**
   * The copying passes that are left: forward and back, away from bad places, then over all that
   * was skipped. ddrescue has two more that skip, for slow places; they are swept here.
   *
   * @param first the number of the pass that was interrupted, 1 for all
   */
  static List<Pass> copying(int first, Pieces pieces) {
    Pass forward = copying(1, pieces.skipBytesMin(), pieces);
    Pass backward = copying(2, pieces.skipBytesMin(), pieces);
    Pass sweep = copying(SWEEPING, 0, pieces);
    return switch (first) {
      case 1 -> List.of(forward, backward, sweep);
      case 2 -> List.of(backward, sweep);
      default -> List.of(sweep);
    };
  }

  private static Pass copying(int number, long skipBytesMin, Pieces pieces) {
    return new Pass(
        RescuePhase.COPYING,
        number,
        Direction.ofPass(number),
        EnumSet.of(RescueStatus.UNTRIED),
        pieces.copyBytes(),
        skipBytesMin);
  }

  /** The way around bad places. */
  static Pass scraping(Pieces pieces) {
    return new Pass(
        RescuePhase.SCRAPING,
        1,
        Direction.FORWARD,
        EnumSet.of(RescueStatus.UNTRIMMED, RescueStatus.UNSCRAPED),
        pieces.scrapeBytes(),
        0);
  }

  /** A way over all bad granules. */
  static Pass retrying(int number, int granuleBytes) {
    return new Pass(
        RescuePhase.RETRYING,
        number,
        Direction.ofPass(number),
        EnumSet.of(RescueStatus.BAD),
        granuleBytes,
        0);
  }

  /** The next piece from {@code at} on of a source that ends at {@code end}. */
  Optional<ByteRange> next(RescueMap map, long end, long at) {
    return direction.next(map, end, at, wanted, pieceBytes);
  }

  /** Where it begins: where it was interrupted, if {@code before} was in this very pass. */
  long startAfter(RescuePoint before, long end) {
    boolean same = before.phase() == phase && before.pass() == number;
    return same && phase != RescuePhase.SCRAPING && number != SWEEPING
        ? Math.min(before.offset(), end)
        : direction.start(end);
  }
}
