package io.bezoar.guard.sidecar;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Eight bytes at a time give what one byte at a time gives. */
class PageMathTest {
  private static final int WORDS = 700; // more than a piece, and no multiple of one
  private static final int BYTES = WORDS * Long.BYTES;

  private final SplittableRandom random = new SplittableRandom(7);
  private final MemorySegment input = Arena.ofAuto().allocate(BYTES, Long.BYTES);
  private final byte[] in = new byte[BYTES];
  private final long[] sum = new long[WORDS];
  private final byte[] before = new byte[BYTES];

  private void fill() {
    random.nextBytes(in);
    random.nextBytes(before);
    MemorySegment.copy(in, 0, input, JAVA_BYTE, 0, BYTES);
    MemorySegment.copy(MemorySegment.ofArray(before), 0, MemorySegment.ofArray(sum), 0, BYTES);
  }

  private void require(long[] got, int factorOfSum, int factorOfInput) {
    byte[] bytes = MemorySegment.ofArray(got).toArray(JAVA_BYTE);
    for (int i = 0; i < BYTES; i++) {
      int expected =
          GaloisField.multiply(before[i] & 0xff, factorOfSum)
              ^ GaloisField.multiply(in[i] & 0xff, factorOfInput);
      assertThat(bytes[i] & 0xff).isEqualTo(expected);
    }
  }

  @Test
  void shouldAdd() {
    fill();
    PageMath.add(input, sum, WORDS);
    require(sum, 1, 1);
  }

  @Test
  void shouldDouble() {
    fill();
    PageMath.timesTwo(sum, WORDS);
    require(sum, 2, 0);
  }

  @Test
  void shouldTakeAStepOfHornersRule() {
    fill();
    PageMath.timesTwoPlus(input, sum, WORDS);
    require(sum, 2, 1);
  }

  @Test
  void shouldDoBothAtOnce() {
    fill();
    long[] plain = sum.clone();
    PageMath.addToBoth(input, plain, sum, WORDS);
    require(plain, 1, 1);
    require(sum, 2, 1);
  }

  @Test
  void shouldMultiplyByEverything() {
    PageMath math = new PageMath();
    long[] words = new long[WORDS];
    for (int factor = 0; factor < 256; factor += 1 + factor % 7) {
      fill();
      MemorySegment.copy(input, JAVA_LONG, 0, words, 0, WORDS);
      long[][] sums = {new long[1], sum.clone(), new long[1]};
      math.addProducts(input, new int[] {9, factor, 9}, sums, 1, 2, WORDS);
      require(sums[1], 1, factor);
      math.addProduct(words, factor, sum, WORDS);
      require(sum, 1, factor);
    }
  }
}
