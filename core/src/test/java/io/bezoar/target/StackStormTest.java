package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** A storm that comes up through a stack which can heal all of it. */
class StackStormTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int ROWS = 128;
  private static final int THREADS = 3;

  @Test
  void shouldHealAStormUnderReadersAndTellItInFewNotices() throws Exception {
    List<SimChild> children =
        List.of(SimChild.guarded("a", 4, ROWS, 1), SimChild.guarded("b", 4, ROWS, 2));
    List<LinearTarget.Piece> pieces = new ArrayList<>();
    for (SimChild child : children) {
      pieces.add(new LinearTarget.Piece(child.device(), new ByteRange(0, child.usableBytes())));
    }
    NoticeDispatcher notices = SimChild.dispatcher("stack");
    List<DeviceNotice.Failure> told = new ArrayList<>();
    Holder holder =
        new Holder() {
          @Override
          public String holderName() {
            return "test";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            told.add((DeviceNotice.Failure) notice);
          }
        };
    try (LinearTarget stack = LinearTarget.open("stack", pieces, notices);
        Claim claim = stack.claim(holder)) {
      for (long at = 0; at < stack.sizeBytes(); at += PAGE) {
        stack.write(at, filled((byte) (at / PAGE)));
      }
      stack.persist();
      storm(stack, children.getFirst().usableBytes());
      claim.drain();
      assertThat(stack.poison(new ByteRange(0, stack.sizeBytes()))).isEmpty();
      assertThat(told).isNotEmpty().hasSizeLessThanOrEqualTo(4);
      assertThat(told).extracting(DeviceNotice.Failure::severity).containsOnly(Severity.HEALED);
      assertThat(told).extracting(DeviceNotice.Failure::lowest).contains("a", "b");
      for (long at = 0; at < stack.sizeBytes(); at += PAGE) {
        checkPage(stack, at);
      }
    }
  }

  /** Every row is struck in one column, in random order, again and again, while others read. */
  private static void storm(DaxDevice stack, long childBytes) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS + 1)) {
      List<Future<?>> strikers = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        strikers.add(threads.submit(striking(stack, childBytes, new Random(t))));
      }
      Future<Long> reader = threads.submit(() -> reading(stack, strikers));
      for (Future<?> striker : strikers) {
        striker.get();
      }
      assertThat(reader.get()).isPositive();
    }
  }

  private static Callable<Integer> striking(DaxDevice stack, long childBytes, Random random) {
    return () -> {
      List<Integer> rows = new ArrayList<>();
      for (int row = 0; row < 2 * ROWS; row++) {
        rows.add(row);
      }
      Collections.shuffle(rows, random);
      for (int row : rows) {
        // The first column of each child: its first pages.
        long at = row < ROWS ? (long) row * PAGE : childBytes + (long) (row - ROWS) * PAGE;
        stack.report(ByteRange.ofLength(at, PAGE), Cause.PLATFORM, Confidence.EXACT);
      }
      return rows.size();
    };
  }

  private static long reading(DaxDevice stack, List<Future<?>> until) throws IOException {
    Random random = new Random(9);
    long reads = 0;
    do {
      checkPage(stack, random.nextLong(stack.sizeBytes() / PAGE) * PAGE);
      reads++;
    } while (!until.stream().allMatch(Future::isDone));
    return reads;
  }

  private static void checkPage(DaxDevice stack, long at) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment dst = arena.allocate(PAGE, PAGE);
      stack.read(at, dst);
      assertThat(dst.toArray(ValueLayout.JAVA_BYTE)).containsOnly((byte) (at / PAGE));
    }
  }

  private static MemorySegment filled(byte value) {
    return Arena.ofAuto().allocate(PAGE, PAGE).fill(value);
  }
}
