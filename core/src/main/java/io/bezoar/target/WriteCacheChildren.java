package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The two devices under a write cache, each of which may not be there.
 *
 * <p>What a slot holds changes only with every writer locked out; accesses under way meet the old
 * device's errors.
 */
final class WriteCacheChildren {
  private final String name;
  private final Holder fastHolder;
  private final Holder originHolder;
  private volatile @Nullable DaxDevice fast;
  private volatile @Nullable DaxDevice origin;
  private final AtomicBoolean originNews = new AtomicBoolean();
  private final AtomicReference<@Nullable ByteRange> originWritten = new AtomicReference<>();
  private final ReentrantLock persistingOrigin = new ReentrantLock();
  private volatile @Nullable Claim fastClaim;
  private volatile @Nullable Claim originClaim;

  WriteCacheChildren(String name, Holder fastHolder, Holder originHolder) {
    this.name = name;
    this.fastHolder = fastHolder;
    this.originHolder = originHolder;
  }

  String name() {
    return name;
  }

  @Nullable DaxDevice get(Slot slot) {
    return switch (slot) {
      case FAST -> fast;
      case ORIGIN -> origin;
    };
  }

  /** Claims {@code child}, which is not used before {@link #install}. */
  Claim claim(Slot slot, DaxDevice child) throws DeviceClaimedException {
    return child.claim(
        switch (slot) {
          case FAST -> fastHolder;
          case ORIGIN -> originHolder;
        });
  }

  void install(Slot slot, DaxDevice child, Claim claim) {
    switch (slot) {
      case FAST -> {
        fast = child;
        fastClaim = claim;
      }
      case ORIGIN -> {
        origin = child;
        originClaim = claim;
      }
    }
  }

  boolean there(Slot slot) {
    return usable(stateOf(slot));
  }

  DeviceState stateOf(Slot slot) {
    DaxDevice child = get(slot);
    return child == null ? DeviceState.OFFLINE : child.state();
  }

  static boolean usable(DeviceState state) {
    return switch (state) {
      case ONLINE, READ_ONLY, HUNG, PARTIAL -> true;
      case OFFLINE, FOREIGN -> false;
    };
  }

  DaxDevice fast() throws DeviceUnavailableException {
    return required(Slot.FAST);
  }

  DaxDevice origin() throws DeviceUnavailableException {
    return required(Slot.ORIGIN);
  }

  private DaxDevice required(Slot slot) throws DeviceUnavailableException {
    DaxDevice child = get(slot);
    if (child == null) {
      throw new DeviceUnavailableException(name, DeviceState.OFFLINE, missing(slot), null);
    }
    return child;
  }

  /** What to tell people about an empty or absent slot. */
  String missing(Slot slot) {
    DaxDevice child = get(slot);
    String which =
        switch (slot) {
          case FAST -> "the fast device";
          case ORIGIN -> "the origin";
        };
    return which
        + (child == null ? "" : " " + child.info().name())
        + " is not there: bring it back, and what it holds is served again";
  }

  /**
   * One child turned out to be gone. Whether the other is there decides if all of this device is
   * unavailable, so it is asked by an access: a device does not notice by itself that it is gone.
   */
  void lookAtOther(Slot gone) {
    DaxDevice other = get(gone == Slot.FAST ? Slot.ORIGIN : Slot.FAST);
    if (other == null || !usable(other.state())) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      other.recoveryRead(0, arena.allocate(Units.LINE_BYTES));
    } catch (IOException seen) {
      // The child's state now says what there is to know.
      System.getLogger(WriteCacheChildren.class.getName())
          .log(System.Logger.Level.DEBUG, () -> name + ": the other child is gone as well", seen);
    }
  }

  /** The exception for {@code range}, which is on a child that answered with {@code cause}. */
  DeviceUnavailableException unavailable(Slot slot, ByteRange range, @Nullable Exception cause) {
    if (!there(slot)) {
      lookAtOther(slot);
      if (!there(Slot.FAST) && !there(Slot.ORIGIN)) {
        return new DeviceUnavailableException(name, DeviceState.OFFLINE, missing(slot), cause);
      }
    }
    String detail =
        there(slot) && cause != null ? String.valueOf(cause.getMessage()) : missing(slot);
    return new DeviceUnavailableException(name, range, detail, cause);
  }

  /** The origin has, or knows, something that is not durable there. */
  void noteOnOrigin() {
    originNews.set(true);
  }

  /** Bytes were stored on the origin itself, and are not durable there. */
  void wroteOnOrigin(ByteRange range) {
    originWritten.accumulateAndGet(
        range, (before, more) -> before == null ? more : before.span(more));
    noteOnOrigin();
  }

  /**
   * Persists the origin when something was noted since the last time: it is slow, and what is
   * written usually goes to the fast device only. One at a time: one that finds nothing noted must
   * not return before another has done it.
   *
   * @throws DeviceUnavailableException when it is gone with bytes that were stored on it
   */
  void persistOrigin() throws IOException {
    persistingOrigin.lock();
    try {
      ByteRange owed = originWritten.get();
      if (owed != null && !there(Slot.ORIGIN)) {
        throw unavailable(Slot.ORIGIN, owed, null);
      }
      if (!originNews.get() || !there(Slot.ORIGIN)) {
        return;
      }
      originNews.set(false);
      ByteRange written = originWritten.getAndSet(null);
      boolean done = false;
      try {
        origin().persist();
        done = true;
      } finally {
        if (!done) {
          originNews.set(true);
          if (written != null) {
            wroteOnOrigin(written);
          }
        }
      }
    } finally {
      persistingOrigin.unlock();
    }
  }

  /** Delivers what the children have to tell. */
  void drain() {
    Claim first = fastClaim;
    Claim second = originClaim;
    if (first != null) {
      first.drain();
    }
    if (second != null) {
      second.drain();
    }
  }

  /** Gives one child up and closes it. */
  void close(Slot slot) throws IOException {
    Claim claim = slot == Slot.FAST ? fastClaim : originClaim;
    DaxDevice child = get(slot);
    if (claim != null) {
      claim.close();
    }
    if (child != null) {
      child.close();
    }
  }
}
