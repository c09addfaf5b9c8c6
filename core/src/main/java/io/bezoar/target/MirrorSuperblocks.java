package io.bezoar.target;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The table in the superblocks of the legs in use.
 *
 * <p><b>Invariant.</b> A leg in use has the latest table or, where a crash or a failure came in
 * between, the one before: one that is two behind is an old copy ({@link MirrorAssembly}).
 *
 * <p>All calls are under the lock of {@link MirrorMembers}.
 */
final class MirrorSuperblocks {
  private static final System.Logger LOG = System.getLogger(MirrorSuperblocks.class.getName());

  /** Legs that a crash kept from the latest table. Guarded by the lock of the members. */
  private final List<MirrorLeg> lagging = new ArrayList<>();

  /** These legs have not got the latest table; it is stored on them before the next. */
  void lag(List<MirrorLeg> behind) {
    lagging.addAll(behind);
  }

  /**
   * Stores the next table on all legs in use, durably. One that lags gets the latest first: after
   * another crash it would be two behind.
   *
   * @return the legs that did not take it
   */
  List<MirrorIntent.Failed> store(MirrorTable next, MirrorSet now) {
    List<MirrorIntent.Failed> failed = new ArrayList<>();
    for (MirrorLeg leg : now.writable()) {
      if (lagging.contains(leg)) {
        store(now.table(), leg, failed);
      }
    }
    lagging.clear();
    for (MirrorLeg leg : now.writable()) {
      if (failed.stream().noneMatch(each -> each.leg() == leg)) {
        store(next, leg, failed);
      }
    }
    return failed;
  }

  private static void store(MirrorTable table, MirrorLeg leg, List<MirrorIntent.Failed> failed) {
    try {
      leg.storeTable(table);
    } catch (IOException cannot) {
      failed.add(new MirrorIntent.Failed(leg, cannot));
    }
  }

  /** Where a crash has cut one copy of a superblock, the next fault could take the other. */
  static void mend(List<MirrorLeg> legs, MirrorTable table) {
    for (MirrorLeg leg : legs) {
      try {
        if (!leg.holdsTableTwice()) {
          leg.storeTable(table);
        }
      } catch (IOException cannot) {
        // It is dropped when it does not take the first write either.
        LOG.log(System.Logger.Level.WARNING, leg + " has its superblock but once", cannot);
      }
    }
  }

  /** Best effort: a leg that is told cannot be taken for a good one when it is found alone. */
  static void tellLeaving(MirrorLeg leg, MirrorTable last) {
    try {
      leg.storeTable(last);
    } catch (IOException cannot) {
      LOG.log(System.Logger.Level.WARNING, leg + " cannot be told that it leaves", cannot);
    }
  }
}
