package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Patches;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Puts pages into free blocks and makes them what readers see.
 *
 * <p>A page is always written whole, to a block that nobody reads, and then published; what a part
 * does not cover comes from the newest content. So neither a reader nor a crash sees half of a
 * page, with one exception: a page of which bytes are lost cannot be made whole, so a part beside
 * the loss is stored in place, where the rest of the page is.
 */
final class WriteCacheWriter {
  private static final int PAGE = Units.PAGE_BYTES;

  private final WriteCacheIndex index;
  private final WriteCacheGeometry geometry;
  private final WriteCacheChildren children;
  private final WriteCacheStripes stripes;
  private final WriteCacheKeeper keeper;
  private final WriteCacheReader reader;

  WriteCacheWriter(
      WriteCacheIndex index,
      WriteCacheGeometry geometry,
      WriteCacheChildren children,
      WriteCacheStripes stripes,
      WriteCacheKeeper keeper,
      WriteCacheReader reader) {
    this.index = index;
    this.geometry = geometry;
    this.children = children;
    this.stripes = stripes;
    this.keeper = keeper;
    this.reader = reader;
  }

  /** Checksum of a page as entries hold it: never zero, which says that nobody knows. */
  static int sum(MemorySegment page) {
    CRC32C crc = new CRC32C();
    crc.update(page.asByteBuffer());
    int value = (int) crc.getValue();
    return value == 0 ? 1 : value;
  }

  void write(long offset, MemorySegment src) throws IOException {
    long end = offset + src.byteSize();
    ByteRange range = new ByteRange(offset, end);
    refuseLost(range, range);
    lookAtEdges(range);
    for (long at = offset; at < end; ) {
      long page = at / PAGE;
      int within = (int) (at % PAGE);
      long length;
      if (within != 0 || end - at < PAGE) {
        length = Math.min(PAGE - within, end - at);
        writePart(range, at, src.asSlice(at - offset, length));
      } else {
        long inGroup = WriteCacheMap.GROUP_PAGES - page % WriteCacheMap.GROUP_PAGES;
        length = Math.min((end - at) / PAGE, inGroup) * PAGE;
        writePages(page, src.asSlice(at - offset, length));
      }
      at += length;
    }
  }

  /** Refuses {@code access} if bytes of {@code part} are known to be lost. */
  private void refuseLost(ByteRange access, ByteRange part) throws PoisonedRangeException {
    PoisonEntry lost = firstLost(part);
    if (lost != null) {
      throw new PoisonedRangeException(
          children.name(),
          lost.range(),
          lost.cause(),
          Math.max(0, lost.range().start() - access.start()),
          null);
    }
  }

  /** The first bytes of {@code range} that are known to be lost. */
  @Nullable PoisonEntry firstLost(ByteRange range) {
    for (PoisonEntry entry : losses(range)) {
      if (entry.isExact()) {
        return entry;
      }
    }
    return null;
  }

  /** What is known to be bad of {@code range}, page by page where the bytes are now. */
  List<PoisonEntry> losses(ByteRange range) {
    List<PoisonEntry> losses = new ArrayList<>();
    DaxDevice fast = children.get(Slot.FAST);
    DaxDevice origin = children.get(Slot.ORIGIN);
    for (long at = range.start(); at < range.end(); ) {
      long page = at / PAGE;
      int block = index.map.find(page);
      long next = (page + 1) * PAGE;
      if (block < 0) {
        while (next < range.end() && index.map.find(next / PAGE) < 0) {
          next += PAGE;
        }
        if (origin != null) {
          losses.addAll(origin.poison(new ByteRange(at, Math.min(next, range.end()))));
        }
      } else if (fast != null && index.state(block) != State.CLEAN) {
        long shift = page * PAGE - geometry.blockOffset(block);
        ByteRange below = new ByteRange(at, Math.min(next, range.end())).shift(-shift);
        fast.poison(below)
            .forEach(entry -> losses.add(entry.withRange(entry.range().shift(shift))));
      }
      at = next;
    }
    return losses;
  }

  /** Nothing may be stored when an edge page turns out to be lost where it is written: look. */
  private void lookAtEdges(ByteRange range) throws IOException {
    boolean headCut = range.start() % PAGE != 0;
    boolean tailCut = range.end() % PAGE != 0;
    boolean onePage = range.length() + range.start() % PAGE <= PAGE;
    if (onePage || (!headCut && !tailCut)) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      if (headCut) {
        look(range, range.start() / PAGE, page);
      }
      if (tailCut) {
        look(range, range.end() / PAGE, page);
      }
    }
  }

  private void look(ByteRange access, long page, MemorySegment into) throws IOException {
    try {
      reader.read(page * PAGE, into);
    } catch (PoisonedRangeException somewhere) {
      refuseLost(access, access.intersect(WriteCacheGeometry.page(page)));
    }
  }

  /** Part of one page. */
  private void writePart(ByteRange access, long at, MemorySegment bytes) throws IOException {
    long page = at / PAGE;
    stripes.of(page).lock();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment whole = arena.allocate(PAGE, PAGE);
      try {
        reader.read(page * PAGE, whole);
      } catch (PoisonedRangeException somewhere) {
        refuseLost(access, ByteRange.ofLength(at, bytes.byteSize()));
        writeBeside(at, bytes);
        return;
      }
      MemorySegment.copy(bytes, 0, whole, at % PAGE, bytes.byteSize());
      storePages(page, whole);
    } finally {
      stripes.of(page).unlock();
    }
  }

  /** The rest of the page is lost in part, so it stays where it is. With the stripe's lock. */
  private void writeBeside(long at, MemorySegment bytes) throws IOException {
    long page = at / PAGE;
    int block = index.map.find(page);
    try {
      if (block >= 0) {
        children.fast().write(geometry.blockOffset(block) + at % PAGE, bytes);
        changedInPlace(block);
      } else {
        keeper.lock.lock();
        try {
          keeper.settle(); // what is left over of this page must not rise over the new bytes
          children.origin().write(at, bytes);
          // Not before: a persist that came in between would have taken the note without the bytes.
          children.wroteOnOrigin(ByteRange.ofLength(at, bytes.byteSize()));
        } finally {
          keeper.lock.unlock();
        }
      }
    } catch (PoisonedRangeException bad) {
      refuseLost(
          ByteRange.ofLength(at, bytes.byteSize()), ByteRange.ofLength(at, bytes.byteSize()));
      throw bad;
    }
  }

  private void changedInPlace(int block) {
    index.lock.lock();
    try {
      index.setHurt(block);
      index.changedInPlace(block);
    } finally {
      index.lock.unlock();
    }
  }

  /** Whole pages of one group. */
  private void writePages(long page, MemorySegment src) throws IOException {
    stripes.of(page).lock();
    try {
      storePages(page, src);
    } finally {
      stripes.of(page).unlock();
    }
  }

  /** With the stripe's lock. */
  private void storePages(long page, MemorySegment src) throws IOException {
    int pages = (int) (src.byteSize() / PAGE);
    for (int done = 0; done < pages; ) {
      long taken = keeper.allocate(pages - done);
      int block = (int) (taken >>> 32);
      int count = (int) taken;
      MemorySegment part = src.asSlice((long) done * PAGE, (long) count * PAGE);
      boolean filled = false;
      boolean mine = true;
      try {
        children.fast().write(geometry.blockOffset(block), part);
        filled = true;
      } catch (PoisonedRangeException bad) {
        mine = false; // given back within, and perhaps taken by another writer since
        keeper.refused(block, count, bad.range());
      } catch (DeviceUnavailableException gone) {
        throw children.unavailable(Slot.FAST, WriteCacheKeeper.pages(page + done, count), gone);
      } finally {
        if (mine && !filled) {
          giveBack(block, count);
        }
      }
      if (filled) {
        publish(block, page + done, part);
        done += count;
      }
    }
  }

  private void giveBack(int block, int count) {
    index.lock.lock();
    try {
      index.giveBack(block, count);
    } finally {
      index.lock.unlock();
    }
  }

  private void publish(int block, long page, MemorySegment part) {
    int count = (int) (part.byteSize() / PAGE);
    int[] sums = new int[count];
    for (int i = 0; i < count; i++) {
      sums[i] = sum(part.asSlice((long) i * PAGE, PAGE));
    }
    index.lock.lock();
    try {
      for (int i = 0; i < count; i++) {
        index.publish(block + i, page + i, sums[i]);
      }
    } finally {
      index.lock.unlock();
    }
  }

  /** Makes everything durable, what stands or is known on the origin included. */
  void persist() throws IOException {
    keeper.persist();
    children.persistOrigin();
  }

  // Recovery writes.

  /** What has become of the patches so far. */
  private static final class Outcome {
    final List<ByteRange> cleared = new ArrayList<>();
    final List<ByteRange> stillLost = new ArrayList<>();
    final List<ByteRange> notCleared = new ArrayList<>();

    void add(RecoveryWrite below, long shift, ByteRange page) {
      add(cleared, below.cleared(), shift, page);
      add(stillLost, below.stillLost(), shift, page);
      add(notCleared, below.notCleared(), shift, page);
    }

    private static void add(
        List<ByteRange> to, List<ByteRange> ranges, long shift, ByteRange page) {
      for (ByteRange range : ranges) {
        ByteRange own = range.intersect(page.shift(-shift)).shift(shift);
        if (!own.isEmpty()) {
          to.add(own);
        }
      }
    }

    RecoveryWrite build() {
      return new RecoveryWrite(
          ByteRanges.of(cleared).asList(),
          ByteRanges.of(stillLost).minus(ByteRanges.of(cleared)).asList(),
          ByteRanges.of(notCleared).asList());
    }
  }

  RecoveryWrite recoveryWrite(Patches patches) throws IOException {
    Outcome outcome = new Outcome();
    for (RecoveryPatch patch : patches.list()) {
      for (long at = patch.offset(); at < patch.range().end(); ) {
        long length = Math.min(patch.range().end(), (at / PAGE + 1) * PAGE) - at;
        recoverPart(at, patch.bytes().asSlice(at - patch.offset(), length), outcome);
        at += length;
      }
    }
    persist();
    return outcome.build();
  }

  private void recoverPart(long at, MemorySegment bytes, Outcome outcome) throws IOException {
    long page = at / PAGE;
    ByteRange part = ByteRange.ofLength(at, bytes.byteSize());
    stripes.of(page).lock();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment whole = arena.allocate(PAGE, PAGE);
      if (part.length() == PAGE) {
        whole.copyFrom(bytes);
      } else {
        List<ByteRange> holes = readAround(page, part, whole);
        if (!holes.isEmpty()) {
          recoverInPlace(at, bytes, outcome);
          return;
        }
        MemorySegment.copy(bytes, 0, whole, at % PAGE, part.length());
      }
      List<ByteRange> before = PoisonEntry.exact(losses(part)).asList();
      storeVerified(page, whole);
      outcome.cleared.addAll(before);
    } finally {
      stripes.of(page).unlock();
    }
  }

  /** Fills {@code whole} and returns what is not to be trusted of the page outside of the part. */
  private List<ByteRange> readAround(long page, ByteRange part, MemorySegment whole)
      throws IOException {
    List<ByteRange> holes = new ArrayList<>();
    for (RecoveryRead.Run run : reader.recoveryRead(page * PAGE, whole).runs()) {
      switch (run) {
        case RecoveryRead.Hole hole -> holes.add(hole.range());
        case RecoveryRead.Absent absent ->
            throw children.unavailable(
                children.there(Slot.FAST) ? Slot.ORIGIN : Slot.FAST, absent.range(), null);
        case RecoveryRead.Verified _, RecoveryRead.Unverified _ -> {}
      }
    }
    losses(WriteCacheGeometry.page(page)).stream()
        .filter(PoisonEntry::isExact)
        .forEach(entry -> holes.add(entry.range()));
    return ByteRanges.of(holes).minus(part).asList();
  }

  /** The page stays lost in part, so it stays where it is. With the stripe's lock. */
  private void recoverInPlace(long at, MemorySegment bytes, Outcome outcome) throws IOException {
    long page = at / PAGE;
    ByteRange own = WriteCacheGeometry.page(page);
    int block = index.map.find(page);
    if (block >= 0) {
      long shift = page * PAGE - geometry.blockOffset(block);
      outcome.add(children.fast().recoveryWrite(at - shift, bytes), shift, own);
      changedInPlace(block);
      return;
    }
    keeper.lock.lock();
    try {
      keeper.settle(); // as when writing beside
      outcome.add(children.origin().recoveryWrite(at, bytes), 0, own);
    } finally {
      keeper.lock.unlock();
    }
  }

  /** Stores a page in a fresh block, read back. With the stripe's lock. */
  private void storeVerified(long page, MemorySegment whole) throws IOException {
    while (true) {
      int block = (int) (keeper.allocate(1) >>> 32);
      boolean filled = false;
      boolean mine = true;
      try {
        RecoveryWrite written = children.fast().recoveryWrite(geometry.blockOffset(block), whole);
        filled = written.complete();
        if (!filled) {
          mine = false; // as when a plain write is refused
          keeper.refused(block, 1, geometry.block(block));
        }
      } finally {
        if (mine && !filled) {
          giveBack(block, 1);
        }
      }
      if (filled) {
        publish(block, page, whole);
        return;
      }
    }
  }

  // Giving pages up and taking them back.

  /** Only the origin says what {@code range} is from now on: nothing. */
  void retire(ByteRange range) throws IOException {
    stripes.lockAll();
    keeper.lock.lock();
    try {
      keeper.settle();
      children.origin().retire(range);
      index.lock.lock();
      try {
        for (long page : index.cached(range.start() / PAGE, range.length() / PAGE)) {
          index.unmap(index.map.find(page));
        }
      } finally {
        index.lock.unlock();
      }
      keeper.commit();
    } finally {
      keeper.lock.unlock();
      stripes.unlockAll();
    }
  }

  List<ByteRange> release(ByteRange range) throws IOException {
    List<ByteRange> left = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment scratch = arena.allocate(PAGE, PAGE);
      for (long at = range.start(); at < range.end(); ) {
        long end = at + PAGE;
        if (index.map.find(at / PAGE) < 0) {
          while (end < range.end() && index.map.find(end / PAGE) < 0) {
            end += PAGE;
          }
          left.addAll(releaseBelow(new ByteRange(at, end)));
        } else {
          left.addAll(releaseCached(at / PAGE, scratch));
        }
        at = end;
      }
    }
    return ByteRanges.of(left).asList();
  }

  private List<ByteRange> releaseBelow(ByteRange range) throws IOException {
    keeper.lock.lock();
    try {
      keeper.settle();
      return children.origin().release(range);
    } finally {
      keeper.lock.unlock();
    }
  }

  private List<ByteRange> releaseCached(long page, MemorySegment scratch) throws IOException {
    reader.recoveryRead(page * PAGE, scratch); // finds out, and heals what can be
    List<PoisonEntry> bad = losses(WriteCacheGeometry.page(page));
    if (bad.isEmpty()) {
      return List.of();
    }
    scratch.fill((byte) 0);
    List<RecoveryPatch> patches = new ArrayList<>();
    for (ByteRange range : ByteRanges.of(bad.stream().map(PoisonEntry::range).toList()).asList()) {
      patches.add(new RecoveryPatch(range.start(), scratch.asSlice(0, range.length())));
    }
    return recoveryWrite(new Patches(patches)).notCleared();
  }

  /** Where a report about {@code range} goes: to the device that holds the bytes now. */
  void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    for (long at = range.start(); at < range.end(); ) {
      long page = at / PAGE;
      long next = Math.min(range.end(), (page + 1) * PAGE);
      if (!reportCached(page, new ByteRange(at, next), cause, confidence)) {
        while (next < range.end() && index.map.find(next / PAGE) < 0) {
          next = Math.min(range.end(), next + PAGE);
        }
        children.origin().report(new ByteRange(at, next), cause, confidence);
        children.noteOnOrigin();
      }
      at = next;
    }
  }

  /**
   * Reports part of a page to the fast device, under the locks without which its block may be freed
   * and hold another page before the report gets there.
   *
   * @return false when it is not cached
   */
  private boolean reportCached(long page, ByteRange part, Cause cause, Confidence confidence)
      throws IOException {
    if (index.map.find(page) < 0) {
      return false;
    }
    stripes.of(page).lock();
    keeper.lock.lock();
    try {
      int block = index.map.find(page);
      if (block < 0) {
        return false;
      }
      long shift = page * PAGE - geometry.blockOffset(block);
      children.fast().report(part.shift(-shift), cause, confidence);
      return true;
    } finally {
      keeper.lock.unlock();
      stripes.of(page).unlock();
    }
  }
}
