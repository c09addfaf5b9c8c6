package io.bezoar.target;

import static io.bezoar.target.WriteCacheIndex.State.CLEAN;
import static io.bezoar.target.WriteCacheIndex.State.DIRTY;
import static io.bezoar.target.WriteCacheIndex.State.ERASING;
import static io.bezoar.target.WriteCacheIndex.State.FILLING;
import static io.bezoar.target.WriteCacheIndex.State.FREE;
import static io.bezoar.target.WriteCacheIndex.State.LOST;
import static io.bezoar.target.WriteCacheIndex.State.NEW;
import static io.bezoar.target.WriteCacheIndex.State.RETIRED;
import static io.bezoar.target.WriteCacheIndex.State.STUCK;
import static io.bezoar.target.WriteCacheIndex.State.SUPERSEDED;

import io.bezoar.target.WriteCacheLayout.Entry;
import io.bezoar.target.WriteCacheLayout.Kind;
import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * What is in which block, in memory: 37 bytes for each.
 *
 * <p><b>Invariants.</b> A page is mapped to one block at most. Every block is in exactly one state,
 * and on the list of that state. A block is {@code FREE} only when no entry on media names it, so
 * that its content may be overwritten; whatever was on media stays what a crash would find until a
 * later entry is durable.
 *
 * <p><b>Protocol.</b> Everything that changes is done under {@link #lock}, except the map's
 * look-ups ({@link WriteCacheMap}), which take none.
 */
final class WriteCacheIndex {
  /** What a block is. */
  enum State {
    /** Named by no entry on media: may be overwritten. */
    FREE(0),

    /** Taken by a writer; nobody else knows it. */
    FILLING(1),

    /** The newest content of its page; no entry on media names it yet. */
    NEW(2),

    /** The newest content of its page, not known to be on the origin. */
    DIRTY(3),

    /** The newest content of its page, and the origin has it. */
    CLEAN(4),

    /** Its page has newer content, whose entry may not be durable yet. */
    SUPERSEDED(5),

    /** Its entry is no longer needed, and is still on media. */
    ERASING(6),

    /** As DIRTY, but bytes of it are lost: it is not written back. */
    LOST(7),

    /** As DIRTY, but the origin could not be made to take it. */
    STUCK(8),

    /** Its media cannot be cleared: not used. */
    RETIRED(9);

    /** Number of its list. */
    private final int list;

    State(int list) {
      this.list = list;
    }
  }

  /** What one commit writes. */
  static final class Batch {
    private final int[] blocks;
    private final int superseded;
    private final boolean data;

    private Batch(int[] blocks, int superseded, boolean data) {
      this.blocks = blocks;
      this.superseded = superseded;
      this.data = data;
    }

    /** Whose entries are to be stored, ascending. */
    int[] blocks() {
      return blocks;
    }

    /** How many blocks had newer content when it was taken. */
    int superseded() {
      return superseded;
    }

    /** True when there is content to be persisted first. */
    boolean data() {
      return data;
    }
  }

  private static final State[] STATES = State.values();
  private static final byte PENDING = 0x40;
  private static final int NONE = -1;

  final ReentrantLock lock = new ReentrantLock();
  final WriteCacheMap map;
  private final int blocks;

  // All guarded by lock; pages are also read without it, see WriteCacheMap.
  private final Condition changed = lock.newCondition();
  private final long[] pages;
  private final long[] sequences;
  private final int[] sums;
  private final byte[] states; // and PENDING: its entry on media is not what it should be
  private final int[] next;
  private final int[] previous;
  private final int[] first = new int[STATES.length];
  private final int[] last = new int[STATES.length];
  private final int[] count = new int[STATES.length];
  private final BitSet hurt = new BitSet();
  private final BitSet healed = new BitSet();
  private int[] pending = new int[64];
  private int pendingCount;
  private boolean unpersisted;
  private long lastSequence;
  private long changes;

  WriteCacheIndex(int blocks) {
    this.blocks = blocks;
    this.pages = new long[blocks];
    this.sequences = new long[blocks];
    this.sums = new int[blocks];
    this.states = new byte[blocks];
    this.next = new int[blocks];
    this.previous = new int[blocks];
    this.map = new WriteCacheMap(pages);
    Arrays.fill(first, NONE);
    Arrays.fill(last, NONE);
    for (int block = 0; block < blocks; block++) {
      append(block, FREE);
    }
  }

  int blocks() {
    return blocks;
  }

  // Looking. With the lock, or where nothing depends on the answer staying true.

  State state(int block) {
    return STATES[states[block] & ~PENDING];
  }

  int count(State state) {
    return count[state.list];
  }

  /** Blocks that hold what the origin may not have. */
  int dirtyCount() {
    return count(NEW) + count(DIRTY) + count(LOST) + count(STUCK);
  }

  long page(int block) {
    return pages[block];
  }

  long sequence(int block) {
    return sequences[block];
  }

  int sum(int block) {
    return sums[block];
  }

  long lastSequence() {
    return lastSequence;
  }

  boolean unpersisted() {
    return unpersisted;
  }

  /** True when the entry on media may not be what it should be. */
  boolean pending(int block) {
    return (states[block] & PENDING) != 0;
  }

  boolean hurt(int block) {
    return hurt.get(block);
  }

  static boolean holdsNewest(State state) {
    return switch (state) {
      case NEW, DIRTY, CLEAN, LOST, STUCK -> true;
      case FREE, FILLING, SUPERSEDED, ERASING, RETIRED -> false;
    };
  }

  /** The entry that should stand on media for {@code block}. */
  Entry entry(int block) {
    return switch (state(block)) {
      case FREE, FILLING, ERASING, RETIRED -> free(sequences[block]);
      // One less than its own: the entry to come must count against this one in the other copy.
      case NEW -> free(sequences[block] - 1);
      case CLEAN -> new Entry(Kind.CLEAN, pages[block], sequences[block], sums[block]);
      // Whether a superseded one was clean does not matter; dirty is safe.
      case DIRTY, SUPERSEDED, LOST, STUCK ->
          new Entry(Kind.DIRTY, pages[block], sequences[block], sums[block]);
    };
  }

  private static Entry free(long sequence) {
    return new Entry(Kind.FREE, 0, sequence, 0);
  }

  // Changing.

  /**
   * Takes a run of neighbouring free blocks.
   *
   * @return the first one in the upper half, how many in the lower; 0 when none is free
   */
  long allocate(int atMost) {
    int start = first[FREE.list];
    if (start == NONE) {
      return 0;
    }
    int taken = 0;
    while (taken < atMost && start + taken < blocks && state(start + taken) == FREE) {
      move(start + taken, FILLING);
      taken++;
    }
    return (long) start << 32 | taken;
  }

  /** Gives blocks back that were not filled. */
  void giveBack(int start, int howMany) {
    for (int block = start + howMany - 1; block >= start; block--) {
      if (state(block) == FILLING) {
        remove(block);
        prepend(block, FREE);
      }
    }
    signal();
  }

  /** A filled block becomes the newest content of {@code page}. */
  void publish(int block, long page, int sum) {
    healed.clear(block);
    map.beginChange(page);
    int old = map.find(page);
    if (old != NONE) {
      map.remove(old);
    }
    pages[block] = page;
    sequences[block] = ++lastSequence;
    sums[block] = sum;
    map.add(block);
    map.endChange(page);
    if (old != NONE && state(old) == NEW) {
      remove(old);
      prepend(old, FREE);
    } else if (old != NONE) {
      move(old, SUPERSEDED);
    }
    move(block, NEW);
    setPending(block);
    unpersisted = true;
    signal();
  }

  /** What was found on media when the cache was opened, or came back. */
  void adopt(int block, Entry entry) {
    sequences[block] = entry.sequence();
    lastSequence = Math.max(lastSequence, entry.sequence());
    if (entry.kind() != Kind.FREE) {
      pages[block] = entry.page();
      sums[block] = entry.sum();
      map.beginChange(entry.page());
      map.add(block);
      map.endChange(entry.page());
      move(block, entry.kind() == Kind.CLEAN ? CLEAN : DIRTY);
    }
  }

  /** An older entry for a page that another block holds: it goes. */
  void adoptOlder(int block, Entry entry) {
    sequences[block] = entry.sequence();
    lastSequence = Math.max(lastSequence, entry.sequence());
    pages[block] = entry.page();
    move(block, ERASING);
    setPending(block);
  }

  /** Takes a block out of the map; its entry is erased by the next commit. */
  void unmap(int block) {
    long page = pages[block];
    map.beginChange(page);
    map.remove(block);
    map.endChange(page);
    if (state(block) == NEW) {
      move(block, FREE);
    } else {
      move(block, ERASING);
      setPending(block);
    }
  }

  /** Moves a block between states that keep it where it is. */
  void become(int block, State state) {
    move(block, state);
    signal();
  }

  /** The origin has what {@code block} held as number {@code sequence}. */
  boolean becomeClean(int block, long sequence) {
    if (state(block) != DIRTY || sequences[block] != sequence) {
      return false;
    }
    move(block, CLEAN);
    setPending(block);
    return true;
  }

  /** The origin lost what it had of a clean block. */
  void becomeDirtyAgain(int block) {
    if (state(block) == CLEAN) {
      healed.clear(block);
      move(block, DIRTY);
      setPending(block);
    }
  }

  /** The pages among {@code count} from {@code page} on that a block holds, ascending. */
  long[] cached(long page, long count) {
    LongStream found =
        count <= blocks
            ? LongStream.range(page, page + count).filter(each -> map.find(each) >= 0)
            : IntStream.range(0, blocks)
                .filter(block -> holdsNewest(state(block)))
                .mapToLong(block -> pages[block])
                .filter(each -> each >= page && each < page + count)
                .sorted();
    return found.toArray();
  }

  /** The pages that the origin may not have, ascending. */
  long[] dirtyPages() {
    return IntStream.range(0, blocks)
        .filter(block -> holdsNewest(state(block)) && state(block) != CLEAN)
        .mapToLong(block -> pages[block])
        .sorted()
        .toArray();
  }

  /** The content was changed in place, and nothing vouches for it. */
  void changedInPlace(int block) {
    if (sums[block] != 0) {
      sums[block] = 0;
      setPending(block);
    }
    if (state(block) == DIRTY) {
      move(block, LOST);
    }
    unpersisted = true;
  }

  void setHurt(int block) {
    hurt.set(block);
  }

  /** What a clean block lost came from the origin; a notice of it may still be under way. */
  void setHealed(int block, boolean isHealed) {
    healed.set(block, isHealed);
  }

  /** True once after {@link #setHealed}. */
  boolean takeHealed(int block) {
    boolean was = healed.get(block);
    healed.clear(block);
    return was;
  }

  void setUnpersisted() {
    unpersisted = true;
  }

  void setPending(int block) {
    if ((states[block] & PENDING) == 0) {
      states[block] |= PENDING;
      if (pendingCount == pending.length) {
        pending = Arrays.copyOf(pending, Math.min(blocks, 2 * pendingCount));
      }
      pending[pendingCount++] = block;
    }
  }

  /** All whose entries on media must change, ascending; what was new counts as durable from now. */
  Batch takeBatch() {
    int[] taken = new int[pendingCount];
    int n = 0;
    for (int i = 0; i < pendingCount; i++) {
      int block = pending[i];
      states[block] &= ~PENDING;
      State state = state(block);
      if (state != FREE && state != FILLING && state != RETIRED) {
        taken[n++] = block;
      }
    }
    pendingCount = 0;
    for (int block = first[NEW.list]; block != NONE; block = first[NEW.list]) {
      move(block, DIRTY);
    }
    taken = Arrays.copyOf(taken, n);
    Arrays.sort(taken);
    Batch batch = new Batch(taken, count(SUPERSEDED), unpersisted);
    unpersisted = false;
    return batch;
  }

  /** A commit failed somewhere: nobody knows what of it is on media. */
  void undo(Batch batch) {
    for (int block : batch.blocks()) {
      setPending(block);
    }
    unpersisted = true;
  }

  /**
   * A commit is durable.
   *
   * @return blocks that are free but for their media, which was found bad before: {@code RETIRED}
   */
  int[] finish(Batch batch) {
    int[] toClear = new int[0];
    for (int block : batch.blocks()) {
      if (state(block) == ERASING) {
        boolean bad = hurt.get(block);
        move(block, bad ? RETIRED : FREE);
        if (bad) {
          toClear = Arrays.copyOf(toClear, toClear.length + 1);
          toClear[toClear.length - 1] = block;
        }
      }
    }
    for (int i = 0; i < batch.superseded(); i++) {
      int block = first[SUPERSEDED.list];
      move(block, ERASING);
      setPending(block);
    }
    signal();
    return toClear;
  }

  /** The media of a retired block was cleared. */
  void cleared(int block) {
    hurt.clear(block);
    if (state(block) == RETIRED) {
      move(block, FREE);
    }
    signal();
  }

  /** Up to {@code atMost} of the blocks in {@code state}, those that came to it first. */
  int[] oldest(State state, int atMost) {
    int[] found = new int[Math.min(atMost, count(state))];
    int block = first[state.list];
    for (int i = 0; i < found.length; i++) {
      found[i] = block;
      block = next[block];
    }
    return found;
  }

  /** Waits until something changed. */
  void awaitChange() throws InterruptedException {
    long before = changes;
    while (changes == before) {
      changed.await();
    }
  }

  private void signal() {
    changes++;
    changed.signalAll();
  }

  private void move(int block, State to) {
    remove(block);
    append(block, to);
  }

  private void append(int block, State state) {
    int list = state.list;
    states[block] = (byte) ((states[block] & PENDING) | list);
    next[block] = NONE;
    previous[block] = last[list];
    if (last[list] == NONE) {
      first[list] = block;
    } else {
      next[last[list]] = block;
    }
    last[list] = block;
    count[list]++;
  }

  private void prepend(int block, State state) {
    int list = state.list;
    states[block] = (byte) ((states[block] & PENDING) | list);
    previous[block] = NONE;
    next[block] = first[list];
    if (first[list] == NONE) {
      last[list] = block;
    } else {
      previous[first[list]] = block;
    }
    first[list] = block;
    count[list]++;
  }

  private void remove(int block) {
    int list = state(block).list;
    if (previous[block] == NONE) {
      first[list] = next[block];
    } else {
      next[previous[block]] = next[block];
    }
    if (next[block] == NONE) {
      last[list] = previous[block];
    } else {
      previous[next[block]] = previous[block];
    }
    count[list]--;
  }
}
