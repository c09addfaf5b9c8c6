package io.bezoar.cli.copy;

import io.bezoar.fs.FileName;
import org.jspecify.annotations.Nullable;

/**
 * Something to be copied.
 *
 * @param where where it lies
 * @param name its name; null for what has none: a root, or a directory named by {@code "."}
 * @param kind what it is
 * @param attributes what is to be kept
 * @param sameAs equal for all names of one file that has several; null where there is one
 */
record CopyItem(
    Where where,
    @Nullable FileName name,
    Kind kind,
    CopyAttributes attributes,
    @Nullable Object sameAs) {
  /** What it is. */
  enum Kind {
    /** A file. */
    FILE,
    /** A directory. */
    DIRECTORY,
    /** A symbolic link. */
    LINK,
    /** A device, a socket, a pipe: nothing that can be kept in a pool. */
    SPECIAL,
    /** A device of the pool itself, which cannot hold itself. */
    POOL_DEVICE
  }

  String path() {
    return where.path();
  }
}
