package io.bezoar.pool;

import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Units;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells what a file is whose size no media can have: a pool that was cut, or no pool at all. */
final class OddFile {
  private OddFile() {}

  /** The exception to throw in place of {@code refused}. */
  static MediaOpenException explain(Path path, MediaOpenException refused) {
    String name = path.toString();
    try (InputStream in = Files.newInputStream(path);
        Arena arena = Arena.ofConfined()) {
      byte[] bytes = in.readNBytes(Units.PAGE_BYTES);
      MemorySegment page = arena.allocate(Units.PAGE_BYTES);
      MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, bytes.length);
      return switch (LabelLayout.decode(page, 0)) {
        case LabelLayout.Copy.Valid valid -> {
          long labelled = valid.label().layout().sizeBytes();
          long sizeBytes = Files.size(path);
          yield sizeBytes < labelled
              ? LabelStore.tooShort(name, sizeBytes, labelled)
              : LabelStore.tooLong(name, sizeBytes, labelled);
        }
        case LabelLayout.Copy.Foreign _ -> LabelStore.notAPool(name);
        case LabelLayout.Copy.Newer newer -> LabelStore.newerVersion(name, newer.version());
        case LabelLayout.Copy.Damaged damaged ->
            new MediaOpenException(
                name,
                Reason.LABEL_DAMAGED,
                "its label is damaged (" + damaged.why() + "), and it " + refused.getReason());
      };
    } catch (IOException e) {
      refused.addSuppressed(e);
      return refused;
    }
  }
}
