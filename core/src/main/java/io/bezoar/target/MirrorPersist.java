package io.bezoar.target;

import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Persists all legs, and clears write-intent bits that are no longer needed.
 *
 * <p>A leg whose persist fails is dropped, durably, before the persist is acknowledged; when it
 * fails on all, it fails here, and stays failed, because each leg stays so.
 */
final class MirrorPersist {
  /** Bits of regions that were left alone for so long are cleared. */
  private static final long CLEAR_EVERY_MILLIS = 5_000;

  private final MirrorTerms terms;
  private final MirrorMembers members;
  private final MirrorIntent intent;
  private final MirrorOwed owed;
  private final InstantSource clock;
  private final AtomicLong lastClearMillis;
  private final AtomicLong epochAtLastClear = new AtomicLong();
  private volatile boolean unpersisted;

  MirrorPersist(
      MirrorTerms terms,
      MirrorMembers members,
      MirrorIntent intent,
      MirrorOwed owed,
      InstantSource clock) {
    this.terms = terms;
    this.members = members;
    this.intent = intent;
    this.owed = owed;
    this.clock = clock;
    this.lastClearMillis = new AtomicLong(clock.millis());
  }

  /** Something is about to be written, or has been: a persist before that does not cover it. */
  void written() {
    unpersisted = true;
  }

  /** True when something may have been written that no persist has made durable. */
  boolean owesPersist() {
    return unpersisted;
  }

  void persist() throws IOException {
    if (members.set().single()) {
      persistLegs();
      return;
    }
    long covered = intent.nextEpoch();
    persistLegs();
    long now = clock.millis();
    long last = lastClearMillis.get();
    if (now - last >= CLEAR_EVERY_MILLIS && lastClearMillis.compareAndSet(last, now)) {
      // Regions in use keep their bits: only what was idle since the last time is cleared.
      clear(Math.min(covered, epochAtLastClear.getAndSet(covered)));
    }
  }

  /** Persists, and clears every bit that may be cleared. */
  void persistAndClear() throws IOException {
    if (members.set().single()) {
      persistLegs();
      return;
    }
    long covered = intent.nextEpoch();
    persistLegs();
    clear(covered);
  }

  private void clear(long coveredEpoch) throws IOException {
    leaveBehind(intent.clear(coveredEpoch, owed::owes));
  }

  private void persistLegs() throws IOException {
    boolean done = false;
    // What is written from now on is not made durable by this one.
    unpersisted = false;
    try {
      persistEach();
      done = true;
    } finally {
      if (!done) {
        unpersisted = true;
      }
    }
  }

  private void persistEach() throws IOException {
    List<MirrorIntent.Failed> failed = new ArrayList<>();
    MirrorSet set = members.usable();
    for (MirrorLeg leg : set.writable()) {
      try {
        leg.device.persist();
      } catch (IOException cannot) {
        failed.add(new MirrorIntent.Failed(leg, cannot));
      }
    }
    boolean good =
        set.inSync().stream().anyMatch(leg -> failed.stream().noneMatch(f -> f.leg() == leg));
    if (!good) {
      members.tellState(failed.getFirst().why().getMessage());
      throw worst(failed);
    }
    leaveBehind(failed);
  }

  private void leaveBehind(List<MirrorIntent.Failed> failed) throws IOException {
    members.dropAll(failed);
    if (failed.isEmpty()) {
      members.settleIfChanged();
    } else {
      members.settle();
    }
  }

  private IOException worst(List<MirrorIntent.Failed> failed) {
    for (MirrorIntent.Failed each : failed) {
      if (each.why() instanceof PersistFailedException) {
        return each.why();
      }
    }
    return terms.ofLast(failed.getFirst().leg(), failed.getFirst().why());
  }
}
