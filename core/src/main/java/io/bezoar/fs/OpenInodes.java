package io.bezoar.fs;

import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The inodes that somebody has open or is changing: one {@link OpenInode} for each, so that all
 * meet at its lock. Thread-safe.
 */
final class OpenInodes {
  private final ConcurrentHashMap<Long, OpenInode> open = new ConcurrentHashMap<>();
  private final LongSupplier appliedTicket;

  OpenInodes(LongSupplier appliedTicket) {
    this.appliedTicket = appliedTicket;
  }

  /** To be given back with {@link #release}. */
  OpenInode acquire(long number) {
    OpenInode inode =
        open.compute(
            number,
            (key, old) -> {
              OpenInode shared = old == null ? new OpenInode(key, appliedTicket.getAsLong()) : old;
              shared.users++;
              return shared;
            });
    if (inode == null) {
      throw new AssertionError("compute made an inode");
    }
    return inode;
  }

  /** Once more what somebody acquired; false when it was given back meanwhile. */
  boolean retain(OpenInode inode) {
    return open.computeIfPresent(
            inode.number,
            (key, shared) -> {
              shared.users += shared == inode ? 1 : 0;
              return shared;
            })
        == inode;
  }

  /** True when nobody else has it. Only whoever has it may ask, with its lock held. */
  boolean isAlone(OpenInode inode) {
    boolean[] alone = {false};
    open.computeIfPresent(
        inode.number,
        (key, shared) -> {
          alone[0] = shared.users == 1;
          return shared;
        });
    return alone[0];
  }

  /** True when this was the last one who had it. */
  boolean release(OpenInode inode) {
    return open.computeIfPresent(
            inode.number,
            (key, shared) -> {
              shared.users--;
              return shared.users == 0 ? null : shared;
            })
        == null;
  }

  /** True when somebody has it. */
  boolean isOpen(long number) {
    return open.containsKey(number);
  }

  /** Something else than content changed, with the transaction of this ticket. */
  void touched(long number, long ticket) {
    // Waits for whoever is just making it, perhaps without this ticket; a plain get would not.
    open.computeIfPresent(
        number,
        (key, inode) -> {
          inode.sync.otherChange(ticket);
          return inode;
        });
  }
}
