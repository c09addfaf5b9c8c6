package io.bezoar.lucene;

/**
 * What a {@link GuardedDirectory} does with sidecars, the checksums and parity beside each file.
 */
public enum SidecarUse {
  /**
   * Written when a file is synced. When a file is opened all of it is checked, at the speed of
   * memory, and what is wrong is repaired, so that searches begin on verified bytes.
   */
  CHECK_AT_OPEN,
  /**
   * Written when a file is synced, and used to repair what fails to load. Opening a file reads
   * nothing of it; bytes that changed silently are found by {@link GuardedDirectory#verify}, and by
   * exact reads.
   */
  CHECK_WHEN_COPIED,
  /** Neither written nor used: a bad page is an error of its file, and stays one. */
  NONE
}
