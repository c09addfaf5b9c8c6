package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Good lines of a clear unit that is repaired over and over: never refused, never lost. */
class LeafDeviceConcurrencyTest {
  private static final long SIZE = 16L * PAGE_BYTES;
  private static final PoisonRegion REGION =
      new PoisonRegion(
          ByteRange.ofLength(0, 2L * PAGE_BYTES),
          ByteRange.ofLength(SIZE - 2L * PAGE_BYTES, 2L * PAGE_BYTES));
  private static final long UNIT = 4L * PAGE_BYTES;
  private static final int REPAIRS = 700;

  @Test
  @Timeout(120)
  void shouldHideRepairsFromAccessesToGoodLinesBeside() throws Exception {
    SimMedia media = SimMedia.create("busy", SIZE, PAGE_BYTES, 1);
    LeafDevice.format(media, REGION);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      NoticeDispatcher notices = new NoticeDispatcher("busy", () -> Instant.EPOCH, threads);
      LeafDevice device = LeafDevice.open(media, REGION, () -> Instant.EPOCH, notices);
      device.write(UNIT, filled(PAGE_BYTES, 1));
      AtomicBoolean done = new AtomicBoolean();
      List<Future<Integer>> workers = new ArrayList<>();
      workers.add(threads.submit(writer(device, UNIT + 8L * LINE_BYTES, done)));
      workers.add(threads.submit(writer(device, UNIT + 40L * LINE_BYTES, done)));
      workers.add(threads.submit(reader(device, UNIT + 60L * LINE_BYTES, done)));
      workers.add(threads.submit(victimReader(device, done)));
      for (int i = 0; i < REPAIRS; i++) {
        repairOnce(media, device, i);
      }
      done.set(true);
      for (Future<Integer> worker : workers) {
        assertThat(worker.get()).as("accesses of a worker").isPositive();
      }
      device.close();
    }
  }

  /** Strikes line 20 of the unit and repairs it; its neighbours are stashed and come back. */
  private static void repairOnce(SimMedia media, LeafDevice device, int i) throws IOException {
    long victim = UNIT + 20L * LINE_BYTES;
    ByteRange line = ByteRange.ofLength(victim, LINE_BYTES);
    media.injector().inject(FaultSpec.of(FaultKind.POISON, line, i));
    RecoveryWrite result = device.recoveryWrite(victim, filled(LINE_BYTES, 2 + i % 2));
    assertThat(result.complete()).isTrue();
    expect(device, victim, (byte) (2 + i % 2));
  }

  /** Writes one line and finds it as written, each time. */
  private static Callable<Integer> writer(LeafDevice device, long offset, AtomicBoolean done) {
    return () -> {
      int count = 0;
      while (!done.get()) {
        count++;
        device.write(offset, filled(LINE_BYTES, count));
        expect(device, offset, (byte) count);
      }
      return count;
    };
  }

  /** Reads a line that nobody writes. */
  private static Callable<Integer> reader(LeafDevice device, long offset, AtomicBoolean done) {
    return () -> {
      int count = 0;
      while (!done.get()) {
        count++;
        expect(device, offset, (byte) 1);
      }
      return count;
    };
  }

  private static void expect(LeafDevice device, long offset, byte value) throws IOException {
    MemorySegment found = filled(LINE_BYTES, 0);
    device.read(offset, found);
    assertThat(found.toArray(ValueLayout.JAVA_BYTE)).containsOnly(value);
  }

  /** Sees the struck line refused or whole, old or new. */
  private static Callable<Integer> victimReader(LeafDevice device, AtomicBoolean done) {
    return () -> {
      int count = 0;
      MemorySegment found = filled(LINE_BYTES, 0);
      while (!done.get()) {
        count++;
        try {
          device.read(UNIT + 20L * LINE_BYTES, found);
          byte[] bytes = found.toArray(ValueLayout.JAVA_BYTE);
          assertThat(bytes[0]).isBetween((byte) 1, (byte) 3);
          assertThat(bytes).containsOnly(bytes[0]);
        } catch (PoisonedRangeException refused) {
          assertThat(refused.goodPrefixBytes()).isZero();
        }
      }
      return count;
    };
  }

  private static MemorySegment filled(int length, int value) {
    return Arena.ofAuto().allocate(length).fill((byte) value);
  }
}
