package io.bezoar.fs;

import java.util.List;

/**
 * What a replay came to.
 *
 * @param replayed records handed out
 * @param included records that the commit has already
 * @param unfounded records that stand on a newer commit than the one that was opened, so that they
 *     could not be done again: writes that were durable and are lost with that commit
 * @param damage where durable writes may be missing; empty unless two things failed, or one on a
 *     device without redundancy
 */
record IntentReplay(long replayed, long included, long unfounded, List<IntentDamage> damage) {
  /** Copies the list. */
  IntentReplay {
    damage = List.copyOf(damage);
  }
}
