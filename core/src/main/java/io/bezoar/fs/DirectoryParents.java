package io.bezoar.fs;

import java.util.Arrays;
import java.util.function.LongConsumer;

/** Which directory is in which, to find those that do not hang on the root. 16 bytes for each. */
final class DirectoryParents {
  private long[] numbers = new long[64];
  private long[] above = new long[64];
  private int count;

  /** Directories come in the order of their numbers. */
  void add(long number, long parent) {
    if (count == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * count);
      above = Arrays.copyOf(above, 2 * count);
    }
    numbers[count] = number;
    above[count] = parent;
    count++;
  }

  /**
   * Names those from which no way leads to the root: they are in a ring, or their parent is gone.
   */
  void check(LongConsumer lost) {
    byte[] known = new byte[count];
    int[] path = new int[count];
    for (int i = 0; i < count; i++) {
      int length = 0;
      int at = i;
      while (at >= 0 && known[at] == 0) {
        if (numbers[at] == Inode.ROOT) {
          known[at] = 1;
          break;
        }
        known[at] = 2;
        path[length++] = at;
        at = Arrays.binarySearch(numbers, 0, count, above[at]);
      }
      // Known as 2: met on this very way, or on one that led nowhere.
      byte good = at >= 0 && known[at] == 1 ? (byte) 1 : (byte) 2;
      for (int j = 0; j < length; j++) {
        known[path[j]] = good;
      }
    }
    for (int i = 0; i < count; i++) {
      if (known[i] != 1) {
        lost.accept(numbers[i]);
      }
    }
  }
}
