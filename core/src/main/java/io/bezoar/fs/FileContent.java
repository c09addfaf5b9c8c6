package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Transaction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * Changes the content of files.
 *
 * <p><b>Invariant.</b> What a durable commit or a snapshot can reach is never overwritten: a write
 * goes to fresh pages, and one transaction puts them in the place of the old ones. Only pages that
 * nobody but the running, not yet durable commit knows are written in place: those it took itself,
 * if no mapping shows them, and space taken in advance, which reads as zeroes until the transaction
 * says otherwise. Bytes behind the end of a file, in its last page, are nobody's; whoever makes the
 * file grow zeroes them.
 *
 * <p><b>Order.</b> The inode's lock → transaction → new extents, and data to fresh pages → data to
 * pages that are written in place → applied. What fails on the way is aborted, and the file is what
 * it was: what is written in place comes when nothing else can fail any more. Where the media does
 * not take that, fresh pages do.
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

  // Used with the right to write.

  /** What a write, or the later end of a range, is to leave. */
  private final PageImage image = new PageImage();

  /** What is to stand in the page where a file ended, or at the first end of a range. */
  private final PageImage edge = new PageImage();

  private final List<InPlace> inPlace = new ArrayList<>();

  /** What is to be stored over pages of a file. */
  private record InPlace(PageImage image, long from, long to, long at) {}

  /** Which pages may take data. */
  private enum Pages {
    /** Those that the file has, too, if nobody can tell. */
    ANY,
    /** Of those that the file has, only space taken in advance: mappings may show others. */
    SPACE,
    FRESH
  }

  private final MemorySegment zeroes = Arena.ofAuto().allocate(PAGE_BYTES, PAGE_BYTES);

  FileContent(FsCore core, Reaper reaper) {
    this.core = core;
    this.reaper = reaper;
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
        inode.number, changed, () -> core.change(file, purpose, tx -> wholly(tx, change)));
  }

  /** With what is written in place at the end. */
  private <T> T wholly(Transaction tx, FsCore.Change<T> change) throws IOException {
    try {
      T result = change.in(tx);
      for (InPlace run : inPlace) {
        storeImage(run.image(), run.from(), run.to(), run.at());
      }
      return result;
    } finally {
      inPlace.clear();
      image.clear();
      edge.clear();
    }
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
   */
  void replay(IntentLog log, long commit) throws IOException {
    aroundBadPages(
        pages -> core.change(FileId.ROOT, Purpose.RELIEF, tx -> replay(tx, log, commit, pages)));
  }

  /** A change that writes pages. */
  private interface Attempt {
    void with(Pages pages) throws IOException;
  }

  /**
   * Tries again on other pages when those that were to be written turn out to be bad: the device
   * knows them then, and they are not handed out again. Ends when one comes a second time.
   */
  private static void aroundBadPages(Attempt attempt) throws IOException {
    Set<Long> met = new HashSet<>();
    Pages pages = Pages.ANY;
    while (true) {
      try {
        attempt.with(pages);
        return;
      } catch (BadFreshPageException bad) {
        if (!met.add(bad.page)) {
          throw bad;
        }
        pages = Pages.FRESH;
      }
    }
  }

  private IntentReplay replay(Transaction tx, IntentLog log, long commit, Pages pages)
      throws IOException {
    // Something changes in any case: the log needs a commit behind all that it can speak of.
    tx.put(core.trees.meta(), MetaLayout.REPLAYED, MetaLayout.number(core.now()));
    return log.replay(commit, (sequence, record) -> replay(tx, record, pages));
  }

  private void replay(Transaction tx, IntentRecord record, Pages pages) throws IOException {
    Inode inode = core.inode(tx, record.inode());
    if (inode == null || inode.generation() != record.inodeGeneration() || inode.links() == 0) {
      // It was deleted by a commit that the log was written beside, or goes now.
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(record.data().byteSize(), PAGE_BYTES);
      data.copyFrom(record.data());
      wholly(
          tx,
          same ->
              store(same, record.inode(), record.offset(), data, record.modifiedNanos(), pages));
    }
  }

  private void writeSteps(OpenInode inode, long offset, MemorySegment src) throws IOException {
    for (long done = 0; done < src.byteSize(); done += STEP_BYTES) {
      long length = Math.min(STEP_BYTES, src.byteSize() - done);
      long at = offset + done;
      MemorySegment step = src.asSlice(done, length);
      aroundBadPages(pages -> writeOnce(inode, at, step, pages));
    }
  }

  private record Stored(long generation, long size, long modified, long commit) {}

  private void writeOnce(OpenInode inode, long offset, MemorySegment src, Pages pages)
      throws IOException {
    FsCore.Done<Stored> done =
        change(
            inode,
            ByteRange.ofLength(offset, src.byteSize()),
            Purpose.ORDINARY,
            tx -> store(tx, inode.number, offset, src, core.now(), pages));
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
      Transaction tx, long number, long offset, MemorySegment src, long now, Pages into)
      throws IOException {
    FileId file = FileId.live(number);
    Inode before = core.require(tx, file);
    long pages = 0;
    if (before.size() / PAGE_BYTES < offset / PAGE_BYTES) {
      pages += zeroTail(tx, before, into);
    }
    pages += storePages(tx, before, offset, src, image, into);
    long size = Math.max(before.size(), offset + src.byteSize());
    core.put(tx, before.withContent(size, before.pages() + pages, now));
    return new Stored(before.generation(), size, now, tx.commitNumber());
  }

  /** Zeroes what stands behind the end of the file in its last page; pages that this took. */
  private long zeroTail(Transaction tx, Inode inode, Pages into) throws IOException {
    long from = inode.size() % PAGE_BYTES;
    Extent extent = from == 0 ? null : extentAt(tx, inode.number(), inode.size() / PAGE_BYTES);
    if (extent == null || !extent.isWritten()) {
      return 0;
    }
    MemorySegment rest = zeroes.asSlice(0, PAGE_BYTES - from);
    return storePages(tx, inode, inode.size(), rest, edge, into);
  }

  private @Nullable Extent extentAt(Transaction tx, long inode, long page) throws IOException {
    List<Extent> found = core.extents.find(tx, inode, page, page + 1, 1);
    return found.isEmpty() ? null : found.getFirst();
  }

  /**
   * Stores bytes of a file; those that go in place are stored in the end.
   *
   * @param what is used for nothing else in this transaction
   * @return how many pages more the file has then
   */
  private long storePages(
      Transaction tx, Inode inode, long offset, MemorySegment src, PageImage what, Pages into)
      throws IOException {
    if (src.byteSize() == 0) {
      return 0;
    }
    what.set(offset, src, (page, dst) -> readBefore(tx, inode, page, dst));
    // Asked once: it may become true at any time, when a mapping goes or was brought up to date.
    boolean unmapped = core.mappings.mayOverwrite(inode.number());
    Pages now = into == Pages.ANY && !unmapped ? Pages.SPACE : into;
    long more = 0;
    long end = what.endPage();
    long at = what.firstPage();
    while (at < end) {
      List<Extent> next = core.extents.find(tx, inode.number(), at, end, 1);
      Extent extent = next.isEmpty() ? null : next.getFirst();
      long to;
      if (extent != null && extent.page() <= at && isPrivate(tx, extent, now)) {
        to = Math.min(end, extent.end());
        putInPlace(tx, extent, what, at, to);
      } else {
        to = freshUpTo(tx, inode.number(), at, end, now);
        more += storeFresh(tx, inode, what, at, to);
      }
      at = to;
    }
    return more;
  }

  /**
   * True when these may take data in place: no durable commit, snapshot, other file or mapping sees
   * what stands there.
   */
  private boolean isPrivate(Transaction tx, Extent extent, Pages into) throws IOException {
    boolean unseen =
        switch (into) {
          case ANY -> !extent.isWritten() || extent.born() == tx.commitNumber();
          case SPACE -> !extent.isWritten();
          case FRESH -> false;
        };
    return unseen && core.extents.isSole(tx, extent);
  }

  /** The page up to which the file has nothing that can be written in place. */
  private long freshUpTo(Transaction tx, long inode, long from, long end, Pages into)
      throws IOException {
    long at = from;
    while (at < end) {
      List<Extent> next = core.extents.find(tx, inode, at, end, 1);
      if (next.isEmpty()) {
        return end;
      }
      Extent extent = next.getFirst();
      if (isPrivate(tx, extent, into)) {
        return Math.max(from, extent.page());
      }
      at = extent.end();
    }
    return end;
  }

  private void putInPlace(Transaction tx, Extent extent, PageImage what, long from, long to)
      throws IOException {
    long at = (extent.start() + from - extent.page()) * PAGE_BYTES;
    if (!extent.isWritten()) {
      core.extents.written(tx, extent, from, to, core.newestHold());
    }
    inPlace.add(new InPlace(what, from, to, at));
  }

  private long storeFresh(Transaction tx, Inode inode, PageImage what, long from, long to)
      throws IOException {
    boolean grows = from >= Math.ceilDiv(inode.size(), PAGE_BYTES);
    Extent left = from == 0 || !grows ? null : extentAt(tx, inode.number(), from - 1);
    long goal = left == null ? Transaction.NO_GOAL : left.deviceEnd() * PAGE_BYTES;
    List<ByteRange> runs = tx.allocate(to - from, goal);
    long gone = core.extents.unmap(tx, inode.number(), from, to, Integer.MAX_VALUE);
    long at = from;
    for (ByteRange run : runs) {
      long count = run.length() / PAGE_BYTES;
      core.extents.map(
          tx,
          new Extent(
              inode.number(),
              at,
              count,
              run.start() / PAGE_BYTES,
              tx.commitNumber(),
              FileExtent.Content.WRITTEN),
          core.newestHold());
      storeImage(what, at, at + count, run.start());
      at += count;
    }
    return to - from - gone;
  }

  private void storeImage(PageImage what, long from, long to, long at) throws IOException {
    try {
      what.store(core.device, from, to, at);
    } catch (PoisonedRangeException bad) {
      throw new BadFreshPageException(bad);
    }
  }

  /** Pages that were to be written are bad; what was done is aborted. */
  private static final class BadFreshPageException extends IOException {
    private static final long serialVersionUID = 1L;

    private final long page;

    BadFreshPageException(PoisonedRangeException bad) {
      super("the volume takes nothing at " + bad.range() + ", though that is free", bad);
      this.page = bad.range().start() / PAGE_BYTES;
    }
  }

  /** What stands on a page of a file, up to its end. */
  private void readBefore(Transaction tx, Inode inode, long page, MemorySegment dst)
      throws IOException {
    Extent extent = extentAt(tx, inode.number(), page);
    long length = Math.clamp(inode.size() - page * PAGE_BYTES, 0L, PAGE_BYTES);
    dst.fill((byte) 0);
    if (extent == null || !extent.isWritten() || length == 0) {
      return;
    }
    long at = (extent.start() + page - extent.page()) * PAGE_BYTES;
    try {
      core.device.read(at, dst.asSlice(0, length));
    } catch (PoisonedRangeException lost) {
      throw DamagedRangeException.of(core.describe(FileId.live(inode.number())), extent, lost, 0);
    }
  }

  // Size and space.

  void truncate(OpenInode inode, long size) throws IOException {
    checkRange(core, inode, size, 0);
    exclusively(
        inode,
        () -> {
          FileId file = FileId.live(inode.number);
          long old = core.look(file, view -> core.require(view, file)).size();
          if (size < old) {
            reaper.cut(inode, size);
          } else {
            aroundBadPages(pages -> grow(inode, size, pages));
          }
        });
  }

  private void grow(OpenInode inode, long size, Pages into) throws IOException {
    long ticket =
        change(
                inode,
                NOTHING,
                Purpose.ORDINARY,
                tx -> {
                  Inode before = core.require(tx, FileId.live(inode.number));
                  long pages = before.size() < size ? zeroTail(tx, before, into) : 0;
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
    exclusively(inode, () -> aroundBadPages(pages -> punchLocked(inode, range, pages)));
  }

  private void punchLocked(OpenInode inode, ByteRange range, Pages into) throws IOException {
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
                long pages = zeroEnds(tx, before, range, first, end, into);
                pages -= core.extents.unmap(tx, inode.number, first, end, PIECE_EXTENTS);
                core.put(tx, before.withContent(before.size(), before.pages() + pages, core.now()));
                return !core.extents.find(tx, inode.number, first, end, 1).isEmpty();
              });
      inode.sync.otherChange(done.ticket());
      more = done.result();
    }
  }

  /** Zeroes the parts of pages at the ends of a range; how many pages more that takes. */
  private long zeroEnds(
      Transaction tx, Inode inode, ByteRange range, long first, long end, Pages into)
      throws IOException {
    ByteRange inFile = range.intersect(new ByteRange(0, inode.size()));
    if (inFile.isEmpty()) {
      return 0;
    }
    ByteRange head = inFile.intersect(new ByteRange(range.start(), first * PAGE_BYTES));
    ByteRange tail =
        end < first
            ? new ByteRange(range.end(), range.end())
            : inFile.intersect(new ByteRange(end * PAGE_BYTES, range.end()));
    return zero(tx, inode, head, edge, into) + zero(tx, inode, tail, image, into);
  }

  /** Zeroes a part of one page, if there is data. */
  private long zero(Transaction tx, Inode inode, ByteRange part, PageImage what, Pages into)
      throws IOException {
    if (part.isEmpty()) {
      return 0;
    }
    Extent extent = extentAt(tx, inode.number(), part.start() / PAGE_BYTES);
    return extent == null || !extent.isWritten()
        ? 0
        : storePages(tx, inode, part.start(), zeroes.asSlice(0, part.length()), what, into);
  }

  // Sharing.

  /** Both inodes' locks are held by this in the order of their numbers. */
  void reflink(OpenInode from, ByteRange range, OpenInode to, long toOffset) throws IOException {
    checkRange(core, from, range.start(), range.length());
    checkRange(core, to, toOffset, range.length());
    OpenInode first = from.number <= to.number ? from : to;
    OpenInode second = from.number <= to.number ? to : from;
    Body share = () -> aroundBadPages(pages -> reflinkLocked(from, range, to, toOffset, pages));
    exclusively(first, first == second ? share : () -> exclusively(second, share));
  }

  private void reflinkLocked(
      OpenInode from, ByteRange range, OpenInode to, long toOffset, Pages into) throws IOException {
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

  private void share(Transaction tx, long from, ByteRange range, long to, long toOffset, Pages into)
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
      pages += zeroTail(tx, target, into);
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
