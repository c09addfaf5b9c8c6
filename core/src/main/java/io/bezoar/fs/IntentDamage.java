package io.bezoar.fs;

import io.bezoar.media.ByteRange;

/**
 * Writes that had been made durable by the log may be missing from what it replayed, because part
 * of it cannot be had any more.
 *
 * @param range bytes of the device where they stood, or would have stood
 * @param kind what is wrong there
 * @param firstMissing number of the first record that may be missing
 * @param nextFound number of the next one that was found, {@link Long#MAX_VALUE} when none was
 */
record IntentDamage(ByteRange range, Kind kind, long firstMissing, long nextFound) {
  /** What is wrong. */
  enum Kind {
    /** The device says that bytes there are lost; nobody knows whether a record was there. */
    LOST,
    /**
     * A later record says that those before it were durable, and they are not there: without a word
     * from the device they were changed, or never stored.
     */
    CHANGED
  }
}
