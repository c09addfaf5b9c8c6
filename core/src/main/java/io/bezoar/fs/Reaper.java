package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.tree.Cursor;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.Transaction;
import java.io.IOException;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * Takes files apart, a bounded piece with each transaction.
 *
 * <p>What is begun stands in the tree {@code orphans} until it is done: a file without a name, and
 * one that was cut and still has pages behind its end. So a crash in between leaves nothing behind:
 * opening goes on with it. All of it works with the reserve of a full filesystem.
 */
final class Reaper {
  private static final System.Logger LOG = System.getLogger(Reaper.class.getName());

  private final FsCore core;
  private final OpenInodes open;

  /** Files without a name that nobody has open. */
  private final Queue<Long> gone = new ConcurrentLinkedQueue<>();

  /** Files with pages behind their end. */
  private final Set<Long> cut = ConcurrentHashMap.newKeySet();

  /** Those of which metadata is lost: not tried again by itself. */
  private final Set<Long> stuck = ConcurrentHashMap.newKeySet();

  Reaper(FsCore core, OpenInodes open) {
    this.core = core;
    this.open = open;
  }

  /** Finds what an earlier user of the filesystem left. */
  void load() throws IOException {
    try (Snapshot view = core.forest.snapshot()) {
      Cursor cursor = view.cursor(core.trees.orphans());
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        long inode = cursor.keyLong(0);
        switch (MetaLayout.orphan(cursor.value())) {
          case GONE -> gone.add(inode);
          case CUT -> cut.add(inode);
        }
      }
    }
  }

  /** Notes within a transaction that a file has no name any more. */
  void orphan(Transaction tx, long inode) throws IOException {
    tx.put(core.trees.orphans(), Keys.of(inode), MetaLayout.orphan(MetaLayout.Orphan.GONE));
  }

  /**
   * Does a little.
   *
   * @return true when there is more
   */
  boolean step() throws IOException {
    Long nameless = gone.poll();
    Long next = nameless != null ? nameless : nextCut();
    if (next == null) {
      return false;
    }
    try {
      if (nameless != null) {
        reap(nameless);
      } else {
        finish(next);
      }
    } catch (FilesystemDamagedException lost) {
      // It stays noted, here and on media; somebody has to rebuild what is lost first.
      gone.remove(next);
      stuck.add(next);
      LOG.log(System.Logger.Level.WARNING, "inode " + next + " cannot be taken apart", lost);
    }
    return !gone.isEmpty() || nextCut() != null;
  }

  private @Nullable Long nextCut() {
    for (Long inode : cut) {
      if (!stuck.contains(inode)) {
        return inode;
      }
    }
    return null;
  }

  private void reap(long number) throws IOException {
    OpenInode inode = open.acquire(number);
    Lock lock = inode.lock.asWriteLock();
    lock.lock();
    try {
      // Whoever got it by its number meanwhile, and closes it last, comes back here.
      inode.nameless = true;
      if (open.isAlone(inode)) {
        boolean more = true;
        while (more) {
          more =
              core.change(FileId.live(number), Purpose.RELIEF, tx -> takeApart(tx, number))
                  .result();
        }
        inode.nameless = false;
      }
    } finally {
      inode.changed();
      lock.unlock();
      release(inode);
    }
  }

  /** Once more what somebody acquired, to be given back; false when it was given back. */
  boolean retain(OpenInode inode) {
    return open.retain(inode);
  }

  /** Gives an inode back; if it has no name and this was the last one who had it, it goes. */
  void release(OpenInode inode) {
    if (open.release(inode) && inode.nameless) {
      gone.add(inode.number);
    }
  }

  /** As below, of what stands there now. */
  private boolean takeApart(Transaction tx, long number) throws IOException {
    Inode inode = core.inode(tx, number);
    if (inode == null) {
      tx.delete(core.trees.orphans(), Keys.of(number));
      return false;
    }
    // Whoever took its last name away may have given up in the end.
    return inode.links() == 0 && takeApart(tx, inode);
  }

  /**
   * Takes a file without a name apart, as far as one transaction goes.
   *
   * @param inode as it is to stand there if there is more to be done
   * @return true when there is more to be done
   */
  boolean takeApart(Transaction tx, Inode inode) throws IOException {
    long number = inode.number();
    if (inode.pages() > 0) {
      long pages = core.extents.unmap(tx, number, 0, Long.MAX_VALUE, FileContent.PIECE_EXTENTS);
      if (pages < inode.pages()) {
        core.put(tx, inode.withPages(inode.pages() - pages));
        return true;
      }
    }
    core.attributes.removeAll(tx, number);
    tx.delete(core.trees.inodes(), Keys.of(number));
    tx.delete(core.trees.orphans(), Keys.of(number));
    return false;
  }

  /** Cuts a file whose lock is held. */
  void cut(OpenInode inode, long size) throws IOException {
    FileId file = FileId.live(inode.number);
    FsCore.Done<Boolean> done =
        core.mappings.changing(
            inode.number,
            new ByteRange(size, size),
            () -> core.change(file, Purpose.RELIEF, tx -> cut(tx, inode.number, size)));
    inode.sync.otherChange(done.ticket());
    if (done.result()) {
      cut.add(inode.number);
      finishCut(inode);
    }
  }

  private boolean cut(Transaction tx, long number, long size) throws IOException {
    Inode before = core.require(tx, FileId.live(number));
    core.put(tx, before.withContent(size, before.pages(), core.now()));
    return trim(tx, number, true);
  }

  /** Takes what is left behind the end of a file away, before it may grow; its lock is held. */
  void finishCut(OpenInode inode) throws IOException {
    if (cut.isEmpty() || !cut.contains(inode.number)) {
      return;
    }
    boolean more = true;
    while (more) {
      FsCore.Done<Boolean> done =
          core.change(
              FileId.live(inode.number), Purpose.RELIEF, tx -> trim(tx, inode.number, false));
      inode.sync.otherChange(done.ticket());
      more = done.result();
    }
    cut.remove(inode.number);
  }

  private boolean trim(Transaction tx, long number, boolean first) throws IOException {
    Inode inode = core.inode(tx, number);
    if (inode == null) {
      return false;
    }
    long end = Math.ceilDiv(inode.size(), PAGE_BYTES);
    long pages = core.extents.unmap(tx, number, end, Long.MAX_VALUE, FileContent.PIECE_EXTENTS);
    core.put(tx, inode.withPages(inode.pages() - pages));
    boolean more = !core.extents.find(tx, number, end, Long.MAX_VALUE, 1).isEmpty();
    byte[] key = Keys.of(number);
    byte[] orphan = tx.get(core.trees.orphans(), key);
    boolean nameless = orphan != null && MetaLayout.orphan(orphan) == MetaLayout.Orphan.GONE;
    if (!nameless && more && first) {
      tx.put(core.trees.orphans(), key, MetaLayout.orphan(MetaLayout.Orphan.CUT));
    } else if (!nameless && !more && !first) {
      tx.delete(core.trees.orphans(), key);
    }
    return more;
  }

  private void finish(long number) throws IOException {
    OpenInode inode = open.acquire(number);
    Lock lock = inode.lock.asWriteLock();
    lock.lock();
    try {
      finishCut(inode);
    } finally {
      inode.changed();
      lock.unlock();
      release(inode);
    }
  }
}
