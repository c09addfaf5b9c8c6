package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * Strikes, and what they must cost.
 *
 * @param strikes in the order in which they are carried out
 * @param mustBeLost bytes of the volume that no redundancy can bring back, ascending and disjoint,
 *     whole pages: worked out from rows and columns alone, before anything is struck
 * @param undetectable bytes of the volume that will be wrong and that nothing can notice, because
 *     the volume has no checksums
 */
public record StrikePlan(
    List<Strike> strikes, List<ByteRange> mustBeLost, List<ByteRange> undetectable) {
  /** Copies the lists. */
  public StrikePlan {
    strikes = List.copyOf(strikes);
    mustBeLost = List.copyOf(mustBeLost);
    undetectable = List.copyOf(undetectable);
  }
}
