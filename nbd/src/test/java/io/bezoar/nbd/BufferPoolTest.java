package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BufferPoolTest {
  private static final int SMALL = 64 << 10;
  private static final long FOOTPRINT = BufferPool.footprintBytes(SMALL);

  @Test
  void shouldRoundUpToSizesThatFitAgain() {
    assertThat(BufferPool.footprintBytes(1)).isEqualTo(FOOTPRINT);
    assertThat(BufferPool.footprintBytes(SMALL + 1)).isEqualTo(4096 + 2 * SMALL);
    assertThat(BufferPool.footprintBytes(32 << 20)).isEqualTo(4096 + (32 << 20));
  }

  @Test
  void shouldReuseWhatWasGivenBack() throws InterruptedException {
    BufferPool pool = new BufferPool(1 << 20, 1 << 20, Duration.ofDays(1), () -> {});
    BufferPool.Account account = new BufferPool.Account();
    IoBuffer first = pool.take(account, 100);
    assertThat(first.payloadBytes()).isEqualTo(SMALL);
    pool.give(account, first);
    assertThat(pool.take(account, SMALL)).isSameAs(first);
    pool.give(account, first);
    pool.trim();
    assertThat(pool.take(account, SMALL)).isNotSameAs(first);
  }

  @Test
  void shouldHaveTheTakerWaitForItsShareAndForTheTotal() throws Exception {
    BufferPool pool = new BufferPool(2 * FOOTPRINT, 3 * FOOTPRINT, Duration.ofDays(1), () -> {});
    BufferPool.Account one = new BufferPool.Account();
    BufferPool.Account two = new BufferPool.Account();
    IoBuffer a = pool.take(one, SMALL);
    IoBuffer b = pool.take(one, SMALL);
    CompletableFuture<IoBuffer> c = new CompletableFuture<>();
    Thread taker = take(pool, one, c);
    waitUntilBlocked(taker);
    IoBuffer d = pool.take(two, SMALL);
    CompletableFuture<IoBuffer> e = new CompletableFuture<>();
    Thread other = take(pool, two, e);
    waitUntilBlocked(other);
    assertThat(pool.usedBytes()).isEqualTo(3 * FOOTPRINT);
    pool.give(one, a);
    IoBuffer third = CompletableFuture.anyOf(c, e).thenApply(IoBuffer.class::cast).get();
    assertThat(pool.usedBytes()).isEqualTo(3 * FOOTPRINT);
    pool.give(c.isDone() ? one : two, third);
    pool.give(one, b);
    pool.give(two, d);
    taker.join();
    other.join();
  }

  @Test
  void shouldCallForHelpWhenMemoryStaysShort() throws Exception {
    CountDownLatch called = new CountDownLatch(2);
    BufferPool pool = new BufferPool(FOOTPRINT, FOOTPRINT, Duration.ofMillis(1), called::countDown);
    BufferPool.Account one = new BufferPool.Account();
    IoBuffer held = pool.take(one, SMALL);
    CompletableFuture<IoBuffer> waited = new CompletableFuture<>();
    take(pool, new BufferPool.Account(), waited);
    called.await();
    assertThat(waited).isNotDone();
    pool.give(one, held);
    assertThat(waited.get()).isSameAs(held);
  }

  @Test
  void shouldNeverExceedItsTotal() throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    long total = 40 * FOOTPRINT;
    BufferPool pool = new BufferPool(20 * FOOTPRINT, total, Duration.ofDays(1), () -> {});
    AtomicLong most = new AtomicLong();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Random random = new Random(seed + t);
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    BufferPool.Account account = new BufferPool.Account();
                    for (int i = 0; i < 300; i++) {
                      try {
                        IoBuffer buffer = pool.take(account, 1 + random.nextInt(16 * SMALL));
                        most.accumulateAndGet(pool.usedBytes(), Math::max);
                        buffer.payload(1).fill((byte) 1);
                        pool.give(account, buffer);
                      } catch (InterruptedException stopped) {
                        throw new AssertionError(stopped);
                      }
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(most.get()).as("seed %s", seed).isLessThanOrEqualTo(total);
    assertThat(pool.usedBytes()).isZero();
  }

  private static Thread take(
      BufferPool pool, BufferPool.Account account, CompletableFuture<IoBuffer> result) {
    return Thread.ofPlatform()
        .start(
            () -> {
              try {
                result.complete(pool.take(account, SMALL));
              } catch (InterruptedException stopped) {
                result.completeExceptionally(stopped);
              }
            });
  }

  private static void waitUntilBlocked(Thread thread) {
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
  }
}
