package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What became of lost bytes whose loss was accepted.
 *
 * @param filled bytes of the volume that were lost and can be read now
 * @param notCleared bytes that stay lost because their media cannot be cleared
 */
public record LossAccepted(List<ByteRange> filled, List<ByteRange> notCleared) {
  /** Copies the lists. */
  public LossAccepted {
    filled = List.copyOf(filled);
    notCleared = List.copyOf(notCleared);
  }
}
