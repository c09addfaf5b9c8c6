package io.bezoar.fs;

import io.bezoar.media.Units;

/**
 * What stands in the tree of inodes.
 *
 * @param number which one
 * @param type what it is
 * @param mode permission bits
 * @param uid owner
 * @param gid group
 * @param links names of a file; 2 and the directories in it for a directory
 * @param size bytes of a file or of the target of a symbolic link; entries of a directory
 * @param pages pages of its extents
 * @param generation commit that it was made in
 * @param accessed time, nanoseconds since 1970
 * @param modified of the content
 * @param changed of anything
 * @param created when it was made
 */
record Inode(
    long number,
    FileType type,
    int mode,
    int uid,
    int gid,
    long links,
    long size,
    long pages,
    long generation,
    long accessed,
    long modified,
    long changed,
    long created) {

  static final long ROOT = FileId.ROOT.inode();

  /** Lower numbers are kept for what the filesystem is made of. */
  static final long FIRST = 16;

  boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  Attributes attributes(FileId id) {
    return new Attributes(
        id,
        type,
        mode,
        uid,
        gid,
        links,
        size,
        pages * Units.PAGE_BYTES,
        generation,
        accessed,
        modified,
        changed,
        created);
  }

  /** With other content. */
  Inode withContent(long newSize, long newPages, long now) {
    return new Inode(
        number,
        type,
        mode,
        uid,
        gid,
        links,
        newSize,
        newPages,
        generation,
        accessed,
        now,
        now,
        created);
  }

  /** With another number of pages, and nothing that anybody would notice. */
  Inode withPages(long newPages) {
    return new Inode(
        number,
        type,
        mode,
        uid,
        gid,
        links,
        size,
        newPages,
        generation,
        accessed,
        modified,
        changed,
        created);
  }

  /** With more names, or fewer. */
  Inode withLinks(long more, long now) {
    return new Inode(
        number,
        type,
        mode,
        uid,
        gid,
        links + more,
        size,
        pages,
        generation,
        accessed,
        modified,
        now,
        created);
  }

  /** A directory with more entries, or fewer, of which some are directories. */
  Inode withEntries(long more, long moreDirectories, long now) {
    return new Inode(
        number,
        type,
        mode,
        uid,
        gid,
        links + moreDirectories,
        size + more,
        pages,
        generation,
        accessed,
        now,
        now,
        created);
  }

  Inode with(AttributeChange change, long now) {
    Integer newMode = change.mode();
    Integer newUid = change.uid();
    Integer newGid = change.gid();
    Long newAccessed = change.accessedNanos();
    Long newModified = change.modifiedNanos();
    Long newCreated = change.createdNanos();
    return new Inode(
        number,
        type,
        newMode == null ? mode : newMode,
        newUid == null ? uid : newUid,
        newGid == null ? gid : newGid,
        links,
        size,
        pages,
        generation,
        newAccessed == null ? accessed : newAccessed,
        newModified == null ? modified : newModified,
        now,
        newCreated == null ? created : newCreated);
  }
}
