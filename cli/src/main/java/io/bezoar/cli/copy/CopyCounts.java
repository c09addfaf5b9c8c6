package io.bezoar.cli.copy;

/**
 * How much.
 *
 * @param files files, hard links to files that were copied included
 * @param directories directories
 * @param links symbolic links
 * @param bytes content of files; holes count
 */
public record CopyCounts(long files, long directories, long links, long bytes) {
  /** Nothing. */
  public static final CopyCounts NONE = new CopyCounts(0, 0, 0, 0);

  CopyCounts plus(CopyItem item) {
    return switch (item.kind()) {
      case FILE -> new CopyCounts(files + 1, directories, links, bytes);
      case DIRECTORY -> new CopyCounts(files, directories + 1, links, bytes);
      case LINK -> new CopyCounts(files, directories, links + 1, bytes);
      case SPECIAL, POOL_DEVICE -> this;
    };
  }

  CopyCounts plusBytes(long more) {
    return new CopyCounts(files, directories, links, bytes + more);
  }
}
