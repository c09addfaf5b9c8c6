package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.guard.Verify;
import io.bezoar.guard.sidecar.SidecarException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.apache.lucene.index.CorruptIndexException;
import org.jspecify.annotations.Nullable;

/**
 * Maps the files of one directory, with their sidecars where they have one.
 *
 * <p>A file that is opened before its commit has none yet. Should it go bad later, its sidecar is
 * looked for then.
 */
final class Mapper {
  private static final System.Logger LOG = System.getLogger(Mapper.class.getName());

  private final GuardOptions options;
  private final SidecarUse use;
  private final SidecarFiles sidecars;

  Mapper(GuardOptions options, SidecarUse use, SidecarFiles sidecars) {
    this.options = options;
    this.use = use;
    this.sidecars = sidecars;
  }

  /**
   * Maps a file.
   *
   * @throws NoSuchFileException when it is not there
   * @throws CorruptIndexException when it is not what was protected, and was written to since: one
   *     cannot tell whether it was damaged or changed
   */
  Guard map(String name) throws IOException {
    Path path = sidecars.path(name);
    try {
      return use != SidecarUse.NONE && sidecars.isThere(name)
          ? checked(path, name)
          : unchecked(path, name);
    } catch (MediaOpenException e) {
      if (e.openReason() == MediaOpenException.Reason.MISSING) {
        NoSuchFileException missing = new NoSuchFileException(path.toString());
        missing.initCause(e);
        throw missing;
      }
      throw e;
    }
  }

  private Guard checked(Path path, String name) throws IOException {
    Verify verify = use == SidecarUse.CHECK_AT_OPEN ? Verify.AT_MAP : Verify.ON_COPY;
    try {
      return Guard.map(path, options.verify(verify));
    } catch (SidecarException e) {
      if (e.sidecarReason() == SidecarException.Reason.CHANGED) {
        throw new CorruptIndexException(String.valueOf(e.getMessage()), path.toString(), e);
      }
      LOG.log(Level.WARNING, path + " is opened without its sidecar, which is of no use", e);
      return unchecked(path, name);
    }
  }

  private Guard unchecked(Path path, String name) throws IOException {
    return Guard.map(
        path,
        use == SidecarUse.NONE
            ? options
            : options.repairFrom((_, range) -> ofLaterSidecar(name, range)));
  }

  /** By a mapping of its own, which can have what the first one was made without. */
  private byte @Nullable [] ofLaterSidecar(String name, ByteRange range) throws IOException {
    if (!sidecars.isThere(name)) {
      return null;
    }
    GuardOptions apart = options.verify(Verify.ON_COPY).repairInMemoryOnly();
    try (Guard guard = Guard.map(sidecars.path(name), apart)) {
      byte[] bytes = new byte[Math.toIntExact(range.length())];
      guard.copy(range.start(), bytes, 0, bytes.length);
      return bytes;
    }
  }
}
