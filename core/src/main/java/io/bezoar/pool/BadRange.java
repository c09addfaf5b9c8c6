package io.bezoar.pool;

import io.bezoar.dax.PoisonEntry;
import java.util.List;

/**
 * Something that is bad now.
 *
 * @param space whose addresses the entry's range is in
 * @param device the number of the device whose media it is; -1 for the volume
 * @param entry what is known of it
 * @param layers the same bytes in the terms of each layer above the media, the volume last; empty
 *     for a range of the volume, and for media that holds no content
 */
public record BadRange(Space space, int device, PoisonEntry entry, List<LayerRanges> layers) {
  /** An address space. */
  public enum Space {
    /** Bytes of the volume that are lost or come by reconstruction only. */
    VOLUME,
    /** Bytes of a device's media that cannot be trusted. */
    MEDIA
  }

  /** Copies the list. */
  public BadRange {
    layers = List.copyOf(layers);
  }
}
