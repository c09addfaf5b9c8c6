package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Units;
import io.bezoar.pool.LabelLayout.Copy;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The two copies of the label.
 *
 * <p><b>Invariant.</b> At every moment at least one copy on media is whole, and the one with the
 * greater generation is right: the first copy is written and persisted before the second is
 * touched. A copy that is damaged, stale or unreadable is rewritten from the other.
 */
final class LabelStore {
  private static final int PAGE = Units.PAGE_BYTES;

  /**
   * What was found on media.
   *
   * @param label the newest whole copy
   * @param wrong copies that do not hold it, and why
   */
  record Found(PoolLabel label, List<WrongCopy> wrong) {}

  /** A copy that does not hold what it should. */
  record WrongCopy(ByteRange at, String why) {}

  private LabelStore() {}

  /**
   * Reads both copies and decides. Changes nothing.
   *
   * @throws MediaOpenException NOT_A_POOL, NEWER_VERSION, LABEL_DAMAGED, TOO_SHORT or TOO_LONG
   */
  static Found read(Media media) throws IOException {
    String name = media.info().name();
    long sizeBytes = media.sizeBytes();
    Copy first = sizeBytes < PAGE ? new Copy.Foreign() : readCopy(media, 0);
    if (first instanceof Copy.Newer newer) {
      throw newerVersion(name, newer.version());
    }
    // The first copy knows where the second one is; without it, it can only be in the last page.
    long secondAt =
        first instanceof Copy.Valid valid
            ? valid.label().layout().secondLabel().start()
            : sizeBytes / PAGE * PAGE - PAGE;
    if (first instanceof Copy.Valid valid && secondAt + PAGE > sizeBytes) {
      throw tooShort(name, sizeBytes, valid.label().layout().sizeBytes());
    }
    Copy second = secondAt <= 0 ? new Copy.Foreign() : readCopy(media, secondAt);
    if (second instanceof Copy.Newer newer) {
      throw newerVersion(name, newer.version());
    }
    Found found = decide(name, first, second, secondAt);
    long labelled = found.label().layout().sizeBytes();
    if (labelled > sizeBytes) {
      throw tooShort(name, sizeBytes, labelled);
    }
    if (labelled < sizeBytes) {
      throw tooLong(name, sizeBytes, labelled);
    }
    return found;
  }

  private static Found decide(String name, Copy first, Copy second, long secondAt)
      throws MediaOpenException {
    ByteRange firstRange = ByteRange.ofLength(0, PAGE);
    ByteRange secondRange = ByteRange.ofLength(Math.max(0, secondAt), PAGE);
    List<WrongCopy> wrong = new ArrayList<>();
    if (first instanceof Copy.Valid a && second instanceof Copy.Valid b) {
      if (!a.label().uuid().equals(b.label().uuid())) {
        throw new MediaOpenException(
            name,
            Reason.LABEL_DAMAGED,
            "its two labels belong to different pools ("
                + a.label().uuid()
                + " and "
                + b.label().uuid()
                + "): two files were mixed; restore it from a copy");
      }
      boolean firstIsNewer = a.label().generation() >= b.label().generation();
      if (a.label().generation() != b.label().generation()) {
        wrong.add(new WrongCopy(firstIsNewer ? secondRange : firstRange, "it is out of date"));
      }
      return new Found(firstIsNewer ? a.label() : b.label(), wrong);
    }
    if (first instanceof Copy.Valid a) {
      return new Found(a.label(), List.of(new WrongCopy(secondRange, why(second))));
    }
    if (second instanceof Copy.Valid b) {
      return new Found(b.label(), List.of(new WrongCopy(firstRange, why(first))));
    }
    if (first instanceof Copy.Foreign && second instanceof Copy.Foreign) {
      throw notAPool(name);
    }
    throw new MediaOpenException(
        name,
        Reason.LABEL_DAMAGED,
        "both copies of its label are damaged (first: %s; second: %s); nothing of it was changed:"
                .formatted(why(first), why(second))
            + " if the file was cut, restore its full length and try again");
  }

  private static String why(Copy copy) {
    return switch (copy) {
      case Copy.Damaged damaged -> damaged.why();
      case Copy.Foreign _ -> "there is no label";
      case Copy.Newer newer -> "version " + newer.version();
      case Copy.Valid _ -> "it is whole";
    };
  }

  static MediaOpenException notAPool(String name) {
    return new MediaOpenException(
        name,
        Reason.NOT_A_POOL,
        "it has no pool label, so it is not a pool, or creating it was interrupted;"
            + " nothing of it was changed");
  }

  static MediaOpenException tooLong(String name, long sizeBytes, long labelled) {
    return new MediaOpenException(
        name,
        Reason.TOO_LONG,
        "the file has %d bytes, its label says %d: something was appended to it;"
                .formatted(sizeBytes, labelled)
            + " look at what it is, then cut it off with: truncate -s %d FILE".formatted(labelled));
  }

  static MediaOpenException newerVersion(String name, int version) {
    return new MediaOpenException(
        name,
        Reason.NEWER_VERSION,
        "the pool has format version %d, this program knows %d: use the newer program"
            .formatted(version, LabelLayout.VERSION));
  }

  static MediaOpenException tooShort(String name, long sizeBytes, long labelled) {
    return new MediaOpenException(
        name,
        Reason.TOO_SHORT,
        "the file has %d bytes, its label says %d: the rest was cut off or never copied;"
                .formatted(sizeBytes, labelled)
            + " restore it; nothing was changed");
  }

  private static Copy readCopy(Media media, long at) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      media.readPastCache(at, page);
      return LabelLayout.decode(page, at);
    } catch (MediaFaultException e) {
      return new Copy.Damaged("it cannot be read (" + e.faultCause() + ")");
    }
  }

  /**
   * Writes both copies, one durably before the other.
   *
   * @return a copy that cannot be written because its media cannot be cleared; the other one stands
   * @throws UnwritableLabelException when no copy can be written
   */
  static List<ByteRange> write(DaxDevice device, PoolLabel label) throws IOException {
    List<ByteRange> unwritable = new ArrayList<>();
    for (ByteRange copy : List.of(label.layout().firstLabel(), label.layout().secondLabel())) {
      try {
        writeCopy(device, label, copy);
      } catch (UnwritableLabelException e) {
        if (!unwritable.isEmpty()) {
          throw e;
        }
        unwritable.add(copy);
      }
    }
    return unwritable;
  }

  /** Rewrites one copy, clearing what is wrong with its place. */
  static void heal(DaxDevice device, PoolLabel label, ByteRange copy) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      LabelLayout.encode(label, copy.start(), page);
      RecoveryWrite written = device.recoveryWrite(copy.start(), page);
      if (!written.complete()) {
        throw new UnwritableLabelException(device.info().name(), copy);
      }
    }
  }

  /** True when the media at {@code copy} can be read and holds {@code label}. */
  static boolean holds(DaxDevice device, PoolLabel label, ByteRange copy) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      return device.recoveryRead(copy.start(), page).holes().isEmpty()
          && LabelLayout.decode(page, copy.start()) instanceof Copy.Valid valid
          && valid.label().equals(label);
    }
  }

  private static void writeCopy(DaxDevice device, PoolLabel label, ByteRange copy)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      LabelLayout.encode(label, copy.start(), page);
      device.write(copy.start(), page);
      device.persist();
    } catch (PoisonedRangeException e) {
      heal(device, label, copy);
    }
  }
}
