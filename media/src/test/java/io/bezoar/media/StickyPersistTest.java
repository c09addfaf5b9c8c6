package io.bezoar.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StickyPersistTest {
  @Test
  void shouldFailForEverAfterOneFailure() throws Exception {
    StickyPersist sticky = new StickyPersist("media");
    sticky.run(() -> 0);
    assertThatThrownBy(() -> sticky.run(() -> -Posix.EIO))
        .isInstanceOf(PersistFailedException.class)
        .hasMessageContaining("input/output error");
    assertThatThrownBy(() -> sticky.run(() -> 0)).isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(sticky::check)
        .isInstanceOf(PersistFailedException.class)
        .hasCauseInstanceOf(PersistFailedException.class);
  }

  /** The kernel tells one caller only; all who waited for the same bytes must hear it. */
  @Test
  void shouldFailEverybodyWhoWaitedWhileItFailed() throws Exception {
    StickyPersist sticky = new StickyPersist("media");
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch waiting = new CountDownLatch(3);
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<Long>> callers = new ArrayList<>();
      callers.add(
          pool.submit(
              () ->
                  sticky.run(
                      () -> {
                        began.countDown();
                        await(waiting);
                        return -Posix.EIO;
                      })));
      await(began);
      for (int i = 0; i < 3; i++) {
        callers.add(
            pool.submit(
                () -> {
                  waiting.countDown();
                  return sticky.run(() -> 0);
                }));
      }
      for (Future<Long> caller : callers) {
        assertThatThrownBy(caller::get).hasCauseInstanceOf(PersistFailedException.class);
      }
    }
  }

  @Test
  void shouldServeWaitersByACallThatBeganAfterTheyCame() throws Exception {
    StickyPersist sticky = new StickyPersist("media");
    AtomicInteger calls = new AtomicInteger();
    try (ExecutorService pool = Executors.newFixedThreadPool(8)) {
      List<Future<Long>> callers = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        callers.add(
            pool.submit(
                () -> {
                  int before = calls.get();
                  long result = sticky.run(() -> calls.incrementAndGet() * 0L);
                  assertThat(calls.get()).as("a call began after it came in").isGreaterThan(before);
                  return result;
                }));
      }
      for (Future<Long> caller : callers) {
        assertThat(caller.get()).isZero();
      }
    }
    assertThat(calls.get()).isLessThanOrEqualTo(400);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** A repair also puts the file's time back: somebody else's persist does not do that. */
  @Test
  void shouldNotLetAnotherCallStandInForOneThatDoesMore() throws Exception {
    StickyPersist sticky = new StickyPersist("media");
    AtomicInteger own = new AtomicInteger();
    sticky.run(() -> 0);
    for (int i = 0; i < 3; i++) {
      assertThat(sticky.runItself(own::getAndIncrement)).isEqualTo(i);
      sticky.run(() -> 0);
    }
    assertThat(own).hasValue(3);
    assertThatThrownBy(() -> sticky.runItself(() -> -Posix.EIO))
        .isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(() -> sticky.run(() -> 0)).isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(() -> sticky.runItself(() -> 0)).isInstanceOf(PersistFailedException.class);
  }
}
