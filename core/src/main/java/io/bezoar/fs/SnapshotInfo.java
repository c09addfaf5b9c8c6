package io.bezoar.fs;

/**
 * A snapshot: the whole filesystem as it was at one moment.
 *
 * @param name what it is called; its directory in {@code /.snapshots} is called the same
 * @param commit the commit that it keeps: {@link FileId#snapshot} of its files
 * @param createdNanos when it was made, nanoseconds since 1970 UTC
 */
public record SnapshotInfo(String name, long commit, long createdNanos) {}
