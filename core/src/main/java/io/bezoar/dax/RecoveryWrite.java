package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What became of a recovery write.
 *
 * @param cleared ranges that were poisoned and now hold the new bytes
 * @param stillLost bytes beside the new ones that shared a clear unit with them and stay lost
 * @param notCleared ranges of the request that the device could not clear: the new bytes are
 *     <em>not</em> stored there, and the range stays poisoned
 */
public record RecoveryWrite(
    List<ByteRange> cleared, List<ByteRange> stillLost, List<ByteRange> notCleared) {
  /** Copies the lists. */
  public RecoveryWrite {
    cleared = List.copyOf(cleared);
    stillLost = List.copyOf(stillLost);
    notCleared = List.copyOf(notCleared);
  }

  /** True when every byte of the request is stored. */
  public boolean complete() {
    return notCleared.isEmpty();
  }
}
