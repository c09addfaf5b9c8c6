package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What is known to be bad about one device.
 *
 * <p>Invariants: entries are disjoint, made of whole lines, and ascending. Every report has a
 * sequence number greater than all before it; an entry carries that of the latest report that
 * touched it, so that whoever repaired what he saw forgets only that. Adjacent entries that say the
 * same become one, but never across the sequence number of a repair that is under way: a new strike
 * beside it stays apart from what it repairs.
 *
 * <p>Threat: a storm of a million reports in random order; reports that arrive while the range is
 * being repaired; more entries than the durable copies can hold.
 *
 * <p>Protocol: accesses read {@link #view} and do not lock; everything else takes the list's lock,
 * the innermost of all, and calls nobody. Look-ups and changes cost O(log n).
 */
public final class PoisonList {
  private static final VarHandle VIEW = viewHandle();

  private final long sizeBytes;
  private final ReentrantLock lock = new ReentrantLock();
  private final PoisonFilter filter;
  private volatile PoisonView view = PoisonView.healthy();
  // All guarded by lock.
  private final PoisonIndex index;
  private final TreeMap<Long, Integer> repairsBySequence = new TreeMap<>();
  private long sequence;

  /**
   * What a repair saw when it began.
   *
   * @param units what it reinitialises
   * @param listedBefore what of that was on the list
   * @param exactBefore what of that was known to be bad
   * @param mismatchedBefore what of that only fails a checksum and may be worth keeping
   * @param sequence of the latest report until then
   */
  record Repair(
      ByteRanges units,
      ByteRanges listedBefore,
      ByteRanges exactBefore,
      ByteRanges mismatchedBefore,
      long sequence) {}

  /** What a page of the durable copies is to hold. */
  record DirtyPage(int page, List<PoisonEntry> entries) {}

  /** What {@link #takeChanges} hands out. */
  record Changes(List<DirtyPage> pages, BitSet freed, long upTo, long sequence) {}

  /**
   * An empty list.
   *
   * @param sizeBytes size of the device
   * @param maxPages media pages of 100 entries that it may fill; beyond that, neighbours are joined
   *     into suspect ranges
   */
  public PoisonList(long sizeBytes, int maxPages) {
    this.sizeBytes = sizeBytes;
    this.filter = new PoisonFilter(sizeBytes);
    this.index = new PoisonIndex(maxPages);
  }

  private static VarHandle viewHandle() {
    try {
      return MethodHandles.lookup().findVarHandle(PoisonList.class, "view", PoisonView.class);
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  /** As of now; the one volatile load of a healthy access, made after it touched media. */
  PoisonView view() {
    return view;
  }

  /** As of some time ago, for the start of an access that ends with {@link #view()}. */
  PoisonView viewBefore() {
    return (PoisonView) VIEW.get(this);
  }

  /**
   * Records that {@code range}, widened to whole lines, is bad.
   *
   * @return the number of the report
   */
  public long report(ByteRange range, Cause cause, Confidence confidence, long nowMillis) {
    lock.lock();
    try {
      return reportWithLock(range, cause, confidence, nowMillis);
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #report}, unless a repair of {@code range} began after {@code before} was taken: then
   * what was seen may be half of the repair, and must be looked at again.
   *
   * @return false when nothing was recorded
   */
  boolean reportUnlessRepaired(
      ByteRange range, Cause cause, Confidence confidence, long nowMillis, PoisonView before) {
    lock.lock();
    try {
      if (view.changedUnder(range, before)) {
        return false;
      }
      reportWithLock(range, cause, confidence, nowMillis);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Entries in {@code range}, ascending, clipped to it. */
  public List<PoisonEntry> entries(ByteRange range) {
    lock.lock();
    try {
      return clip(index.overlapping(range.start(), range.end()), range);
    } finally {
      lock.unlock();
    }
  }

  /** The first entry in {@code range} whose every byte is bad, clipped to it; null if none. */
  public @Nullable PoisonEntry firstExact(ByteRange range) {
    lock.lock();
    try {
      PoisonEntry entry = index.firstExact(range.start(), range.end());
      return entry == null ? null : entry.withRange(entry.range().intersect(range));
    } finally {
      lock.unlock();
    }
  }

  /** The bytes of {@code range} that are known to be bad. */
  public ByteRanges exact(ByteRange range) {
    return PoisonEntry.exact(entries(range));
  }

  /** Forgets what was reported about {@code ranges} up to the number {@code upToSequence}. */
  void forget(ByteRanges ranges, long upToSequence) {
    lock.lock();
    try {
      for (ByteRange range : ranges.asList()) {
        forgetWithLock(range, upToSequence);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Number of entries. */
  public int size() {
    lock.lock();
    try {
      return index.size();
    } finally {
      lock.unlock();
    }
  }

  /** Bytes known to be bad. */
  public long exactBytes() {
    lock.lock();
    try {
      return index.exactBytes();
    } finally {
      lock.unlock();
    }
  }

  /** Memory held, estimated, in bytes. */
  public long footprintBytes() {
    lock.lock();
    try {
      return index.footprintBytes() + filter.footprintBytes();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Marks {@code units} as under repair and all of them as poisoned: what is not yet known to be
   * bad is from now on, as interrupted.
   */
  Repair beginRepair(ByteRanges units, long nowMillis) {
    lock.lock();
    try {
      List<PoisonEntry> before = new ArrayList<>();
      for (ByteRange range : units.asList()) {
        before.addAll(clip(index.overlapping(range.start(), range.end()), range));
      }
      ByteRanges exactBefore = PoisonEntry.exact(before);
      for (ByteRange range : units.minus(exactBefore).asList()) {
        reportWithLock(range, Cause.INTERRUPTED, Confidence.EXACT, nowMillis);
      }
      ByteRanges listed = rangesOf(before, entry -> true);
      ByteRanges mismatched = rangesOf(before, entry -> entry.cause().readable());
      repairsBySequence.merge(sequence, 1, Integer::sum);
      view = view.withRepair(units);
      return new Repair(units, listed, exactBefore, mismatched, sequence);
    } finally {
      lock.unlock();
    }
  }

  /** Forgets {@code good} as far as the repair saw it, and lets accesses in again. */
  void endRepair(Repair repair, ByteRanges good) {
    lock.lock();
    try {
      forget(good, repair.sequence());
      repairsBySequence.computeIfPresent(repair.sequence(), (s, n) -> n == 1 ? null : n - 1);
      view = view.withoutRepair(repair.units());
    } finally {
      lock.unlock();
    }
  }

  // For the durable copies.

  /** Adds what a durable copy held. */
  void restore(PoisonEntry entry) {
    lock.lock();
    try {
      if (entry.range().end() > sizeBytes) {
        throw new IllegalArgumentException(
            "entry " + entry.range() + " reaches out of " + sizeBytes + " bytes");
      }
      sequence = Math.max(sequence, entry.sequence());
      add(entry);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes over what the pages of an intact durable copy held, each as it stands there. For a list
   * that is still empty.
   */
  void restorePages(List<DirtyPage> pages, long lastSequence) {
    List<DirtyPage> ascending =
        pages.stream()
            .filter(page -> !page.entries().isEmpty())
            .sorted(Comparator.comparing(page -> page.entries().getFirst().range()))
            .toList();
    lock.lock();
    try {
      restoreSequence(lastSequence);
      for (DirtyPage page : ascending) {
        index.adopt(page.page(), page.entries());
        page.entries().forEach(entry -> filter.set(entry.range()));
      }
      if (!ascending.isEmpty()) {
        view = view.withFilter(filter);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Goes on counting after {@code lastSequence}. */
  void restoreSequence(long lastSequence) {
    lock.lock();
    try {
      sequence = Math.max(sequence, lastSequence);
    } finally {
      lock.unlock();
    }
  }

  /** The page is not as it should be in a durable copy, and will be stored again. */
  void touchPage(int page) {
    lock.lock();
    try {
      index.touchPage(page);
    } finally {
      lock.unlock();
    }
  }

  /** Counts up with every change; what {@link Changes#upTo} refers to. */
  long changeCount() {
    lock.lock();
    try {
      return index.changes();
    } finally {
      lock.unlock();
    }
  }

  /** The pages that changed after {@code since}, and those of {@code also}, as they are now. */
  Changes takeChanges(long since, BitSet also) {
    lock.lock();
    try {
      List<DirtyPage> pages = new ArrayList<>();
      BitSet freed = index.takeFreedPages();
      BitSet empty = (BitSet) also.clone();
      empty.or(freed);
      for (PoisonChunk chunk : index.chunks()) {
        empty.clear(chunk.page);
        if (chunk.changedAt > since || also.get(chunk.page)) {
          pages.add(new DirtyPage(chunk.page, chunk.entries()));
        }
      }
      empty.stream().forEach(page -> pages.add(new DirtyPage(page, List.of())));
      return new Changes(pages, freed, index.changes(), sequence);
    } finally {
      lock.unlock();
    }
  }

  /** {@code changes} could not be stored after all. */
  void giveBack(Changes changes) {
    lock.lock();
    try {
      index.giveBackFreedPages(changes.freed());
    } finally {
      lock.unlock();
    }
  }

  private long reportWithLock(ByteRange range, Cause cause, Confidence confidence, long nowMillis) {
    ByteRange lines = range.alignOutward(LINE_BYTES);
    if (lines.isEmpty() || lines.end() > sizeBytes) {
      throw new IndexOutOfBoundsException(range + " of a device of " + sizeBytes + " bytes");
    }
    sequence++;
    add(new PoisonEntry(lines, cause, confidence, nowMillis, nowMillis, 1, sequence));
    return sequence;
  }

  private void add(PoisonEntry report) {
    ByteRange range = report.range();
    if (!index.insertIfPlainlyAlone(report)) {
      // One byte further on both sides, so that what is adjacent is met too.
      List<PoisonEntry> met = index.take(Math.max(0, range.start() - 1), range.end() + 1);
      insertMerged(PoisonMerge.apply(report, met));
    }
    filter.set(range);
    fitIntoPages();
    if (view.filter() == null) {
      view = view.withFilter(filter);
    }
  }

  private void fitIntoPages() {
    if (index.fitIntoPages()) {
      index.overlapping(0, sizeBytes).forEach(entry -> filter.set(entry.range()));
    }
  }

  private void insertMerged(List<PoisonEntry> entries) {
    PoisonEntry last = entries.getFirst();
    for (PoisonEntry next : entries.subList(1, entries.size())) {
      if (PoisonMerge.areAlike(last, next) && !repairSeparates(last, next)) {
        last = PoisonMerge.join(last, next);
      } else {
        index.insert(last);
        last = next;
      }
    }
    index.insert(last);
  }

  /** True when a repair under way saw one of the two, but not the other. */
  private boolean repairSeparates(PoisonEntry left, PoisonEntry right) {
    if (repairsBySequence.isEmpty()) {
      return false;
    }
    Long seen = repairsBySequence.ceilingKey(Math.min(left.sequence(), right.sequence()));
    return seen != null && seen < Math.max(left.sequence(), right.sequence());
  }

  private void forgetWithLock(ByteRange range, long upToSequence) {
    for (PoisonEntry entry : index.take(range.start(), range.end())) {
      if (entry.sequence() <= upToSequence) {
        insertPart(entry, entry.range().start(), range.start());
        insertPart(entry, range.end(), entry.range().end());
      } else {
        index.insert(entry);
      }
    }
    unfilter(range);
    fitIntoPages();
  }

  /** Puts back what of {@code entry} lies in {@code [start, end)}, if that is a range. */
  private void insertPart(PoisonEntry entry, long start, long end) {
    if (start < end) {
      index.insert(entry.withRange(new ByteRange(start, end)));
    }
  }

  /** Unmarks the regions around {@code range} that no entry touches any more. */
  private void unfilter(ByteRange range) {
    ByteRange regions = range.alignOutward(filter.regionBytes());
    ByteRanges listed =
        ByteRanges.of(
            index.overlapping(regions.start(), regions.end()).stream()
                .map(entry -> entry.range().alignOutward(filter.regionBytes()))
                .toList());
    ByteRanges.of(regions).minus(listed).asList().forEach(filter::clear);
    if (index.size() == 0) {
      view = view.withFilter(null);
    }
  }

  private static List<PoisonEntry> clip(List<PoisonEntry> entries, ByteRange range) {
    return entries.stream().map(entry -> entry.withRange(entry.range().intersect(range))).toList();
  }

  private static ByteRanges rangesOf(List<PoisonEntry> entries, Predicate<PoisonEntry> which) {
    return ByteRanges.of(entries.stream().filter(which).map(PoisonEntry::range).toList());
  }
}
