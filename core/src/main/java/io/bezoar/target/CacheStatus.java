package io.bezoar.target;

import org.jspecify.annotations.Nullable;

/**
 * What a write cache holds now. Numbers are of page-sized blocks unless they say bytes.
 *
 * @param blocks all there are
 * @param dirty hold what the origin does not have
 * @param clean hold what the origin has
 * @param free hold nothing, or nothing any more
 * @param lost dirty ones of which bytes are lost, or that the origin cannot take
 * @param retired taken out of use, because their media cannot be cleared
 * @param writtenBackBytes written to the origin since the cache was opened
 * @param writingBack true while the background writes back
 * @param lastFailure why the background could not write back when it last tried; null when it could
 */
public record CacheStatus(
    int blocks,
    int dirty,
    int clean,
    int free,
    int lost,
    int retired,
    long writtenBackBytes,
    boolean writingBack,
    @Nullable String lastFailure) {}
