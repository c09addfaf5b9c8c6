package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Somebody who may know what damaged bytes of a file should be: a replica, a backup, whatever can
 * compute them again.
 */
@FunctionalInterface
public interface RepairSource {

  /**
   * The bytes that {@code range} of {@code file} should hold. Asked before anything is thrown, on
   * the thread that met the damage, with no lock held. While it runs, other readers of the range
   * wait; this thread may read everything else through the guard.
   *
   * @param range half-open, in bytes from the start of the file
   * @return exactly {@code range.length()} bytes, or null when this source does not know them
   * @throws IOException when it failed to find out; told to the log, and the next source is asked
   */
  byte @Nullable [] bytes(Path file, ByteRange range) throws IOException;
}
