package io.bezoar.guard;

import io.bezoar.media.ByteRanges;

/**
 * What a recovery copy brought out, in bytes from the start of the file.
 *
 * @param verified copied, and what the sidecar says they should be
 * @param unverified copied, but there is nothing to check them by, or they are not what they should
 *     be
 * @param holes could not be read; the destination was left alone there
 */
public record Recovery(ByteRanges verified, ByteRanges unverified, ByteRanges holes) {}
