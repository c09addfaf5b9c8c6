package io.bezoar.guard.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Any k missing pages of a row come back, whichever they are. */
class ErasureCodeTest {

  @Test
  void shouldBeAField() {
    for (int a = 1; a < 256; a++) {
      assertThat(GaloisField.multiply(a, GaloisField.inverse(a))).isEqualTo(1);
      assertThat(GaloisField.multiply(a, 0)).isZero();
      for (int b = 1; b < 256; b++) {
        assertThat(GaloisField.multiply(a, b)).isEqualTo(slowly(a, b));
      }
    }
    assertThat(GaloisField.power(-1)).isEqualTo(GaloisField.inverse(2));
    assertThatThrownBy(() -> GaloisField.inverse(0)).isInstanceOf(ArithmeticException.class);
  }

  private static int slowly(int a, int b) {
    int product = 0;
    int shifted = a;
    for (int bit = 0; bit < 8; bit++) {
      product ^= (b >>> bit & 1) * shifted;
      shifted = shifted << 1 ^ (shifted >>> 7) * 0x11d;
    }
    return product;
  }

  @Test
  void shouldBeginAsRaid6() {
    ErasureCode code = new ErasureCode(253, 4);
    for (int i = 0; i < 253; i++) {
      assertThat(code.coefficient(0, i)).isEqualTo(1);
      assertThat(code.coefficient(1, i)).isEqualTo(GaloisField.power(i));
      assertThat(code.coefficient(2, i)).isNotZero();
    }
  }

  /**
   * An MDS code is one whose matrix has no singular square part: all of them, where they are few.
   */
  @Test
  void shouldHaveNoSingularPartWhereTheyCanBeCounted() {
    for (int columns = 1; columns <= 9; columns++) {
      for (int parity = 1; parity <= 6; parity++) {
        ErasureCode code = new ErasureCode(columns, parity);
        for (int missing = 1; missing < 1 << columns; missing++) {
          for (int used = 1; used < 1 << parity; used++) {
            if (Integer.bitCount(missing) == Integer.bitCount(used)) {
              requireSolvable(code, bits(missing), bits(used));
            }
          }
        }
      }
    }
  }

  /** All pairs of columns of the default code, the widest there is included. */
  @Test
  void shouldHaveNoSingularPairInTheDefaultCode() {
    ErasureCode code = new ErasureCode(123, 2);
    for (int a = 0; a < 123; a++) {
      for (int b = a + 1; b < 123; b++) {
        requireSolvable(code, new int[] {a, b}, new int[] {0, 1});
      }
    }
  }

  @Test
  void shouldHaveNoSingularPartInLargeOnes() {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    int[][] shapes = {{62, 2}, {123, 2}, {253, 4}, {191, 32}, {64, 32}, {33, 31}, {127, 32}};
    for (int[] shape : shapes) {
      ErasureCode code = new ErasureCode(shape[0], shape[1]);
      for (int i = 0; i < 200; i++) {
        int n = 1 + random.nextInt(Math.min(shape[0], shape[1]));
        int[] columns = choose(random, shape[0], n);
        int[] rows = choose(random, shape[1], n);
        try {
          requireSolvable(code, columns, rows);
        } catch (ArithmeticException | AssertionError e) {
          throw new AssertionError("replay with -Dbezoar.seed=" + seed, e);
        }
      }
    }
  }

  private static void requireSolvable(ErasureCode code, int[] columns, int[] rows) {
    int[][] inverse = code.solve(columns, rows);
    for (int m = 0; m < columns.length; m++) {
      for (int other = 0; other < columns.length; other++) {
        int sum = 0;
        for (int r = 0; r < rows.length; r++) {
          sum ^= GaloisField.multiply(inverse[m][r], code.coefficient(rows[r], columns[other]));
        }
        if (sum != (m == other ? 1 : 0)) {
          throw new AssertionError(
              code
                  + " does not give back "
                  + Arrays.toString(columns)
                  + " from "
                  + Arrays.toString(rows));
        }
      }
    }
  }

  private static int[] bits(int mask) {
    int[] found = new int[Integer.bitCount(mask)];
    for (int i = 0, bit = 0; bit < 32; bit++) {
      if ((mask >>> bit & 1) != 0) {
        found[i++] = bit;
      }
    }
    return found;
  }

  private static int[] choose(SplittableRandom random, int from, int count) {
    return random.ints(0, from).distinct().limit(count).sorted().toArray();
  }

  @Test
  void shouldRefuseWhatIsNoCode() {
    assertThat(ErasureCode.isPossible(255, 2)).isTrue();
    assertThat(ErasureCode.isPossible(256, 2)).isFalse();
    assertThat(ErasureCode.isPossible(255, 3)).isFalse();
    assertThat(ErasureCode.isPossible(0, 1)).isFalse();
    assertThatThrownBy(() -> new ErasureCode(255, 3)).isInstanceOf(IllegalArgumentException.class);
    for (int columns = 2; columns <= Redundancy.COLUMNS_MAX; columns++) {
      for (int parity = 1; parity < Math.min(columns, Redundancy.PARITY_MAX + 1); parity++) {
        int widest = 2 * (columns - parity) - 1;
        assertThat(ErasureCode.isPossible(widest, parity)).isTrue();
      }
    }
  }
}
