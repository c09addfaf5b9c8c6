package io.bezoar.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.guard.sidecar.FileState;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A crash, and a second strike, between any two steps of healing in place. */
class HealingOrderTest {
  private static final int PAGE = 4096;
  private static final int SIZE = 300 * PAGE - 999;
  private static final int ROWS = 4;
  private static final ByteRange BAD = ByteRange.ofLength(17 * PAGE, PAGE);
  private static final ByteRange SAME_ROW = ByteRange.ofLength((17 + ROWS) * PAGE, PAGE);

  private final byte[] content = new byte[SIZE];
  private final Path folder;
  private final Path file;

  HealingOrderTest() throws IOException {
    folder = MediaFolders.onTmpfs();
    file = folder.resolve("file");
    new SplittableRandom(1).nextBytes(content);
  }

  @AfterEach
  void remove() throws IOException {
    MediaFolders.remove(folder);
  }

  /** Where something happens. */
  enum Step {
    BEFORE_NOTE,
    BEFORE_STORE,
    BEFORE_FORGET,
    AFTER_FORGET
  }

  /** What happens besides a crash. */
  enum Strike {
    FLIP_SAME(FaultKind.FLIP),
    POISON_SAME(FaultKind.POISON),
    TORN_SAME(FaultKind.TORN),
    FLIP_ROW(FaultKind.FLIP),
    POISON_ROW(FaultKind.POISON);

    final FaultKind kind;

    Strike(FaultKind kind) {
      this.kind = kind;
    }

    ByteRange range() {
      return name().endsWith("SAME") ? BAD : SAME_ROW;
    }
  }

  /** The process ends here. */
  private static final class Crash extends Error {
    private static final long serialVersionUID = 1;
  }

  /** Lets something happen at each step, once. */
  private record Observed(Reference below, Consumer<Step> steps) implements Reference {
    @Override
    public boolean checks() {
      return below.checks();
    }

    @Override
    public boolean knows(long page) throws IOException {
      return below.knows(page);
    }

    @Override
    public boolean matches(long page, MemorySegment bytes) throws IOException {
      return below.matches(page, bytes);
    }

    @Override
    public void requireDamage(long page) throws IOException {
      below.requireDamage(page);
    }

    @Override
    public ByteRanges rebuild(ByteRanges pages, ByteRange run, MemorySegment into)
        throws IOException {
      return below.rebuild(pages, run, into);
    }

    @Override
    public void willRepair(ByteRange pages) throws IOException {
      steps.accept(Step.BEFORE_NOTE);
      below.willRepair(pages);
      steps.accept(Step.BEFORE_STORE);
    }

    @Override
    public void repaired(ByteRange pages) throws IOException {
      steps.accept(Step.BEFORE_FORGET);
      below.repaired(pages);
      steps.accept(Step.AFTER_FORGET);
    }

    @Override
    public void close() throws IOException {
      below.close();
    }
  }

  private void protectAndDamage() throws Exception {
    Files.write(file, content);
    Files.setLastModifiedTime(file, FileTime.from(Instant.ofEpochSecond(1_000_000_000, 77)));
    Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    try (Guard guard = Guard.map(file, GuardOptions.DEFAULT.drills())) {
      guard.injector().inject(FaultSpec.of(FaultKind.FLIP, BAD, 3));
    }
  }

  private static void once(Step at, Step now, Runnable event, boolean[] done) {
    if (now == at && !done[0]) {
      done[0] = true;
      event.run();
    }
  }

  private void healAgain() throws IOException {
    try (Guard guard = Guard.map(file, GuardOptions.SIDECAR.drills())) {
      assertThat(guard.damage()).isEmpty();
      byte[] read = new byte[SIZE];
      guard.copy(0, read, 0, SIZE);
      assertThat(read).isEqualTo(content);
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    try (Sidecar sidecar = Sidecar.open(file)) {
      assertThat(sidecar.state()).isEqualTo(FileState.UNTOUCHED);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldSurviveACrashAt(Step step) throws Exception {
    protectAndDamage();
    boolean[] done = {false};
    Runnable crash =
        () -> {
          throw new Crash();
        };
    assertThatThrownBy(
            () ->
                Guard.map(
                    file,
                    GuardOptions.SIDECAR.drills(),
                    below -> new Observed(below, now -> once(step, now, crash, done))))
        .isInstanceOf(Crash.class);
    healAgain();
  }

  /** The crash came in the middle of the store: half a page, and a new modification time. */
  @Test
  void shouldCallAHalfDoneRepairDamageAndNoChange() throws Exception {
    protectAndDamage();
    boolean[] done = {false};
    Runnable tear =
        () -> {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(content, 17 * PAGE, 600), 17L * PAGE);
            channel.write(ByteBuffer.wrap(new byte[900]), 17L * PAGE + 2048);
          } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
          throw new Crash();
        };
    assertThatThrownBy(
            () ->
                Guard.map(
                    file,
                    GuardOptions.SIDECAR.drills(),
                    below -> new Observed(below, now -> once(Step.BEFORE_STORE, now, tear, done))))
        .isInstanceOf(Crash.class);
    try (Sidecar sidecar = Sidecar.open(file)) {
      assertThat(sidecar.state()).isEqualTo(FileState.REPAIR_INTERRUPTED);
    }
    healAgain();
  }

  @ParameterizedTest
  @EnumSource
  void shouldSurviveAStrike(Strike strike) throws Exception {
    for (Step step : Step.values()) {
      protectAndDamage();
      boolean[] done = {false};
      Guard[] self = new Guard[1];
      Runnable hit =
          () -> {
            try {
              self[0].injector().inject(FaultSpec.of(strike.kind, strike.range(), 11));
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          };
      GuardOptions options = GuardOptions.SIDECAR.verify(Verify.ON_COPY).drills();
      try (Guard guard =
          Guard.map(
              file, options, below -> new Observed(below, now -> once(step, now, hit, done)))) {
        self[0] = guard;
        byte[] read = new byte[SIZE];
        for (int i = 0; i < 2; i++) {
          guard.copy(0, read, 0, SIZE);
          assertThat(read).as("%s at %s", strike, step).isEqualTo(content);
        }
        assertThat(done[0]).isTrue();
        assertThat(guard.damage()).isEmpty();
      }
      healAgain();
      Files.deleteIfExists(Sidecar.pathOf(file));
    }
  }
}
