package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Up to a media page full of poison entries, disjoint and ascending, packed into five words each:
 * start with confidence and cause in the bits that line alignment leaves free, end, first sighting
 * with the count, last sighting, sequence.
 *
 * <p>Guarded by the lock of its list.
 */
final class PoisonChunk {
  static final int MAX_ENTRIES = 100;
  static final int WORDS_PER_ENTRY = 5;

  private static final int MAX_COUNT = (1 << 20) - 1;
  private static final long LINE_MASK = Units.LINE_BYTES - 1;
  private static final long SUSPECT_BIT = 1 << 4;
  private static final long CAUSE_MASK = SUSPECT_BIT - 1;
  private static final long MAX_MILLIS = (1L << 44) - 1;

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
    return words[index * WORDS_PER_ENTRY] & ~LINE_MASK;
  }

  long end(int index) {
    return words[index * WORDS_PER_ENTRY + 1];
  }

  boolean isExact(int index) {
    return (words[index * WORDS_PER_ENTRY] & SUSPECT_BIT) == 0;
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
    int at = index * WORDS_PER_ENTRY;
    return unpack(words, at);
  }

  void insert(int index, PoisonEntry entry) {
    if ((count + 1) * WORDS_PER_ENTRY > words.length) {
      int grown = Math.min(MAX_ENTRIES, Math.max(4, count + count / 2));
      words = Arrays.copyOf(words, grown * WORDS_PER_ENTRY);
    }
    int at = index * WORDS_PER_ENTRY;
    System.arraycopy(words, at, words, at + WORDS_PER_ENTRY, (count - index) * WORDS_PER_ENTRY);
    pack(entry, words, at);
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

  static void pack(PoisonEntry entry, long[] words, int at) {
    long millis = Math.clamp(entry.firstSeenMillis(), 0, MAX_MILLIS);
    boolean suspect = entry.confidence() == Confidence.SUSPECT;
    words[at] = entry.range().start() | (suspect ? SUSPECT_BIT : 0) | entry.cause().code();
    words[at + 1] = entry.range().end();
    words[at + 2] = millis << 20 | Math.min(MAX_COUNT, entry.count());
    words[at + 3] = Math.clamp(entry.lastSeenMillis(), 0, MAX_MILLIS);
    words[at + 4] = entry.sequence();
  }

  /**
   * The entry packed at {@code at}.
   *
   * @throws IllegalArgumentException when the words are not an entry
   */
  static PoisonEntry unpack(long[] words, int at) {
    ByteRange range = new ByteRange(words[at] & ~LINE_MASK, words[at + 1]);
    if (range.isEmpty() || (range.end() & LINE_MASK) != 0) {
      throw new IllegalArgumentException("not a range of lines: " + range);
    }
    return new PoisonEntry(
        range,
        Cause.ofCode((int) (words[at] & CAUSE_MASK)),
        (words[at] & SUSPECT_BIT) == 0 ? Confidence.EXACT : Confidence.SUSPECT,
        words[at + 2] >>> 20,
        words[at + 3],
        words[at + 2] & MAX_COUNT,
        words[at + 4]);
  }
}
