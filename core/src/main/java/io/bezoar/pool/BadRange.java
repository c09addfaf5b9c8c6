package io.bezoar.pool;

import io.bezoar.dax.PoisonEntry;

/**
 * Something that is bad now.
 *
 * @param space whose addresses the entry's range is in
 * @param entry what is known of it
 */
public record BadRange(Space space, PoisonEntry entry) {
  /** An address space. */
  public enum Space {
    /** Bytes of the volume that are lost or come by reconstruction only. */
    VOLUME,
    /** Bytes of the pool file that cannot be trusted. */
    MEDIA
  }
}
