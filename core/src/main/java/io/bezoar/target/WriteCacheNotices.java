package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Turns one failure that a child tells of into what it means here: heals what the other device has,
 * and tells the rest. At most one notice for each severity and role.
 */
final class WriteCacheNotices {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final System.Logger LOG = System.getLogger(WriteCacheNotices.class.getName());

  private final WriteCacheCore core;
  private final WriteCacheChildren children;
  private final NoticeDispatcher notices;
  private final DeviceNotice.Failure failure;
  private final Map<Severity, List<ByteRange>> data = new EnumMap<>(Severity.class);

  WriteCacheNotices(
      WriteCacheCore core,
      WriteCacheChildren children,
      NoticeDispatcher notices,
      DeviceNotice.Failure failure) {
    this.core = core;
    this.children = children;
    this.notices = notices;
    this.failure = failure;
  }

  void ofFast() {
    boolean told = failure.ranges().isEmpty();
    for (ByteRange range : failure.ranges()) {
      ByteRange inData = range.intersect(core.geometry.data());
      if (!inData.isEmpty()) {
        ofBlocks(inData);
      }
      if (inData.length() < range.length()) {
        raise(
            failure.severity() == Severity.LOST ? mend(range) : failure.severity(),
            Role.JOURNAL,
            List.of());
        told = true;
      }
    }
    data.forEach((severity, ranges) -> raise(severity, failure.role(), ranges));
    if (told && failure.ranges().isEmpty()) {
      raise(failure.severity(), failure.role(), List.of()); // only redundancy below was struck
    }
  }

  private Severity mend(ByteRange struck) {
    core.keeper.lock.lock();
    try {
      return core.table.mend(children.fast(), struck, core.keeper::entry)
          ? Severity.HEALED
          : Severity.DEGRADED;
    } catch (IOException cannot) {
      cannotHeal(cannot);
      return Severity.DEGRADED; // the other copy serves
    } finally {
      core.keeper.lock.unlock();
    }
  }

  private void ofBlocks(ByteRange range) {
    int last = core.geometry.blockAt(range.end() - 1);
    for (int block = core.geometry.blockAt(range.start()); block <= last; block++) {
      ByteRange part = range.intersect(core.geometry.block(block));
      State state;
      ByteRange own;
      core.index.lock.lock();
      try {
        state = core.index.state(block);
        own = part.shift(core.index.page(block) * PAGE - core.geometry.blockOffset(block));
      } finally {
        core.index.lock.unlock();
      }
      if (failure.severity() != Severity.LOST) {
        if (WriteCacheIndex.holdsNewest(state)) {
          add(failure.severity(), own);
        }
      } else {
        lostBlock(block, state, own);
      }
    }
  }

  private void lostBlock(int block, State state, ByteRange own) {
    if (core.healer.takeHealed(block)) {
      add(Severity.HEALED, own);
      return;
    }
    switch (state) {
      case CLEAN -> healClean(block, own);
      case NEW, DIRTY, LOST, STUCK -> {
        if (isStillLost(own, block)) {
          markHurt(block);
          add(Severity.LOST, own);
        } else {
          // The notice was late: the block has been cleared since, and holds another page.
          raise(Severity.HEALED, Role.UNUSED, List.of());
        }
      }
      case SUPERSEDED, ERASING -> {
        // Its page has newer content. If that replaced a loss somebody met, it was told as such.
        boolean metAsLoss = wasHurt(block);
        markHurt(block);
        if (metAsLoss) {
          add(Severity.LOST, own);
        } else {
          raise(Severity.HEALED, Role.UNUSED, List.of());
        }
      }
      case FREE -> raise(clearFree(block), Role.UNUSED, List.of());
      case FILLING -> {} // whoever fills it finds out
      case RETIRED -> raise(Severity.DEGRADED, Role.UNUSED, List.of());
    }
  }

  private boolean isStillLost(ByteRange own, int block) {
    long shift = own.start() / PAGE * PAGE - core.geometry.blockOffset(block);
    DaxDevice fast = children.get(Slot.FAST);
    return fast == null || !WriteCacheHealer.lost(fast, own.shift(-shift)).isEmpty();
  }

  private boolean wasHurt(int block) {
    core.index.lock.lock();
    try {
      return core.index.hurt(block);
    } finally {
      core.index.lock.unlock();
    }
  }

  private void markHurt(int block) {
    core.index.lock.lock();
    try {
      core.index.setHurt(block);
    } finally {
      core.index.lock.unlock();
    }
  }

  private void healClean(int block, ByteRange own) {
    try {
      if (!core.healer.heal(own.start() / PAGE)) {
        add(Severity.LOST, own);
      } else if (core.healer.takeHealed(block)
          || core.index.map.find(own.start() / PAGE) == block) {
        add(Severity.HEALED, own);
      }
      // Else the origin lost it too, and tells of it.
    } catch (IOException cannot) {
      cannotHeal(cannot);
      add(Severity.DEGRADED, own);
    }
  }

  private Severity clearFree(int block) {
    core.keeper.lock.lock();
    try {
      core.index.lock.lock();
      try {
        if (core.index.state(block) != State.FREE) {
          return Severity.HEALED; // taken meanwhile; whoever fills it finds out
        }
        core.index.setHurt(block);
        core.index.become(block, State.RETIRED);
      } finally {
        core.index.lock.unlock();
      }
      core.keeper.clear(new int[] {block});
      return core.index.state(block) == State.RETIRED ? Severity.DEGRADED : Severity.HEALED;
    } catch (IOException cannot) {
      cannotHeal(cannot);
      return Severity.DEGRADED;
    } finally {
      core.keeper.lock.unlock();
    }
  }

  void ofOrigin(long absorbBytesMax) {
    ByteRange whole = new ByteRange(0, core.geometry.originBytes());
    for (ByteRange range : failure.ranges()) {
      ByteRange inside = range.intersect(whole);
      if (inside.isEmpty()) {
        continue;
      }
      if (failure.severity() == Severity.LOST) {
        lostOnOrigin(inside, absorbBytesMax);
      } else {
        add(failure.severity(), inside);
      }
    }
    data.forEach((severity, ranges) -> raise(severity, failure.role(), ranges));
    if (failure.ranges().isEmpty()) {
      raise(failure.severity(), failure.role(), List.of());
    }
  }

  private void lostOnOrigin(ByteRange range, long absorbBytesMax) {
    ByteRange pages = range.alignOutward(PAGE);
    long[] cached;
    core.index.lock.lock();
    try {
      cached = core.index.cached(pages.start() / PAGE, pages.length() / PAGE);
    } finally {
      core.index.lock.unlock();
    }
    ByteRanges here =
        ByteRanges.of(Arrays.stream(cached).mapToObj(WriteCacheGeometry::page).toList());
    ByteRanges.of(range).minus(here).asList().forEach(lost -> add(Severity.LOST, lost));
    if (cached.length == 0) {
      return;
    }
    // The thread that delivers notices is no place to write back a whole device. What is beyond
    // this is served from the cache, and written to the origin again before it leaves.
    int some = (int) Math.min(cached.length, absorbBytesMax / PAGE);
    ByteRanges healed = ByteRanges.EMPTY;
    try {
      healed = core.healer.healOrigin(Arrays.copyOf(cached, some));
    } catch (IOException cannot) {
      cannotHeal(cannot);
    }
    ByteRanges mine = here.intersect(range);
    mine.intersect(healed).asList().forEach(each -> add(Severity.HEALED, each));
    mine.minus(healed).asList().forEach(each -> add(Severity.DEGRADED, each));
  }

  private void add(Severity severity, ByteRange own) {
    data.computeIfAbsent(severity, _ -> new ArrayList<>()).add(own);
  }

  private void raise(Severity severity, Role role, List<ByteRange> own) {
    notices.raise(severity, failure.cause(), role, own, failure.lowest(), failure.media());
  }

  private void cannotHeal(IOException cannot) {
    LOG.log(
        System.Logger.Level.WARNING,
        () ->
            children.name()
                + ": could not heal what "
                + failure.lowest()
                + " reported; "
                + (children.there(Slot.ORIGIN) ? "it is tried again when read" : "no origin"),
        cannot);
  }
}
