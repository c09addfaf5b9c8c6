package io.bezoar.target;

import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongPredicate;

/**
 * Makes one row whole again, or says exactly what of it is lost.
 *
 * <p><b>Decision.</b> With one bad page and readable parity the page is rebuilt. If the rebuilt
 * bytes match the checksum, the data was wrong: it is rewritten, read back and told as HEALED. If
 * instead they equal the bytes that were read, data and parity stand against the checksum entry:
 * the entry is corrected when it is itself {@linkplain ChecksumTable#doubtful in doubt}, and
 * otherwise the page is lost, because a dropped write-back makes data and parity stale together and
 * blessing them would return old bytes as good. Everything else is lost: exactly the bad pages.
 *
 * <p><b>Orders.</b> A repair is recorded before the media is cleared (the child sees to that); a
 * loss is durable in the child's list, then in the journal, before parity changes and before it is
 * told. A crash in between finds the row as bad as it was, or the loss complete.
 *
 * <p>Every method needs the row lock and an open epoch with room for {@link #RUNS} and {@link
 * #PAGES}.
 */
final class RowRepair {
  /** Journal space that healing one row may need. */
  static final int RUNS = 1;

  /** Journal images that healing one row may need. */
  static final int PAGES = 1;

  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final ChildIo child;
  private final ChecksumTable table;
  private final Journal journal;
  private final LostPages lost;
  private final RowLoader loader;
  private final Workspaces workspaces;
  private final RepairBudget budget;
  private final InstantSource clock;
  private final Incident.Sink sink;

  /** Child offsets of pages that are served by reconstruction because they cannot be cleared. */
  private final Set<Long> degraded = ConcurrentHashMap.newKeySet();

  final LongAdder redundancyErrors = new LongAdder();
  final LongAdder repairedBytes = new LongAdder();

  RowRepair(
      Geometry geometry,
      ChildIo child,
      ChecksumTable table,
      Journal journal,
      LostPages lost,
      RowLoader loader,
      Workspaces workspaces,
      RepairBudget budget,
      InstantSource clock,
      Incident.Sink sink) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.journal = journal;
    this.lost = lost;
    this.loader = loader;
    this.workspaces = workspaces;
    this.budget = budget;
    this.clock = clock;
    this.sink = sink;
  }

  /** What healing a row came to. */
  enum Verdict {
    /** Nothing was wrong (any more). */
    WHOLE,
    /** Something was rebuilt and stored. */
    REPAIRED,
    /** Everything can be served, but something could not be stored. */
    DEGRADED,
    /** Pages were lost. */
    LOST
  }

  /**
   * Heals a row. Afterwards every page of it that is not {@link RowBuffer.State#LOST} stands in the
   * buffer.
   *
   * @param look whether what the media itself holds matters, or what reads get
   * @param replaced volume pages whose bytes are about to be replaced, so that their loss is
   *     nobody's
   */
  Verdict heal(long row, RowBuffer buffer, RowLoader.Look look, LongPredicate replaced)
      throws IOException {
    loader.load(row, buffer, look);
    Verdict verdict = worse(readmit(row, buffer), healBad(row, buffer, replaced));
    return look == RowLoader.Look.MEDIA && verdict != Verdict.LOST
        ? worse(verdict, storeWithheldParity(row, buffer))
        : verdict;
  }

  private static Verdict worse(Verdict one, Verdict other) {
    return one.compareTo(other) > 0 ? one : other;
  }

  /**
   * Stores parity again that is right on the media, and that the child withholds from reads all the
   * same: as long as it does, it counts as a bad page of its row. Of data, {@link #readmit} does
   * so.
   */
  private Verdict storeWithheldParity(long row, RowBuffer buffer) throws IOException {
    long offset = geometry.parityOffset(row);
    Cause cause = child.refusal(ByteRange.ofLength(offset, PAGE));
    return cause == null
        ? Verdict.WHOLE
        : storeRepair(offset, buffer.parity(), cause, Role.PARITY, new ByteRange(0, 0));
  }

  /** Stores good pages once more that the child refuses, so that it takes them off its list. */
  private Verdict readmit(long row, RowBuffer buffer) throws IOException {
    Verdict verdict = Verdict.WHOLE;
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.refused(column)) {
        Cause cause = buffer.cause(column);
        buffer.set(column, RowBuffer.State.GOOD, null);
        verdict = worse(verdict, storePage(row, column, buffer, cause));
      }
    }
    return verdict;
  }

  private Verdict healBad(long row, RowBuffer buffer, LongPredicate replaced) throws IOException {
    int bad = loader.countBad(buffer);
    if (bad == 0) {
      return checkParity(row, buffer);
    }
    if (bad == 1 && buffer.parityReadable) {
      int column = loader.firstBad(buffer);
      MemorySegment rebuilt = loader.rebuild(buffer);
      long page = geometry.pageAt(row, column);
      if (PageCrc.of(rebuilt) == table.expected(page)) {
        return rewrite(row, column, buffer);
      }
      if (buffer.state(column) == RowBuffer.State.MISMATCH
          && rebuilt.mismatch(buffer.page(column)) < 0
          && table.doubtful(page)) {
        correctEntries(row, buffer);
        return Verdict.REPAIRED;
      }
    } else if (buffer.parityReadable && entriesAreWrong(row, buffer)) {
      correctEntries(row, buffer);
      return Verdict.REPAIRED;
    }
    declareLost(row, buffer, replaced);
    return Verdict.LOST;
  }

  /**
   * Parity of a row once {@code column} holds {@code data}, from everything else in the row; for
   * when the page or the parity that is there cannot be used.
   *
   * @param replaced is given what was found bad and will be cured by storing the result
   * @return false when another page of the row must be healed or declared lost first
   */
  boolean parityWith(
      long row, int column, MemorySegment data, MemorySegment into, List<Incident> replaced)
      throws IOException {
    RowBuffer buffer = workspaces.takeRow();
    try {
      loader.load(row, buffer, RowLoader.Look.CACHED);
      boolean columnBad = buffer.bad(column);
      int othersBad = loader.countBad(buffer) - (columnBad ? 1 : 0);
      if (othersBad > 0 && !(othersBad == 1 && !columnBad && loader.rebuildOnly(row, buffer))) {
        return false;
      }
      if (columnBad || buffer.refused(column)) {
        replaced.add(replacedData(geometry.pageAt(row, column), buffer.cause(column)));
      }
      if (!buffer.parityReadable) {
        replaced.add(replacedParity(row, buffer.parityCause));
      }
      loader.sumOfGood(buffer);
      if (buffer.state(column) == RowBuffer.State.GOOD) {
        buffer.addToSum(column);
      }
      Xor.into(buffer.sum, data, 0, PAGE);
      into.copyFrom(buffer.sum);
      return true;
    } finally {
      workspaces.give(buffer);
    }
  }

  private Incident replacedData(long page, Cause cause) {
    return new Incident(
        Severity.HEALED,
        cause,
        Role.DATA,
        ByteRange.ofLength(page * PAGE, PAGE),
        ByteRange.ofLength(geometry.childOffsetOfPage(page), PAGE));
  }

  private Incident replacedParity(long row, Cause cause) {
    return new Incident(
        Severity.HEALED,
        cause,
        Role.PARITY,
        null,
        ByteRange.ofLength(geometry.parityOffset(row), PAGE));
  }

  private Verdict checkParity(long row, RowBuffer buffer) throws IOException {
    if (buffer.parityReadable && buffer.sum.mismatch(buffer.parity()) < 0) {
      return Verdict.WHOLE;
    }
    if (buffer.parityReadable
        && child.reread(geometry.parityOffset(row), buffer.parity())
        && buffer.sum.mismatch(buffer.parity()) < 0) {
      return Verdict.WHOLE;
    }
    redundancyErrors.increment();
    Cause cause = buffer.parityReadable ? Cause.REDUNDANCY : buffer.parityCause;
    buffer.parity().copyFrom(buffer.sum);
    if (!degraded.contains(geometry.parityOffset(row))) {
      recordParity(row, buffer);
    }
    return storeRepair(
        geometry.parityOffset(row), buffer.parity(), cause, Role.PARITY, new ByteRange(0, 0));
  }

  /**
   * Writes parity that was wrong into the journal: an older record of the row may have been
   * computed from it, and its replay would bring it back. Durable with the repair's own persist.
   */
  private void recordParity(long row, RowBuffer buffer) throws IOException {
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.state(column) == RowBuffer.State.GOOD) {
        long page = geometry.pageAt(row, column);
        journal.appendStore(
            page,
            1,
            new int[] {table.expected(page)},
            new int[] {PageCrc.of(buffer.parity())},
            buffer.page(column),
            buffer.parity());
        return;
      }
    }
  }

  private Verdict rewrite(long row, int column, RowBuffer buffer) throws IOException {
    Cause cause = buffer.cause(column);
    buffer.page(column).copyFrom(buffer.result);
    buffer.set(column, RowBuffer.State.GOOD, null);
    return storePage(row, column, buffer, cause);
  }

  private Verdict storePage(long row, int column, RowBuffer buffer, Cause cause)
      throws IOException {
    long page = geometry.pageAt(row, column);
    return storeRepair(
        geometry.childOffsetOfPage(page),
        buffer.page(column),
        cause,
        Role.DATA,
        ByteRange.ofLength(page * PAGE, PAGE));
  }

  private Verdict storeRepair(
      long offset, MemorySegment bytes, Cause cause, Role role, ByteRange volume)
      throws IOException {
    ByteRange media = ByteRange.ofLength(offset, PAGE);
    if (degraded.contains(offset)) {
      return Verdict.DEGRADED;
    }
    if (cause == Cause.CHECKSUM || cause == Cause.REDUNDANCY) {
      child.report(media, cause);
    }
    boolean stored =
        budget.tryTake() && child.repair(List.of(new RecoveryPatch(offset, bytes))).complete();
    if (stored) {
      repairedBytes.add(PAGE);
    } else {
      degraded.add(offset);
    }
    raise(stored ? Severity.HEALED : Severity.DEGRADED, cause, role, volume, media);
    return stored ? Verdict.REPAIRED : Verdict.DEGRADED;
  }

  /** True when all that is wrong with the bad pages is that their checksum entries are. */
  private boolean entriesAreWrong(long row, RowBuffer buffer) throws IOException {
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.bad(column)) {
        if (buffer.state(column) != RowBuffer.State.MISMATCH
            || !table.doubtful(geometry.pageAt(row, column))) {
          return false;
        }
      }
    }
    MemorySegment all = buffer.result.copyFrom(buffer.sum);
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.bad(column)) {
        xorNative(all, buffer.page(column));
      }
    }
    return all.mismatch(buffer.parity()) < 0;
  }

  private static void xorNative(MemorySegment target, MemorySegment source) {
    MemorySegment heap = MemorySegment.ofArray(new long[PAGE / Long.BYTES]).copyFrom(target);
    Xor.into(heap, source, 0, PAGE);
    target.copyFrom(heap);
  }

  private void correctEntries(long row, RowBuffer buffer) throws IOException {
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (!buffer.bad(column)) {
        continue;
      }
      long page = geometry.pageAt(row, column);
      table.set(page, PageCrc.of(buffer.page(column)));
      buffer.set(column, RowBuffer.State.GOOD, null);
      redundancyErrors.increment();
      raise(
          Severity.HEALED,
          Cause.REDUNDANCY,
          Role.CHECKSUMS,
          new ByteRange(0, 0),
          ByteRange.ofLength(
              geometry.checksumOffset(0, page / ChecksumLayout.ENTRIES_PER_PAGE), PAGE));
    }
  }

  private void declareLost(long row, RowBuffer buffer, LongPredicate replaced) throws IOException {
    int[] columns = new int[loader.countBad(buffer)];
    int n = 0;
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.bad(column)) {
        columns[n++] = column;
      }
    }
    Cause[] causes = new Cause[n];
    for (int i = 0; i < n; i++) {
      causes[i] = buffer.cause(columns[i]);
    }
    loader.sumOfGood(buffer);
    boolean parityStored = markLost(row, columns, causes, buffer.sum, buffer);
    if (n == 1 || !buffer.parityReadable) {
      // One bad page that parity could not rebuild: parity was bad too, and is not any more.
      redundancyErrors.increment();
      raise(
          parityStored ? Severity.HEALED : Severity.DEGRADED,
          buffer.parityCause,
          Role.PARITY,
          new ByteRange(0, 0),
          ByteRange.ofLength(geometry.parityOffset(row), PAGE));
    }
    for (int i = 0; i < n; i++) {
      long page = geometry.pageAt(row, columns[i]);
      if (!replaced.test(page)) {
        raise(
            Severity.LOST,
            causes[i],
            Role.DATA,
            ByteRange.ofLength(page * PAGE, PAGE),
            ByteRange.ofLength(geometry.childOffsetOfPage(page), PAGE));
      }
    }
  }

  /**
   * Takes pages out of a row: durable in the child's list, then in the journal, then parity without
   * them, then the table.
   *
   * @param parity what parity is without them
   * @return whether parity could be stored in place
   */
  private boolean markLost(
      long row, int[] columns, Cause[] causes, MemorySegment parity, RowBuffer buffer)
      throws IOException {
    for (int i = 0; i < columns.length; i++) {
      takeOut(ByteRange.ofLength(geometry.childOffset(row, columns[i]), PAGE), causes[i]);
    }
    MemorySegment image = buffer.result.copyFrom(parity);
    child.device().persist();
    journal.appendMarkLost(row, columns, PageCrc.of(image), image);
    child.device().persist();
    boolean parityStored;
    try {
      parityStored = placeLoss(row, columns, image);
    } catch (IOException | RuntimeException | Error half) {
      journal.interrupt(half);
      throw half;
    }
    for (int i = 0; i < columns.length; i++) {
      long page = geometry.pageAt(row, columns[i]);
      lost.add(page, causes[i], clock.millis());
      buffer.set(columns[i], RowBuffer.State.LOST, null);
      buffer.page(columns[i]).fill((byte) 0);
    }
    return parityStored;
  }

  private boolean placeLoss(long row, int[] columns, MemorySegment parity) throws IOException {
    long offset = geometry.parityOffset(row);
    boolean parityStored = child.store(offset, parity);
    if (!parityStored) {
      degraded.add(offset);
    }
    for (int column : columns) {
      table.setLost(geometry.pageAt(row, column));
    }
    return parityStored;
  }

  /** Sees to it that the child's list holds a page that is given up. */
  private void takeOut(ByteRange media, Cause cause) throws IOException {
    switch (cause) {
      case RETIRED -> child.device().retire(media);
      case CHECKSUM -> child.report(media, cause);
      default -> {
        // The child refused it, so it has it on its list already, to the line: naming the whole
        // page would withhold the good lines beside the bad ones from recovery reads.
      }
    }
  }

  /**
   * Takes healthy or bad pages of a row out of use, at their holder's wish. The pages of the row
   * that are bad and stay in use are healed or declared lost first.
   */
  void retire(long row, int[] columns, RowBuffer buffer) throws IOException {
    heal(row, buffer, RowLoader.Look.CACHED, page -> contains(columns, geometry.columnOf(page)));
    int[] remaining =
        java.util.Arrays.stream(columns)
            .filter(column -> buffer.state(column) != RowBuffer.State.LOST)
            .toArray();
    if (remaining.length == 0) {
      return;
    }
    buffer.sum.fill((byte) 0);
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.state(column) == RowBuffer.State.GOOD && !contains(remaining, column)) {
        buffer.addToSum(column);
      }
    }
    Cause[] causes = new Cause[remaining.length];
    java.util.Arrays.fill(causes, Cause.RETIRED);
    markLost(row, remaining, causes, buffer.sum, buffer);
  }

  private static boolean contains(int[] columns, int column) {
    for (int candidate : columns) {
      if (candidate == column) {
        return true;
      }
    }
    return false;
  }

  /** A page could not be stored in place; parity holds its bytes. Told once. */
  void degrade(long offset, Cause cause, Role role, ByteRange volume) {
    if (degraded.add(offset)) {
      raise(Severity.DEGRADED, cause, role, volume, ByteRange.ofLength(offset, PAGE));
    }
  }

  /** A page that was degraded has been stored after all. */
  void restored(long offset) {
    if (!degraded.isEmpty()) {
      degraded.remove(offset);
    }
  }

  /** Tries degraded pages again: the next repair of each attempts to clear it. */
  void retryDegraded() {
    degraded.clear();
  }

  long degradedBytes() {
    return (long) degraded.size() * PAGE;
  }

  private void raise(Severity severity, Cause cause, Role role, ByteRange volume, ByteRange media) {
    sink.raise(new Incident(severity, cause, role, volume.isEmpty() ? null : volume, media));
  }
}
