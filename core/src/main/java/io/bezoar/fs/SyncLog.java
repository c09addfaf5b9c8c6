package io.bezoar.fs;

import io.bezoar.tree.Forest;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes one file durable: by the intent log when that can be, else by a commit. Thread-safe.
 *
 * <p>Records of one file go to the log in their order, under {@link SyncState#logging}. Whoever
 * finds that its records went there already waits for the log all the same.
 */
final class SyncLog {
  private final Forest forest;
  private final IntentLog log;

  SyncLog(Forest forest, IntentLog log) {
    this.forest = forest;
    this.log = log;
  }

  void sync(OpenInode inode) throws IOException {
    SyncState state = inode.sync;
    long ticket;
    state.logging.lock();
    try {
      switch (state.owed(forest::isDurable)) {
        case SyncState.Owed.Nothing() -> {
          return;
        }
        case SyncState.Owed.Commit(long latest) -> {
          forest.persist(latest);
          return;
        }
        case SyncState.Owed.Records(List<SyncState.Kept> kept) -> {
          try {
            append(inode.number, state, kept);
          } catch (IntentLogFullException | IntentLogUnusableException cannot) {
            forest.persist(kept.getLast().ticket());
            return;
          }
        }
      }
      ticket = state.logTicket;
    } finally {
      state.logging.unlock();
    }
    log.persist(ticket);
  }

  private void append(long number, SyncState state, List<SyncState.Kept> kept) throws IOException {
    // A commit that changed nothing has no synced write: not to be taken for one that has.
    long base = forest.changingCommit();
    log.durable(base);
    List<IntentRecord> records = new ArrayList<>();
    for (SyncState.Kept change : kept) {
      if (change.includedIn() > base) {
        records.add(
            new IntentRecord(
                change.includedIn(),
                base,
                number,
                change.generation(),
                change.offset(),
                change.sizeAfter(),
                change.modified(),
                MemorySegment.ofArray(change.data())));
      }
    }
    if (!records.isEmpty()) {
      state.logTicket = log.append(records);
    }
    state.logged(kept);
  }
}
