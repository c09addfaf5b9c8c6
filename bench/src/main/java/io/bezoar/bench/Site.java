package io.bezoar.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One kind of file that everything is measured on, and the pool that several rows share there. */
final class Site implements AutoCloseable {
  private static final Path MEMORY = Path.of("/proc/meminfo");
  private static final Pattern AVAILABLE = Pattern.compile("MemAvailable:\\s+(\\d+) kB");

  private final Kind kind;
  private final Path parent;
  private final Path folder;
  private final Scale scale;
  private final Cleanup cleanup;
  private @Nullable Volume shared;
  private int files;

  /** Where files may lie. */
  enum Kind {
    /** Memory: stands in for DAX, a persist is free. */
    TMPFS("tmpfs"),
    /** The ordinary disk, in the page cache; a persist is real. */
    DISK("disk");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  Site(Kind kind, Path parent, Scale scale, Cleanup cleanup) throws IOException {
    this.kind = kind;
    this.parent = parent;
    this.scale = scale;
    this.cleanup = cleanup;
    this.folder = cleanup.newFolder(parent);
  }

  Kind kind() {
    return kind;
  }

  Scale scale() {
    return scale;
  }

  Cleanup cleanup() {
    return cleanup;
  }

  /** A name in this place that nothing has yet. */
  Path newFile(String what) {
    return folder.resolve(what + "-" + files++);
  }

  /** The pool that rows share which only read and write it. */
  Volume volume() throws IOException {
    Volume known = shared;
    if (known == null) {
      known = Volume.create(newFile("pool"), scale.poolBytes);
      known.fill();
      shared = known;
    }
    return known;
  }

  /**
   * Checks that there is room before anything is made.
   *
   * @throws NoRoomException when there is not
   */
  void requireRoom(long bytes) throws IOException {
    long free = Files.getFileStore(parent).getUsableSpace();
    if (kind == Kind.TMPFS && Files.isReadable(MEMORY)) {
      Matcher available = AVAILABLE.matcher(Files.readString(MEMORY));
      if (available.find()) {
        free = Math.min(free, Long.parseLong(available.group(1)) << 10);
      }
    }
    if (free < bytes) {
      throw new NoRoomException(parent, bytes, free);
    }
  }

  /** There is no room for what is to be measured. */
  static final class NoRoomException extends IOException {
    private static final long serialVersionUID = 1;

    NoRoomException(Path where, long neededBytes, long freeBytes) {
      super(
          "no room in "
              + where
              + ": "
              + (neededBytes >> 20)
              + " MiB are needed, "
              + (freeBytes >> 20)
              + " MiB are free; choose another folder with --dir, fewer rows with --row, or --quick");
    }
  }

  @Override
  public void close() throws IOException {
    Volume known = shared;
    if (known != null) {
      shared = null;
      known.close();
    }
  }
}
