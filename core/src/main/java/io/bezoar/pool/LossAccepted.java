package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What became of lost bytes whose loss was accepted.
 *
 * @param filled bytes of the volume that were lost and can be read now
 * @param notCleared bytes that stay lost because their media cannot be cleared
 * @param owned bytes that stay lost because files or the filesystem have them; its own operations
 *     are what replaces or gives them up
 */
public record LossAccepted(
    List<ByteRange> filled, List<ByteRange> notCleared, List<ByteRange> owned) {
  /** Copies the lists. */
  public LossAccepted {
    filled = List.copyOf(filled);
    notCleared = List.copyOf(notCleared);
    owned = List.copyOf(owned);
  }
}
