package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCacheLayout.Entry;
import io.bezoar.target.WriteCacheLayout.Kind;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Takes a fast device back that was gone while the cache was open.
 *
 * <p>Memory knows what must be on it. Every block that was durably dirty must still be named by its
 * entry, or this is an older state of the device, and it is refused. What had not been persisted
 * may have arrived or not: the checksum tells, and what did not arrive is lost like any other dirty
 * block, on the device's own list.
 */
final class WriteCacheReturn {
  private static final int PAGE = Units.PAGE_BYTES;

  private final WriteCacheCore core;
  private final WriteCacheChildren children;
  private final WriteCacheOptions options;

  WriteCacheReturn(WriteCacheCore core, WriteCacheChildren children, WriteCacheOptions options) {
    this.core = core;
    this.children = children;
    this.options = options;
  }

  /**
   * Checks {@code child}, which is claimed, and uses it from now on.
   *
   * @throws DeviceUnavailableException ({@code FOREIGN}) when it is not what went; nothing was
   *     written to it
   */
  void takeBack(DaxDevice child, Claim claim) throws IOException {
    core.stripes.lockAll();
    core.keeper.lock.lock();
    try {
      String name = children.name();
      WriteCacheLayout.Superblock found =
          WriteCacheTable.identify(name, core.table.cache(), child, core.geometry.originBytes());
      if (!core.table.isOf(found)) {
        throw stale(child, "it was made anew since");
      }
      WriteCacheCore.Loaded loaded = WriteCacheCore.load(name, core.table, child, options);
      for (int block = 0; block < core.index.blocks(); block++) {
        checkDurable(child, block, loaded.entries()[block]);
      }
      children.install(Slot.FAST, child, claim);
      for (int block = 0; block < core.index.blocks(); block++) {
        if (unsure(block)) {
          checkContent(child, block);
        }
      }
      mendEverything(loaded, child);
      core.keeper.commit();
    } finally {
      core.keeper.lock.unlock();
      core.stripes.unlockAll();
    }
  }

  /** True when nobody knows whether the content is on media. */
  private boolean unsure(int block) {
    return core.index.state(block) == State.NEW || core.index.pending(block);
  }

  private void checkDurable(DaxDevice child, int block, Entry entry)
      throws DeviceUnavailableException {
    boolean needed =
        switch (core.index.state(block)) {
          case DIRTY, LOST, STUCK -> !unsure(block);
          case NEW, CLEAN, SUPERSEDED, FREE, FILLING, ERASING, RETIRED -> false;
        };
    boolean there =
        entry.kind() != Kind.FREE
            && entry.page() == core.index.page(block)
            && entry.sequence() == core.index.sequence(block);
    if (needed && !there) {
      throw stale(
          child,
          "page "
              + WriteCacheGeometry.page(core.index.page(block))
              + " was durable on it and is not");
    }
  }

  private DeviceUnavailableException stale(DaxDevice child, String why) {
    return new DeviceUnavailableException(
        children.name(),
        DeviceState.FOREIGN,
        child.info().name()
            + " holds an older state of the cache: "
            + why
            + "; find the device that was in use last; nothing was written to this one",
        null);
  }

  private void checkContent(DaxDevice child, int block) throws IOException {
    State state = core.index.state(block);
    if (!WriteCacheIndex.holdsNewest(state) || state == State.CLEAN) {
      return;
    }
    ByteRange place = core.geometry.block(block);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      RecoveryRead read = child.recoveryRead(place.start(), page);
      int sum = core.index.sum(block);
      if (read.holes().isEmpty() && sum != 0 && WriteCacheWriter.sum(page) != sum) {
        child.report(place, Cause.CHECKSUM, Confidence.EXACT);
      }
    }
  }

  /** Whatever was being written when it went may stand there in part. */
  private void mendEverything(WriteCacheCore.Loaded loaded, DaxDevice child) throws IOException {
    core.index.lock.lock();
    try {
      core.index.setUnpersisted();
      for (int block : loaded.defects().uneven()) {
        core.index.setPending(block);
      }
    } finally {
      core.index.lock.unlock();
    }
    for (ByteRange bad : loaded.defects().damaged().asList()) {
      core.table.mend(child, bad, core.keeper::entry);
    }
    for (ByteRange bad : core.table.badSuperblocks(child)) {
      core.table.mend(child, bad, core.keeper::entry);
    }
  }
}
