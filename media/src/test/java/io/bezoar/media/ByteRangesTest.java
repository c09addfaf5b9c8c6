package io.bezoar.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ByteRangesTest {
  private static final int SPACE = 200;

  @Test
  void shouldMergeOverlappingAndAdjacentRangesAndDropEmptyOnes() {
    ByteRanges ranges = ByteRanges.of(range(5, 7), range(0, 3), range(3, 4), range(9, 9));
    assertThat(ranges.asList()).containsExactly(range(0, 4), range(5, 7));
    assertThat(ranges.totalBytes()).isEqualTo(6);
  }

  @Test
  void shouldJoinNeighboursWithTheSmallestGapsWhenWidened() {
    ByteRanges ranges = ByteRanges.of(range(0, 1), range(10, 11), range(12, 13), range(40, 41));
    assertThat(ranges.widenTo(2).asList()).containsExactly(range(0, 13), range(40, 41));
    assertThat(ranges.widenTo(4)).isSameAs(ranges);
    assertThatThrownBy(() -> ranges.widenTo(0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldAlign() {
    ByteRanges ranges = ByteRanges.of(range(1, 2), range(5, 19));
    assertThat(ranges.alignOutward(8).asList()).containsExactly(range(0, 24));
    assertThat(ranges.alignInward(8).asList()).containsExactly(range(8, 16));
  }

  @Test
  void shouldAgreeWithABitSet() {
    for (long seed = 0; seed < 2_000; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      BitSet leftBits = new BitSet();
      BitSet rightBits = new BitSet();
      ByteRanges left = randomRanges(random, leftBits);
      ByteRanges right = randomRanges(random, rightBits);
      ByteRange probe = randomRange(random);
      assertThat(bits(left.union(right))).as("seed %d", seed).isEqualTo(or(leftBits, rightBits));
      assertThat(bits(left.minus(right))).as("seed %d", seed).isEqualTo(minus(leftBits, rightBits));
      assertThat(bits(left.intersect(right)))
          .as("seed %d", seed)
          .isEqualTo(minus(leftBits, minus(leftBits, rightBits)));
      int count = leftBits.get((int) probe.start(), (int) probe.end()).cardinality();
      assertThat(left.overlaps(probe)).as("seed %d", seed).isEqualTo(count > 0);
      assertThat(left.contains(probe)).as("seed %d", seed).isEqualTo(count == probe.length());
      assertThat(left.widenTo(3).minus(left).union(left)).isEqualTo(left.widenTo(3));
      assertThat(left.widenTo(3).count()).isLessThanOrEqualTo(3);
    }
  }

  private static ByteRange range(long start, long end) {
    return new ByteRange(start, end);
  }

  private static ByteRange randomRange(SplittableRandom random) {
    int start = random.nextInt(SPACE - 30);
    return range(start, start + random.nextInt(30));
  }

  private static ByteRanges randomRanges(SplittableRandom random, BitSet bits) {
    List<ByteRange> ranges = new ArrayList<>();
    for (int i = random.nextInt(8); i > 0; i--) {
      ByteRange range = randomRange(random);
      ranges.add(range);
      bits.set((int) range.start(), (int) range.end());
    }
    return ByteRanges.of(ranges);
  }

  private static BitSet bits(ByteRanges ranges) {
    BitSet bits = new BitSet();
    long end = -1;
    for (ByteRange range : ranges.asList()) {
      assertThat(range.start()).as("disjoint, not adjacent").isGreaterThan(end);
      assertThat(range.isEmpty()).isFalse();
      bits.set((int) range.start(), (int) range.end());
      end = range.end();
    }
    return bits;
  }

  private static BitSet or(BitSet left, BitSet right) {
    BitSet both = (BitSet) left.clone();
    both.or(right);
    return both;
  }

  private static BitSet minus(BitSet left, BitSet right) {
    BitSet rest = (BitSet) left.clone();
    rest.andNot(right);
    return rest;
  }
}
