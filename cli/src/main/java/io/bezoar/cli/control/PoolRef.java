package io.bezoar.cli.control;

import io.bezoar.pool.PoolOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A pool, as a command line names it.
 *
 * @param path any one of its devices
 * @param missing what to do when part of it is not there
 * @param searchIn folders to look for its other devices in, besides where they were last
 * @param prefer the device whose content is right where legs of a mirror went on alone; null while
 *     nobody has said so
 */
public record PoolRef(
    Path path, PoolOptions.Missing missing, List<Path> searchIn, @Nullable String prefer) {
  /** Copies the list. */
  public PoolRef {
    searchIn = List.copyOf(searchIn);
  }

  /** All of a pool whose devices are where they were, or beside {@code path}. */
  public static PoolRef of(Path path) {
    return new PoolRef(path, PoolOptions.Missing.REFUSE, List.of(), null);
  }

  /** How to open it. */
  public PoolOptions options(PoolOptions base) {
    return base.with(missing).searching(searchIn).preferring(prefer);
  }

  /** The same, whatever of it is there. */
  PoolRef partly() {
    return new PoolRef(path, PoolOptions.Missing.ALLOW, searchIn, prefer);
  }
}
