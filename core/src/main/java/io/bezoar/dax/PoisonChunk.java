package io.bezoar.dax;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Up to a media page full of poison entries, disjoint and ascending, packed as on media.
 *
 * <p>Guarded by the lock of its list.
 */
final class PoisonChunk {
  static final int MAX_ENTRIES = PoisonListLayout.ENTRIES_PER_PAGE;

  private static final int WORDS_PER_ENTRY = PoisonListLayout.WORDS_PER_ENTRY;

  /** The page of the durable copies that holds this chunk. */
  final int page;

  /** Number of the list's change that last touched this chunk. */
  long changedAt;

  private long[] words;
  private int count;

  PoisonChunk(int page) {
    this.page = page;
    this.words = new long[4 * WORDS_PER_ENTRY];
  }

  int count() {
    return count;
  }

  boolean isFull() {
    return count == MAX_ENTRIES;
  }

  long start(int index) {
    return PoisonListLayout.packedStart(words[index * WORDS_PER_ENTRY]);
  }

  long end(int index) {
    return words[index * WORDS_PER_ENTRY + 1];
  }

  boolean isExact(int index) {
    return PoisonListLayout.packedIsExact(words[index * WORDS_PER_ENTRY]);
  }

  /** Index of the last entry that starts at or before {@code offset}; -1 when there is none. */
  int floor(long offset) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (start(middle) <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  PoisonEntry get(int index) {
    return PoisonListLayout.unpack(words, index * WORDS_PER_ENTRY);
  }

  void insert(int index, PoisonEntry entry) {
    if ((count + 1) * WORDS_PER_ENTRY > words.length) {
      int grown = Math.min(MAX_ENTRIES, Math.max(4, count + count / 2));
      words = Arrays.copyOf(words, grown * WORDS_PER_ENTRY);
    }
    int at = index * WORDS_PER_ENTRY;
    System.arraycopy(words, at, words, at + WORDS_PER_ENTRY, (count - index) * WORDS_PER_ENTRY);
    PoisonListLayout.pack(entry, words, at);
    count++;
  }

  /** Removes the entries {@code [from, to)}. */
  void remove(int from, int to) {
    System.arraycopy(
        words, to * WORDS_PER_ENTRY, words, from * WORDS_PER_ENTRY, (count - to) * WORDS_PER_ENTRY);
    count -= to - from;
  }

  /** Moves the entries from {@code from} on into {@code empty}. */
  void moveTail(int from, PoisonChunk empty) {
    empty.words = Arrays.copyOfRange(words, from * WORDS_PER_ENTRY, count * WORDS_PER_ENTRY);
    empty.count = count - from;
    count = from;
    words = Arrays.copyOf(words, Math.max(4, count) * WORDS_PER_ENTRY);
  }

  List<PoisonEntry> entries() {
    return IntStream.range(0, count).mapToObj(this::get).toList();
  }

  /** Memory held for entries, in bytes. */
  long footprintBytes() {
    return (long) words.length * Long.BYTES;
  }
}
