package io.bezoar.health;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The pool's history: a durable ring of fixed-size records in a reserved range of each of its
 * devices.
 *
 * <p><b>Invariant.</b> The record of sequence {@code s} stands in slot {@code (s - 1) % capacity}
 * and nowhere else, the same in every place; behind the slots a place holds zeroes. What the log
 * tells is what was recorded; what it cannot tell it counts.
 *
 * <p><b>Threat.</b> Slots are torn by a crash, lost with their media, or left behind by a lost
 * write. The first two fail their checksum, the third carries an older sequence than its slot must;
 * each is counted as missed unless another place has it. A device comes back with an old ring, or
 * is gone for good: the others have the records. The log is explanation, never authority: poison
 * lists and LOST marks are durable before an event exists, so losing its tail loses no protection.
 *
 * <p><b>Protocol.</b> An image of the ring lives in private memory ({@link EventImage}). {@link
 * #append} changes the image, tells subscribers, then stores the changed page in every place (so
 * that <em>any</em> later persist of that device makes it durable). {@link #flush} stores what is
 * left and persists. The image repairs the places: a page that went bad, or differs, is rewritten
 * from it. A place that cannot be stored is behind, not in the way of the others, and is tried
 * again by each append and flush. The capacity is that of the smallest place; when it changes,
 * places are rewritten one after the other, each durable before the next is touched, so that a
 * crash finds one of them whole. {@code stateLock} guards image and numbers and is never held over
 * a device access; {@code ioLock} orders device accesses and is taken first. Thread-safe.
 */
public final class EventLog implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Makes an event of the number and the time it is given. */
  @FunctionalInterface
  public interface Maker {
    /** The event to record; must carry {@code sequence}. */
    Event make(long sequence, Instant now);
  }

  /**
   * Where the log is kept.
   *
   * @param device any
   * @param ring whole pages of it; zeroes when new
   */
  public record Place(DaxDevice device, ByteRange ring) {
    /** Checks the range. */
    public Place {
      if (ring.isEmpty() || ring.start() % PAGE != 0 || ring.length() % PAGE != 0) {
        throw new IllegalArgumentException("the event ring must be whole pages: " + ring);
      }
    }

    /** How many events it has room for. */
    int capacity() {
      return Math.toIntExact(ring.length() / EventLayout.RECORD_BYTES);
    }
  }

  private final InstantSource clock;

  private final ReentrantLock ioLock = new ReentrantLock();

  private final ReentrantLock stateLock = new ReentrantLock();
  private EventImage image; // guarded by stateLock
  private long lastSequence; // guarded by stateLock
  private boolean closed; // guarded by stateLock

  // Changed with both locks held, read with either.
  private final List<EventRing> rings = new ArrayList<>();

  private final CopyOnWriteArrayList<EventSubscription> subscriptions =
      new CopyOnWriteArrayList<>();

  private EventLog(List<Place> places, long salt, InstantSource clock) {
    if (places.isEmpty()) {
      throw new IllegalArgumentException("an event log needs a place");
    }
    this.clock = clock;
    int capacity = places.stream().mapToInt(Place::capacity).min().orElseThrow();
    this.image = new EventImage(salt, capacity);
    for (Place place : places) {
      rings.add(new EventRing(place, stateLock, () -> image));
    }
  }

  /** As {@link #open(List, long, long, InstantSource)}, with one place. */
  public static EventLog open(
      DaxDevice device, ByteRange ring, long salt, long atLeastSequence, InstantSource clock)
      throws IOException {
    return open(List.of(new Place(device, ring)), salt, atLeastSequence, clock);
  }

  /**
   * Reads the ring from all places. Slot by slot the record with the highest number counts,
   * wherever it is; of two different records with one number (which one place alone went on to
   * give) that of the place that is named first. Pages that cannot be read, or differ, are
   * rewritten with the next append or flush where the device takes writes.
   *
   * @param places at least one; of as many devices
   * @param salt the same number at every open of this pool, and of no other pool
   * @param atLeastSequence a number known to have been used already, so that none is used twice
   *     even when the newest records are gone
   * @param clock stamps events
   * @throws IOException when no place can be read; one that cannot is in trouble ({@link
   *     #troubles}), and is rewritten when it can be
   */
  public static EventLog open(
      List<Place> places, long salt, long atLeastSequence, InstantSource clock) throws IOException {
    EventLog log = new EventLog(places, salt, clock);
    log.load(atLeastSequence);
    return log;
  }

  private void load(long atLeastSequence) throws IOException {
    ioLock.lock();
    stateLock.lock(); // nobody else knows this log yet
    try {
      boolean anyRead = false;
      IOException failure = null;
      for (EventRing ring : rings) {
        try {
          BitSet changed = ring.load(image);
          for (EventRing earlier : rings.subList(0, rings.indexOf(ring))) {
            changed.stream().forEach(earlier::markBehind);
          }
          anyRead = true;
        } catch (IOException e) {
          ring.rewrite();
          ring.remember(e);
          failure = failure == null ? e : failure;
        }
      }
      if (!anyRead && failure != null) {
        throw failure;
      }
      lastSequence = image.newest(atLeastSequence);
    } finally {
      stateLock.unlock();
      ioLock.unlock();
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
      int page = image.put(event);
      rings.forEach(ring -> ring.markDirty(page));
      for (EventSubscription subscription : subscriptions) {
        subscription.offer(event);
      }
    } finally {
      stateLock.unlock();
    }
    storeOrRemember();
    return event;
  }

  /**
   * Stores and persists what is not durable yet; nothing to do costs nothing.
   *
   * @throws IOException when no place took everything; what one alone did not take is told by
   *     {@link #troubles}
   */
  public void flush() throws IOException {
    ioLock.lock();
    try {
      boolean durable = false;
      IOException failure = null;
      for (EventRing ring : rings) {
        try {
          ring.store();
          ring.persist();
          durable = true;
        } catch (IOException e) {
          ring.remember(e);
          failure = failure == null ? e : failure;
        }
      }
      if (!durable) {
        throw failure == null ? nowhere() : failure;
      }
    } finally {
      ioLock.unlock();
    }
  }

  /**
   * One more place: a device that came, or came back. Its ring is rewritten from the image,
   * whatever is there. A smaller ring than the others lowers the capacity: the oldest events are
   * forgotten. Never throws for the device's sake, as {@link #append}.
   */
  public void addPlace(Place place) {
    EventRing added = ring(place);
    ioLock.lock();
    try {
      stateLock.lock();
      try {
        rings.removeIf(ring -> ring.device().equals(place.device()));
        added.rewrite();
        if (place.capacity() < image.capacity()) {
          image = image.resized(place.capacity(), lastSequence);
          rings.forEach(EventRing::rewrite);
        }
        // First, because the others still have all that it is to get.
        rings.addFirst(added);
      } finally {
        stateLock.unlock();
      }
      storeOrRemember();
    } finally {
      ioLock.unlock();
    }
  }

  /** A device that is gone, or is taken away: nothing is stored there any more. */
  public void removePlace(DaxDevice device) {
    ioLock.lock();
    stateLock.lock();
    try {
      rings.removeIf(ring -> ring.device().equals(device));
    } finally {
      stateLock.unlock();
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
    stateLock.lock();
    try {
      return image.capacity();
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Why the newest events are on no device yet; empty when the last attempt left them on one at
   * least, or none was made since they were recorded. {@link #troubles} tells of the others.
   */
  public Optional<IOException> trouble() {
    stateLock.lock();
    try {
      if (rings.isEmpty()) {
        return Optional.of(nowhere());
      }
      boolean anyWell = rings.stream().anyMatch(ring -> ring.trouble() == null);
      return anyWell ? Optional.empty() : Optional.ofNullable(rings.getFirst().trouble());
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * A place that is behind.
   *
   * @param device whose ring it is
   * @param why what the last attempt to store there met
   */
  public record Trouble(DaxDevice device, IOException why) {}

  /** The places that do not have the newest events, and why. */
  public List<Trouble> troubles() {
    stateLock.lock();
    try {
      List<Trouble> troubles = new ArrayList<>();
      for (EventRing ring : rings) {
        IOException why = ring.trouble();
        if (why != null) {
          troubles.add(new Trouble(ring.device(), why));
        }
      }
      return troubles;
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Compares the ring on {@code device} with what it must hold and rewrites what differs.
   *
   * @return the pages that were wrong, in the device's address space; nothing for a device that is
   *     no place of this log
   */
  public List<ByteRange> verify(DaxDevice device) throws IOException {
    List<ByteRange> wrong = new ArrayList<>();
    ioLock.lock();
    try {
      for (EventRing ring : rings) {
        if (ring.device().equals(device)) {
          ring.store();
          wrong.addAll(ring.verify());
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
    long first = Math.max(query.afterSequence(), lastSequence - image.capacity()) + 1;
    long missed = Math.max(0, first - 1 - Math.max(0, query.afterSequence()));
    List<Event> events = new ArrayList<>();
    for (long sequence = Math.max(1, first); sequence <= lastSequence; sequence++) {
      Event event = image.get(sequence);
      if (event == null) {
        missed++;
      } else if (query.matches(event)) {
        events.add(event);
      }
    }
    return new EventHistory(events, missed);
  }

  private void storeOrRemember() {
    ioLock.lock();
    try {
      for (EventRing ring : rings) {
        try {
          ring.store();
        } catch (IOException e) {
          ring.remember(e);
        }
      }
    } finally {
      ioLock.unlock();
    }
  }

  private EventRing ring(Place place) {
    return new EventRing(place, stateLock, () -> image);
  }

  private static IOException nowhere() {
    return new IOException("no device is there to keep events: they stay in memory");
  }
}
