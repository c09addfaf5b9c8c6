package io.bezoar.media;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that bytes are stored through: the media's own, for as long as it lives, where it
 * was opened to be written; where it was opened to be repaired, a pair for the length of one
 * repair.
 *
 * <p><b>Repair.</b> The same open file is opened once more for writing and locked exclusively, so
 * that two processes never repair at once and no running writer is disturbed. {@link #finish} makes
 * what was stored durable and puts the file's modification time back: the content is again what it
 * was at that time.
 */
final class Stores implements AutoCloseable {
  final Descriptor file;
  final @Nullable PastCache pastCache;

  /** Null where the descriptors are the media's own. */
  private final @Nullable ModifiedTime before;

  private Stores(Descriptor file, @Nullable PastCache pastCache, @Nullable ModifiedTime before) {
    this.file = file;
    this.pastCache = pastCache;
    this.before = before;
  }

  /** The media's own descriptors. */
  static Stores lasting(Descriptor file, @Nullable PastCache pastCache) {
    return new Stores(file, pastCache, null);
  }

  /**
   * For one repair of the file that {@code readOnly} is open on.
   *
   * <p>The time is asked for under the lock: before, it may be that of another repair's stores.
   * Whether it can be put back is found out before anything is stored.
   *
   * @throws MediaOpenException LOCKED (when it stays so for a second), READ_ONLY or DENIED; DENIED
   *     as well where this process may write the file but, not being its owner, not put its
   *     modification time back
   */
  static Stores forRepair(Path path, Descriptor readOnly, int granuleBytes) throws IOException {
    FileStat looked = MediaFiles.stat(path, readOnly);
    Descriptor file =
        MediaFiles.openAgain(
            path, readOnly, looked, Access.READ_WRITE, MediaFiles.REPAIR_PATIENCE_NANOS);
    try {
      ModifiedTime before = MediaFiles.stat(path, file).modified();
      if (before.putBackOn(file) < 0) {
        throw MediaFiles.notOurs(path);
      }
      return new Stores(file, PastCache.of(file, Access.READ_WRITE, granuleBytes), before);
    } catch (IOException | RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Ends a repair: durable, and no modification. 0, or a negative errno. */
  long finish() {
    if (before == null) {
      return 0;
    }
    long result = before.putBackOn(file);
    return result < 0 ? result : file.call(Posix::fsync);
  }

  @Override
  public void close() {
    if (before == null) {
      return;
    }
    if (pastCache != null) {
      pastCache.close();
    }
    file.close();
  }
}
