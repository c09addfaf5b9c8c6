package io.bezoar.media;

/** How the bytes of a path are to be reached. */
public enum MediaChoice {
  /** Mapped where a fault of the mapping is a memory fault (tmpfs, DAX), else by channel. */
  AUTO,
  /** By loads and stores, or not at all. */
  MAPPED,
  /** By pread and pwrite. */
  CHANNEL
}
