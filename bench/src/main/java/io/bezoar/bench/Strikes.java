package io.bezoar.bench;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;

/**
 * Makes pages of a device go bad behind its back, without the drills of its media: those keep a
 * durable list, and its upkeep would be measured with the repair.
 */
final class Strikes implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Volatile, so that no compiler can know how often the barrier loops. */
  private static volatile int barrierRounds = 2;

  private final Media media;
  private final LongUnaryOperator fileOffset;
  private final FileChannel channel;
  private final SplittableRandom random = new SplittableRandom(7);
  private final Arena arena = Arena.ofShared();
  private final MemorySegment scratch = arena.allocate(PAGE, PAGE);

  Strikes(Volume volume) throws IOException {
    this(volume.path(), volume.media(), volume::fileOffset);
  }

  /**
   * On any device in a file.
   *
   * @param fileOffset where in the file a page of the device lies, by its number
   */
  Strikes(Path path, Media media, LongUnaryOperator fileOffset) throws IOException {
    this.media = media;
    this.fileOffset = fileOffset;
    this.channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** What happens to a page. */
  enum Kind {
    /** One bit is inverted: the checksum does not match. */
    FLIP("a flipped bit"),
    /** Its load traps: a page of an empty file is laid over it. */
    TRAP("a trap");

    private final String label;

    Kind(String label) {
      this.label = label;
    }

    String label() {
      return label;
    }
  }

  void strike(List<Long> pages, Kind kind) throws IOException {
    for (long page : pages) {
      switch (kind) {
        case FLIP -> flip(page);
        case TRAP -> BareMappings.layTrap(window(page));
      }
    }
    channel.force(false);
  }

  private void flip(long page) throws IOException {
    long at = fileOffset.applyAsLong(page) + random.nextInt(PAGE);
    ByteBuffer one = ByteBuffer.allocate(1);
    channel.read(one, at);
    one.put(0, (byte) (one.get(0) ^ 1)).rewind();
    channel.write(one, at);
  }

  private MemorySegment window(long page) throws IOException {
    return media
        .window(ByteRange.ofLength(fileOffset.applyAsLong(page), PAGE))
        .orElseThrow(() -> new IOException("this media has no windows"));
  }

  /** What it takes to run into the traps of {@code pages} and to catch the error, in seconds. */
  double runInto(List<Long> pages) throws IOException {
    MemorySegment whole =
        media
            .window(new ByteRange(0, media.sizeBytes()))
            .orElseThrow(() -> new IOException("this media has no windows"));
    long caught = 0;
    long start = System.nanoTime();
    for (long page : pages) {
      caught += traps(whole, fileOffset.applyAsLong(page), scratch) ? 1 : 0;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    if (caught != pages.size()) {
      throw new IOException("only " + caught + " of " + pages.size() + " traps were met");
    }
    return seconds / pages.size();
  }

  /** With the barrier that makes the error arrive in here, as in every guarded copy. */
  private static boolean traps(MemorySegment mapped, long at, MemorySegment into) {
    try {
      MemorySegment.copy(mapped, at, into, 0, PAGE);
      for (int i = 0; i < barrierRounds; ) {
        i++;
      }
      return false;
    } catch (InternalError trap) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    arena.close();
    channel.close();
  }
}
