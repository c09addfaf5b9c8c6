package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.Patches;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.dax.Role;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * One device that checks every page it reads and rebuilds any page, or any contiguous run of up to
 * a column, from parity within the device.
 *
 * <p><b>Threat.</b> The child may trap, fail with an I/O error, flip bits, lose a write, put a
 * write elsewhere, or tear one; the power may go at any store. One such fault, of a page or of a
 * contiguous run of up to one column, together with one crash, loses nothing and never returns a
 * wrong byte. Two bad pages in one row are lost: exactly those pages, durably marked, while
 * everything else stays readable and keeps its redundancy.
 *
 * <p><b>Invariant.</b> For every row outside of the journal: parity is the XOR of the data pages
 * (lost ones count as zeroes), and every page that is not lost matches its checksum. A checksum
 * mismatch becomes poison here: above this line there is one kind of failure.
 *
 * <p><b>Protocol.</b> Reads verify optimistically and settle doubts under the row lock. Writes hold
 * the row lock over data, checksum and parity, and go through the {@link Journal}. Locks are taken
 * in the order epoch, rows, append, child; notices are only queued under them. Layout: {@link
 * Geometry}.
 */
public final class ProtectedTarget implements DaxDevice {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Most bytes of one reported range that are healed at once: 64 MiB. */
  private static final long ABSORB_BYTES_MAX = 64L << 20;

  /** Distance that the numbers of new records keep from any that a crash may have left behind. */
  private static final long SEQUENCE_GAP = 1L << 32;

  private final Geometry geometry;
  private final ChildIo io;
  private final DaxDevice child;
  private final DeviceInfo info;
  private final NoticeDispatcher notices;
  private final ChecksumTable table;
  private final Journal journal;
  private final LostPages lost = new LostPages();
  private final Stage stage = new Stage();
  private final RowLocks rows = new RowLocks();
  private final RowLoader loader;
  private final RowRepair repair;
  private final PageReader reader;
  private final WritePath writes;
  private final Claim childClaim;
  private final ConcurrentLinkedDeque<RowScrub> scrubs = new ConcurrentLinkedDeque<>();
  private volatile boolean opened;
  private volatile boolean closing;
  private volatile boolean closed;

  private ProtectedTarget(
      DaxDevice child,
      Geometry geometry,
      InstantSource clock,
      NoticeDispatcher notices,
      WritePath.WriteMode mode)
      throws IOException {
    this.geometry = geometry;
    this.child = child;
    this.io = new ChildIo(child);
    this.notices = notices;
    DeviceInfo below = child.info();
    this.info =
        new DeviceInfo(
            below.name(),
            geometry.volumeBytes(),
            PAGE,
            true,
            below.persistCheap(),
            below.blocking(),
            geometry.columns());
    this.childClaim = child.claim(new ChildHolder());
    try {
      boolean[] replaying = {true};
      Incident.Sink sink = incident -> raise(incident, replaying[0]);
      this.table = new ChecksumTable(geometry, io, sink);
      this.journal = openJournal(sink);
      replaying[0] = false;
      Workspaces workspaces = new Workspaces(geometry.columns(), Journal.maxRun(geometry));
      this.loader = new RowLoader(geometry, io, table, lost, clock);
      this.repair =
          new RowRepair(
              geometry,
              io,
              table,
              journal,
              lost,
              loader,
              workspaces,
              RepairBudget.forPages(geometry.dataPages(), clock),
              clock,
              sink);
      this.reader =
          new PageReader(
              geometry, child, table, stage, journal, rows, loader, repair, lost, workspaces);
      this.writes =
          new WritePath(
              geometry,
              child,
              stage,
              journal,
              rows,
              reader,
              new RowWriter(geometry, io, table, journal, lost, repair, sink),
              repair,
              workspaces,
              mode);
      findLost();
      opened = true;
    } catch (IOException | RuntimeException failed) {
      childClaim.close();
      throw failed;
    }
  }

  /** The largest layout with {@code columns} columns (one of them parity) in {@code region}. */
  public static Geometry plan(ByteRange region, int columns) {
    return Geometry.plan(region, columns);
  }

  /**
   * Makes {@code geometry}'s region of the child an empty protected volume of zeroes. The region
   * must read as zeroes, as a new file does; nothing else of it is written than the journal heads.
   */
  public static void format(DaxDevice child, Geometry geometry) throws IOException {
    long formatId = new java.security.SecureRandom().nextLong();
    Journal.format(geometry, new ChildIo(child), formatId);
    child.persist();
  }

  /**
   * Claims the child and replays the journal.
   *
   * @param clock tells when things happened
   * @param notices carries this target's notices; its name should be the volume's
   * @throws DeviceUnavailableException ({@code FOREIGN}) when no journal head verifies
   */
  public static ProtectedTarget open(
      DaxDevice child, Geometry geometry, InstantSource clock, NoticeDispatcher notices)
      throws IOException {
    return open(
        child,
        geometry,
        clock,
        notices,
        child.info().persistCheap() ? WritePath.WriteMode.DIRECT : WritePath.WriteMode.STAGED);
  }

  static ProtectedTarget open(
      DaxDevice child,
      Geometry geometry,
      InstantSource clock,
      NoticeDispatcher notices,
      WritePath.WriteMode mode)
      throws IOException {
    return new ProtectedTarget(child, geometry, clock, notices, mode);
  }

  private Journal openJournal(Incident.Sink sink) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      JournalScan scan = new JournalScan(geometry, io, arena);
      boolean writable = child.state() == DeviceState.ONLINE;
      boolean pending = !scan.records().isEmpty();
      if (pending && !writable) {
        throw new DeviceUnavailableException(
            info.name(),
            child.state(),
            "was not closed cleanly and cannot be written to replay its journal;"
                + " open it read-write once",
            null);
      }
      long next = new JournalReplay(geometry, io, table).run(scan);
      Journal opened =
          new Journal(
              geometry, io, table, sink, scan.head(), writable ? next + SEQUENCE_GAP : next);
      if (writable) {
        opened.checkpoint();
      }
      return opened;
    }
  }

  /** Fills the index of lost pages from the child's list, on the word of the checksum table. */
  private void findLost() throws IOException {
    ByteRange data = geometry.toChild(new ByteRange(0, geometry.volumeBytes()));
    for (PoisonEntry entry : child.poison(data)) {
      ByteRange volume = geometry.toVolume(entry.range()).alignOutward(PAGE);
      for (long page = volume.start() / PAGE; page * PAGE < volume.end(); page++) {
        if (table.lost(page)) {
          lost.add(page, entry.cause(), entry.firstSeenMillis());
        }
      }
    }
  }

  private void raise(Incident incident, boolean replaying) {
    if (replaying && incident.role() == Role.CHECKSUMS && incident.cause() == Cause.REDUNDANCY) {
      // A crash leaves the two copies of a table page apart; that is nobody's fault.
      return;
    }
    notices.raise(
        incident.severity(),
        incident.cause(),
        incident.role(),
        incident.volume(),
        child.info().name(),
        incident.media());
  }

  /** Where everything lies. */
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceState state() {
    if (closed) {
      return DeviceState.OFFLINE;
    }
    DeviceState below = child.state();
    return below == DeviceState.ONLINE && writes.interrupted() != null
        ? DeviceState.READ_ONLY
        : below;
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), info.sizeBytes());
    Media.requirePrivateNative(dst);
    checkOpen();
    if (((offset | dst.byteSize()) & (PAGE - 1)) == 0) {
      long pages = dst.byteSize() / PAGE;
      long good = reader.read(offset / PAGE, pages, dst);
      if (good < pages) {
        throw lostAt(offset / PAGE + good, offset, dst.byteSize());
      }
      return;
    }
    readUnaligned(offset, dst);
  }

  private void readUnaligned(long offset, MemorySegment dst) throws IOException {
    long end = offset + dst.byteSize();
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment edge = scratch.allocate(PAGE, Long.BYTES);
      long at = offset;
      while (at < end) {
        long page = at / PAGE;
        int within = (int) (at % PAGE);
        if (within == 0 && end - at >= PAGE) {
          long pages = (end - at) / PAGE;
          long good = reader.read(page, pages, dst.asSlice(at - offset, pages * PAGE));
          if (good < pages) {
            throw lostAt(page + good, offset, dst.byteSize());
          }
          at += pages * PAGE;
        } else {
          long part = Math.min(end - at, PAGE - within);
          if (reader.read(page, 1, edge) == 0) {
            throw lostAt(page, offset, dst.byteSize());
          }
          MemorySegment.copy(edge, within, dst, at - offset, part);
          at += part;
        }
      }
    }
  }

  private PoisonedRangeException lostAt(long page, long offset, long length) {
    return new PoisonedRangeException(
        info.name(),
        lost.runFrom(page, offset + length),
        lost.cause(page),
        Math.max(0, page * PAGE - offset),
        null);
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    Objects.checkFromIndexSize(offset, src.byteSize(), info.sizeBytes());
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    Media.requirePrivateNative(src);
    checkWritable();
    refuseLost(range);
    checkEdges(range);
    long stopped = writes.store(offset, src);
    if (stopped >= 0) {
      throw lostAt(stopped, offset, src.byteSize());
    }
  }

  private void refuseLost(ByteRange range) throws PoisonedRangeException {
    Long page = lost.firstIn(range);
    if (page != null) {
      throw lostAt(page, range.start(), range.length());
    }
  }

  /** Nothing may be stored when an edge page cannot be merged: look before. */
  private void checkEdges(ByteRange range) throws IOException {
    boolean headCut = range.start() % PAGE != 0;
    boolean tailCut = range.end() % PAGE != 0;
    if ((!headCut && !tailCut) || range.length() + range.start() % PAGE <= PAGE) {
      return;
    }
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment edge = scratch.allocate(PAGE, Long.BYTES);
      if (headCut && reader.read(range.start() / PAGE, 1, edge) == 0) {
        throw lostAt(range.start() / PAGE, range.start(), range.length());
      }
      if (tailCut && reader.read(range.end() / PAGE, 1, edge) == 0) {
        throw lostAt(range.end() / PAGE, range.start(), range.length());
      }
    }
  }

  @Override
  public void persist() throws IOException {
    checkOpen();
    writes.persist();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    checkOpen();
    if (range.isEmpty()) {
      return Optional.empty();
    }
    if (state() == DeviceState.ONLINE) {
      writes.persist();
    }
    ByteRange pages = range.alignOutward(PAGE);
    int chunk = 64 * PAGE;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment copy = scratch.allocate(chunk, PAGE);
      for (long at = pages.start(); at < pages.end(); at += chunk) {
        read(at, copy.asSlice(0, Math.min(chunk, pages.end() - at)));
      }
      if (state() != DeviceState.ONLINE && !reader.standsInPlace(pages, copy)) {
        // What was rebuilt, or waits in the stage, could not be stored.
        return Optional.empty();
      }
    }
    try {
      return child.window(geometry.toChild(range));
    } catch (PoisonedRangeException degraded) {
      // Its bytes come by reconstruction only: there is nothing to look at.
      return Optional.empty();
    }
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), info.sizeBytes());
    checkOpen();
    return new RecoveryReader(geometry, child, reader).read(offset, dst);
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, info.sizeBytes());
    checkWritable();
    List<ByteRange> cleared = new ArrayList<>();
    List<ByteRange> stillLost = new ArrayList<>();
    List<ByteRange> notCleared = new ArrayList<>();
    for (RecoveryPatch patch : checked.list()) {
      recoverOne(patch, cleared, stillLost, notCleared);
    }
    writes.persist();
    return new RecoveryWrite(cleared, stillLost, notCleared);
  }

  private void recoverOne(
      RecoveryPatch patch,
      List<ByteRange> cleared,
      List<ByteRange> stillLost,
      List<ByteRange> notCleared)
      throws IOException {
    ByteRange rest = patch.range();
    while (!rest.isEmpty()) {
      ByteRange part = pageOrRun(rest);
      ByteRange wholePage = part.alignOutward(PAGE);
      List<PoisonEntry> before = lost.entries(part);
      MemorySegment bytes = patch.bytes().asSlice(part.start() - patch.offset(), part.length());
      if (writes.store(part.start(), bytes) < 0) {
        before.forEach(entry -> cleared.add(entry.range()));
      } else {
        // One checksum vouches for the whole page: it cannot be lost in part.
        notCleared.add(part);
        if (wholePage.start() < part.start()) {
          stillLost.add(new ByteRange(wholePage.start(), part.start()));
        }
        if (part.end() < wholePage.end()) {
          stillLost.add(new ByteRange(part.end(), wholePage.end()));
        }
      }
      rest = new ByteRange(part.end(), rest.end());
    }
  }

  /** The cut page at the start of a range, else all its whole pages, else the cut page left. */
  private static ByteRange pageOrRun(ByteRange range) {
    long nextPage = (range.start() / PAGE + 1) * PAGE;
    if (range.start() % PAGE != 0 || range.end() < nextPage) {
      return new ByteRange(range.start(), Math.min(range.end(), nextPage));
    }
    return new ByteRange(range.start(), range.end() / PAGE * PAGE);
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    checkWritable();
    writes.persist();
    for (long page = range.start() / PAGE; page < range.end() / PAGE; page++) {
      writes.retireRow(geometry.rowOf(page), new int[] {geometry.columnOf(page)});
    }
    child.persist();
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    checkWritable();
    List<RecoveryPatch> zeroes = new ArrayList<>();
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment page = scratch.allocate(PAGE, PAGE);
      for (long at = range.start(); at < range.end(); at += PAGE) {
        if (table.lost(at / PAGE)) {
          zeroes.add(new RecoveryPatch(at, page));
        }
      }
      return zeroes.isEmpty() ? List.of() : recoveryWrite(zeroes).notCleared();
    }
  }

  @Override
  public int failureDomain(long offset) {
    Objects.checkIndex(offset, info.sizeBytes());
    return geometry.columnOf(offset / PAGE);
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    return lost.entries(range);
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    checkOpen();
    ByteRange below = geometry.toChild(range);
    child.report(below, cause, confidence);
    healRows(below);
  }

  private void healRows(ByteRange below) throws IOException {
    for (Geometry.RowRange span : geometry.rowsOf(below)) {
      for (long row = span.first(); row < span.end(); row++) {
        if (closing || state() != DeviceState.ONLINE) {
          return;
        }
        writes.healRow(row);
      }
    }
  }

  /**
   * Checks rows {@code [firstRow, firstRow + count)}: every data page, and parity against all of
   * them; heals what it finds. Takes no lock while all is well.
   *
   * @param count at most {@link #SCRUB_ROWS}
   */
  public ScrubStep scrubRows(long firstRow, int count) throws IOException {
    Objects.checkFromIndexSize(firstRow, count, geometry.rows());
    checkOpen();
    RowScrub.Suspicion suspicion = lookAt(firstRow, count);
    long repaired = 0;
    long degraded = 0;
    long lostBefore = lost.bytes();
    if (state() == DeviceState.ONLINE) {
      for (int i = suspicion.rows().nextSetBit(0); i >= 0; i = suspicion.rows().nextSetBit(i + 1)) {
        switch (writes.healRow(firstRow + i)) {
          case REPAIRED -> repaired++;
          case DEGRADED -> degraded++;
          case LOST -> {}
          case WHOLE -> {
            if (!suspicion.unreadable().get(i)) {
              // A write was in progress when it was looked at.
              long row = firstRow + i;
              suspicion.found().removeIf(page -> geometry.rowOfChild(page.start()) == row);
            }
          }
        }
      }
    }
    return new ScrubStep(
        (long) count * geometry.columns(),
        suspicion.found(),
        repaired,
        degraded,
        Math.max(0, lost.bytes() - lostBefore) / PAGE);
  }

  private RowScrub.Suspicion lookAt(long firstRow, int count) throws IOException {
    RowScrub idle = scrubs.pollFirst();
    RowScrub scrub = idle != null ? idle : new RowScrub(geometry, child, table);
    try {
      return scrub.check(firstRow, count);
    } finally {
      scrubs.addFirst(scrub);
    }
  }

  /** Most rows that one call of {@link #scrubRows} takes. */
  public static final int SCRUB_ROWS = RowScrub.CHUNK_ROWS;

  /** Begins a scrub: pages that could not be cleared before are tried again. */
  public void scrubBegins() {
    repair.retryDegraded();
  }

  /**
   * A scrub has gone through every row: checksum entries that were in doubt no longer are.
   *
   * <p>Call it only after every row was checked since {@link #scrubBegins}.
   */
  public void scrubCompleted() throws IOException {
    checkWritable();
    journal.runExclusively(table::confirmAll);
  }

  /** Number of pages of one copy of the checksum table, for {@link #scrubChecksums}. */
  public int checksumPages() {
    return table.pageCount();
  }

  /** Compares both copies of checksum pages {@code [first, first + count)} and repairs them. */
  public ScrubStep scrubChecksums(int first, int count) throws IOException {
    Objects.checkFromIndexSize(first, count, table.pageCount());
    checkWritable();
    int[] repaired = {0};
    journal.runExclusively(
        () -> {
          for (int i = first; i < first + count; i++) {
            repaired[0] += table.scrub(i);
          }
        });
    return new ScrubStep(2L * count, List.of(), repaired[0], 0, 0);
  }

  /** Looks for bad pages in both journals and clears them. */
  public ScrubStep scrubJournals() throws IOException {
    checkWritable();
    List<ByteRange> bad = new ArrayList<>();
    journal.runExclusively(() -> bad.addAll(journal.scrub()));
    return new ScrubStep(2 * geometry.journalPages(), bad, bad.size(), 0, 0);
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return notices.claim(
        holder, () -> poison(new ByteRange(0, info.sizeBytes())), childClaim::drain);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    boolean everything = range.equals(new ByteRange(0, info.sizeBytes()));
    return everything ? notices.subscribeAll(observer) : notices.subscribe(range, observer);
  }

  @Override
  public DeviceCounters counters() {
    return new DeviceCounters(
        loader.readFaults.sum(),
        loader.checksumErrors.sum(),
        repair.redundancyErrors.sum(),
        repair.repairedBytes.sum(),
        repair.degradedBytes(),
        lost.bytes(),
        child.counters().persistFailures());
  }

  private void checkOpen() throws DeviceUnavailableException {
    if (closed) {
      throw new DeviceUnavailableException(
          info.name(), DeviceState.OFFLINE, "the device is closed", null);
    }
  }

  private void checkWritable() throws DeviceUnavailableException {
    checkOpen();
    DeviceState now = state();
    if (now != DeviceState.ONLINE) {
      throw new DeviceUnavailableException(
          info.name(),
          now,
          "the device does not take writes: it is " + now + "; close and reopen it",
          writes.interrupted());
    }
  }

  /** Applies and persists everything, so that the next open finds an empty journal. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closing = true;
    try {
      if (state() == DeviceState.ONLINE) {
        writes.persist();
        journal.checkpoint();
      }
    } finally {
      closed = true;
      childClaim.close();
      notices.drain();
      child.close();
    }
  }

  /** What the child tells: faults that somebody else met, and changes of state. */
  private final class ChildHolder implements Holder {
    @Override
    public String holderName() {
      return "protected volume " + info.name();
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      switch (notice) {
        case DeviceNotice.StateChange change ->
            notices.stateChanged(change.state(), unavailable(), change.detail());
        case DeviceNotice.Failure failure -> absorb(failure);
      }
    }

    private void absorb(DeviceNotice.Failure failure) {
      if (!opened) {
        // Nothing is lost by that: what is on the list is healed when it is read or scrubbed.
        return;
      }
      try {
        for (ByteRange range : failure.ranges()) {
          // The thread that delivers notices is no place to go through a whole device: what is
          // beyond this is healed when it is read or scrubbed.
          long bytes = Math.min(range.length(), ABSORB_BYTES_MAX);
          healRows(ByteRange.ofLength(range.start(), bytes));
        }
      } catch (IOException cannot) {
        System.getLogger(ProtectedTarget.class.getName())
            .log(
                System.Logger.Level.WARNING,
                () -> info.name() + ": could not heal what its child reported",
                cannot);
      }
    }
  }
}
