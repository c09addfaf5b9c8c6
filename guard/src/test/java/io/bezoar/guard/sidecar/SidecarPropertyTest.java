package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever damage strikes a file and its sidecar: verification says exactly which pages can be
 * repaired, repair makes exactly those good again, and no byte of the file is ever other than it
 * was or than the damage made it.
 *
 * <p>Replay with {@code -Dbezoar.seed=N}; more with {@code -Dbezoar.rounds=N}.
 */
class SidecarPropertyTest {
  private static final Redundancy[] REDUNDANCIES = {
    Redundancy.DEFAULT,
    new Redundancy(1, 32),
    new Redundancy(1, 2),
    new Redundancy(3, 16),
    new Redundancy(8, 40),
    new Redundancy(2, 4)
  };

  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  @TempDir private Path folder;

  @Test
  void shouldRepairExactlyWhatCanBeRepaired() throws Exception {
    int rounds = Integer.getInteger("bezoar.rounds", 20);
    try {
      for (int round = 0; round < rounds; round++) {
        Redundancy redundancy = REDUNDANCIES[random.nextInt(REDUNDANCIES.length)];
        int pages = random.nextInt(1 << (2 + random.nextInt(11)));
        int size = Math.max(1, pages * PAGE_BYTES - random.nextInt(PAGE_BYTES));
        Path file = folder.resolve("f" + round);
        Subject subject = Subject.make(file, size, redundancy, random.nextLong(1000));
        for (int strike = 0; strike < 6; strike++) {
          strikeAndRepair(subject);
          subject.heal();
        }
        Files.delete(subject.file);
        Files.delete(subject.sidecar);
      }
    } catch (Exception | AssertionError e) {
      throw new AssertionError(
          "replay with: mvn -pl guard -am test -Dtest=SidecarPropertyTest -Dbezoar.seed=" + seed,
          e);
    }
  }

  private void strikeAndRepair(Subject subject) throws Exception {
    List<ByteRange> struck = new ArrayList<>();
    List<ByteRange> unreadable = new ArrayList<>();
    List<ByteRange> struckSidecar = new ArrayList<>();
    for (int n = random.nextInt(1 + random.nextInt(8)); n >= 0; n--) {
      strikeFile(subject, struck, unreadable);
    }
    if (random.nextBoolean()) {
      strikeSidecar(subject, struckSidecar);
    }
    ByteRanges bad =
        ByteRanges.of(struck)
            .union(ByteRanges.of(unreadable))
            .alignOutward(PAGE_BYTES)
            .intersect(new ByteRange(0, subject.content.length));
    for (ByteRange range : ByteRanges.of(struck).asList()) {
      subject.rot(range);
    }
    for (ByteRange range : ByteRanges.of(struckSidecar).asList()) {
      subject.rotSidecar(range);
    }
    FaultKind kind = random.nextBoolean() ? FaultKind.EIO : FaultKind.POISON;
    for (ByteRange range : ByteRanges.of(unreadable).asList()) {
      Subject.strike(subject.file, kind, range);
    }
    byte[] rotten = Files.readAllBytes(subject.file);
    Prospect oracle = subject.oracle(bad, ByteRanges.of(struckSidecar));

    Verification found = Verification.verify(subject.file, Progress.UNWATCHED);
    Subject.requireContent(subject.file, rotten);
    switch (found) {
      case Verification.Intact _ -> assertThat(bad.isEmpty()).isTrue();
      case Verification.Damaged damaged -> {
        assertThat(damaged.repairable()).isEqualTo(oracle.repairable());
        assertThat(damaged.lost()).isEqualTo(oracle.lost());
      }
      case Verification.Changed changed -> throw new AssertionError(changed);
    }
    copyElsewhere(subject, oracle);
    Repair repair = Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
    assertThat(repair.repaired()).isEqualTo(oracle.repairable());
    assertThat(repair.lost()).isEqualTo(oracle.lost());
    assertThat(repair.stuck().isEmpty()).isTrue();
    assertThat(subject.different().minus(oracle.lost()).isEmpty()).isTrue();
    assertThat(Files.getLastModifiedTime(subject.file)).isEqualTo(subject.modified);
    if (oracle.lost().isEmpty()) {
      assertThat(repair.badSidecar().isEmpty()).isTrue();
      Subject.requireContent(subject.sidecar, subject.sidecarContent);
      assertThat(Verification.verify(subject.file, Progress.UNWATCHED))
          .isInstanceOf(Verification.Intact.class);
    }
    for (ByteRange range : ByteRanges.of(unreadable).asList()) {
      Files.deleteIfExists(subject.file.resolveSibling(subject.file.getFileName() + ".drill"));
      assertThat(range.isEmpty()).isFalse();
    }
  }

  private void copyElsewhere(Subject subject, Prospect oracle) throws Exception {
    Path copy = folder.resolve("copy");
    Repair repair = Repair.toCopy(subject.file, copy, Differences.KEEP, Progress.UNWATCHED);
    assertThat(repair.lost()).isEqualTo(oracle.lost());
    byte[] expected = subject.content.clone();
    for (ByteRange lost : oracle.lost().asList()) {
      java.util.Arrays.fill(expected, (int) lost.start(), (int) lost.end(), (byte) 0);
    }
    Subject.requireContent(copy, expected);
    Files.delete(copy);
  }

  private void strikeFile(Subject subject, List<ByteRange> struck, List<ByteRange> unreadable) {
    long size = subject.content.length;
    SidecarGeometry geometry = subject.geometry;
    long run = geometry.longestRunPages() * PAGE_BYTES;
    ByteRange range =
        switch (random.nextInt(6)) {
          case 0 -> ByteRange.ofLength(random.nextLong(size), 1); // a byte
          case 1 -> new ByteRange(0, Math.min(size, 1 + random.nextLong(run))); // the head
          case 2 -> new ByteRange(Math.max(0, size - 1 - random.nextLong(run)), size); // the tail
          case 3 -> { // as many whole columns as there is parity
            long page = random.nextLong(geometry.pages());
            yield ByteRange.ofLength(page * PAGE_BYTES, run).intersect(new ByteRange(0, size));
          }
          case 4 -> { // a run of any length
            long start = random.nextLong(size);
            yield new ByteRange(start, Math.min(size, start + 1 + random.nextLong(2 * run)));
          }
          default -> subject.page(random.nextLong(geometry.pages()));
        };
    (random.nextInt(4) == 0 ? unreadable : struck).add(range);
  }

  /** A run anywhere, but not over both copies of anything. */
  private void strikeSidecar(Subject subject, List<ByteRange> struck) {
    SidecarLayout layout = subject.layout;
    long middle = layout.parityOffset() + 1;
    long end = layout.tableOffset(Copy.TAIL) - 1;
    ByteRange range =
        switch (random.nextInt(3)) {
          case 0 -> new ByteRange(0, 1 + random.nextLong(end));
          case 1 -> new ByteRange(middle + random.nextLong(end - middle), layout.sizeBytes());
          default -> {
            long start = middle + random.nextLong(end - middle);
            yield new ByteRange(start, Math.min(end, start + 1 + random.nextLong(9 * PAGE_BYTES)));
          }
        };
    struck.add(range);
  }
}
