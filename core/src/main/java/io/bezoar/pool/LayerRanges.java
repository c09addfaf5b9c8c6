package io.bezoar.pool;

import io.bezoar.media.ByteRanges;

/**
 * Bytes of a device as one layer above its media knows them.
 *
 * @param layer which one, for people
 * @param ranges its bytes; empty where it has none for them
 */
public record LayerRanges(String layer, ByteRanges ranges) {}
