package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;

/**
 * A run of bytes of the source of which the same is known.
 *
 * @param range which bytes; not empty
 * @param status what is known
 */
public record RescueBlock(ByteRange range, RescueStatus status) {}
