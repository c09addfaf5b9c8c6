package io.bezoar.pool;

import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Tells what cannot be a pool from what may be one, with nothing but the JDK: whoever opens files
 * of all kinds asks this first, where the system must not be called, too.
 */
final class LabelTrace {
  private LabelTrace() {}

  /** False for a directory, for nothing, and for a file without a trace of a label. */
  static boolean mayBeAt(Path path) {
    if (!Files.isRegularFile(path)) {
      // A block device, perhaps: its size is not known to the JDK.
      return Files.exists(path) && !Files.isDirectory(path);
    }
    try (SeekableByteChannel file = Files.newByteChannel(path)) {
      long lastPage = file.size() / Units.PAGE_BYTES * Units.PAGE_BYTES - Units.PAGE_BYTES;
      return hasMagic(file, 0) || (lastPage > 0 && hasMagic(file, lastPage));
    } catch (IOException unreadable) {
      // Nobody can say; whoever opens it finds out.
      return true;
    }
  }

  private static boolean hasMagic(SeekableByteChannel file, long at) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(LabelLayout.MAGIC_BYTES);
    file.position(at);
    while (start.hasRemaining()) {
      if (file.read(start) < 0) {
        return false;
      }
    }
    return LabelLayout.isOurs(MemorySegment.ofArray(start.array()));
  }
}
