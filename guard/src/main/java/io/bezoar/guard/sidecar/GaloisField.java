package io.bezoar.guard.sidecar;

/**
 * Arithmetic of single bytes in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d),
 * whose generator is 2: the field of RAID-6. Addition is XOR. Pages are multiplied by {@link
 * PageMath}.
 */
final class GaloisField {
  /** Powers of 2 before they repeat: every element but 0 is one of them. */
  static final int ORDER = 255;

  private static final int POLYNOMIAL = 0x11d;
  private static final int[] POWER = new int[2 * ORDER];
  private static final int[] LOGARITHM = new int[256];

  static {
    int value = 1;
    for (int i = 0; i < ORDER; i++) {
      POWER[i] = value;
      POWER[i + ORDER] = value;
      LOGARITHM[value] = i;
      value <<= 1;
      if (value > 0xff) {
        value ^= POLYNOMIAL;
      }
    }
  }

  private GaloisField() {}

  /** 2 to the power of {@code exponent}, which may be negative. */
  static int power(int exponent) {
    return POWER[Math.floorMod(exponent, ORDER)];
  }

  static int multiply(int a, int b) {
    return a == 0 || b == 0 ? 0 : POWER[LOGARITHM[a] + LOGARITHM[b]];
  }

  /** The element that gives 1 when multiplied by {@code a}. */
  static int inverse(int a) {
    if (a == 0) {
      throw new ArithmeticException("0 has no inverse");
    }
    return POWER[ORDER - LOGARITHM[a]];
  }
}
