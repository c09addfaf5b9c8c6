package io.bezoar.lucene;

import io.bezoar.guard.Damage;
import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaException;
import java.io.IOException;
import java.util.List;
import org.apache.lucene.index.CorruptIndexException;
import org.jspecify.annotations.Nullable;

/** Lost bytes, told as Lucene tells of a broken file. */
final class Losses {
  private static final String NEXT_STEP =
      "restore the file from a backup, or drop its segment with CheckIndex; everything else is"
          + " served";

  private Losses() {}

  /**
   * All that is lost of a file.
   *
   * @return null when nothing is
   */
  static @Nullable DamagedRangeException of(Guard guard) {
    List<ByteRange> ranges = guard.damage().stream().map(Damage::range).toList();
    return ranges.isEmpty() ? null : new DamagedRangeException(guard.file(), ranges, 0, NEXT_STEP);
  }

  /**
   * The loss that a read met, with all of the range that is lost and not just the part of it that
   * was to be read.
   */
  static CorruptIndexException named(Guard guard, DamagedRangeException met, String resource) {
    ByteRanges part = ByteRanges.of(met.ranges());
    List<ByteRange> whole =
        guard.damage().stream().map(Damage::range).filter(part::overlaps).toList();
    return corrupt(
        new DamagedRangeException(
            guard.file(), whole.isEmpty() ? met.ranges() : whole, 0, NEXT_STEP),
        resource);
  }

  static CorruptIndexException corrupt(DamagedRangeException loss, String resource) {
    return new CorruptIndexException(String.valueOf(loss.getMessage()), resource, loss);
  }

  /**
   * What reading failed with, where Lucene wrapped it for want of a checked exception.
   *
   * @return to be thrown; not when it is something else that failed
   * @throws RuntimeException which is {@code thrown}, when it is something else
   */
  static IOException unwrapped(RuntimeException thrown) {
    IOException read = within(thrown);
    if (read == null) {
      throw thrown;
    }
    return read;
  }

  private static @Nullable IOException within(RuntimeException thrown) {
    return switch (thrown.getCause()) {
      case CorruptIndexException loss when loss.getCause() instanceof DamagedRangeException -> loss;
      case MediaException unreadable -> unreadable;
      case RuntimeException inner -> within(inner);
      case null, default -> null;
    };
  }
}
