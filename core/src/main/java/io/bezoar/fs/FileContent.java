package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.TreeDamagedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collection;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.Lock;

/**
 * Changes the content of files: each change is one transaction, or, where it is large, several of
 * which each leaves a file as it should be. How bytes come to pages is for {@link FilePages}.
 *
 * <p><b>Invariant.</b> Bytes behind the end of a file, in its last page, are nobody's; whoever
 * makes the file grow zeroes them.
 *
 * <p><b>Order.</b> The inode's lock → transaction → applied → seen in mappings. What fails on the
 * way is aborted, and the file is what it was.
 */
final class FileContent {
  /** Largest file, bytes. */
  static final long SIZE_MAX = 1L << 62;

  /** What is written as one step at most, bytes. */
  static final long STEP_BYTES = 1 << 20;

  /** Extents that one transaction takes away at most. */
  static final int PIECE_EXTENTS = 1000;

  /** Beside what comes of another size. */
  private static final ByteRange NOTHING = new ByteRange(0, 0);

  private static final int RECORD_BYTES_MAX = 64 << 10;

  private final FsCore core;
  private final Reaper reaper;
  private final FilePages filePages;

  FileContent(FsCore core, Reaper reaper) {
    this.core = core;
    this.reaper = reaper;
    this.filePages = new FilePages(core);
  }

  static void checkRange(FsCore core, OpenInode inode, long offset, long length)
      throws InvalidFileException {
    if (offset < 0) {
      throw new IllegalArgumentException("offset " + offset + " is negative");
    }
    if (length < 0) {
      throw new IllegalArgumentException("length " + length + " is negative");
    }
    if (offset > SIZE_MAX - length) {
      throw new InvalidFileException(
          core.describe(FileId.live(inode.number)), InvalidFileException.Problem.TOO_LARGE);
    }
  }

  private interface Body {
    void run() throws IOException;
  }

  /** Runs a change of an inode with its lock held, and tells readers. */
  private void exclusively(OpenInode inode, Body body) throws IOException {
    // So that whoever opens the file meanwhile meets this at the lock, though it is closed here.
    if (!reaper.retain(inode)) {
      throw new IllegalStateException("the file is closed: " + FileId.live(inode.number));
    }
    try {
      exclusivelyLocked(inode, body);
    } finally {
      reaper.release(inode);
    }
  }

  private void exclusivelyLocked(OpenInode inode, Body body) throws IOException {
    Lock lock = inode.lock.asWriteLock();
    lock.lock();
    try {
      reaper.finishCut(inode);
      body.run();
    } finally {
      inode.changed();
      lock.unlock();
    }
  }

  /**
   * One transaction, seen in mappings afterwards.
   *
   * @param changed as for {@link FileMappings#changing}
   */
  private <T> FsCore.Done<T> change(
      OpenInode inode, ByteRange changed, Purpose purpose, FsCore.Change<T> change)
      throws IOException {
    FileId file = FileId.live(inode.number);
    return core.mappings.changing(
        inode.number,
        changed,
        () -> core.change(file, purpose, tx -> filePages.wholly(tx, change)));
  }

  void write(OpenInode inode, long offset, MemorySegment src) throws IOException {
    checkRange(core, inode, offset, src.byteSize());
    exclusively(inode, () -> writeSteps(inode, offset, src));
  }

  /** Where it was. */
  long append(OpenInode inode, MemorySegment src) throws IOException {
    long[] at = new long[1];
    exclusively(
        inode,
        () -> {
          FileId file = FileId.live(inode.number);
          at[0] = core.look(file, view -> core.require(view, file)).size();
          checkRange(core, inode, at[0], src.byteSize());
          writeSteps(inode, at[0], src);
        });
    return at[0];
  }

  /**
   * Does again what the log kept and {@code commit} has not, in one transaction: a commit with some
   * of it would pass for one that has it all. Called before anybody has a file open.
   *
   * @return for each write that could not be done again, what of its file is lost
   */
  Collection<IOException> replay(IntentLog log, long commit) throws IOException {
    SortedMap<Long, IOException> lost = new TreeMap<>();
    while (true) {
      try {
        FilePages.aroundBadPages(
            into ->
                core.change(
                    FileId.ROOT, Purpose.RELIEF, tx -> replay(tx, log, commit, into, lost)));
        return lost.values();
      } catch (LostBelowException below) {
        // All of it again, without that one: a write that failed may be half done.
        lost.put(below.sequence, below.why);
      }
    }
  }

  private IntentReplay replay(
      Transaction tx,
      IntentLog log,
      long commit,
      FilePages.Into into,
      SortedMap<Long, IOException> lost)
      throws IOException {
    // Something changes in any case: the log needs a commit behind all that it can speak of.
    tx.put(core.trees.meta(), MetaLayout.REPLAYED, MetaLayout.number(core.now()));
    return log.replay(
        commit,
        (sequence, record) -> {
          try {
            if (!lost.containsKey(sequence)) {
              replay(tx, record, into);
            }
          } catch (DamagedRangeException why) {
            throw new LostBelowException(sequence, why);
          } catch (TreeDamagedException why) {
            // Of a tree that says which pages are free every write is affected, and none is lost.
            throw core.trees.has(why.tree()) ? new LostBelowException(sequence, why) : why;
          }
        });
  }

  /** A write of the log needs what is lost. */
  private static final class LostBelowException extends IOException {
    private static final long serialVersionUID = 1L;

    private final long sequence;
    private final IOException why;

    LostBelowException(long sequence, IOException why) {
      super(why);
      this.sequence = sequence;
      this.why = why;
    }
  }

  private void replay(Transaction tx, IntentRecord record, FilePages.Into into) throws IOException {
    Inode inode = core.inode(tx, record.inode());
    if (inode == null || inode.generation() != record.inodeGeneration() || inode.links() == 0) {
      // It was deleted by a commit that the log was written beside, or goes now.
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(record.data().byteSize(), PAGE_BYTES);
      data.copyFrom(record.data());
      filePages.wholly(
          tx,
          same -> store(same, record.inode(), record.offset(), data, record.modifiedNanos(), into));
    }
  }

  private void writeSteps(OpenInode inode, long offset, MemorySegment src) throws IOException {
    for (long done = 0; done < src.byteSize(); done += STEP_BYTES) {
      long length = Math.min(STEP_BYTES, src.byteSize() - done);
      long at = offset + done;
      MemorySegment step = src.asSlice(done, length);
      FilePages.aroundBadPages(into -> writeOnce(inode, at, step, into));
    }
  }

  private record Stored(long generation, long size, long modified, long commit) {}

  private void writeOnce(OpenInode inode, long offset, MemorySegment src, FilePages.Into into)
      throws IOException {
    FsCore.Done<Stored> done =
        change(
            inode,
            ByteRange.ofLength(offset, src.byteSize()),
            Purpose.ORDINARY,
            tx -> store(tx, inode.number, offset, src, core.now(), into));
    Stored stored = done.result();
    int length = (int) src.byteSize();
    if (length <= RECORD_BYTES_MAX && inode.sync.keeps(length, core.forest::isDurable)) {
      byte[] data = new byte[length];
      MemorySegment.copy(src, ValueLayout.JAVA_BYTE, 0, data, 0, length);
      inode.sync.contentChange(
          new SyncState.Kept(
              done.ticket(),
              stored.commit(),
              stored.generation(),
              offset,
              stored.size(),
              stored.modified(),
              data));
    } else {
      inode.sync.contentChange(done.ticket());
    }
  }

  private Stored store(
      Transaction tx, long number, long offset, MemorySegment src, long now, FilePages.Into into)
      throws IOException {
    FileId file = FileId.live(number);
    Inode before = core.require(tx, file);
    long pages = 0;
    if (before.size() / PAGE_BYTES < offset / PAGE_BYTES) {
      pages += filePages.zeroTail(tx, before, into);
    }
    pages += filePages.write(tx, before, offset, src, into);
    long size = Math.max(before.size(), offset + src.byteSize());
    core.put(tx, before.withContent(size, before.pages() + pages, now));
    return new Stored(before.generation(), size, now, tx.commitNumber());
  }

  // Size and space.

  void truncate(OpenInode inode, long size) throws IOException {
    checkRange(core, inode, size, 0);
    exclusively(
        inode,
        () -> {
          FileId file = FileId.live(inode.number);
          long old = core.look(file, view -> core.require(view, file)).size();
          // One that is empty is cut again: that needs no room, and only its times change.
          if (size < old || size == 0) {
            reaper.cut(inode, size);
          } else {
            FilePages.aroundBadPages(into -> grow(inode, size, into));
          }
        });
  }

  /** Makes a file longer that is shorter; what others have written meanwhile stays. */
  void extend(OpenInode inode, long size) throws IOException {
    checkRange(core, inode, size, 0);
    exclusively(
        inode,
        () -> {
          FileId file = FileId.live(inode.number);
          if (core.look(file, view -> core.require(view, file)).size() < size) {
            FilePages.aroundBadPages(into -> grow(inode, size, into));
          }
        });
  }

  private void grow(OpenInode inode, long size, FilePages.Into into) throws IOException {
    long ticket =
        change(
                inode,
                NOTHING,
                Purpose.ORDINARY,
                tx -> {
                  Inode before = core.require(tx, FileId.live(inode.number));
                  long pages = before.size() < size ? filePages.zeroTail(tx, before, into) : 0;
                  core.put(tx, before.withContent(size, before.pages() + pages, core.now()));
                  return true;
                })
            .ticket();
    inode.sync.otherChange(ticket);
  }

  void allocate(OpenInode inode, ByteRange range) throws IOException {
    checkRange(core, inode, range.start(), range.length());
    ByteRange whole = range.alignOutward(PAGE_BYTES);
    exclusively(
        inode,
        () -> {
          long ticket =
              core.edit(
                  FileId.live(inode.number),
                  Purpose.ORDINARY,
                  tx -> takeSpace(tx, inode.number, whole));
          inode.sync.otherChange(ticket);
        });
  }

  private void takeSpace(Transaction tx, long number, ByteRange range) throws IOException {
    Inode inode = core.require(tx, FileId.live(number));
    long at = range.start() / PAGE_BYTES;
    long end = range.end() / PAGE_BYTES;
    long more = 0;
    while (at < end) {
      List<Extent> next = core.extents.find(tx, number, at, end, 1);
      Extent extent = next.isEmpty() ? null : next.getFirst();
      long to = extent == null ? end : Math.max(at, extent.page());
      for (ByteRange run : at < to ? tx.allocate(to - at) : List.<ByteRange>of()) {
        long count = run.length() / PAGE_BYTES;
        Extent space =
            new Extent(
                number,
                at,
                count,
                run.start() / PAGE_BYTES,
                tx.commitNumber(),
                FileExtent.Content.UNWRITTEN);
        core.extents.map(tx, space, core.newestHold());
        at += count;
        more += count;
      }
      at = extent == null ? end : extent.end();
    }
    core.put(tx, inode.withPages(inode.pages() + more).withLinks(0, core.now()));
  }

  void punch(OpenInode inode, ByteRange range) throws IOException {
    checkRange(core, inode, range.start(), range.length());
    exclusively(inode, () -> FilePages.aroundBadPages(into -> punchLocked(inode, range, into)));
  }

  private void punchLocked(OpenInode inode, ByteRange range, FilePages.Into into)
      throws IOException {
    FileId file = FileId.live(inode.number);
    long first = Math.ceilDiv(range.start(), PAGE_BYTES);
    long end = range.end() / PAGE_BYTES;
    boolean more = true;
    while (more) {
      FsCore.Done<Boolean> done =
          change(
              inode,
              range,
              Purpose.RELIEF,
              tx -> {
                Inode before = core.require(tx, file);
                long pages = filePages.zeroEnds(tx, before, range, first, end, into);
                pages -= core.extents.unmap(tx, inode.number, first, end, PIECE_EXTENTS);
                core.put(tx, before.withContent(before.size(), before.pages() + pages, core.now()));
                return !core.extents.find(tx, inode.number, first, end, 1).isEmpty();
              });
      inode.sync.otherChange(done.ticket());
      more = done.result();
    }
  }

  // Sharing.

  /** Both inodes' locks are held by this in the order of their numbers. */
  void reflink(OpenInode from, ByteRange range, OpenInode to, long toOffset) throws IOException {
    checkRange(core, from, range.start(), range.length());
    checkRange(core, to, toOffset, range.length());
    OpenInode first = from.number <= to.number ? from : to;
    OpenInode second = from.number <= to.number ? to : from;
    Body share =
        () -> FilePages.aroundBadPages(into -> reflinkLocked(from, range, to, toOffset, into));
    exclusively(first, first == second ? share : () -> exclusively(second, share));
  }

  private void reflinkLocked(
      OpenInode from, ByteRange range, OpenInode to, long toOffset, FilePages.Into into)
      throws IOException {
    long ticket =
        change(
                to,
                ByteRange.ofLength(toOffset, range.length()),
                Purpose.ORDINARY,
                tx -> {
                  share(tx, from.number, range, to.number, toOffset, into);
                  return true;
                })
            .ticket();
    to.sync.otherChange(ticket);
  }

  private void share(
      Transaction tx, long from, ByteRange range, long to, long toOffset, FilePages.Into into)
      throws IOException {
    Inode source = core.require(tx, FileId.live(from));
    Inode target = core.require(tx, FileId.live(to));
    checkShared(source, range, target, toOffset);
    if (range.isEmpty()) {
      return;
    }
    long pages = 0;
    long size = Math.max(target.size(), toOffset + range.length());
    if (target.size() / PAGE_BYTES < toOffset / PAGE_BYTES) {
      pages += filePages.zeroTail(tx, target, into);
    }
    long first = range.start() / PAGE_BYTES;
    long end = Math.ceilDiv(range.end(), PAGE_BYTES);
    long toFirst = toOffset / PAGE_BYTES;
    pages -= core.extents.unmap(tx, to, toFirst, toFirst + end - first, Integer.MAX_VALUE);
    pages += core.extents.share(tx, from, first, end, to, toFirst);
    core.put(tx, target.withContent(size, target.pages() + pages, core.now()));
  }

  private static void checkShared(Inode source, ByteRange range, Inode target, long toOffset) {
    boolean wholeEnd =
        range.end() % PAGE_BYTES == 0
            || (range.end() == source.size() && toOffset + range.length() >= target.size());
    if (range.end() > source.size()
        || range.start() % PAGE_BYTES != 0
        || toOffset % PAGE_BYTES != 0
        || !wholeEnd) {
      throw new IllegalArgumentException(
          "only whole pages of "
              + PAGE_BYTES
              + " bytes can be shared, up to the end of the file: "
              + range
              + " of "
              + source.size()
              + " bytes to "
              + toOffset
              + " of "
              + target.size());
    }
    if (source.number() == target.number()
        && range.overlaps(ByteRange.ofLength(toOffset, range.length()))) {
      throw new IllegalArgumentException("a range cannot be shared with itself: " + range);
    }
  }
}
