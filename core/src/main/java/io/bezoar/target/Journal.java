package io.bezoar.target;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Closes the write hole: before anything of a row changes in place, a record of what it will be is
 * durable.
 *
 * <p><b>Invariant.</b> A record is persisted before the first byte it speaks of is stored in place,
 * and stays until everything in place is persisted. Journal B holds the new data and the new
 * parity, journal A, at the other end, the new data again. A fault that takes B can take parity
 * beside it, and nothing else of a row: data from A and the other pages give parity. A fault that
 * takes A can take a data page of each row beside it: B's parity and data give that page. So a
 * crash plus one media fault, a whole journal and what borders on it included, leaves every row
 * whole and every page either old or new.
 *
 * <p>This is more than a partial parity log (md's PPL: untouched pages XORed) promises: that leaves
 * a torn page to be blessed as it is, and then a bit flip in it goes unseen.
 *
 * <p><b>Protocol.</b> A writer {@linkplain #enter enters} the epoch with the space it needs at
 * most, takes row locks, {@linkplain #append appends}, persists the child, stores in place, unlocks
 * and leaves. When the space is used up the next to enter waits until the epoch is empty and makes
 * a checkpoint: everything in place and the checksum table are persisted, then the heads move past
 * all records and are persisted too, and only then is the space written again. Once records and
 * rows have come apart because the child failed in between, nothing is forgotten any more: the next
 * open replays. Lock order: epoch, rows, append.
 */
final class Journal {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Where persists are free a short log stays in the CPU's caches. */
  private static final long CHEAP_PAGES = 128;

  /** Bounds the memory that one batch of staged writes takes: 8 MiB of data. */
  private static final long MAX_BATCH_PAGES = 2048;

  private final Geometry geometry;
  private final ChildIo child;
  private final ChecksumTable table;
  private final Incident.Sink sink;
  private final ReentrantReadWriteLock epoch = new ReentrantReadWriteLock();
  private final ReentrantLock append = new ReentrantLock();
  private final MemorySegment headerPage;
  private final Arena arena = Arena.ofAuto();
  private final long capacityPages;
  private final long softPages;
  private volatile @Nullable IOException interrupted;

  // Guarded by append.
  private JournalLayout.Head head;
  private long nextSequence;
  private long pageInA = 1;
  private long pageInB = 1;
  private long reservedA;
  private long reservedB;

  Journal(
      Geometry geometry,
      ChildIo child,
      ChecksumTable table,
      Incident.Sink sink,
      JournalLayout.Head head,
      long nextSequence) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.sink = sink;
    this.head = head;
    this.nextSequence = nextSequence;
    this.capacityPages = geometry.journalPages() - 1;
    this.softPages =
        child.device().info().persistCheap() ? Math.min(capacityPages, CHEAP_PAGES) : capacityPages;
    this.headerPage = arena.allocate(PAGE, Units.LINE_BYTES);
  }

  /** Longest run of pages that one record may hold. */
  static int maxRun(Geometry geometry) {
    return (int) Math.min(JournalLayout.MAX_COUNT, (geometry.journalPages() - 2) / 2);
  }

  /** Pages that staged writes may fill before they must be applied. */
  static int batchPages(Geometry geometry) {
    return (int) Math.clamp((geometry.journalPages() - 1) / 3, 1, MAX_BATCH_PAGES);
  }

  /**
   * Opens an epoch share for records that take at most {@code runs} headers and {@code pages}
   * images; checkpoints first when there is no room. Close it to give back what was not used.
   */
  @SuppressWarnings("LockNotBeforeTry") // Share.close() unlocks.
  Share enter(long runs, long pages) throws IOException {
    long needA = runs + pages;
    long needB = runs + 2 * pages;
    if (needA > capacityPages || needB > capacityPages) {
      throw new IllegalArgumentException(
          "records of " + runs + " runs and " + pages + " pages exceed the journal");
    }
    while (true) {
      epoch.readLock().lock();
      if (reserve(needA, needB)) {
        return new Share(needA, needB);
      }
      epoch.readLock().unlock();
      epoch.writeLock().lock();
      try {
        if (!roomFor(needA, needB)) {
          checkpointExclusively();
        }
      } finally {
        epoch.writeLock().unlock();
      }
    }
  }

  /** Room in the journal, and the promise that no checkpoint happens meanwhile. */
  final class Share implements AutoCloseable {
    private final long needA;
    private final long needB;

    private Share(long needA, long needB) {
      this.needA = needA;
      this.needB = needB;
    }

    @Override
    public void close() {
      append.lock();
      try {
        reservedA -= needA;
        reservedB -= needB;
      } finally {
        append.unlock();
      }
      epoch.readLock().unlock();
    }
  }

  private boolean reserve(long needA, long needB) {
    append.lock();
    try {
      if (!fits(needA, needB)) {
        return false;
      }
      reservedA += needA;
      reservedB += needB;
      return true;
    } finally {
      append.unlock();
    }
  }

  private boolean roomFor(long needA, long needB) {
    append.lock();
    try {
      return fits(needA, needB);
    } finally {
      append.unlock();
    }
  }

  private boolean fits(long needA, long needB) {
    // An empty log takes anything up to its capacity; a used one is cut at the soft limit.
    long limit = pageInA == 1 && pageInB == 1 ? capacityPages : softPages;
    return pageInA - 1 + reservedA + needA <= limit && pageInB - 1 + reservedB + needB <= limit;
  }

  /**
   * Writes a STORE record for a run of pages of one column; durable after the next persist of the
   * child. Epoch entered and rows locked.
   */
  void appendStore(
      long firstPage,
      int count,
      int[] dataSums,
      int[] paritySums,
      MemorySegment data,
      MemorySegment parity)
      throws IOException {
    append.lock();
    try {
      write(
          new JournalLayout.Header(
              nextSequence, JournalLayout.Kind.STORE, firstPage, dataSums, paritySums),
          data,
          parity);
    } finally {
      append.unlock();
    }
  }

  /** Writes a MARK_LOST record for columns of one row, as {@link #appendStore}. */
  void appendMarkLost(long row, int[] columns, int paritySum, MemorySegment parity)
      throws IOException {
    append.lock();
    try {
      int[] sums = new int[columns.length];
      java.util.Arrays.fill(sums, paritySum);
      write(
          new JournalLayout.Header(nextSequence, JournalLayout.Kind.MARK_LOST, row, columns, sums),
          MemorySegment.NULL,
          parity);
    } finally {
      append.unlock();
    }
  }

  private void write(JournalLayout.Header header, MemorySegment data, MemorySegment parity)
      throws IOException {
    boolean inA = writeA(header, data);
    boolean inB = writeB(header, data, parity);
    if (!inA && !inB) {
      throw new IOException(
          child.device().info().name()
              + ": neither journal can be written; move the data to another device");
    }
    nextSequence++;
    pageInA += header.pagesInA();
    pageInB += header.pagesInB();
  }

  private boolean writeA(JournalLayout.Header header, MemorySegment data) throws IOException {
    long at = geometry.journalStart(0) + pageInA * PAGE;
    JournalLayout.encodeRecord(headerPage, head.formatId(), header);
    boolean stored = storeHeader(at, header.headerBytes());
    if (header.dataImages() > 0) {
      stored &= store(at + PAGE, data.asSlice(0, (long) header.dataImages() * PAGE));
    }
    return stored;
  }

  private boolean writeB(JournalLayout.Header header, MemorySegment data, MemorySegment parity)
      throws IOException {
    long at = geometry.journalStart(1) + pageInB * PAGE;
    JournalLayout.encodeRecord(headerPage, head.formatId(), header);
    boolean stored = storeHeader(at, header.headerBytes());
    stored &= store(at + PAGE, parity.asSlice(0, (long) header.parityImages() * PAGE));
    if (header.dataImages() > 0) {
      stored &=
          store(
              at + (1L + header.parityImages()) * PAGE,
              data.asSlice(0, (long) header.dataImages() * PAGE));
    }
    return stored;
  }

  /** Over poison the whole page: a line that is replaced in part cannot be cleared. */
  private boolean storeHeader(long offset, int headerBytes) throws IOException {
    try {
      child.device().write(offset, headerPage.asSlice(0, headerBytes));
      return true;
    } catch (PoisonedRangeException inTheWay) {
      return clear(offset, headerPage, inTheWay.poisonCause());
    }
  }

  private boolean store(long offset, MemorySegment bytes) throws IOException {
    try {
      child.device().write(offset, bytes);
      return true;
    } catch (PoisonedRangeException inTheWay) {
      return clear(offset, bytes, inTheWay.poisonCause());
    }
  }

  private boolean clear(long offset, MemorySegment bytes, Cause cause) throws IOException {
    boolean stored = child.device().recoveryWrite(offset, bytes).complete();
    raise(stored, cause, offset, bytes.byteSize());
    return stored;
  }

  private void raise(boolean stored, Cause cause, long offset, long length) {
    sink.raise(
        new Incident(
            stored ? Severity.HEALED : Severity.DEGRADED,
            cause,
            Role.JOURNAL,
            null,
            ByteRange.ofLength(offset, length).alignOutward(PAGE)));
  }

  /** Persists everything in place and empties the journal. Must not be called inside an epoch. */
  void checkpoint() throws IOException {
    runExclusively(() -> {});
  }

  /** Checkpoints, then runs {@code work} while no epoch is open. */
  void runExclusively(ExclusiveWork work) throws IOException {
    epoch.writeLock().lock();
    try {
      checkpointExclusively();
      work.run();
    } finally {
      epoch.writeLock().unlock();
    }
  }

  /**
   * The child failed after records were written and before all of them stood in place. Inside the
   * epoch of those records, so that no checkpoint comes in between. A child that is not online any
   * more needs no such mark: it takes nothing until it is reopened.
   */
  void interrupt(Throwable half) {
    if (child.device().state() == DeviceState.ONLINE) {
      interrupted =
          new IOException(
              child.device().info().name()
                  + ": a write was interrupted between its record and its place; reopen the device"
                  + " to replay the journal",
              half);
    }
  }

  /** Why nothing may be written until the device is reopened, or null. */
  @Nullable IOException interrupted() {
    return interrupted;
  }

  /** Throws when the journal must be replayed first. */
  void checkUninterrupted() throws IOException {
    IOException failed = interrupted;
    if (failed != null) {
      throw failed;
    }
  }

  /** Work done between epochs. */
  @FunctionalInterface
  interface ExclusiveWork {
    void run() throws IOException;
  }

  private void checkpointExclusively() throws IOException {
    checkUninterrupted();
    append.lock();
    try {
      table.writeBack();
      child.device().persist();
      if (nextSequence != head.firstSequence()) {
        JournalLayout.Head next =
            new JournalLayout.Head(head.formatId(), head.generation() + 1, nextSequence);
        boolean written = writeHead(0, next);
        written |= writeHead(1, next);
        if (!written) {
          throw new IOException(
              child.device().info().name()
                  + ": neither journal head can be written; move the data to another device");
        }
        child.device().persist();
        // Not before: a head that did not get there must be tried again before space is reused.
        head = next;
      }
      pageInA = 1;
      pageInB = 1;
    } finally {
      append.unlock();
    }
  }

  private boolean writeHead(int journal, JournalLayout.Head value) throws IOException {
    long page = geometry.journalStart(journal);
    MemorySegment slot = headerPage.asSlice(0, JournalLayout.HEADER_BYTES);
    JournalLayout.encodeHead(slot, page, value);
    return store(page + (value.generation() & 1) * JournalLayout.SLOT_STRIDE, slot);
  }

  /** Writes the first heads of a new target. */
  static void format(Geometry geometry, ChildIo child, long formatId) throws IOException {
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment slot = scratch.allocate(JournalLayout.HEADER_BYTES, Units.LINE_BYTES);
      for (int journal = 0; journal < 2; journal++) {
        for (long generation = 0; generation < 2; generation++) {
          long page = geometry.journalStart(journal);
          JournalLayout.encodeHead(slot, page, new JournalLayout.Head(formatId, generation, 1));
          child.device().write(page + generation * JournalLayout.SLOT_STRIDE, slot);
        }
      }
    }
  }

  /**
   * Looks for journal pages that cannot be read and clears them. Called between epochs, when no
   * record counts.
   *
   * @return the ranges that were bad
   */
  java.util.List<ByteRange> scrub() throws IOException {
    java.util.List<ByteRange> bad = new java.util.ArrayList<>();
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment page = scratch.allocate(PAGE, Units.LINE_BYTES);
      for (int journal = 0; journal < 2; journal++) {
        for (long i = 0; i < geometry.journalPages(); i++) {
          long at = geometry.journalStart(journal) + i * PAGE;
          try {
            child.device().read(at, page);
            if (i > 0 || headIsGood(page, at)) {
              continue;
            }
            raise(rewrite(journal, i, page), Cause.REDUNDANCY, at, PAGE);
          } catch (PoisonedRangeException unreadable) {
            raise(rewrite(journal, i, page), unreadable.poisonCause(), at, PAGE);
          }
          bad.add(ByteRange.ofLength(at, PAGE));
        }
      }
    }
    return bad;
  }

  private boolean headIsGood(MemorySegment page, long address) {
    MemorySegment current =
        page.asSlice(
            (head.generation() & 1) * JournalLayout.SLOT_STRIDE, JournalLayout.HEADER_BYTES);
    return head.equals(JournalLayout.decodeHead(current, address));
  }

  private boolean rewrite(int journal, long index, MemorySegment page) throws IOException {
    page.fill((byte) 0);
    long at = geometry.journalStart(journal) + index * PAGE;
    if (index == 0) {
      JournalLayout.encodeHead(
          page.asSlice(
              (head.generation() & 1) * JournalLayout.SLOT_STRIDE, JournalLayout.HEADER_BYTES),
          at,
          head);
    }
    return child.device().recoveryWrite(at, page).complete();
  }
}
