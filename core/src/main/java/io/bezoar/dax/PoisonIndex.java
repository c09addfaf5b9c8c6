package io.bezoar.dax;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Disjoint poison entries in order of their start, in chunks that each fit, and own, one page of
 * the durable copies: a two-level B+ tree.
 *
 * <p>Invariants: a chunk holds the entries whose start lies between its key and the next; all but
 * the chunk with key 0 hold at least one; no two chunks own the same page. There may be more chunks
 * than pages until {@link #fitIntoPages} packs half-filled chunks together; when even that does not
 * make room, the neighbours with the smallest gaps are joined into suspect ranges, those first
 * whose badness reading will show again. Nothing is ever dropped.
 *
 * <p>Guarded by the lock of its list.
 */
final class PoisonIndex {
  private static final int PACKED_ENTRIES = PoisonChunk.MAX_ENTRIES * 9 / 10;

  private final int maxPages;
  private final TreeMap<Long, PoisonChunk> chunks = new TreeMap<>();
  private final BitSet usedPages = new BitSet();
  private final BitSet freedPages = new BitSet();
  private long changes;
  private int size;
  private long exactBytes;

  PoisonIndex(int maxPages) {
    if (maxPages < 1) {
      throw new IllegalArgumentException("a list needs a page, not " + maxPages);
    }
    this.maxPages = maxPages;
    addChunk(0);
  }

  int size() {
    return size;
  }

  long exactBytes() {
    return exactBytes;
  }

  /** Counts up with every change. */
  long changes() {
    return changes;
  }

  Iterable<PoisonChunk> chunks() {
    return chunks.values();
  }

  /**
   * Takes over {@code page} as the durable copies hold it: entries that follow all that are there.
   * For an index that is still empty.
   */
  void adopt(int page, List<PoisonEntry> entries) {
    if (size == 0) {
      chunks.clear();
      usedPages.clear();
    }
    PoisonChunk chunk = new PoisonChunk(page);
    for (int i = 0; i < entries.size(); i++) {
      chunk.insert(i, entries.get(i));
      countBytes(entries.get(i), 1);
    }
    chunks.put(size == 0 ? 0 : entries.getFirst().range().start(), chunk);
    usedPages.set(page);
    size += entries.size();
  }

  /** Makes {@code page} count as changed, so that it will be stored again. */
  void touchPage(int page) {
    boolean used = false;
    for (PoisonChunk chunk : chunks.values()) {
      if (chunk.page == page) {
        touch(chunk);
        used = true;
      }
    }
    if (!used) {
      freedPages.set(page);
      changes++;
    }
  }

  /** Pages that hold no chunk any more since this was last asked. */
  BitSet takeFreedPages() {
    BitSet freed = (BitSet) freedPages.clone();
    freedPages.clear();
    return freed;
  }

  void giveBackFreedPages(BitSet freed) {
    freedPages.or(freed);
    freedPages.andNot(usedPages);
  }

  /** Entries that share a byte with {@code [start, end)}, ascending. */
  List<PoisonEntry> overlapping(long start, long end) {
    List<PoisonEntry> found = new ArrayList<>();
    for (Cursor at = firstEndingAfter(start); at.hasEntry() && at.start() < end; at.next()) {
      found.add(at.get());
    }
    return found;
  }

  @Nullable PoisonEntry firstOverlapping(long start, long end) {
    Cursor at = firstEndingAfter(start);
    return at.hasEntry() && at.start() < end ? at.get() : null;
  }

  @Nullable PoisonEntry firstExact(long start, long end) {
    for (Cursor at = firstEndingAfter(start); at.hasEntry() && at.start() < end; at.next()) {
      if (at.isExact()) {
        return at.get();
      }
    }
    return null;
  }

  /** Removes and returns what {@link #overlapping} finds. */
  List<PoisonEntry> take(long start, long end) {
    List<PoisonEntry> taken = overlapping(start, end);
    for (int i = 0; i < taken.size(); ) {
      long first = taken.get(i).range().start();
      Map.Entry<Long, PoisonChunk> entry = chunks.floorEntry(first);
      PoisonChunk chunk = entry.getValue();
      int from = chunk.floor(first);
      int to = Math.min(chunk.count(), from + taken.size() - i);
      chunk.remove(from, to);
      touch(chunk);
      i += to - from;
      if (chunk.count() == 0 && entry.getKey() != 0) {
        chunks.remove(entry.getKey());
        usedPages.clear(chunk.page);
        freedPages.set(chunk.page);
      }
    }
    size -= taken.size();
    taken.forEach(entry -> countBytes(entry, -1));
    return taken;
  }

  /**
   * Adds an entry if a look at one chunk is enough to see that it neither overlaps nor touches
   * another: nearly always so in a storm of scattered errors.
   *
   * @return false when nothing was added
   */
  boolean insertIfPlainlyAlone(PoisonEntry entry) {
    PoisonChunk chunk = chunks.floorEntry(entry.range().start()).getValue();
    int before = chunk.floor(entry.range().start());
    int after = before + 1;
    boolean alone =
        before >= 0
            && after < chunk.count()
            && chunk.end(before) < entry.range().start()
            && chunk.start(after) > entry.range().end()
            && !chunk.isFull();
    if (alone) {
      chunk.insert(after, entry);
      added(chunk, entry);
    }
    return alone;
  }

  /** Adds an entry that overlaps none. */
  void insert(PoisonEntry entry) {
    long start = entry.range().start();
    PoisonChunk chunk = chunks.floorEntry(start).getValue();
    if (chunk.isFull()) {
      split(chunk, start);
      chunk = chunks.floorEntry(start).getValue();
    }
    chunk.insert(chunk.floor(start) + 1, entry);
    added(chunk, entry);
  }

  private void added(PoisonChunk chunk, PoisonEntry entry) {
    touch(chunk);
    size++;
    countBytes(entry, 1);
  }

  /**
   * Makes sure that there are no more chunks than pages.
   *
   * @return true when entries were joined to that end, so that they cover other bytes than before
   */
  boolean fitIntoPages() {
    if (chunks.size() <= maxPages) {
      return false;
    }
    List<PoisonEntry> all = take(0, Long.MAX_VALUE);
    long capacity = (long) maxPages * PoisonChunk.MAX_ENTRIES;
    boolean tooMany = all.size() > capacity * 8 / 10;
    if (tooMany) {
      all = joinNeighbours(all, (int) (capacity * 7 / 10));
    }
    for (int from = 0; from < all.size(); from += PACKED_ENTRIES) {
      List<PoisonEntry> part = all.subList(from, Math.min(all.size(), from + PACKED_ENTRIES));
      long key = part.getFirst().range().start();
      PoisonChunk chunk = from == 0 ? chunks.firstEntry().getValue() : addChunk(key);
      for (int i = 0; i < part.size(); i++) {
        chunk.insert(i, part.get(i));
        countBytes(part.get(i), 1);
      }
      touch(chunk);
    }
    size = all.size();
    freedPages.clear(maxPages, Integer.MAX_VALUE);
    return tooMany;
  }

  /** Memory held, estimated, in bytes. */
  long footprintBytes() {
    long perChunk = 24 + 16 + 24 + 40; // object, array header, boxed key, tree node
    long total = 0;
    for (PoisonChunk chunk : chunks.values()) {
      total += perChunk + chunk.footprintBytes();
    }
    return total;
  }

  private void split(PoisonChunk full, long start) {
    int from = full.floor(start) + 1 == full.count() ? full.count() : full.count() / 2;
    long key = from == full.count() ? start : full.start(from);
    full.moveTail(from, addChunk(key));
    touch(full);
  }

  private PoisonChunk addChunk(long key) {
    int page = usedPages.nextClearBit(0);
    usedPages.set(page);
    freedPages.clear(page);
    PoisonChunk chunk = new PoisonChunk(page);
    touch(chunk);
    chunks.put(key, chunk);
    return chunk;
  }

  private void touch(PoisonChunk chunk) {
    chunk.changedAt = ++changes;
  }

  private void countBytes(PoisonEntry entry, int sign) {
    if (entry.isExact()) {
      exactBytes += sign * entry.range().length();
    }
  }

  private static List<PoisonEntry> joinNeighbours(List<PoisonEntry> entries, int target) {
    long[] costs = new long[entries.size() - 1];
    for (int i = 0; i < costs.length; i++) {
      costs[i] = costOfJoining(entries.get(i), entries.get(i + 1));
    }
    long[] sorted = costs.clone();
    Arrays.sort(sorted);
    int toJoin = entries.size() - target;
    long dearest = sorted[toJoin - 1];
    List<PoisonEntry> joined = new ArrayList<>(target);
    joined.add(entries.get(0));
    for (int i = 0; i < costs.length; i++) {
      if (costs[i] <= dearest && toJoin > 0) {
        toJoin--;
        joined.add(PoisonMerge.widen(joined.removeLast(), entries.get(i + 1)));
      } else {
        joined.add(entries.get(i + 1));
      }
    }
    return joined;
  }

  /** The gap; far more when a join would hide something that reading does not show again. */
  private static long costOfJoining(PoisonEntry left, PoisonEntry right) {
    long gap = right.range().start() - left.range().end();
    boolean shows = PoisonMerge.showsAgain(left) && PoisonMerge.showsAgain(right);
    boolean harmless = gap == 0 && left.confidence() == right.confidence();
    return shows || harmless ? gap : gap | 1L << 62;
  }

  /** The first entry that ends after {@code offset}. */
  private Cursor firstEndingAfter(long offset) {
    Map.Entry<Long, PoisonChunk> entry = chunks.floorEntry(offset);
    int index = entry.getValue().floor(offset);
    if (index < 0) {
      Map.Entry<Long, PoisonChunk> before = chunks.lowerEntry(entry.getKey());
      if (before != null) {
        entry = before;
        index = before.getValue().count() - 1;
      }
    }
    Cursor cursor = new Cursor(entry, Math.max(0, index));
    if (cursor.hasEntry() && cursor.end() <= offset) {
      cursor.next();
    }
    return cursor;
  }

  private final class Cursor {
    private Map.@Nullable Entry<Long, PoisonChunk> entry;
    private int index;

    Cursor(Map.Entry<Long, PoisonChunk> entry, int index) {
      this.entry = entry;
      this.index = index;
      skipExhausted();
    }

    boolean hasEntry() {
      return entry != null;
    }

    void next() {
      index++;
      skipExhausted();
    }

    private void skipExhausted() {
      while (entry != null && index >= entry.getValue().count()) {
        entry = chunks.higherEntry(entry.getKey());
        index = 0;
      }
    }

    private PoisonChunk chunk() {
      if (entry == null) {
        throw new IllegalStateException("past the last entry");
      }
      return entry.getValue();
    }

    long start() {
      return chunk().start(index);
    }

    long end() {
      return chunk().end(index);
    }

    boolean isExact() {
      return chunk().isExact(index);
    }

    PoisonEntry get() {
      return chunk().get(index);
    }
  }
}
