package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.Transaction;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stores bytes on pages of files, within a transaction: with the right to write.
 *
 * <p><b>Invariant.</b> What a durable commit or a snapshot can reach is never overwritten: bytes go
 * to fresh pages. Only pages that nobody but the running, not yet durable commit knows are written
 * in place: those it took itself, if no mapping shows them, and space taken in advance, which reads
 * as zeroes until the transaction says otherwise.
 *
 * <p><b>Order.</b> New extents, and data to fresh pages → data to pages that are written in place,
 * when nothing else can fail any more ({@link #wholly}). Where the media does not take that, fresh
 * pages do ({@link #aroundBadPages}); only when there are none, or the device goes away just then,
 * part of a write that failed may stay in pages that no commit has yet.
 */
final class FilePages {
  private final FsCore core;

  // Used with the right to write.

  /** What a write, or the later end of a range, is to leave. */
  private final PageImage image = new PageImage();

  /** What is to stand in the page where a file ended, or at the first end of a range. */
  private final PageImage edge = new PageImage();

  private final List<InPlace> inPlace = new ArrayList<>();

  /** What is to be stored over pages of a file. */
  private record InPlace(PageImage image, long from, long to, long at) {}

  /** Which pages may take data. */
  enum Into {
    /** Those that the file has, too, if nobody can tell. */
    ANY,
    /** Of those that the file has, only space taken in advance: mappings may show others. */
    SPACE,
    FRESH
  }

  private final MemorySegment zeroes = Arena.ofAuto().allocate(PAGE_BYTES, PAGE_BYTES);

  FilePages(FsCore core) {
    this.core = core;
  }

  /** With what is written in place at the end. */
  <T> T wholly(Transaction tx, FsCore.Change<T> change) throws IOException {
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

  /** A change that writes pages. */
  interface Attempt {
    void with(Into into) throws IOException;
  }

  /**
   * Tries again on other pages when those that were to be written turn out to be bad: the device
   * knows them then, and they are not handed out again. Ends when one comes a second time.
   */
  static void aroundBadPages(Attempt attempt) throws IOException {
    Set<Long> met = new HashSet<>();
    Into into = Into.ANY;
    while (true) {
      try {
        attempt.with(into);
        return;
      } catch (BadFreshPageException bad) {
        if (!met.add(bad.page)) {
          throw bad;
        }
        into = Into.FRESH;
      }
    }
  }

  /**
   * Stores bytes of a file; once in a transaction.
   *
   * @return how many pages more the file has then
   */
  long write(Transaction tx, Inode inode, long offset, MemorySegment src, Into into)
      throws IOException {
    return storePages(tx, inode, offset, src, image, into);
  }

  /** Zeroes what stands behind the end of the file in its last page; pages that this took. */
  long zeroTail(Transaction tx, Inode inode, Into into) throws IOException {
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
      Transaction tx, Inode inode, long offset, MemorySegment src, PageImage what, Into into)
      throws IOException {
    if (src.byteSize() == 0) {
      return 0;
    }
    what.set(offset, src, (page, dst) -> readBefore(tx, inode, page, dst));
    // Asked once: it may become true at any time, when a mapping goes or was brought up to date.
    boolean unmapped = core.mappings.mayOverwrite(inode.number());
    Into now = into == Into.ANY && !unmapped ? Into.SPACE : into;
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
  private boolean isPrivate(Transaction tx, Extent extent, Into into) throws IOException {
    boolean unseen =
        switch (into) {
          case ANY -> !extent.isWritten() || extent.born() == tx.commitNumber();
          case SPACE -> !extent.isWritten();
          case FRESH -> false;
        };
    return unseen && core.extents.isSole(tx, extent);
  }

  /** The page up to which the file has nothing that can be written in place. */
  private long freshUpTo(Transaction tx, long inode, long from, long end, Into into)
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

  /** Zeroes the parts of pages at the ends of a range; how many pages more that takes. */
  long zeroEnds(Transaction tx, Inode inode, ByteRange range, long first, long end, Into into)
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
  private long zero(Transaction tx, Inode inode, ByteRange part, PageImage what, Into into)
      throws IOException {
    if (part.isEmpty()) {
      return 0;
    }
    Extent extent = extentAt(tx, inode.number(), part.start() / PAGE_BYTES);
    return extent == null || !extent.isWritten()
        ? 0
        : storePages(tx, inode, part.start(), zeroes.asSlice(0, part.length()), what, into);
  }
}
