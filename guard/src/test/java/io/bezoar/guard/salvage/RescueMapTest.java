package io.bezoar.guard.salvage;

import static io.bezoar.guard.salvage.RescueStatus.BAD;
import static io.bezoar.guard.salvage.RescueStatus.RESCUED;
import static io.bezoar.guard.salvage.RescueStatus.UNSCRAPED;
import static io.bezoar.guard.salvage.RescueStatus.UNTRIED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RescueMapTest {
  private static final List<RescueStatus> ALL = List.of(RescueStatus.values());

  @Test
  void shouldBeUntriedAtFirst() {
    RescueMap map = RescueMap.untried(1000);
    assertThat(map.extent()).isEqualTo(new ByteRange(0, 1000));
    assertThat(map.blocks()).containsExactly(block(0, 1000, UNTRIED));
    assertThat(map.bytes(UNTRIED)).isEqualTo(1000);
    assertThat(map.point()).isEqualTo(RescuePoint.START);
    assertThat(RescueMap.untried(0).blocks()).isEmpty();
    assertThat(RescueMap.untried(0).firstFrom(0, EnumSet.allOf(RescueStatus.class))).isEmpty();
  }

  @Test
  void shouldRefuseWhatItDoesNotSpeakOf() {
    RescueMap map = RescueMap.untried(1000);
    assertThatThrownBy(() -> map.mark(new ByteRange(990, 1001), BAD))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessageContaining("0x3e9");
    assertThatThrownBy(() -> map.statusAt(1000)).isInstanceOf(IndexOutOfBoundsException.class);
    map.mark(new ByteRange(1000, 1000), BAD);
    assertThat(map.bytes(BAD)).isZero();
  }

  @Test
  void shouldGrowAndBeginAtZero() {
    RescueMap map = RescueMap.startingAt(512);
    map.append(512, RESCUED);
    map.append(512, RESCUED);
    map.append(0, BAD);
    assertThat(map.blocks()).containsExactly(block(512, 1536, RESCUED));
    map.extendTo(2048);
    RescueMap whole = map.fromZero();
    assertThat(whole.blocks())
        .containsExactly(
            block(0, 512, UNTRIED), block(512, 1536, RESCUED), block(1536, 2048, UNTRIED));
    assertThat(whole.bytes(UNTRIED)).isEqualTo(1024);
  }

  private static RescueBlock block(long start, long end, RescueStatus status) {
    return new RescueBlock(new ByteRange(start, end), status);
  }

  /** Against an array that holds the status of every byte. */
  @Test
  void shouldKeepItsInvariantUnderAnyMarks() {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    for (int round = 0; round < 300; round++) {
      try {
        play(new SplittableRandom(seed + round));
      } catch (AssertionError | RuntimeException found) {
        throw new AssertionError(
            "replay: mvn -pl guard -am test -Dtest=RescueMapTest -Dbezoar.seed=" + (seed + round),
            found);
      }
    }
  }

  private static void play(SplittableRandom random) {
    int size = 1 + random.nextInt(60);
    RescueStatus[] model = new RescueStatus[size];
    Arrays.fill(model, UNTRIED);
    RescueMap map = RescueMap.untried(size);
    for (int i = random.nextInt(60); i > 0; i--) {
      int from = random.nextInt(size + 1);
      int to = from + random.nextInt(size + 1 - from);
      RescueStatus status = ALL.get(random.nextInt(ALL.size()));
      map.mark(new ByteRange(from, to), status);
      Arrays.fill(model, from, to, status);
      check(map, model);
    }
    Set<RescueStatus> wanted = random.nextBoolean() ? EnumSet.of(BAD) : EnumSet.of(BAD, UNSCRAPED);
    for (int at = 0; at <= size; at++) {
      List<Integer> places = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        if (wanted.contains(model[i])) {
          places.add(i);
        }
      }
      int offset = at;
      Long next = map.firstFrom(at, wanted).map(b -> b.range().start()).orElse(-1L);
      assertThat(next.intValue())
          .isEqualTo(places.stream().filter(p -> p >= offset).findFirst().orElse(-1));
      Long last = map.lastBefore(at, wanted).map(b -> b.range().end() - 1).orElse(-1L);
      assertThat(last.intValue())
          .isEqualTo(places.stream().filter(p -> p < offset).reduce((a, b) -> b).orElse(-1));
    }
  }

  private static void check(RescueMap map, RescueStatus[] model) {
    List<RescueBlock> blocks = map.blocks();
    assertThat(blocks).hasSize(map.blockCount());
    long at = 0;
    RescueStatus before = null;
    for (RescueBlock block : blocks) {
      assertThat(block.range().start()).isEqualTo(at);
      assertThat(block.range().isEmpty()).isFalse();
      assertThat(block.status()).isNotEqualTo(before);
      for (long i = at; i < block.range().end(); i++) {
        assertThat(block.status()).isEqualTo(model[(int) i]);
        assertThat(map.statusAt(i)).isEqualTo(model[(int) i]);
      }
      at = block.range().end();
      before = block.status();
    }
    assertThat(at).isEqualTo(model.length);
    for (RescueStatus status : RescueStatus.values()) {
      long count = Arrays.stream(model).filter(status::equals).count();
      assertThat(map.bytes(status)).isEqualTo(count);
      assertThat(map.ranges(status, map.extent()).stream().mapToLong(ByteRange::length).sum())
          .isEqualTo(count);
    }
  }
}
