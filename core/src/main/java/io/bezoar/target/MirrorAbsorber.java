package io.bezoar.target;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What legs tell: heals what they lost, and tells what came of it in the mirror's terms. Runs on
 * the thread that delivers notices, with no lock held; what is too much for it is healed when it is
 * read or scrubbed.
 */
final class MirrorAbsorber implements MirrorLeg.Listener {
  private static final System.Logger LOG = System.getLogger(MirrorAbsorber.class.getName());

  /** Most bytes of one reported range that are healed at once: 64 MiB. */
  static final long ABSORB_BYTES_MAX = 64L << 20;

  private final MirrorLayout layout;
  private final MirrorNotices notices;
  private final MirrorLocks locks;
  private volatile @Nullable Parts parts;

  private record Parts(
      MirrorMembers members, MirrorHealer healer, MirrorReturning returning, MirrorResync resync) {}

  MirrorAbsorber(MirrorLayout layout, MirrorNotices notices, MirrorLocks locks) {
    this.layout = layout;
    this.notices = notices;
    this.locks = locks;
  }

  /** From now on notices are looked at; before, the lists say all. */
  void begin(
      MirrorMembers members, MirrorHealer healer, MirrorReturning returning, MirrorResync resync) {
    parts = new Parts(members, healer, returning, resync);
  }

  @Override
  public void onNotice(MirrorLeg leg, DeviceNotice notice) {
    Parts now = parts;
    if (now == null) {
      return;
    }
    if (!now.members.set().uses(leg)) {
      takeBack(now, leg, notice);
      return;
    }
    switch (notice) {
      case DeviceNotice.StateChange change -> {
        now.members.stateChanged(leg, change.detail());
        // What had to wait for a part of it to be there may go on; it may be one of several.
        now.resync.start();
      }
      case DeviceNotice.Failure failure -> {
        try {
          absorb(now, leg, failure);
        } catch (IOException cannot) {
          LOG.log(
              System.Logger.Level.WARNING, () -> leg + ": could not heal what it reported", cannot);
        }
      }
    }
  }

  /** A leg made of several devices comes back by itself when the missing one does. */
  private void takeBack(Parts now, MirrorLeg leg, DeviceNotice notice) {
    if (!(notice instanceof DeviceNotice.StateChange change)
        || change.state() != DeviceState.ONLINE) {
      return;
    }
    try {
      now.returning.recovered(leg);
      now.resync.start();
    } catch (IOException refused) {
      LOG.log(
          System.Logger.Level.WARNING, () -> leg + " is well again, and not taken back", refused);
    }
  }

  private void absorb(Parts now, MirrorLeg leg, DeviceNotice.Failure failure) throws IOException {
    ByteRanges content = leg.content(failure.ranges());
    boolean single = now.members.set().single();
    if (failure.severity() != Severity.LOST || single) {
      // A page of the leg beyond the content (notes, or nothing) that was healed is told of, too,
      // as redundancy; a loss there is what restoreNotes makes of it.
      if (!content.isEmpty() || failure.severity() != Severity.LOST) {
        notices.passOn(failure, content);
      }
      if (!single && failure.severity() == Severity.DEGRADED && !leg.verified()) {
        // Only suspected: a look at it shows what is really bad.
        healAll(now, content);
      }
    } else if (!content.isEmpty()) {
      healAll(now, content);
      tellWhatBecame(now, leg, failure, content);
    }
    if (failure.severity() == Severity.LOST) {
      restoreNotes(now, leg, failure);
    }
  }

  private void healAll(Parts now, ByteRanges content) throws IOException {
    for (ByteRange range : content.asList()) {
      long bytes = Math.min(range.length(), ABSORB_BYTES_MAX);
      for (ByteRange chunk : MirrorWriter.chunks(ByteRange.ofLength(range.start(), bytes))) {
        if (now.members.set().state() != DeviceState.ONLINE) {
          return;
        }
        ByteRange granules = now.healer.granules(chunk);
        try (RowLocks.Held _ = locks.lock(granules);
            Arena memory = Arena.ofConfined()) {
          now.healer.heal(granules, MirrorHealer.Stuck.LEAVE, memory);
        }
      }
    }
  }

  private void tellWhatBecame(
      Parts now, MirrorLeg leg, DeviceNotice.Failure failure, ByteRanges content) {
    MirrorSet set = now.members.set();
    ByteRanges bad = ByteRanges.EMPTY;
    ByteRanges lost = ByteRanges.EMPTY;
    for (ByteRange range : content.asList()) {
      bad = bad.union(MirrorHealer.exact(leg, range));
      lost = lost.union(MirrorHealer.commonLost(set.inSync(), range));
    }
    ByteRanges toldBefore = leg.announced();
    leg.announced(bad, ByteRanges.EMPTY);
    notices.pass(failure, Severity.HEALED, content.minus(bad).minus(lost));
    notices.pass(
        failure,
        Severity.DEGRADED,
        leg.uncleared().intersect(content).intersect(bad).minus(lost).minus(toldBefore));
    notices.pass(failure, Severity.LOST, lost);
  }

  /** Superblocks and write-intent bits are stored anew from memory. */
  private void restoreNotes(Parts now, MirrorLeg leg, DeviceNotice.Failure failure)
      throws IOException {
    List<ByteRange> struck = new ArrayList<>();
    for (ByteRange range : failure.ranges()) {
      for (ByteRange note : layout.notes()) {
        if (range.overlaps(note)) {
          struck.add(note);
        }
      }
    }
    if (struck.isEmpty()) {
      return;
    }
    now.members.restoreNotes(leg);
    ByteRanges still = ByteRanges.EMPTY;
    for (ByteRange note : struck) {
      still = still.union(MirrorHealer.exact(leg, note));
    }
    notices.raiseNotes(still.isEmpty() ? Severity.HEALED : Severity.DEGRADED, failure, Role.LABEL);
  }
}
