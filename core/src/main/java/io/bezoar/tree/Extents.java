package io.bezoar.tree;

import java.util.Arrays;

/** A list of runs of pages, each with the commit that it was allocated in. Not thread-safe. */
final class Extents {
  private static final int WORDS = 3;

  private long[] words = new long[8 * WORDS];
  private int length;
  private long pages;

  /** Told of runs of pages. */
  interface Visitor<E extends Exception> {
    void extent(long start, long count, long born) throws E;
  }

  boolean isEmpty() {
    return length == 0;
  }

  /** Number of pages of all runs. */
  long pages() {
    return pages;
  }

  /** The page behind the last run. */
  long end() {
    return words[length - WORDS] + words[length - WORDS + 1];
  }

  /** Number of runs. */
  int count() {
    return length / WORDS;
  }

  /** Adds a run; one that goes on where the last one ends is joined to it. */
  void add(long start, long count, long born) {
    pages += count;
    if (length > 0) {
      int last = length - WORDS;
      if (words[last] + words[last + 1] == start && words[last + 2] == born) {
        words[last + 1] += count;
        return;
      }
    }
    if (length == words.length) {
      words = Arrays.copyOf(words, 2 * length);
    }
    words[length] = start;
    words[length + 1] = count;
    words[length + 2] = born;
    length += WORDS;
  }

  void addAll(Extents other) {
    other.forEach(this::add);
  }

  <E extends Exception> void forEach(Visitor<E> visitor) throws E {
    for (int i = 0; i < length; i += WORDS) {
      visitor.extent(words[i], words[i + 1], words[i + 2]);
    }
  }
}
