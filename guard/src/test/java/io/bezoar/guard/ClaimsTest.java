package io.bezoar.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Repairs that need each other. */
class ClaimsTest {
  private static final int PAGE = 4096;
  private static final int SIZE = 300 * PAGE - 999;

  private final byte[] content = new byte[SIZE];
  private final Guard[] self = new Guard[1];
  private Path folder = Path.of("/none");
  private Path file = Path.of("/none");

  private Guard map(GuardTest.Place place, GuardOptions options) throws IOException {
    folder = place == GuardTest.Place.DISK ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    new SplittableRandom(1).nextBytes(content);
    file = Files.write(folder.resolve("file"), content);
    return Guard.map(file, options.drills());
  }

  @AfterEach
  void remove() throws IOException {
    if (Files.exists(folder)) {
      MediaFolders.remove(folder);
    }
  }

  private static ByteRange page(int number) {
    return new ByteRange((long) number * PAGE, Math.min(SIZE, (number + 1L) * PAGE));
  }

  private byte[] good(ByteRange range) {
    return Arrays.copyOfRange(content, (int) range.start(), (int) range.end());
  }

  private static void strike(Guard guard, ByteRange range) throws IOException {
    guard.injector().inject(FaultSpec.of(FaultKind.EIO, range, 5));
  }

  private static byte[] copy(Guard guard, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    guard.copy(offset, bytes, 0, length);
    return bytes;
  }

  /** Each of two repairs reads the page that the other is about. */
  @ParameterizedTest
  @EnumSource
  @Timeout(60)
  void shouldNotWaitForAThreadThatWaitsForThisOne(GuardTest.Place place) throws Exception {
    CyclicBarrier both = new CyclicBarrier(2);
    RepairSource crossed =
        (path, range) -> {
          await(both);
          try {
            copy(self[0], range.equals(page(4)) ? 9 * PAGE : 4 * PAGE, 1);
          } catch (DamagedRangeException e) {
            assertThat(e).hasMessageContaining("must find them elsewhere");
          }
          return good(range);
        };
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(crossed));
        ExecutorService threads =
            Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().factory())) {
      self[0] = guard;
      strike(guard, page(4));
      strike(guard, page(9));
      Future<byte[]> first = threads.submit(() -> copy(guard, 4 * PAGE, PAGE));
      Future<byte[]> second = threads.submit(() -> copy(guard, 9 * PAGE, PAGE));
      assertThat(first.get(30, TimeUnit.SECONDS)).isEqualTo(good(page(4)));
      assertThat(second.get(30, TimeUnit.SECONDS)).isEqualTo(good(page(9)));
    }
  }

  private static void await(CyclicBarrier both) throws IOException {
    try {
      both.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new IOException(e);
    }
  }
}
