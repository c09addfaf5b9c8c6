package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import io.bezoar.target.WriteCacheRig.Kind;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two threads in the write cache, one held in the middle of a step of the other. */
class WriteCacheInterleavingTest {
  private static final int PAGE = WriteCacheRig.PAGE;
  private static final int LINE = 64;

  private final ExecutorService second = Executors.newSingleThreadExecutor();

  @AfterEach
  void stop() {
    second.shutdownNow();
  }

  @Test
  void shouldNotGiveABlockBackThatAnotherWriterHasTakenMeanwhile() throws Exception {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 900, 900, WriteCacheRig.ON_REQUEST, 1);
    long other = 64;
    while (rig.core().index.map.stripe(other) == rig.core().index.map.stripe(0)) {
      other += 64;
    }
    long otherPage = other;
    rig.fast.strike(rig.core().geometry.block(0), FaultKind.POISON, false);
    Thread first = Thread.currentThread();
    CountDownLatch filling = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicBoolean started = new AtomicBoolean();
    Future<?>[] running = new Future<?>[1];
    rig.fast.media.onStep(
        (step, range) -> {
          if (Thread.currentThread().equals(first)) {
            // The first writer has given its blocks back and clears the struck one.
            if (step == SimMedia.Step.REINITIALISE && started.compareAndSet(false, true)) {
              running[0] =
                  second.submit(
                      () -> {
                        rig.write(otherPage * PAGE, WriteCacheRig.filled(PAGE, 9));
                        return null;
                      });
              await(filling);
            }
          } else if (filling.getCount() > 0) {
            filling.countDown();
            await(goOn);
          }
        });
    rig.write(0, WriteCacheRig.filled(2 * PAGE, 5));
    goOn.countDown();
    running[0].get(10, TimeUnit.SECONDS);
    rig.fast.media.onStep(null);
    assertThat(rig.cached(otherPage)).isNotEqualTo(rig.cached(0));
    assertThat(rig.read(0, 2 * PAGE)).containsOnly(5);
    assertThat(rig.read(otherPage * PAGE, PAGE)).containsOnly(9);
  }

  @Test
  void shouldPersistWhatWasWrittenBesideALossWhileAnotherPersisted() throws Exception {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 20, 48, WriteCacheRig.ON_REQUEST, 1);
    rig.origin.lose(ByteRange.ofLength(5L * PAGE, LINE), false);
    AtomicBoolean once = new AtomicBoolean();
    ByteRange below = rig.origin.below(ByteRange.ofLength(5L * PAGE + 1024, LINE));
    rig.origin.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE
              && range.overlaps(below)
              && once.compareAndSet(false, true)) {
            persist(rig); // of another thread
          }
        });
    rig.write(5L * PAGE + 1024, WriteCacheRig.filled(LINE, 7));
    assertThat(once).isTrue();
    rig.target.persist();
    rig.crash(line -> false);
    assertThat(rig.read(5L * PAGE + 1024, LINE)).containsOnly(7);
  }

  @Test
  void shouldNotReturnFromAPersistBeforeTheOneUnderWayHasDoneItsWork() throws Exception {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 20, 48, WriteCacheRig.ON_REQUEST, 1);
    rig.origin.lose(ByteRange.ofLength(5L * PAGE, LINE), false);
    rig.write(5L * PAGE + 1024, WriteCacheRig.filled(LINE, 7));
    AtomicBoolean acknowledged = new AtomicBoolean();
    Thread first = Thread.currentThread();
    rig.origin.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.PERSIST && Thread.currentThread().equals(first)) {
            Future<?> other =
                second.submit(
                    () -> {
                      rig.target.persist();
                      return null;
                    });
            try {
              other.get(1, TimeUnit.SECONDS);
              acknowledged.set(true);
            } catch (TimeoutException waits) {
              // as it should
            } catch (Exception failed) {
              throw new AssertionError(failed);
            }
          }
        });
    rig.origin.media.failNextPersist();
    try {
      rig.target.persist();
    } catch (IOException failed) {
      // as set up: nothing of it is durable
    }
    assertThat(acknowledged).as("persisted, says the second, while the first fails").isFalse();
  }

  @Test
  void shouldNotReportABlockThatHoldsAnotherPageMeanwhile() throws Exception {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 20, 512, WriteCacheRig.ON_REQUEST, 1);
    rig.target.close();
    rig.fast.reopened();
    rig.origin.reopened();
    rig.fast.open();
    rig.origin.open();
    AtomicBoolean armed = new AtomicBoolean();
    long[] heir = {-1};
    rig.fast.device =
        beforeReport(
            rig.fast.device,
            () -> {
              if (!armed.compareAndSet(true, false)) {
                return;
              }
              Future<?> other =
                  second.submit(
                      () -> {
                        recycle(rig, heir);
                        return null;
                      });
              try {
                other.get(1, TimeUnit.SECONDS);
              } catch (TimeoutException waits) {
                // kept away until the report is done
              } catch (Exception failed) {
                throw new AssertionError(failed);
              }
            });
    rig.start();
    rig.write(0, WriteCacheRig.filled(PAGE, 1));
    rig.target.persist();
    armed.set(true);
    rig.target.report(new ByteRange(0, PAGE), Cause.CHECKSUM, Confidence.EXACT);
    second.submit(() -> {}).get(10, TimeUnit.SECONDS);
    assertThat(rig.read(heir[0] * PAGE, PAGE)).as("a page that nobody reported").containsOnly(3);
  }

  /** Writes page 0 anew, and then others until one lies where it was. */
  private static void recycle(WriteCacheRig rig, long[] heir) throws IOException {
    ByteRange place = rig.cached(0);
    rig.write(0, WriteCacheRig.filled(PAGE, 2));
    for (int i = 0; i < 3; i++) {
      rig.target.persist();
      rig.core().keeper.persist();
    }
    for (long page = 1; page < 20; page++) {
      rig.write(page * PAGE, WriteCacheRig.filled(PAGE, 3));
      heir[0] = page;
      if (rig.cached(page).equals(place)) {
        return;
      }
    }
  }

  private static DaxDevice beforeReport(DaxDevice device, Runnable hook) {
    return (DaxDevice)
        Proxy.newProxyInstance(
            DaxDevice.class.getClassLoader(),
            new Class<?>[] {DaxDevice.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("report")) {
                hook.run();
              }
              try {
                return method.invoke(device, arguments);
              } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
              }
            });
  }

  private static void persist(WriteCacheRig rig) {
    try {
      rig.target.persist();
    } catch (IOException failed) {
      throw new AssertionError(failed);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException interrupted) {
      throw new AssertionError(interrupted);
    }
  }
}
