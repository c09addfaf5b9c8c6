package io.bezoar.health;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The pool's history: a durable ring of fixed-size records in a reserved range of a device.
 *
 * <p><b>Invariant.</b> The record of sequence {@code s} stands in slot {@code (s - 1) % capacity}
 * and nowhere else. What the log tells is what was recorded; what it cannot tell it counts.
 *
 * <p><b>Threat.</b> Slots are torn by a crash, lost with their media, or left behind by a lost
 * write. The first two fail their checksum, the third carries an older sequence than its slot must;
 * each is counted as missed. The log is explanation, never authority: poison lists and LOST marks
 * are durable before an event exists, so losing its tail loses no protection.
 *
 * <p><b>Protocol.</b> An image of the ring lives in private memory. {@link #append} changes the
 * image, then stores the changed page on the device (so that <em>any</em> later persist of the pool
 * makes it durable), then tells subscribers. {@link #flush} stores what is left and persists. The
 * image repairs the ring: a page that went bad is rewritten from it. {@code stateLock} guards image
 * and numbers and is never held over a device access; {@code ioLock} orders device accesses and is
 * taken first. Thread-safe.
 */
public final class EventLog implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int RECORDS_PER_PAGE = PAGE / EventLayout.RECORD_BYTES;

  /** Makes an event of the number and the time it is given. */
  @FunctionalInterface
  public interface Maker {
    /** The event to record; must carry {@code sequence}. */
    Event make(long sequence, Instant now);
  }

  private final DaxDevice device;
  private final ByteRange ring;
  private final long salt;
  private final InstantSource clock;
  private final int capacity;
  private final Arena arena = Arena.ofAuto();
  private final MemorySegment image;

  private final ReentrantLock ioLock = new ReentrantLock();
  private final MemorySegment scratch; // guarded by ioLock
  private boolean unpersisted; // guarded by ioLock

  private final ReentrantLock stateLock = new ReentrantLock();
  private final BitSet dirtyPages = new BitSet(); // guarded by stateLock
  private long lastSequence; // guarded by stateLock
  private @Nullable IOException trouble; // guarded by stateLock
  private boolean closed; // guarded by stateLock

  private final CopyOnWriteArrayList<EventSubscription> subscriptions =
      new CopyOnWriteArrayList<>();

  private EventLog(DaxDevice device, ByteRange ring, long salt, InstantSource clock) {
    if (ring.isEmpty() || ring.start() % PAGE != 0 || ring.length() % PAGE != 0) {
      throw new IllegalArgumentException("the event ring must be whole pages: " + ring);
    }
    this.device = device;
    this.ring = ring;
    this.salt = salt;
    this.clock = clock;
    this.capacity = Math.toIntExact(ring.length() / EventLayout.RECORD_BYTES);
    this.image = arena.allocate(ring.length(), PAGE);
    this.scratch = arena.allocate(PAGE, PAGE);
  }

  /**
   * Reads the ring. Pages that cannot be read are rewritten with the next flush.
   *
   * @param device where the ring lies
   * @param ring whole pages of {@code device}; zeroes when new
   * @param salt the same number at every open of this pool, and of no other pool
   * @param atLeastSequence a number known to have been used already, so that none is used twice
   *     even when the newest records are gone
   * @param clock stamps events
   */
  public static EventLog open(
      DaxDevice device, ByteRange ring, long salt, long atLeastSequence, InstantSource clock)
      throws IOException {
    EventLog log = new EventLog(device, ring, salt, clock);
    log.load(atLeastSequence);
    return log;
  }

  private void load(long atLeastSequence) throws IOException {
    List<ByteRange> holes =
        device.recoveryRead(ring.start(), image).holes().stream()
            .map(hole -> hole.range().shift(-ring.start()))
            .toList();
    long newest = atLeastSequence;
    boolean anyEmpty = false;
    long lastDamagedSlot = -1;
    for (int slot = 0; slot < capacity; slot++) {
      switch (EventLayout.decode(slot(slot), salt, slot)) {
        case EventLayout.Slot.Valid valid -> newest = Math.max(newest, valid.event().sequence());
        case EventLayout.Slot.Empty _ -> anyEmpty = true;
        case EventLayout.Slot.Damaged _ -> lastDamagedSlot = slot;
      }
    }
    if (anyEmpty && newest <= capacity) {
      // Not gone round yet, so a damaged slot behind the newest record is a newer one, torn.
      newest = Math.max(newest, lastDamagedSlot + 1);
    }
    stateLock.lock();
    try {
      lastSequence = newest;
      for (ByteRange hole : holes) {
        ByteRange pages = hole.alignOutward(PAGE);
        dirtyPages.set((int) (pages.start() / PAGE), (int) (pages.end() / PAGE));
      }
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Records an event. Never throws for the device's sake: what cannot be stored stays in memory, is
   * tried again by the next append or flush, and {@link #trouble()} says so.
   */
  public Event append(Maker maker) {
    Event event;
    stateLock.lock();
    try {
      long sequence = lastSequence + 1;
      event = maker.make(sequence, clock.instant().truncatedTo(ChronoUnit.MILLIS));
      if (event.sequence() != sequence) {
        throw new IllegalArgumentException(
            "event numbered " + event.sequence() + ", its place is " + sequence);
      }
      lastSequence = sequence;
      int slot = slotOf(sequence);
      EventLayout.encode(event, slot(slot), salt, slot);
      dirtyPages.set(slot / RECORDS_PER_PAGE);
      for (EventSubscription subscription : subscriptions) {
        subscription.offer(event);
      }
    } finally {
      stateLock.unlock();
    }
    storeOrRemember();
    return event;
  }

  /** Stores and persists what is not durable yet; nothing to do costs nothing. */
  public void flush() throws IOException {
    ioLock.lock();
    try {
      store();
      if (unpersisted) {
        device.persist();
        unpersisted = false;
      }
      remember(null);
    } catch (IOException e) {
      remember(e);
      throw e;
    } finally {
      ioLock.unlock();
    }
  }

  /** What the log still knows of what {@code query} asks for. */
  public EventHistory query(EventQuery query) {
    stateLock.lock();
    try {
      return queryWithLock(query);
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * The history so far, and from there on every event without a gap.
   *
   * @param query which events; applies to both
   * @param capacity how many events may wait to be polled
   */
  public Followed follow(EventQuery query, int capacity) {
    EventSubscription subscription = new EventSubscription(this, query, capacity);
    stateLock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the event log is closed");
      }
      EventHistory history = queryWithLock(query);
      subscriptions.add(subscription);
      return new Followed(history, subscription);
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * What {@link #follow} returns.
   *
   * @param history what happened before
   * @param subscription what happens from now on; to be closed by the caller
   */
  public record Followed(EventHistory history, EventSubscription subscription) {}

  /** Number of the newest event; 0 when nothing ever happened. */
  public long lastSequence() {
    stateLock.lock();
    try {
      return lastSequence;
    } finally {
      stateLock.unlock();
    }
  }

  /** How many events the ring holds before it overwrites the oldest. */
  public int capacity() {
    return capacity;
  }

  /** Why the newest events are not on the device yet; empty when they are. */
  public Optional<IOException> trouble() {
    stateLock.lock();
    try {
      return Optional.ofNullable(trouble);
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Compares the ring on the device with what it must hold and rewrites what differs.
   *
   * @return the pages that were wrong, in the device's address space
   */
  public List<ByteRange> verify() throws IOException {
    List<ByteRange> wrong = new ArrayList<>();
    ioLock.lock();
    try {
      store();
      MemorySegment expected = arena.allocate(PAGE, PAGE);
      for (int page = 0; page < ring.length() / PAGE; page++) {
        copyPage(page, expected);
        if (!holds(page, expected)) {
          wrong.add(pageRange(page));
          storePage(page, expected);
        }
      }
    } finally {
      ioLock.unlock();
    }
    return wrong;
  }

  /** Makes everything durable and ends every subscription. Idempotent. */
  @Override
  public void close() throws IOException {
    stateLock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
    } finally {
      stateLock.unlock();
    }
    subscriptions.forEach(EventSubscription::close);
    flush();
  }

  void forget(EventSubscription subscription) {
    subscriptions.remove(subscription);
  }

  private EventHistory queryWithLock(EventQuery query) {
    long first = Math.max(query.afterSequence(), lastSequence - capacity) + 1;
    long missed = Math.max(0, first - 1 - Math.max(0, query.afterSequence()));
    List<Event> events = new ArrayList<>();
    for (long sequence = Math.max(1, first); sequence <= lastSequence; sequence++) {
      int slot = slotOf(sequence);
      if (EventLayout.decode(slot(slot), salt, slot) instanceof EventLayout.Slot.Valid valid
          && valid.event().sequence() == sequence) {
        if (query.matches(valid.event())) {
          events.add(valid.event());
        }
      } else {
        missed++;
      }
    }
    return new EventHistory(events, missed);
  }

  private void storeOrRemember() {
    ioLock.lock();
    try {
      store();
    } catch (IOException e) {
      remember(e);
    } finally {
      ioLock.unlock();
    }
  }

  private void remember(@Nullable IOException failure) {
    stateLock.lock();
    try {
      trouble = failure;
    } finally {
      stateLock.unlock();
    }
  }

  /** Stores every changed page; a page that cannot be stored stays changed. */
  private void store() throws IOException {
    for (int page = takeDirtyPage(); page >= 0; page = takeDirtyPage()) {
      copyPage(page, scratch);
      try {
        storePage(page, scratch);
      } catch (IOException e) {
        stateLock.lock();
        try {
          dirtyPages.set(page);
        } finally {
          stateLock.unlock();
        }
        throw e;
      }
    }
  }

  private int takeDirtyPage() {
    stateLock.lock();
    try {
      int page = dirtyPages.nextSetBit(0);
      if (page >= 0) {
        dirtyPages.clear(page);
      }
      return page;
    } finally {
      stateLock.unlock();
    }
  }

  private void copyPage(int page, MemorySegment to) {
    stateLock.lock();
    try {
      to.copyFrom(image.asSlice((long) page * PAGE, PAGE));
    } finally {
      stateLock.unlock();
    }
  }

  private void storePage(int page, MemorySegment bytes) throws IOException {
    ByteRange range = pageRange(page);
    unpersisted = true;
    try {
      device.write(range.start(), bytes);
    } catch (PoisonedRangeException e) {
      RecoveryWrite written = device.recoveryWrite(range.start(), bytes);
      if (!written.complete()) {
        throw e;
      }
    }
  }

  /** Looks at the media itself: what stands in a cache says nothing of the ring. */
  private boolean holds(int page, MemorySegment expected) throws IOException {
    return device.recoveryRead(pageRange(page).start(), scratch).holes().isEmpty()
        && scratch.mismatch(expected) < 0;
  }

  private ByteRange pageRange(int page) {
    return ByteRange.ofLength(ring.start() + (long) page * PAGE, PAGE);
  }

  private int slotOf(long sequence) {
    return (int) ((sequence - 1) % capacity);
  }

  private MemorySegment slot(int slot) {
    return image.asSlice((long) slot * EventLayout.RECORD_BYTES, EventLayout.RECORD_BYTES);
  }
}
