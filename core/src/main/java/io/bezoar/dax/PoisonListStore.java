package io.bezoar.dax;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.PoisonListLayout.EntryPage;
import io.bezoar.dax.PoisonListLayout.Header;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a poison list on media, in two copies.
 *
 * <p>Invariant: after any crash, and after any one media fault, the list comes back with everything
 * that was in it at the last {@link #flush} that returned. It may hold more: what was forgotten or
 * reported since.
 *
 * <p>Threat: a power cut between or within any two page writes; a copy that traps, rots, or was
 * written only in part.
 *
 * <p>Protocol: a flush writes the pages that changed and the header into the first copy, persists,
 * then the same into the second, and persists again. A copy is <em>whole</em> when every page is
 * intact and the header's digest says that they belong together; at any moment at least one is, and
 * of two the newer counts. The other is made equal again when the list is opened.
 *
 * <p>When neither is whole (a crash within a flush and a media fault, or two faults), every entry
 * of every intact page of both copies counts: bad ranges may come back that were repaired, which
 * does no harm. If a page is intact in neither copy, up to a hundred entries are unknown, and the
 * honest answer is to suspect the whole device: nothing is refused, everything is to be looked at.
 */
final class PoisonListStore {
  private final Media media;
  private final NoticeDispatcher dispatcher;
  private final Tally tally;
  private final List<Copy> copies;
  private final int pages;
  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by lock; the second is looked at without it.
  private long generation;
  private volatile long durableUpTo;

  /** One copy: where it is, and each page's part of its digest as it should be there. */
  private static final class Copy {
    final ByteRange place;
    final long[] marks;

    /** Pages that the media refused to store; stored again with the next flush. */
    final BitSet unstored = new BitSet();

    private boolean told;

    Copy(ByteRange place, int pages) {
      this.place = place;
      this.marks = new long[pages];
    }

    long address(int page) {
      return place.start() + (long) (page + 1) * PAGE_BYTES;
    }

    long digest() {
      long sum = 0;
      for (long mark : marks) {
        sum += mark;
      }
      return sum;
    }
  }

  /** What was found of one copy; pages that are not intact are null. */
  private record Found(Copy copy, Optional<Header> header, List<@Nullable EntryPage> pages) {
    boolean isWhole() {
      return header.isPresent()
          && !pages.contains(null)
          && header.get().digest()
              == pages.stream().mapToLong(page -> page == null ? 0 : page.mark()).sum();
    }

    long generation() {
      return header.map(Header::generation).orElse(0L);
    }

    long newestGeneration() {
      long newest = generation();
      for (EntryPage page : pages) {
        newest = Math.max(newest, page == null ? 0 : page.generation());
      }
      return newest;
    }
  }

  PoisonListStore(Media media, PoisonRegion region, NoticeDispatcher dispatcher, Tally tally) {
    this.media = media;
    this.dispatcher = dispatcher;
    this.tally = tally;
    this.pages = region.entryPages();
    this.copies = List.of(new Copy(region.first(), pages), new Copy(region.second(), pages));
  }

  /** Writes an empty list into both copies. */
  static void format(Media media, PoisonRegion region) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE_BYTES, PAGE_BYTES);
      for (ByteRange place : List.of(region.first(), region.second())) {
        Copy copy = new Copy(place, region.entryPages());
        for (int i = 0; i < region.entryPages(); i++) {
          copy.marks[i] = PoisonListLayout.encodeEntries(page, copy.address(i), i, 1, List.of());
          storePage(media, copy.address(i), page);
        }
        PoisonListLayout.encodeHeader(page, place.start(), new Header(1, copy.digest(), 0));
        storePage(media, place.start(), page);
      }
      media.persist();
    }
  }

  /** Fills {@code list}, which is empty, and makes the copies equal where the media is writable. */
  void load(PoisonList list, long nowMillis) throws IOException {
    lock.lock();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE_BYTES, PAGE_BYTES);
      Found first = find(copies.get(0), page);
      Found second = find(copies.get(1), page);
      generation = Math.max(first.newestGeneration(), second.newestGeneration());
      if (!first.isWhole() && !second.isWhole()) {
        salvage(list, first, second, nowMillis);
        return;
      }
      boolean firstCounts =
          first.isWhole() && (!second.isWhole() || first.generation() >= second.generation());
      Found source = firstCounts ? first : second;
      Found other = firstCounts ? second : first;
      restore(list, source);
      durableUpTo = list.changeCount();
      if (isSame(source, other)) {
        remember(other);
      } else if (media.info().writable()) {
        copyOver(source, other, page);
        tellOfRepair(other);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes everything that is in the list now durable.
   *
   * @return true when something had to be written, and so everything else on the media that was
   *     written before is durable, too
   */
  boolean flush(PoisonList list) throws IOException {
    long wanted = list.changeCount();
    if (durableUpTo >= wanted) {
      return false;
    }
    lock.lock();
    try (Arena arena = Arena.ofConfined()) {
      if (durableUpTo >= wanted) {
        return false;
      }
      PoisonList.Changes changes = list.takeChanges(durableUpTo, unstored());
      boolean stored = false;
      try {
        store(changes, arena.allocate(PAGE_BYTES, PAGE_BYTES));
        stored = true;
      } finally {
        if (!stored) {
          list.giveBack(changes);
        }
      }
      durableUpTo = changes.upTo();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Reads both copies past the cache and stores again what is not as it should be.
   *
   * @return what was found bad, in the media's address space
   */
  List<ByteRange> scrub(PoisonList list) throws IOException {
    flush(list);
    ByteRanges bad = check(list);
    if (!bad.isEmpty()) {
      flush(list);
      ByteRanges still = check(list).intersect(bad);
      bad.minus(still).asList().forEach(range -> raise(Severity.HEALED, range));
      still.asList().forEach(range -> raise(Severity.DEGRADED, range));
    }
    return bad.asList();
  }

  /** The pages of both copies that are not as they should be; they count as changed. */
  private ByteRanges check(PoisonList list) throws IOException {
    List<ByteRange> bad = new ArrayList<>();
    lock.lock();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE_BYTES, PAGE_BYTES);
      for (Copy copy : copies) {
        Found found = find(copy, page);
        for (int i = 0; i < pages; i++) {
          EntryPage there = found.pages().get(i);
          if (there == null || there.mark() != copy.marks[i]) {
            list.touchPage(i);
            bad.add(ByteRange.ofLength(copy.address(i), PAGE_BYTES));
          }
        }
        long digest = found.header().map(Header::digest).orElse(~copy.digest());
        if (digest != copy.digest()) {
          list.touchPage(0);
          bad.add(ByteRange.ofLength(copy.place.start(), PAGE_BYTES));
        }
      }
    } finally {
      lock.unlock();
    }
    return ByteRanges.of(bad);
  }

  private BitSet unstored() {
    BitSet all = new BitSet();
    copies.forEach(copy -> all.or(copy.unstored));
    all.clear(pages); // the header, which every flush stores
    return all;
  }

  /** Into one copy, then into the other; fails when a page can be stored in neither. */
  private void store(PoisonList.Changes changes, MemorySegment page) throws IOException {
    generation++;
    for (Copy copy : copies) {
      for (PoisonList.DirtyPage dirty : changes.pages()) {
        int i = dirty.page();
        copy.marks[i] =
            PoisonListLayout.encodeEntries(page, copy.address(i), i, generation, dirty.entries());
        tryToStore(copy, i, copy.address(i), page);
      }
      Header header = new Header(generation, copy.digest(), changes.sequence());
      PoisonListLayout.encodeHeader(page, copy.place.start(), header);
      tryToStore(copy, pages, copy.place.start(), page);
      copy.told = !copy.unstored.isEmpty();
      media.persist();
    }
    BitSet inNeither = (BitSet) copies.get(0).unstored.clone();
    inNeither.and(copies.get(1).unstored);
    if (!inNeither.isEmpty()) {
      throw new MediaFaultException(media.info().name(), copies.get(0).place, Cause.REDUNDANCY, 0);
    }
  }

  /** Stores page {@code i}, or remembers that it could not, and tells once. */
  private void tryToStore(Copy copy, int i, long address, MemorySegment page) throws IOException {
    try {
      storePage(media, address, page);
      copy.unstored.clear(i);
    } catch (MediaFaultException stuck) {
      copy.unstored.set(i);
      if (!copy.told) {
        copy.told = true;
        raise(Severity.DEGRADED, stuck.range());
      }
    }
  }

  /** Clears the page first if it has gone bad: its old content is not needed. */
  private static void storePage(Media media, long address, MemorySegment page) throws IOException {
    try {
      media.write(address, page);
    } catch (MediaFaultException bad) {
      media.reinitialise(address, page);
    }
  }

  private Found find(Copy copy, MemorySegment page) throws IOException {
    Optional<Header> header = Optional.empty();
    if (canRead(copy.place.start(), page)) {
      if (PoisonListLayout.isNewer(page, copy.place.start())) {
        throw new MediaOpenException(
            media.info().name(),
            MediaOpenException.Reason.NEWER_VERSION,
            "its list of bad ranges was written by a newer version: use that one");
      }
      header = PoisonListLayout.decodeHeader(page, copy.place.start());
    }
    List<@Nullable EntryPage> found = new ArrayList<>(pages);
    for (int i = 0; i < pages; i++) {
      long address = copy.address(i);
      found.add(
          canRead(address, page)
              ? PoisonListLayout.decodeEntries(page, address, i).filter(this::isInside).orElse(null)
              : null);
    }
    return new Found(copy, header, found);
  }

  private boolean canRead(long address, MemorySegment page) throws IOException {
    try {
      media.readPastCache(address, page);
      return true;
    } catch (MediaFaultException bad) {
      tally.readFaults.increment();
      return false;
    }
  }

  private boolean isInside(EntryPage page) {
    return page.entries().stream().allMatch(entry -> entry.range().end() <= media.sizeBytes());
  }

  /** What stands in a copy counts as what should stand there. */
  private static void remember(Found found) {
    for (int i = 0; i < found.pages().size(); i++) {
      EntryPage page = found.pages().get(i);
      if (page != null) {
        found.copy().marks[i] = page.mark();
      }
    }
  }

  private void restore(PoisonList list, Found source) {
    remember(source);
    List<PoisonList.DirtyPage> restored = new ArrayList<>(pages);
    for (int i = 0; i < pages; i++) {
      EntryPage page = source.pages().get(i);
      if (page != null) {
        restored.add(new PoisonList.DirtyPage(i, page.entries()));
      }
    }
    list.restorePages(restored, source.header().map(Header::sequence).orElse(0L));
  }

  private static boolean isSame(Found source, Found other) {
    return other.isWhole() && other.generation() == source.generation();
  }

  /** Makes {@code other} hold what {@code source} does. */
  private void copyOver(Found source, Found other, MemorySegment page) throws IOException {
    Copy copy = other.copy();
    for (int i = 0; i < pages; i++) {
      EntryPage good = source.pages().get(i);
      EntryPage there = other.pages().get(i);
      if (good == null) {
        throw new AssertionError("a whole copy has page " + i);
      }
      if (there != null && there.generation() == good.generation()) {
        copy.marks[i] = there.mark();
      } else {
        copy.marks[i] =
            PoisonListLayout.encodeEntries(
                page, copy.address(i), i, good.generation(), good.entries());
        tryToStore(copy, i, copy.address(i), page);
      }
    }
    long sequence = source.header().map(Header::sequence).orElse(0L);
    Header header = new Header(source.generation(), copy.digest(), sequence);
    PoisonListLayout.encodeHeader(page, copy.place.start(), header);
    tryToStore(copy, pages, copy.place.start(), page);
    media.persist();
  }

  /** Neither copy is whole: see the class comment. */
  private void salvage(PoisonList list, Found first, Found second, long nowMillis)
      throws IOException {
    boolean pageMissing = false;
    for (int i = 0; i < pages; i++) {
      EntryPage one = first.pages().get(i);
      EntryPage two = second.pages().get(i);
      pageMissing |= one == null && two == null;
      for (EntryPage page : new EntryPage[] {one, two}) {
        if (page != null) {
          page.entries().forEach(list::restore);
        }
      }
    }
    for (Found found : List.of(first, second)) {
      list.restoreSequence(found.header().map(Header::sequence).orElse(0L));
    }
    if (pageMissing) {
      ByteRange whole = new ByteRange(0, media.sizeBytes());
      list.report(whole, Cause.REDUNDANCY, Confidence.SUSPECT, nowMillis);
      dispatcher.raise(
          Severity.DEGRADED, Cause.REDUNDANCY, Role.DATA, whole, media.info().name(), whole);
    }
    for (int i = 0; i < pages; i++) {
      list.touchPage(i);
    }
    if (media.info().writable()) {
      flush(list);
    }
    raise(pageMissing ? Severity.LOST : Severity.HEALED, first.copy().place);
    raise(pageMissing ? Severity.LOST : Severity.HEALED, second.copy().place);
  }

  /** A copy that is merely behind, as after a power cut, is nothing to tell of. */
  private void tellOfRepair(Found other) {
    boolean damaged = other.header().isEmpty() || other.pages().contains(null);
    if (damaged && other.copy().unstored.isEmpty()) {
      raise(Severity.HEALED, other.copy().place);
    }
  }

  private void raise(Severity severity, ByteRange range) {
    tally.redundancyErrors.increment();
    dispatcher.raise(
        severity, Cause.REDUNDANCY, Role.POISON_LIST, null, media.info().name(), range);
  }
}
