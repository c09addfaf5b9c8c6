package io.bezoar.target;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a mirror tells: each loss once, every failure with the media that was struck, and what has
 * become of its legs.
 *
 * <p>Only a leg's own notice says which media that was. So what is found bad by reading is told
 * when that notice has come; what was known before, or on the word of the mirror itself, is told
 * with the leg's name and the leg's addresses.
 */
final class MirrorNotices {
  private final NoticeDispatcher dispatcher;
  private final ByteRange content;

  private ByteRanges told = ByteRanges.EMPTY; // guarded by this
  private DeviceState toldState = DeviceState.ONLINE; // guarded by the lock of the members

  MirrorNotices(NoticeDispatcher dispatcher, ByteRange content) {
    this.dispatcher = dispatcher;
    this.content = content;
  }

  // The legs. The caller holds the lock of the members: so what is told last is so.

  /** The state that the mirror is in when somebody begins to listen. */
  void knownState(DeviceState state) {
    toldState = state;
  }

  /** A leg has come or gone. */
  void tell(MirrorSet now, String what) {
    toldState = now.state();
    dispatcher.stateChanged(toldState, now.unavailable(content), what + "; " + now.legsLeft());
  }

  /** Tells once of the state that the mirror is in. */
  void tellState(MirrorSet now, @Nullable String detail) {
    DeviceState state = now.state();
    if (state != toldState) {
      toldState = state;
      dispatcher.stateChanged(
          state, now.unavailable(content), detail == null ? state.name() : detail);
    }
  }

  // The content.

  /** What all legs that are left had lost before is lost, now that another is gone. */
  void tellLost(MirrorSet left) {
    for (PoisonEntry entry : MirrorHealer.commonPoison(left.inSync(), content)) {
      if (entry.isExact()) {
        raiseLost(entry.cause(), left.inSync().getFirst(), ByteRanges.of(entry.range()));
      }
    }
  }

  /** What is lost already when somebody begins to listen. */
  synchronized void knownLost(ByteRanges lost) {
    told = lost;
  }

  /** Of {@code range} only {@code lost} is: the rest may be told as lost again some day. */
  synchronized void lostIn(ByteRange range, ByteRanges lost) {
    if (told.overlaps(range)) {
      told = told.minus(ByteRanges.of(range).minus(lost));
    }
  }

  /** Takes those bytes out of {@code lost} that were told of, and remembers the others. */
  private synchronized ByteRanges untold(ByteRanges lost) {
    ByteRanges news = lost.minus(told);
    told = told.union(news);
    return news;
  }

  /** Something of a leg was healed or could not be, on the word of the mirror alone. */
  void raise(Severity severity, Cause cause, MirrorLeg leg, ByteRanges ranges) {
    if (!ranges.isEmpty()) {
      dispatcher.raise(severity, cause, Role.DATA, ranges.asList(), leg.name(), ranges.asList());
    }
  }

  /** Bytes are lost that the notices of legs alone do not tell of. */
  void raiseLost(Cause cause, MirrorLeg leg, ByteRanges lost) {
    raise(Severity.LOST, cause, leg, untold(lost));
  }

  /** Part of what a leg told of came to this. */
  void pass(DeviceNotice.Failure failure, Severity severity, ByteRanges part) {
    ByteRanges ranges = severity == Severity.LOST ? untold(part) : part;
    if (!ranges.isEmpty()) {
      dispatcher.raise(
          severity,
          failure.cause(),
          failure.role(),
          ranges.asList(),
          failure.lowest(),
          mediaOf(failure, ranges));
    }
  }

  /** A leg's own notice, for the content that it concerns. */
  void passOn(DeviceNotice.Failure failure, ByteRanges ranges) {
    dispatcher.raise(
        failure.severity(),
        failure.cause(),
        failure.role(),
        ranges.asList(),
        failure.lowest(),
        failure.media());
  }

  /** The notes of the mirror were struck. */
  void raiseNotes(Severity severity, DeviceNotice.Failure failure, Role role) {
    dispatcher.raise(severity, failure.cause(), role, List.of(), failure.lowest(), failure.media());
  }

  /** The struck media of a part, where each range of the leg is one range of media. */
  private static List<ByteRange> mediaOf(DeviceNotice.Failure failure, ByteRanges part) {
    List<ByteRange> media = new ArrayList<>();
    if (failure.ranges().size() != failure.media().size()) {
      return failure.media();
    }
    for (int i = 0; i < failure.ranges().size(); i++) {
      ByteRange own = failure.ranges().get(i);
      ByteRange below = failure.media().get(i);
      if (own.length() != below.length()) {
        return failure.media();
      }
      for (ByteRange each : part.intersect(own).asList()) {
        media.add(each.shift(below.start() - own.start()));
      }
    }
    return media;
  }
}
