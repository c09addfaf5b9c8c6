package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.pool.LabelLayout.Copy;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two copies of a device's label.
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

  /** What a path turned out to hold. */
  sealed interface Peek {
    /**
     * A label; whether the rest of the device is whole was not looked at.
     *
     * @param label the newest whole copy
     */
    record Label(PoolLabel label) implements Peek {}

    /** No trace of a label. */
    record NoLabel() implements Peek {}

    /** A label once; no copy of it is whole. */
    record Damaged(String why) implements Peek {}

    /** The label of a later version. */
    record Newer(int version) implements Peek {}

    /** Nothing can be said: there is no such file, it may not be read, or its media fails. */
    record Unreadable(IOException why) implements Peek {}
  }

  /**
   * Reads the label of a file or block device without taking its lock, so of one that is in use,
   * too; creates and changes nothing. An answer tells where to look, no more: what it says may have
   * changed already, and {@link #read} checks it again under the lock.
   */
  static Peek peek(Path path) {
    MediaOptions options = new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF);
    try (Media media = MediaFiles.open(path, options)) {
      return peek(media);
    } catch (IOException e) {
      return new Peek.Unreadable(e);
    }
  }

  /** As above, of open media. */
  static Peek peek(Media media) throws IOException {
    Copies copies = readCopies(media);
    if (copies.newer() instanceof Copy.Newer newer) {
      return new Peek.Newer(newer.version());
    }
    try {
      return new Peek.Label(decide(media.info().name(), copies).label());
    } catch (MediaOpenException e) {
      return e.openReason() == Reason.NOT_A_POOL
          ? new Peek.NoLabel()
          : new Peek.Damaged(String.valueOf(e.getReason()));
    }
  }

  /**
   * Reads both copies and decides. Changes nothing.
   *
   * @throws MediaOpenException NOT_A_POOL, NEWER_VERSION, LABEL_DAMAGED, TOO_SHORT or TOO_LONG
   */
  static Found read(Media media) throws IOException {
    String name = media.info().name();
    long sizeBytes = media.sizeBytes();
    Copies copies = readCopies(media);
    if (copies.newer() instanceof Copy.Newer newer) {
      throw newerVersion(name, newer.version());
    }
    if (copies.first() instanceof Copy.Valid valid && copies.secondAt() + PAGE > sizeBytes) {
      throw tooShort(name, sizeBytes, valid.label().layout().sizeBytes());
    }
    Found found = decide(name, copies);
    long labelled = found.label().layout().sizeBytes();
    if (labelled > sizeBytes) {
      throw tooShort(name, sizeBytes, labelled);
    }
    if (labelled < sizeBytes) {
      throw tooLong(name, sizeBytes, labelled);
    }
    return found;
  }

  /** Both copies, and where the second one was looked for. */
  private record Copies(Copy first, Copy second, long secondAt) {
    /** A copy of a later version, if there is one. */
    @Nullable Copy newer() {
      return first instanceof Copy.Newer ? first : second instanceof Copy.Newer ? second : null;
    }
  }

  private static Copies readCopies(Media media) throws IOException {
    long sizeBytes = media.sizeBytes();
    Copy first = sizeBytes < PAGE ? new Copy.Foreign() : readCopy(media, 0);
    // The first copy knows where the second one is; without it, it can only be in the last page.
    long secondAt =
        first instanceof Copy.Valid valid
            ? valid.label().layout().secondLabel().start()
            : sizeBytes / PAGE * PAGE - PAGE;
    boolean isThere = secondAt > 0 && secondAt <= sizeBytes - PAGE;
    return new Copies(first, isThere ? readCopy(media, secondAt) : new Copy.Foreign(), secondAt);
  }

  private static Found decide(String name, Copies copies) throws MediaOpenException {
    Copy first = copies.first();
    Copy second = copies.second();
    ByteRange firstRange = ByteRange.ofLength(0, PAGE);
    ByteRange secondRange = ByteRange.ofLength(Math.max(0, copies.secondAt()), PAGE);
    List<WrongCopy> wrong = new ArrayList<>();
    if (first instanceof Copy.Valid a && second instanceof Copy.Valid b) {
      requireOneDevice(name, a.label(), b.label());
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

  private static void requireOneDevice(String name, PoolLabel first, PoolLabel second)
      throws MediaOpenException {
    String mixed =
        !first.uuid().equals(second.uuid())
            ? "pools (" + first.uuid() + " and " + second.uuid()
            : !first.device().uuid().equals(second.device().uuid())
                ? "devices of one pool (" + first.deviceNumber() + " and " + second.deviceNumber()
                : "";
    if (!mixed.isEmpty()) {
      throw new MediaOpenException(
          name,
          Reason.LABEL_DAMAGED,
          "its two labels belong to different "
              + mixed
              + "): two files were mixed; restore it from a copy");
    }
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
   * @throws MediaOpenException BAD_GEOMETRY when its config is too long; nothing was written
   */
  static List<ByteRange> write(DaxDevice device, PoolLabel label) throws IOException {
    LabelLayout.requireRoom(device.info().name(), label.config());
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
