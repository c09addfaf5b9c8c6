package io.bezoar.dax;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Storms into one leaf: told in few notices and bounded memory, none lost, readers served. */
class LeafStormTest {
  /** A million by {@code -Dbezoar.storm=1000000}. */
  private static final int ERRORS = Integer.getInteger("bezoar.storm", 300_000);

  private static final int THREADS = 4;
  private static final long LIST_BYTES = (2L + ERRORS / 40) * PAGE_BYTES;

  @TempDir Path folder;

  /** Keeps what it is told. */
  private static final class Audience implements Holder {
    final List<DeviceNotice.Failure> told = Collections.synchronizedList(new ArrayList<>());

    @Override
    public String holderName() {
      return "audience";
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      told.add((DeviceNotice.Failure) notice);
    }

    ByteRanges covered() {
      return ByteRanges.of(told.stream().flatMap(each -> each.ranges().stream()).toList());
    }
  }

  private interface Storm {
    void on(LeafDevice leaf, NoticeDispatcher notices, Audience audience) throws Exception;
  }

  private void withLeaf(long struckBytes, Storm storm) throws Exception {
    try (ExecutorService notifier = Executors.newSingleThreadExecutor();
        Media media =
            MediaFiles.create(
                folder.resolve("storm"),
                struckBytes + 2 * LIST_BYTES,
                Allocation.SPARSE,
                MediaOptions.READ_WRITE)) {
      PoisonRegion region =
          new PoisonRegion(
              ByteRange.ofLength(struckBytes, LIST_BYTES),
              ByteRange.ofLength(struckBytes + LIST_BYTES, LIST_BYTES));
      LeafDevice.format(media, region);
      NoticeDispatcher notices =
          new NoticeDispatcher(
              "leaf", () -> Instant.EPOCH, notifier, NoticeDispatcher.later(notifier));
      // Not closed: that would store the list, which is tested elsewhere.
      LeafDevice leaf = LeafDevice.open(media, region, () -> Instant.EPOCH, notices);
      Audience audience = new Audience();
      try (Claim claim = leaf.claim(audience)) {
        assertThat(claim.poisonAtClaim()).isEmpty();
        storm.on(leaf, notices, audience);
      }
    }
  }

  @Test
  void shouldTellAStormFromManyThreadsInFewNotices() throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    System.out.println("replay: mvn -pl core -am test -Dtest=LeafStormTest -Dbezoar.seed=" + seed);
    List<Integer> pages = new ArrayList<>();
    for (int i = 0; i < ERRORS; i++) {
      pages.add(i);
    }
    Collections.shuffle(pages, new Random(seed));
    withLeaf(
        2L * ERRORS * PAGE_BYTES,
        (leaf, notices, audience) -> {
          long reads = strike(leaf, pages);
          notices.drain();
          assertThat(reads).isPositive();
          assertThat(leaf.counters().lostBytes()).isEqualTo((long) ERRORS * PAGE_BYTES);
          for (int i = 0; i < 1000; i++) {
            ByteRange bad = bad(pages.get(i));
            assertThat(leaf.poison(bad)).hasSize(1);
          }
          ByteRanges covered = audience.covered();
          for (int page : pages) {
            if (!covered.contains(bad(page))) {
              throw new AssertionError("never told: " + bad(page));
            }
          }
          assertThat(audience.told)
              .hasSizeLessThan(ERRORS / 50)
              .allMatch(notice -> notice.ranges().size() <= BoundedRanges.MAX_RANGES)
              .allMatch(notice -> notice.media().size() <= BoundedRanges.MAX_RANGES);
        });
  }

  private static ByteRange bad(int page) {
    return ByteRange.ofLength(2L * page * PAGE_BYTES, PAGE_BYTES);
  }

  /** Returns how often a healthy page was read meanwhile. */
  private static long strike(LeafDevice leaf, List<Integer> pages) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS + 1)) {
      List<Future<?>> strikers = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        List<Integer> mine = pages.subList(share(t), share(t + 1));
        strikers.add(threads.submit(reporting(leaf, mine)));
      }
      Future<Long> reader = threads.submit(() -> readHealthy(leaf, strikers));
      for (Future<?> striker : strikers) {
        striker.get();
      }
      return reader.get();
    }
  }

  private static int share(int thread) {
    return (int) ((long) ERRORS * thread / THREADS);
  }

  private static Callable<Integer> reporting(LeafDevice leaf, List<Integer> pages) {
    return () -> {
      for (int page : pages) {
        leaf.report(bad(page), Cause.TRAP, Confidence.EXACT);
      }
      return pages.size();
    };
  }

  private static long readHealthy(LeafDevice leaf, List<Future<?>> until) throws IOException {
    Random random = new Random(5);
    long reads = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE_BYTES);
      do {
        leaf.read((2L * random.nextInt(ERRORS) + 1) * PAGE_BYTES, page);
        reads++;
      } while (!until.stream().allMatch(Future::isDone));
    }
    return reads;
  }

  @Test
  void shouldCountWhatIsRepeatedForEver() throws Exception {
    withLeaf(
        64L * PAGE_BYTES,
        (leaf, notices, audience) -> {
          ByteRange bad = ByteRange.ofLength(7L * PAGE_BYTES, PAGE_BYTES);
          int times = 200_000;
          for (int i = 0; i < times; i++) {
            leaf.report(bad, Cause.TRAP, Confidence.EXACT);
          }
          notices.drain();
          assertThat(leaf.poison(new ByteRange(0, leaf.sizeBytes())))
              .singleElement()
              .satisfies(
                  entry -> {
                    assertThat(entry.range()).isEqualTo(bad);
                    assertThat(entry.count()).isEqualTo(times);
                  });
          assertThat(audience.told)
              .hasSizeLessThan(times / 20)
              .allMatch(notice -> notice.ranges().equals(List.of(bad)));
        });
  }
}
