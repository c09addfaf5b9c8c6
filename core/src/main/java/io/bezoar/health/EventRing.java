package io.bezoar.health;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One place of the event log: the ring on one device.
 *
 * <p><b>Invariant.</b> A page that does not hold what the image does is known to be behind, or was
 * changed by the media ({@link #verify} finds that). Being behind ends only with a store that
 * succeeded. Everything that touches the device is called with the log's {@code ioLock} held; what
 * is behind, and why, is guarded by its {@code stateLock}, which no device access is made under.
 */
final class EventRing {
  private static final int PAGE = Units.PAGE_BYTES;

  private final DaxDevice device;
  private final ByteRange range;
  private final ReentrantLock stateLock;
  private final Supplier<EventImage> image; // asked with stateLock

  private final MemorySegment expected = Arena.ofAuto().allocate(PAGE, PAGE); // guarded by ioLock
  private final MemorySegment found = Arena.ofAuto().allocate(PAGE, PAGE); // guarded by ioLock
  private boolean unpersisted; // guarded by ioLock

  private final BitSet behind = new BitSet(); // guarded by stateLock
  private @Nullable IOException trouble; // guarded by stateLock
  private boolean rewriting; // guarded by stateLock

  EventRing(EventLog.Place place, ReentrantLock stateLock, Supplier<EventImage> image) {
    this.device = place.device();
    this.range = place.ring();
    this.stateLock = stateLock;
    this.image = image;
  }

  DaxDevice device() {
    return device;
  }

  private int pages() {
    return Math.toIntExact(range.length() / PAGE);
  }

  // ---- with stateLock

  /** The image has changed there. */
  void markDirty(int page) {
    behind.set(page);
  }

  /**
   * All of it is to be rewritten, and to be durable before another place is touched: the other may
   * be the only one that is whole.
   */
  void rewrite() {
    behind.set(0, pages());
    rewriting = true;
  }

  /** One page was found to be other than the image. */
  void markBehind(int page) {
    // Of a device that was opened to be looked at only, nothing is expected.
    if (device.state() != DeviceState.READ_ONLY) {
      behind.set(page);
      rewriting = true;
    }
  }

  /** Why it is behind; null when the last attempt to store it succeeded. */
  @Nullable IOException trouble() {
    return trouble;
  }

  /**
   * Gives the image what is better here, and notes what is not like it.
   *
   * @return the pages of the image that changed
   */
  BitSet load(EventImage into) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(range.length(), PAGE);
      RecoveryRead read = device.recoveryRead(range.start(), bytes);
      BitSet changed = into.merge(bytes);
      for (int page = 0; page < pages(); page++) {
        into.copyPage(page, expected);
        if (bytes.asSlice((long) page * PAGE, PAGE).mismatch(expected) >= 0) {
          markBehind(page);
        }
      }
      for (RecoveryRead.Run run : read.runs()) {
        if (run instanceof RecoveryRead.Hole || run instanceof RecoveryRead.Absent) {
          ByteRange bad = run.range().shift(-range.start()).alignOutward(PAGE);
          for (long at = bad.start(); at < bad.end(); at += PAGE) {
            markBehind((int) (at / PAGE));
          }
        }
      }
      return changed;
    }
  }

  // ---- with ioLock

  void remember(@Nullable IOException failure) {
    stateLock.lock();
    try {
      trouble = failure;
      rewriting &= failure != null;
    } finally {
      stateLock.unlock();
    }
  }

  /**
   * Stores every page that is behind; one that cannot be cleared stays so, and keeps no other from
   * being stored.
   */
  void store() throws IOException {
    requireAnswer();
    IOException failure = null;
    int page = takeBehind(0);
    while (page >= 0) {
      try {
        store(page);
      } catch (PoisonedRangeException e) {
        failure = failure == null ? e : failure; // this page alone
      }
      page = takeBehind(page + 1);
    }
    if (failure != null) {
      throw failure;
    }
    if (isRewriting()) {
      persist();
    }
  }

  /** Everything was stored; makes it durable. */
  void persist() throws IOException {
    if (unpersisted) {
      device.persist();
      unpersisted = false;
    }
    remember(null);
  }

  /**
   * Compares everything with the image and stores what differs.
   *
   * @return the pages that were wrong, in the device's address space
   */
  List<ByteRange> verify() throws IOException {
    List<ByteRange> wrong = new ArrayList<>();
    for (int page = 0; page < pages(); page++) {
      // One that an append has just changed is behind, not wrong.
      boolean isBehind = take(page);
      if (!isBehind && holdsExpected(page)) {
        continue;
      }
      if (!isBehind) {
        wrong.add(pageRange(page));
      }
      store(page);
    }
    return wrong;
  }

  /** A device that does not answer would keep everybody waiting who has an event to record. */
  private void requireAnswer() throws DeviceUnavailableException {
    if (device.state() != DeviceState.HUNG) {
      return;
    }
    stateLock.lock();
    try {
      if (behind.isEmpty() && !unpersisted) {
        return;
      }
    } finally {
      stateLock.unlock();
    }
    throw new DeviceUnavailableException(
        device.info().name(),
        DeviceState.HUNG,
        "events for it wait in memory until it answers",
        null);
  }

  private boolean isRewriting() {
    stateLock.lock();
    try {
      return rewriting;
    } finally {
      stateLock.unlock();
    }
  }

  /** The first page from {@code from} on that is behind, its bytes in {@link #expected}; or -1. */
  private int takeBehind(int from) {
    stateLock.lock();
    try {
      int page = behind.nextSetBit(from);
      if (page >= 0) {
        take(page);
      }
      return page;
    } finally {
      stateLock.unlock();
    }
  }

  /** Copies a page into {@link #expected}; true when it was behind, which it is not any more. */
  private boolean take(int page) {
    stateLock.lock();
    try {
      image.get().copyPage(page, expected);
      boolean was = behind.get(page);
      behind.clear(page);
      return was;
    } finally {
      stateLock.unlock();
    }
  }

  /** Stores what {@link #take} copied. */
  private void store(int page) throws IOException {
    unpersisted = true;
    boolean stored = false;
    try {
      writeExpected(page);
      stored = true;
    } finally {
      if (!stored) {
        putBack(page);
      }
    }
  }

  private void putBack(int page) {
    stateLock.lock();
    try {
      behind.set(page);
    } finally {
      stateLock.unlock();
    }
  }

  private void writeExpected(int page) throws IOException {
    long at = pageRange(page).start();
    try {
      device.write(at, expected);
    } catch (PoisonedRangeException e) {
      RecoveryWrite written = device.recoveryWrite(at, expected);
      if (!written.complete()) {
        throw e;
      }
    }
  }

  /** Looks at the media itself: what stands in a cache says nothing of the ring. */
  private boolean holdsExpected(int page) throws IOException {
    return device.recoveryRead(pageRange(page).start(), found).holes().isEmpty()
        && found.mismatch(expected) < 0;
  }

  private ByteRange pageRange(int page) {
    return ByteRange.ofLength(range.start() + (long) page * PAGE, PAGE);
  }
}
