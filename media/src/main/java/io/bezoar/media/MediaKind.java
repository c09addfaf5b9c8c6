package io.bezoar.media;

/** How the bytes are reached. */
public enum MediaKind {
  /** Loads and stores through a mapping of memory (tmpfs). */
  MAPPED_MEMORY,
  /** Loads and stores through a synchronous mapping of a DAX file (MAP_SYNC). */
  MAPPED_DAX,
  /** pread, pwrite and fdatasync on a plain file or block device. */
  CHANNEL,
  /** A deterministic simulation in private memory. */
  SIMULATED
}
