package io.bezoar.bench;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A protected volume of 31 + 1 columns in a file, as a pool has it. */
final class Volume implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int COLUMNS = 32;
  private static final int FILL_BYTES = 1 << 20;

  /** Pages of the file for each page of a copy of its poison list. */
  private static final long PAGES_PER_LIST_PAGE = 4096;

  private final Path path;
  private final Media media;
  private final ProtectedTarget target;
  private final AdvancingClock clock;
  private final ExecutorService notifier;
  private final List<NoticeDispatcher> notices;
  private final SplittableRandom random = new SplittableRandom(7);

  private Volume(
      Path path,
      Media media,
      ProtectedTarget target,
      AdvancingClock clock,
      ExecutorService notifier,
      List<NoticeDispatcher> notices) {
    this.path = path;
    this.media = media;
    this.target = target;
    this.clock = clock;
    this.notifier = notifier;
    this.notices = notices;
  }

  static Volume create(Path path, long fileBytes) throws IOException {
    AdvancingClock clock = new AdvancingClock();
    Media media =
        MediaFiles.create(path, fileBytes, Allocation.PREALLOCATED, MediaOptions.READ_WRITE);
    ExecutorService notifier =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("bench-notices").factory());
    try {
      PoisonRegion lists = lists(fileBytes);
      LeafDevice.format(media, lists);
      NoticeDispatcher below = dispatcher("file", clock, notifier);
      LeafDevice leaf = LeafDevice.open(media, lists, clock, below);
      long start = lists.first().end();
      long end = lists.second().start();
      Geometry geometry = ProtectedTarget.plan(new ByteRange(start, end), COLUMNS);
      ProtectedTarget.format(leaf, geometry);
      NoticeDispatcher above = dispatcher("volume", clock, notifier);
      ProtectedTarget target = ProtectedTarget.open(leaf, geometry, clock, above);
      return new Volume(path, media, target, clock, notifier, List.of(below, above));
    } catch (IOException | RuntimeException failed) {
      notifier.shutdown();
      media.close();
      throw failed;
    }
  }

  private static NoticeDispatcher dispatcher(
      String device, AdvancingClock clock, ExecutorService notifier) {
    return new NoticeDispatcher(device, clock, notifier, NoticeDispatcher.later(notifier));
  }

  /** As in a pool: the label's page, the list; at the end the other way round. */
  private static PoisonRegion lists(long fileBytes) {
    long listBytes = Math.max(4, fileBytes / PAGE / PAGES_PER_LIST_PAGE) * PAGE;
    return new PoisonRegion(
        ByteRange.ofLength(PAGE, listBytes),
        ByteRange.ofLength(fileBytes - PAGE - listBytes, listBytes));
  }

  /** Writes something else into every page. */
  void fill() throws IOException {
    fill(target);
  }

  /** Writes something else into every page of a device. */
  static void fill(DaxDevice device) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(FILL_BYTES, PAGE);
      SplittableRandom random = new SplittableRandom(1);
      for (long i = 0; i < FILL_BYTES; i += Long.BYTES) {
        block.set(ValueLayout.JAVA_LONG, i, random.nextLong());
      }
      for (long at = 0; at < device.sizeBytes(); at += FILL_BYTES) {
        long length = Math.min(FILL_BYTES, device.sizeBytes() - at);
        for (long page = 0; page < length; page += PAGE) {
          block.set(ValueLayout.JAVA_LONG, page, random.nextLong());
        }
        device.write(at, block.asSlice(0, length));
      }
    }
    device.persist();
  }

  Path path() {
    return path;
  }

  Media media() {
    return media;
  }

  ProtectedTarget target() {
    return target;
  }

  Geometry geometry() {
    return target.geometry();
  }

  long sizeBytes() {
    return target.sizeBytes();
  }

  int pages() {
    return (int) (sizeBytes() / PAGE);
  }

  /** Random pages of the volume, all in different rows of {@code [firstRow, endRow)}. */
  List<Long> choose(int count, long firstRow, long endRow) {
    Walk rows = new Walk((int) (endRow - firstRow), random.nextLong());
    List<Long> pages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int column = random.nextInt(geometry().dataColumns());
      pages.add(geometry().pageAt(firstRow + rows.next(), column));
    }
    return pages;
  }

  /** Where in the file a page of the volume lies. */
  long fileOffset(long page) {
    return geometry().childOffsetOfPage(page);
  }

  /**
   * Waits until everything that was noticed has been dealt with. A page may be repaired on the way
   * of a notice, beside the scrub or the reader that met another one.
   *
   * @return bytes repaired since the volume was made
   */
  long repairedBytes() {
    notices.forEach(NoticeDispatcher::drain);
    return target.counters().repairedBytes();
  }

  /** Lets the device forget how much it has repaired lately. */
  void renewRepairBudget() {
    clock.advance(Duration.ofHours(1));
  }

  @Override
  public void close() throws IOException {
    try {
      target.close();
    } finally {
      notifier.shutdown();
    }
  }
}
