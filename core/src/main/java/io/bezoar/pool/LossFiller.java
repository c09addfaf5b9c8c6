package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Fills lost ranges by recovery writes, a chunk at a time. */
final class LossFiller {
  private static final long CHUNK_BYTES = 256L * Units.PAGE_BYTES;
  private static final byte[] PATTERN = "LOST".getBytes(StandardCharsets.US_ASCII);

  private LossFiller() {}

  static LossAccepted fill(DaxDevice volume, List<ByteRange> lost, Fill fill) throws IOException {
    ByteRanges filled = ByteRanges.of(lost);
    ByteRanges notCleared = ByteRanges.EMPTY;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(CHUNK_BYTES, Units.PAGE_BYTES);
      if (fill == Fill.PATTERN) {
        for (long at = 0; at < CHUNK_BYTES; at += PATTERN.length) {
          MemorySegment.copy(PATTERN, 0, bytes, ValueLayout.JAVA_BYTE, at, PATTERN.length);
        }
      }
      for (ByteRange range : lost) {
        for (long at = range.start(); at < range.end(); at += CHUNK_BYTES) {
          long lengthBytes = Math.min(CHUNK_BYTES, range.end() - at);
          RecoveryWrite written = volume.recoveryWrite(at, bytes.asSlice(0, lengthBytes));
          notCleared = notCleared.union(ByteRanges.of(written.notCleared()));
        }
      }
    }
    return new LossAccepted(filled.minus(notCleared).asList(), notCleared.asList(), List.of());
  }
}
