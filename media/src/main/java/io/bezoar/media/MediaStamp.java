package io.bezoar.media;

/**
 * What tells a file that somebody wrote to from one that rotted.
 *
 * @param sizeBytes size now
 * @param modifiedNanos modification time, in nanoseconds since 1970
 */
public record MediaStamp(long sizeBytes, long modifiedNanos) {}
