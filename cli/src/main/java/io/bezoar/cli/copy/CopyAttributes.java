package io.bezoar.cli.copy;

/**
 * What a copy keeps of a file besides its content. Times are nanoseconds since 1970 UTC.
 *
 * @param mode permission bits with set-id and sticky, {@code 07777}
 * @param uid owner
 * @param gid group
 * @param sizeBytes length of the content as it was looked at
 * @param accessedNanos when it was last read
 * @param modifiedNanos when its content last changed
 * @param createdNanos when it was made
 */
record CopyAttributes(
    int mode,
    int uid,
    int gid,
    long sizeBytes,
    long accessedNanos,
    long modifiedNanos,
    long createdNanos) {}
