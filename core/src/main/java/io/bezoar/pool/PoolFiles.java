package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.FilesystemOptions;
import io.bezoar.fs.FilesystemStatus;
import io.bezoar.fs.Owner;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The filesystem of an open pool, if its volume holds one.
 *
 * <p>A filesystem that cannot be opened does not keep its pool closed: devices can be replaced,
 * scrubbed and looked at, which may be what brings it back. Whoever asks for files is told why
 * there are none. Thread-safe once it was opened.
 */
final class PoolFiles {
  private final String pool;
  private final PoolLabel.Content content;
  private volatile @Nullable Filesystem open;
  private volatile @Nullable IOException trouble;

  PoolFiles(String pool, PoolLabel.Content content) {
    this.pool = pool;
    this.content = content;
  }

  /** Opens what there is. */
  void open(DaxDevice volume, PoolTools tools) {
    if (content == PoolLabel.Content.FS) {
      try {
        open = Filesystem.open(volume, options(tools));
      } catch (IOException e) {
        trouble = e;
      }
    }
  }

  static FilesystemOptions options(PoolTools tools) {
    FilesystemOptions standard = FilesystemOptions.standard(tools.workers());
    return new FilesystemOptions(
        tools.clock(), standard.executor(), standard.window(), standard.cacheBytes());
  }

  Filesystem filesystem() throws IOException {
    IOException why = trouble;
    if (why != null) {
      throw why;
    }
    Filesystem files = open;
    if (files == null) {
      throw new MediaOpenException(
          pool,
          Reason.REFUSED,
          "it holds a raw volume and no files: one for files is made with"
              + " \"bezoar create POOL --fs\"");
    }
    return files;
  }

  /** Figures; null when there is no filesystem, or none that could be opened. */
  @Nullable FilesystemStatus status() {
    Filesystem files = open;
    return files == null ? null : files.status();
  }

  /** What is missing of the filesystem since it was opened, for people. */
  List<String> notes() {
    Filesystem files = open;
    return files == null ? List.of() : files.notes();
  }

  /** Why the filesystem could not be opened; empty when it is open, or there is none. */
  String trouble() {
    IOException why = trouble;
    return why == null ? "" : String.valueOf(why.getMessage());
  }

  /**
   * What of {@code lost} nobody owns: all of a raw volume, which has no owners; of a filesystem
   * only what it has set aside or free. Bad bytes are never handed out, so that stays true until
   * they are cleared.
   */
  ByteRanges unowned(ByteRanges lost) throws IOException {
    if (content == PoolLabel.Content.RAW) {
      return lost;
    }
    ByteRanges unowned = ByteRanges.EMPTY;
    for (ByteRange range : lost.asList()) {
      unowned = unowned.union(unowned(filesystem().owners(range)));
    }
    return unowned.intersect(lost);
  }

  private static ByteRanges unowned(List<Owner> owners) {
    ByteRanges nobodys = ByteRanges.EMPTY;
    ByteRanges somebodys = ByteRanges.EMPTY;
    for (Owner owner : owners) {
      switch (owner) {
        case Owner.Free free -> nobodys = nobodys.plus(free.device());
        case Owner.Quarantined bad -> nobodys = nobodys.plus(bad.device());
        case Owner.Data data -> somebodys = somebodys.plus(data.device());
        case Owner.Metadata metadata -> somebodys = somebodys.plus(metadata.device());
        case Owner.Unknown unknown -> somebodys = somebodys.plus(unknown.device());
      }
    }
    return nobodys.minus(somebodys);
  }

  /** Makes everything durable, and lets go. */
  void close() throws IOException {
    Filesystem files = open;
    if (files != null) {
      files.close();
    }
  }
}
