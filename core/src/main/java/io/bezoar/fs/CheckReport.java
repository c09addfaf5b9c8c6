package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What a check of everything found.
 *
 * @param commit the commit that was checked
 * @param files files
 * @param directories directories
 * @param links symbolic links
 * @param extents extents of files
 * @param nodes nodes of all trees, both copies of each read
 * @param dataBytes space of files, shared bytes once
 * @param heldBytes space that only snapshots have
 * @param freeBytes free space
 * @param healedCopies copies of nodes that were bad; the other was good, and they are rewritten
 * @param problems what is not as it should be, for people; empty for a filesystem in order
 * @param truncated how many more problems there are than are named
 */
public record CheckReport(
    long commit,
    long files,
    long directories,
    long links,
    long extents,
    long nodes,
    long dataBytes,
    long heldBytes,
    long freeBytes,
    List<ByteRange> healedCopies,
    List<String> problems,
    long truncated) {
  /** Copies the lists. */
  public CheckReport {
    healedCopies = List.copyOf(healedCopies);
    problems = List.copyOf(problems);
  }

  /** True when every structure is whole and all of them agree. */
  public boolean clean() {
    return problems.isEmpty();
  }
}
