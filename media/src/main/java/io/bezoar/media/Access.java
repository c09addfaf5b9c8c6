package io.bezoar.media;

/** What media is opened for. */
public enum Access {
  /** Reads only; takes no lock and changes nothing. */
  READ_ONLY,
  /**
   * Reads, and {@link Media#reinitialise} alone may store: for the length of that call the file is
   * opened for writing under its exclusive lock, what was stored is made durable, and the file's
   * modification time is kept, because a repair is no change. For files that belong to somebody
   * else.
   */
  REPAIR,
  /** Reads and writes; holds the exclusive lock of the file: one writer. */
  READ_WRITE
}
