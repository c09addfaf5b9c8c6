package io.bezoar.fs;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What of an open file is not durable, and whether the intent log can make it so.
 *
 * <p>The log can when everything that changed since the newest durable commit is content, and all
 * of it is here. So copies of what is written are kept once somebody synced the file, up to {@link
 * #BYTES_MAX}; what does not fit makes the next sync a commit.
 *
 * <p>Guarded by its own monitor, innermost. {@link #logging} is held while records go from here to
 * the log, so that they stand there in their order.
 */
final class SyncState {
  /** Most bytes of content that are kept for the log. */
  static final int BYTES_MAX = 256 << 10;

  /** The latest change of anything but content. */
  private long otherTicket;

  /** The latest change of content. */
  private long contentTicket;

  /** The latest change of content that is not here. */
  private long missedTicket;

  private boolean keeps;
  private final List<Kept> kept = new ArrayList<>();
  private int keptBytes;

  final ReentrantLock logging = new ReentrantLock();

  /** What the log was given last; guarded by {@link #logging}. */
  long logTicket;

  /**
   * A change of content.
   *
   * @param ticket of the transaction
   * @param includedIn commit that the transaction is part of
   * @param generation of the file
   * @param offset in the file, bytes
   * @param sizeAfter size of the file afterwards
   * @param modified its time
   * @param data what was written
   */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  record Kept(
      long ticket,
      long includedIn,
      long generation,
      long offset,
      long sizeAfter,
      long modified,
      byte[] data) {}

  /** A change of content that needs a commit to be durable, or one that needs a record. */
  sealed interface Owed {
    /** Everything is durable. */
    record Nothing() implements Owed {}

    /** A commit has to take this transaction. */
    record Commit(long ticket) implements Owed {}

    /** These have to stand in the log, if no commit takes them before. */
    record Records(List<Kept> records) implements Owed {}
  }

  SyncState(long appliedTicket) {
    // What was done before this came to be may have been to this file.
    this.otherTicket = appliedTicket;
  }

  synchronized void otherChange(long ticket) {
    otherTicket = Math.max(otherTicket, ticket);
  }

  /** True when copies of content are wanted. */
  synchronized boolean keeps(int bytes, Durability durability) {
    forget(durability);
    return keeps && keptBytes + bytes <= BYTES_MAX;
  }

  /** Content changed; there is no record of it. */
  synchronized void contentChange(long ticket) {
    contentTicket = ticket;
    missedTicket = ticket;
  }

  synchronized void contentChange(Kept change) {
    contentTicket = change.ticket();
    kept.add(change);
    keptBytes += change.data().length;
  }

  /** What is to be done so that all is durable. From now on copies are kept. */
  synchronized Owed owed(Durability durability) {
    keeps = true;
    forget(durability);
    long latest = Math.max(otherTicket, contentTicket);
    if (durability.isDurable(latest)) {
      return new Owed.Nothing();
    }
    if (!durability.isDurable(otherTicket) || !durability.isDurable(missedTicket)) {
      return new Owed.Commit(latest);
    }
    return new Owed.Records(List.copyOf(kept));
  }

  /** These were given to the log: the first ones that there are. */
  synchronized void logged(List<Kept> records) {
    long last = records.isEmpty() ? 0 : records.getLast().ticket();
    while (!kept.isEmpty() && kept.getFirst().ticket() <= last) {
      keptBytes -= kept.removeFirst().data().length;
    }
  }

  private void forget(Durability durability) {
    while (!kept.isEmpty() && durability.isDurable(kept.getFirst().ticket())) {
      keptBytes -= kept.removeFirst().data().length;
    }
  }

  /** Says which transactions are durable by a commit. */
  interface Durability {
    boolean isDurable(long ticket);
  }
}
