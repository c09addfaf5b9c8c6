package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Both maps against lists that name the place of every single byte. */
class AddressMapTest {
  /** Where each own byte lies. */
  private record Place(int slot, long offset) {}

  @Test
  void shouldMapLinearPiecesByteByByte() {
    List<ByteRange> regions =
        List.of(new ByteRange(3, 8), new ByteRange(0, 1), new ByteRange(100, 117));
    List<Place> oracle = new ArrayList<>();
    for (int slot = 0; slot < regions.size(); slot++) {
      for (long at = regions.get(slot).start(); at < regions.get(slot).end(); at++) {
        oracle.add(new Place(slot, at));
      }
    }
    check(new LinearMap(regions), oracle);
  }

  @Test
  void shouldMapStripesByteByByte() {
    SplittableRandom random = new SplittableRandom(3);
    for (int round = 0; round < 30; round++) {
      long chunk = 1 + random.nextLong(7);
      int slots = 1 + random.nextInt(4);
      long chunks = 1 + random.nextLong(5);
      List<Place> oracle = new ArrayList<>();
      for (long own = 0; own < chunk * slots * chunks; own++) {
        long n = own / chunk;
        oracle.add(new Place((int) (n % slots), n / slots * chunk + own % chunk));
      }
      check(new StripeMap(chunk, slots, chunk * chunks), oracle);
    }
  }

  private static void check(AddressMap map, List<Place> oracle) {
    assertThat(map.sizeBytes()).isEqualTo(oracle.size());
    for (int own = 0; own < oracle.size(); own++) {
      Place place = oracle.get(own);
      assertThat(map.slotOf(own)).isEqualTo(place.slot());
      assertThat(map.childOffset(own)).isEqualTo(place.offset());
      int end = own + 1;
      while (end < oracle.size() && follows(oracle.get(end - 1), oracle.get(end))) {
        end++;
      }
      assertThat(map.runEnd(own)).isEqualTo(end);
      int start = own;
      while (start > 0 && follows(oracle.get(start - 1), oracle.get(start))) {
        start--;
      }
      assertThat(map.run(own)).isEqualTo(new ByteRange(start, end));
    }
    for (int from = 0; from <= oracle.size(); from++) {
      for (int to = from; to <= oracle.size(); to += 1 + to / 9) {
        checkRange(map, oracle, new ByteRange(from, to));
      }
    }
  }

  private static boolean follows(Place before, Place after) {
    return before.slot() == after.slot() && before.offset() + 1 == after.offset();
  }

  private static void checkRange(AddressMap map, List<Place> oracle, ByteRange range) {
    for (int slot = 0; slot < map.slots(); slot++) {
      List<ByteRange> below = new ArrayList<>();
      List<ByteRange> above = new ArrayList<>();
      for (int own = 0; own < oracle.size(); own++) {
        Place place = oracle.get(own);
        if (place.slot() == slot && range.contains(own)) {
          below.add(ByteRange.ofLength(place.offset(), 1));
        }
        if (place.slot() == slot && range.contains(place.offset())) {
          above.add(ByteRange.ofLength(own, 1));
        }
      }
      ByteRange child = map.toChild(slot, range);
      assertThat(ByteRanges.of(child)).isEqualTo(ByteRanges.of(below));
      List<ByteRange> own = map.toOwn(slot, range);
      assertThat(ByteRanges.of(own)).isEqualTo(ByteRanges.of(above));
      assertThat(own).isSorted().noneMatch(ByteRange::isEmpty);
      assertThat((long) own.size()).isLessThanOrEqualTo(map.ownRangesAtMost(slot, range));
      List<ByteRange> cover = map.toOwnCover(slot, range, 2);
      assertThat(cover).hasSizeLessThanOrEqualTo(2);
      assertThat(ByteRanges.of(own).minus(ByteRanges.of(cover)).isEmpty()).isTrue();
    }
  }

  @Test
  void shouldSizeAStripeByItsSmallestChild() {
    long page = 4096;
    assertThat(StripedTarget.sizeBytes(3 * page, List.of(10 * page, 7 * page)))
        .isEqualTo(12 * page);
    assertThatThrownBy(() -> StripedTarget.sizeBytes(3 * page, List.of(10 * page, 2 * page)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> StripedTarget.sizeBytes(1000, List.of(10 * page)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
