package io.bezoar.guard.sidecar;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * Sums and products of whole pages in GF(2^8), eight bytes to a {@code long}. Sums are kept on the
 * heap and take their input from private native memory: loops of that shape, with few enough
 * operations in them that the compiler still unrolls them, become vector instructions; loops over
 * native memory alone, or with all eight multiples in one body, do not (2.8 and 0.6 GB/s instead of
 * 20).
 *
 * <p>Not thread-safe: products need room, which each object has once.
 */
final class PageMath {
  /** Products are worked out in pieces whose eight multiples stay in the first-level cache. */
  private static final int PIECE = 256;

  private static final long TOP_BITS = 0x8080808080808080L;
  private static final long REDUCTION = 0x1d1d1d1d1d1d1d1dL;

  private final long[][] multiples = new long[8][PIECE];
  private final long[][] chosen = new long[8][];

  /** {@code sum += input}. */
  static void add(MemorySegment input, long[] sum, int words) {
    for (int i = 0; i < words; i++) {
      sum[i] ^= input.get(JAVA_LONG_UNALIGNED, 8L * i);
    }
  }

  /** {@code sum = 2 * sum + input}: a step of Horner's rule. */
  static void timesTwoPlus(MemorySegment input, long[] sum, int words) {
    for (int i = 0; i < words; i++) {
      long value = sum[i];
      long top = value & TOP_BITS;
      // In each byte: 0xff where the top bit was set, else 0, to choose what reduces it.
      long reduced = ((top << 1) - (top >>> 7)) & REDUCTION;
      sum[i] = ((value ^ top) << 1) ^ reduced ^ input.get(JAVA_LONG_UNALIGNED, 8L * i);
    }
  }

  /** {@code plain += input} and {@code doubled = 2 * doubled + input}, in one pass. */
  static void addToBoth(MemorySegment input, long[] plain, long[] doubled, int words) {
    for (int i = 0; i < words; i++) {
      long data = input.get(JAVA_LONG_UNALIGNED, 8L * i);
      plain[i] ^= data;
      long value = doubled[i];
      long top = value & TOP_BITS;
      doubled[i] = ((value ^ top) << 1) ^ (((top << 1) - (top >>> 7)) & REDUCTION) ^ data;
    }
  }

  /** {@code sum = 2 * sum}. */
  static void timesTwo(long[] sum, int words) {
    for (int i = 0; i < words; i++) {
      long value = sum[i];
      long top = value & TOP_BITS;
      sum[i] = ((value ^ top) << 1) ^ (((top << 1) - (top >>> 7)) & REDUCTION);
    }
  }

  /** {@code sums[s] += factors[s] * input} for every {@code s} in {@code [first, end)}. */
  void addProducts(
      MemorySegment input, int[] factors, long[][] sums, int first, int end, int words) {
    for (int at = 0; at < words; at += PIECE) {
      int count = Math.min(PIECE, words - at);
      MemorySegment.copy(input, JAVA_LONG_UNALIGNED, 8L * at, multiples[0], 0, count);
      addPieces(factors, sums, first, end, at, count);
    }
  }

  /** {@code sum += factor * input}, both on the heap. */
  void addProduct(long[] input, int factor, long[] sum, int words) {
    int[] factors = {factor};
    long[][] sums = {sum};
    for (int at = 0; at < words; at += PIECE) {
      int count = Math.min(PIECE, words - at);
      System.arraycopy(input, at, multiples[0], 0, count);
      addPieces(factors, sums, 0, 1, at, count);
    }
  }

  /** A product is the sum of those multiples by 1, 2, 4 ... 128 that the factor's bits choose. */
  private void addPieces(int[] factors, long[][] sums, int first, int end, int at, int count) {
    for (int bit = 1; bit < 8; bit++) {
      twice(multiples[bit - 1], multiples[bit], count);
    }
    for (int s = first; s < end; s++) {
      int terms = 0;
      for (int bit = 0; bit < 8; bit++) {
        if ((factors[s] >>> bit & 1) != 0) {
          chosen[terms++] = multiples[bit];
        }
      }
      addTerms(sums[s], at, terms, count);
    }
  }

  private void addTerms(long[] sum, int at, int terms, int count) {
    int done = 0;
    for (; done + 4 <= terms; done += 4) {
      addFour(sum, at, chosen[done], chosen[done + 1], chosen[done + 2], chosen[done + 3], count);
    }
    for (; done + 2 <= terms; done += 2) {
      addTwo(sum, at, chosen[done], chosen[done + 1], count);
    }
    if (done < terms) {
      addOne(sum, at, chosen[done], count);
    }
  }

  private static void twice(long[] from, long[] to, int count) {
    for (int i = 0; i < count; i++) {
      long value = from[i];
      long top = value & TOP_BITS;
      to[i] = ((value ^ top) << 1) ^ (((top << 1) - (top >>> 7)) & REDUCTION);
    }
  }

  private static void addOne(long[] sum, int at, long[] a, int count) {
    for (int i = 0; i < count; i++) {
      sum[at + i] ^= a[i];
    }
  }

  private static void addTwo(long[] sum, int at, long[] a, long[] b, int count) {
    for (int i = 0; i < count; i++) {
      sum[at + i] ^= a[i] ^ b[i];
    }
  }

  private static void addFour(
      long[] sum, int at, long[] a, long[] b, long[] c, long[] d, int count) {
    for (int i = 0; i < count; i++) {
      sum[at + i] ^= a[i] ^ b[i] ^ c[i] ^ d[i];
    }
  }
}
