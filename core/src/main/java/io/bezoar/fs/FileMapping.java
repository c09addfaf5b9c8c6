package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.StitchedMapping;
import io.bezoar.media.VmaBudget;
import io.bezoar.tree.View;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One mapping of a part of a file.
 *
 * <p><b>Invariant.</b> It shows what the file holds: data from where it lies on the device, or a
 * copy where the device has no window or the process no mapping to spare; zeroes where there is
 * none and behind the end within the last page; faults in pages behind the end, in pages that
 * cannot be read, and everywhere once the filesystem is closed. Bytes behind the end of a file are
 * undefined on the device, so a page of which they could be seen is copied.
 *
 * <p><b>Protocol.</b> {@link #show} is called with the inode's lock held, so that the file stays as
 * it is; {@link #revoke} and {@link #restore} are not, and meet it at {@link #lock}, which is held
 * for one run of pages at a time. Under it come the device and the lock of the memory; closing the
 * arena takes the latter only, and so waits for nobody.
 */
final class FileMapping {
  private static final System.Logger LOG = System.getLogger(FileMapping.class.getName());

  private static final long COPY_PAGES_MAX = 256;

  /** Runs for which the device has no window are not cut into smaller ones than this. */
  private static final long SPLIT_PAGES_MIN = 16;

  /** How often what hangs together may grow while it is being copied. */
  private static final int WIDE_TRIES_MAX = 8;

  private final FsCore core;
  private final FileId file;
  private final long firstPage;
  private final long endPage;
  private final long endBytes;
  private final StitchedMapping memory;
  private final Runnable afterClose;
  private final AtomicBoolean forgotten = new AtomicBoolean();
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private final LaidPages laid = new LaidPages();
  private ByteRanges lost = ByteRanges.EMPTY;

  /** Where the memory would give back what is not the file's any more. */
  private ByteRanges stale = ByteRanges.EMPTY;

  private boolean ended;

  /** Of the file as it is shown. Guarded by the inode's lock; that of a snapshot never changes. */
  private long shownBytes;

  /** What to do about pages that cannot be shown. */
  interface Trouble {
    void with(Extent extent, IOException why) throws IOException;
  }

  /**
   * Shows nothing yet.
   *
   * @param range of the file, within its size
   * @param afterClose run once, when it is {@linkplain #forget forgotten}
   */
  FileMapping(FsCore core, FileId file, ByteRange range, VmaBudget budget, Runnable afterClose)
      throws IOException {
    this.core = core;
    this.file = file;
    this.firstPage = range.start() / PAGE_BYTES;
    this.endPage = range.isEmpty() ? firstPage : Math.ceilDiv(range.end(), PAGE_BYTES);
    this.endBytes = range.end();
    this.memory = new StitchedMapping((endPage - firstPage) * PAGE_BYTES, budget);
    this.afterClose = afterClose;
  }

  FileId file() {
    return file;
  }

  StitchedMapping memory() {
    return memory;
  }

  /** Runs what is to be done in the end, if it was not run before. */
  void forget() {
    if (!forgotten.compareAndSet(false, true)) {
      return;
    }
    memory.discard();
    afterClose.run();
  }

  /** Shows a file for the first time. */
  void showAll(View state, long sizeBytes) throws IOException {
    shownBytes = sizeBytes;
    show(
        state,
        firstPage,
        endPage,
        (extent, why) -> {
          throw why;
        });
  }

  /**
   * Shows what a change made of the file. Never leaves what was there before: pages that cannot be
   * shown are revoked.
   *
   * @param changed bytes of the file; what comes of another size is known here
   * @throws IOException when that failed, too: old pages may still be seen
   */
  void swap(View state, ByteRange changed, long sizeBytes) throws IOException {
    long from = changed.start() / PAGE_BYTES;
    long to = Math.ceilDiv(changed.end(), PAGE_BYTES);
    if (sizeBytes != shownBytes) {
      from = Math.min(from, Math.min(sizeBytes, shownBytes) / PAGE_BYTES);
      to = endPage;
      shownBytes = sizeBytes;
    }
    from = Math.max(from, firstPage);
    to = Math.min(to, endPage);
    if (from >= to) {
      return;
    }
    try {
      show(state, from, to, this::takeAway);
    } catch (IOException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "a change of " + file + " cannot be shown in a mapping: its pages fault from now on",
          e);
      takeAway(from, to);
    }
  }

  // Showing.

  private void show(View state, long from, long to, Trouble trouble) throws IOException {
    List<Extent> extents = core.extents.find(state, file.inode(), from, to, Integer.MAX_VALUE);
    long sizePages = Math.ceilDiv(shownBytes, PAGE_BYTES);
    long dataEnd = Math.clamp(sizePages, from, to);
    long at = from;
    for (Extent whole : extents) {
      if (whole.page() < dataEnd && whole.end() > at && whole.isWritten()) {
        Extent extent = whole.within(at, dataEnd);
        at = showZeroes(state, at, extent.page());
        while (at < extent.end()) {
          long end = Math.min(extent.end(), at + LaidPages.RUN_PAGES_MAX);
          at = showRun(state, extent.within(at, end), trouble);
        }
      }
    }
    at = showZeroes(state, at, dataEnd);
    showNothing(state, Math.max(at, dataEnd), to);
  }

  /** Up to where that is shown now. */
  private long showZeroes(View state, long from, long to) throws IOException {
    if (from >= to) {
      return from;
    }
    lock.lock();
    try {
      if (!ended && !memory.zero(inMemory(from, to))) {
        return copyWide(state, from, to);
      }
      shownOtherwise(from, to);
      return to;
    } finally {
      lock.unlock();
    }
  }

  /** Behind the end of the file. */
  private void showNothing(View state, long from, long to) throws IOException {
    if (from >= to) {
      return;
    }
    lock.lock();
    try {
      if (!ended && !memory.revoke(inMemory(from, to))) {
        copyWide(state, from, to);
      } else {
        shownOtherwise(from, to);
      }
    } finally {
      lock.unlock();
    }
  }

  private long showRun(View state, Extent run, Trouble trouble) throws IOException {
    long tail = shownBytes / PAGE_BYTES;
    boolean undefined = shownBytes % PAGE_BYTES != 0 && endBytes > shownBytes;
    lock.lock();
    try {
      if (ended) {
        return run.end();
      }
      if (undefined && run.page() <= tail && tail < run.end()) {
        long done = run.page();
        if (done < tail) {
          done = layOrCopy(state, run.within(done, tail));
        }
        return done <= tail ? copy(state, run.within(tail, run.end())) : done;
      }
      return layOrCopy(state, run);
    } catch (PoisonedRangeException bad) {
      if (run.count() == 1) {
        trouble.with(run, DamagedRangeException.of(core.describe(file), run, bad, 0));
        return run.end();
      }
      return showByPage(state, run, trouble);
    } catch (IOException why) {
      trouble.with(run, why);
      return run.end();
    } finally {
      lock.unlock();
    }
  }

  /** So that one bad page is the only one that is not shown. */
  private long showByPage(View state, Extent run, Trouble trouble) throws IOException {
    long at = run.page();
    while (at < run.end()) {
      at = showRun(state, run.within(at, at + 1), trouble);
    }
    return at;
  }

  private long layOrCopy(View state, Extent run) throws IOException {
    Optional<MemorySegment> window = core.device.window(run.device());
    if (window.isPresent()) {
      ByteRange at = inMemory(run.page(), run.end());
      if (memory.lay(at.start(), window.get())) {
        shownOtherwise(run.page(), run.end());
        laid.put(new LaidPages.Run(run.page(), run.count(), run.start()));
        return run.end();
      }
      return copy(state, run);
    }
    if (run.count() <= SPLIT_PAGES_MIN) {
      return copy(state, run);
    }
    // It may lie on several devices: in parts, cut where such parts end.
    long half = Long.highestOneBit(run.count() - 1);
    long cut = Math.floorDiv(run.deviceEnd() - 1, half) * half;
    long middle = run.page() + cut - run.start();
    long done = layOrCopy(state, run.within(run.page(), middle));
    return done < run.end() ? layOrCopy(state, run.within(done, run.end())) : done;
  }

  private long copy(View state, Extent run) throws IOException {
    long at = run.page();
    try (Arena arena = Arena.ofConfined()) {
      long most = Math.min(COPY_PAGES_MAX, run.count());
      MemorySegment buffer = arena.allocate(most * PAGE_BYTES, PAGE_BYTES);
      while (at < run.end()) {
        Extent part = run.within(at, Math.min(run.end(), at + most));
        MemorySegment bytes = buffer.asSlice(0, part.count() * PAGE_BYTES);
        fill(part, part.page(), bytes);
        if (!memory.stage(inMemory(part.page(), part.end()).start(), bytes)) {
          return copyWide(state, at, run.end());
        }
        shownOtherwise(part.page(), part.end());
        at = part.end();
      }
    }
    return at;
  }

  /** Reads a run that begins at {@code page} or behind it; zeroes stand behind the end. */
  private void fill(Extent run, long page, MemorySegment bytes) throws IOException {
    long from = (run.page() - page) * PAGE_BYTES;
    MemorySegment dst = bytes.asSlice(from, run.count() * PAGE_BYTES);
    core.device.read(run.device().start(), dst);
    long good = shownBytes - run.page() * PAGE_BYTES;
    if (good < dst.byteSize()) {
      dst.asSlice(Math.max(0, good)).fill((byte) 0);
    }
  }

  /**
   * Without a mapping to spare: copies all that hangs together with some pages. Pages behind the
   * end of the file read as zeroes then.
   *
   * @return up to where that is shown now
   */
  private long copyWide(View state, long from, long to) throws IOException {
    for (int i = 0; i < WIDE_TRIES_MAX; i++) {
      ByteRange wide = memory.widened(inMemory(from, to));
      long first = firstPage + wide.start() / PAGE_BYTES;
      long end = firstPage + wide.end() / PAGE_BYTES;
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(wide.length(), PAGE_BYTES);
        for (Extent extent :
            core.extents.find(state, file.inode(), first, end, Integer.MAX_VALUE)) {
          if (extent.isWritten() && extent.page() * PAGE_BYTES < shownBytes) {
            fill(extent.within(first, end), first, bytes);
          }
        }
        if (memory.stage(wide.start(), bytes)) {
          shownOtherwise(first, end);
          return end;
        }
      }
    }
    throw new IOException("no mappings of memory are left to show a change of " + file);
  }

  private ByteRange inMemory(long from, long to) {
    return new ByteRange((from - firstPage) * PAGE_BYTES, (to - firstPage) * PAGE_BYTES);
  }

  /** Something new stands in these pages. Called with the lock. */
  private void shownOtherwise(long from, long to) {
    laid.remove(from, to);
    lost = lost.minus(inMemory(from, to));
    stale = stale.minus(inMemory(from, to));
  }

  // Taking away and giving back.

  private void takeAway(Extent extent, IOException why) throws IOException {
    LOG.log(
        System.Logger.Level.WARNING,
        "pages of " + extent + " cannot be shown in a mapping: they fault from now on",
        why);
    takeAway(extent.page(), extent.end());
  }

  private void takeAway(long from, long to) throws IOException {
    lock.lock();
    try {
      revokeOrMore(inMemory(from, to));
      shownOtherwise(from, to);
      stale = stale.plus(inMemory(from, to));
    } finally {
      lock.unlock();
    }
  }

  private void revokeOrMore(ByteRange range) throws IOException {
    ByteRange wide = range;
    for (int i = 0; !memory.revoke(wide); i++) {
      if (i == WIDE_TRIES_MAX) {
        throw new IOException("no mappings of memory are left to revoke " + range + " of " + file);
      }
      wide = memory.widened(wide);
    }
  }

  /**
   * Faults from now on, all of it: the pages may be anybody's soon.
   *
   * @throws IOException when the pages could not be taken from the readers
   */
  void end() throws IOException {
    lock.lock();
    try {
      ended = true;
      memory.revoke(inMemory(firstPage, endPage));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Pages of the device fault from now on where they are laid; copies stay.
   *
   * @return true when there are such pages
   */
  boolean revoke(long from, long to) throws IOException {
    lock.lock();
    try {
      List<ByteRange> here = laid.showing(from, to);
      for (ByteRange pages : here) {
        ByteRange range = inMemory(pages.start(), pages.end());
        revokeOrMore(range);
        lost = lost.plus(range);
      }
      return !here.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Pages of the device that were revoked are shown again.
   *
   * @return true when there are such pages, and none is left that could not be shown
   */
  boolean restore(long from, long to) throws IOException {
    lock.lock();
    try {
      boolean any = false;
      boolean whole = true;
      for (ByteRange pages : laid.showing(from, to)) {
        ByteRange range = inMemory(pages.start(), pages.end());
        if (ended || !lost.overlaps(range)) {
          continue;
        }
        ByteRanges still = lost.minus(range);
        // Others may have gone with it for want of mappings, those behind the end are not to come.
        long end = Math.clamp(Math.ceilDiv(shownBytes, PAGE_BYTES), firstPage, endPage);
        ByteRange all = memory.widened(range).intersect(inMemory(firstPage, end));
        boolean done = true;
        for (ByteRange good : ByteRanges.of(all).minus(still).minus(stale).asList()) {
          done &= memory.restore(good);
        }
        lost = done ? still : lost;
        any = true;
        whole &= done;
      }
      return any && whole;
    } finally {
      lock.unlock();
    }
  }
}
