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

/** Tells what a file is whose size no pool can have: a pool that was cut, or no pool at all. */
final class OddFile {
  private OddFile() {}

  static boolean isOdd(long sizeBytes) {
    return sizeBytes == 0 || sizeBytes % Units.PAGE_BYTES != 0;
  }

  /** The exception to throw for the file at {@code path}. */
  static MediaOpenException explain(Path path, long sizeBytes) {
    String name = path.toString();
    String problem =
        "has "
            + sizeBytes
            + " bytes, which is not a positive multiple of "
            + Units.PAGE_BYTES
            + ": its end was cut or something was appended; restore it";
    try (InputStream in = Files.newInputStream(path);
        Arena arena = Arena.ofConfined()) {
      byte[] bytes = in.readNBytes(Units.PAGE_BYTES);
      MemorySegment page = arena.allocate(Units.PAGE_BYTES);
      MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, bytes.length);
      return switch (LabelLayout.decode(page, 0)) {
        case LabelLayout.Copy.Valid valid -> {
          long labelled = valid.label().layout().sizeBytes();
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
                "its label is damaged (" + damaged.why() + "), and it " + problem);
      };
    } catch (IOException e) {
      MediaOpenException odd = new MediaOpenException(name, Reason.BAD_GEOMETRY, problem);
      odd.addSuppressed(e);
      return odd;
    }
  }
}
