package io.bezoar.fs;

/**
 * What is known of a file besides its content. Times are nanoseconds since 1970 UTC.
 *
 * @param id which one
 * @param type what it is
 * @param mode permission bits with set-id and sticky, {@code 07777}; kept, not enforced
 * @param uid owner; kept, not enforced
 * @param gid group; kept, not enforced
 * @param links names of a file; 2 and one for each directory in it for a directory
 * @param sizeBytes length of a file, of the target of a symbolic link; entries of a directory
 * @param allocatedBytes space of its own content on the volume, whole pages; shared pages count for
 *     everyone who shares them
 * @param generation tells files apart that had the same inode number on other volumes or in lost
 *     commits
 * @param accessedNanos when it was last read as somebody said; reading does not change it
 * @param modifiedNanos when the content last changed
 * @param changedNanos when anything about it last changed
 * @param createdNanos when it was made
 */
public record Attributes(
    FileId id,
    FileType type,
    int mode,
    int uid,
    int gid,
    long links,
    long sizeBytes,
    long allocatedBytes,
    long generation,
    long accessedNanos,
    long modifiedNanos,
    long changedNanos,
    long createdNanos) {}
