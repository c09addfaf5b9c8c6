package io.bezoar.media;

/** What media is opened for. */
public enum Access {
  /** Reads only; takes no lock and changes nothing. */
  READ_ONLY,
  /** Reads and writes; holds the exclusive lock of the file: one writer. */
  READ_WRITE
}
