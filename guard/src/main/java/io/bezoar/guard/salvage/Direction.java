package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import java.util.Optional;
import java.util.Set;

/** Which way a pass goes. Pieces begin or end at multiples of their size, so that reads align. */
enum Direction {
  FORWARD {
    @Override
    Optional<ByteRange> next(
        RescueMap map, long end, long from, Set<RescueStatus> wanted, int pieceBytes) {
      return map.firstFrom(from, wanted)
          .map(RescueBlock::range)
          .filter(range -> range.start() < end)
          .map(
              range -> {
                long unitEnd = (range.start() / pieceBytes + 1) * pieceBytes;
                long blockEnd = Math.min(range.end(), end);
                return new ByteRange(range.start(), Math.min(unitEnd, blockEnd));
              });
    }

    @Override
    long start(long end) {
      return 0;
    }

    @Override
    long place(ByteRange piece) {
      return piece.start();
    }

    @Override
    long behind(ByteRange piece, long end, long skipBytes) {
      return piece.end() + Math.min(skipBytes, end - piece.end());
    }
  },
  BACKWARD {
    @Override
    Optional<ByteRange> next(
        RescueMap map, long end, long from, Set<RescueStatus> wanted, int pieceBytes) {
      return map.lastBefore(Math.min(from, end), wanted)
          .map(RescueBlock::range)
          .map(
              range -> {
                long unitStart = (range.end() - 1) / pieceBytes * pieceBytes;
                return new ByteRange(Math.max(range.start(), unitStart), range.end());
              });
    }

    @Override
    long start(long end) {
      return end;
    }

    @Override
    long place(ByteRange piece) {
      return piece.end();
    }

    @Override
    long behind(ByteRange piece, long end, long skipBytes) {
      return Math.max(0, piece.start() - skipBytes);
    }
  };

  /** The direction of a pass with this number: forward, back, forward ... */
  static Direction ofPass(int pass) {
    return pass % 2 != 0 ? FORWARD : BACKWARD;
  }

  /** The next piece on the way from {@code from} that is wanted, of a source that ends at end. */
  abstract Optional<ByteRange> next(
      RescueMap map, long end, long from, Set<RescueStatus> wanted, int pieceBytes);

  /** Where a pass over a source that ends at {@code end} begins. */
  abstract long start(long end);

  /** The offset that a mapfile gives for a piece that is being tried. */
  abstract long place(ByteRange piece);

  /** Where to go on behind a piece, leaving out {@code skipBytes}. */
  abstract long behind(ByteRange piece, long end, long skipBytes);
}
