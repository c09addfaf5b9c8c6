package io.bezoar.target;

import static io.bezoar.target.WriteCacheGeometry.COPIES;
import static io.bezoar.target.WriteCacheLayout.ENTRIES_PER_PAGE;
import static io.bezoar.target.WriteCacheLayout.ENTRY_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheLayout.Entry;
import io.bezoar.target.WriteCacheLayout.Kind;
import io.bezoar.target.WriteCacheLayout.Superblock;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Superblocks and entries on the fast device, each in two copies.
 *
 * <p>Memory knows what every entry should be, so whatever goes bad of one copy while the cache is
 * open is written again from there; when it is opened, from the other copy.
 */
final class WriteCacheTable {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int CHUNK_PAGES = 64;
  private static final int CHUNK_ENTRIES = CHUNK_PAGES * ENTRIES_PER_PAGE;

  /** Says what should stand on media. */
  interface Source {
    Entry entry(int block);
  }

  /** Told what was found when a table was read. */
  interface Found {
    /**
     * The newest intact copy of each entry, in order of blocks.
     *
     * @param entry null when no copy is intact
     */
    void entry(int block, @Nullable Entry entry);
  }

  private final Superblock superblock;
  private final WriteCacheGeometry geometry;

  WriteCacheTable(Superblock superblock) {
    this.superblock = superblock;
    this.geometry = superblock.geometry();
  }

  /** True for the same cache, not formatted since. */
  boolean isOf(Superblock found) {
    return superblock.equals(found);
  }

  UUID cache() {
    return superblock.cache();
  }

  WriteCacheGeometry geometry() {
    return geometry;
  }

  /** Writes an empty cache, durably; the superblocks last. */
  static void format(DaxDevice fast, Superblock superblock) throws IOException {
    WriteCacheGeometry geometry = superblock.geometry();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      for (int copy = 0; copy < COPIES; copy++) {
        store(fast, geometry.superblock(copy).start(), page);
      }
      fast.persist();
      MemorySegment chunk = arena.allocate((long) CHUNK_PAGES * PAGE, PAGE);
      WriteCacheTable table = new WriteCacheTable(superblock);
      for (int copy = 0; copy < COPIES; copy++) {
        for (int at = 0; at < geometry.blocks(); at += CHUNK_ENTRIES) {
          int count = Math.min(CHUNK_ENTRIES, geometry.blocks() - at);
          table.encode(chunk, copy, at, count, block -> new Entry(Kind.FREE, 0, 0, 0));
          store(fast, geometry.entryOffset(copy, at), chunk.asSlice(0, (long) count * ENTRY_BYTES));
        }
      }
      fast.persist();
      for (int copy = 0; copy < COPIES; copy++) {
        long address = geometry.superblock(copy).start();
        WriteCacheLayout.encodeSuperblock(page, address, superblock);
        store(fast, address, page);
        fast.persist();
      }
    }
  }

  private static void store(DaxDevice fast, long offset, MemorySegment bytes) throws IOException {
    if (!new ChildIo(fast).store(offset, bytes)) {
      throw new PoisonedRangeException(
          fast.info().name(),
          ByteRange.ofLength(offset, bytes.byteSize()),
          Cause.IO_ERROR,
          0,
          null);
    }
  }

  /**
   * Reads the superblocks of {@code fast}.
   *
   * @throws DeviceUnavailableException ({@code FOREIGN}) when it is no cache of this identity, size
   *     and version
   */
  static Superblock identify(String name, UUID cache, DaxDevice fast, long originBytes)
      throws IOException {
    WriteCacheGeometry geometry = WriteCacheGeometry.plan(fast.sizeBytes(), originBytes);
    Superblock found = null;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      for (int copy = 0; copy < COPIES && found == null; copy++) {
        found = readSuperblock(fast, geometry.superblock(copy), page).orElse(null);
      }
    }
    String child = fast.info().name();
    if (found == null) {
      throw foreign(name, child + " is not the fast device of a write cache of this size");
    }
    if (found.version() > WriteCacheLayout.VERSION) {
      throw foreign(name, child + " was written by a newer version: use that one");
    }
    if (!found.cache().equals(cache)) {
      throw foreign(name, child + " belongs to the cache " + found.cache() + ", not to " + cache);
    }
    if (!found.geometry().equals(geometry)) {
      throw foreign(name, child + " was made as " + found.geometry() + " and is now " + geometry);
    }
    return found;
  }

  private static DeviceUnavailableException foreign(String name, String detail) {
    return new DeviceUnavailableException(
        name, DeviceState.FOREIGN, detail + "; nothing was written to it", null);
  }

  private static Optional<Superblock> readSuperblock(
      DaxDevice fast, ByteRange place, MemorySegment page) throws IOException {
    RecoveryRead read = fast.recoveryRead(place.start(), page);
    return read.holes().isEmpty()
        ? WriteCacheLayout.decodeSuperblock(page, place.start())
        : Optional.empty();
  }

  /** The superblocks that are not as they should be. */
  List<ByteRange> badSuperblocks(DaxDevice fast) throws IOException {
    List<ByteRange> bad = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      for (int copy = 0; copy < COPIES; copy++) {
        ByteRange place = geometry.superblock(copy);
        if (readSuperblock(fast, place, page).filter(superblock::equals).isEmpty()) {
          bad.add(place);
        }
      }
    }
    return bad;
  }

  /** What is wrong with the tables. */
  static final class Defects {
    private final int[] uneven;
    private final ByteRanges damaged;

    private Defects(int[] uneven, ByteRanges damaged) {
      this.uneven = uneven;
      this.damaged = damaged;
    }

    /** Blocks whose copies differ, ascending, as after a crash. */
    int[] uneven() {
      return uneven;
    }

    /** Bytes of the fast device that are no entry. */
    ByteRanges damaged() {
      return damaged;
    }
  }

  /** Reads both copies of every entry. */
  Defects load(DaxDevice fast, Found found) throws IOException {
    BitSet uneven = new BitSet();
    List<ByteRange> damaged = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment[] chunks = new MemorySegment[COPIES];
      ByteRanges[] holes = new ByteRanges[COPIES];
      for (int copy = 0; copy < COPIES; copy++) {
        chunks[copy] = arena.allocate((long) CHUNK_PAGES * PAGE, PAGE);
      }
      for (int at = 0; at < geometry.blocks(); at += CHUNK_ENTRIES) {
        int count = Math.min(CHUNK_ENTRIES, geometry.blocks() - at);
        for (int copy = 0; copy < COPIES; copy++) {
          RecoveryRead read =
              fast.recoveryRead(
                  geometry.entryOffset(copy, at),
                  chunks[copy].asSlice(0, (long) count * ENTRY_BYTES));
          holes[copy] = unreadable(read);
        }
        for (int i = 0; i < count; i++) {
          Entry first = decode(chunks[0], holes[0], 0, at + i, i);
          Entry second = decode(chunks[1], holes[1], 1, at + i, i);
          boolean secondCounts = first == null || (second != null && second.newerThan(first));
          found.entry(at + i, secondCounts ? second : first);
          if (first == null || !first.equals(second)) {
            uneven.set(at + i);
          }
          addIfDamaged(damaged, first, 0, at + i);
          addIfDamaged(damaged, second, 1, at + i);
        }
      }
    }
    return new Defects(uneven.stream().toArray(), ByteRanges.of(damaged));
  }

  private void addIfDamaged(List<ByteRange> damaged, @Nullable Entry entry, int copy, int block) {
    if (entry == null) {
      ByteRange place = ByteRange.ofLength(geometry.entryOffset(copy, block), ENTRY_BYTES);
      if (!damaged.isEmpty() && damaged.getLast().end() == place.start()) {
        damaged.add(damaged.removeLast().span(place));
      } else {
        damaged.add(place);
      }
    }
  }

  private static ByteRanges unreadable(RecoveryRead read) {
    List<ByteRange> ranges = new ArrayList<>();
    for (RecoveryRead.Run run : read.runs()) {
      switch (run) {
        case RecoveryRead.Hole _, RecoveryRead.Absent _ -> ranges.add(run.range());
        case RecoveryRead.Verified _, RecoveryRead.Unverified _ -> {}
      }
    }
    return ByteRanges.of(ranges);
  }

  private @Nullable Entry decode(
      MemorySegment chunk, ByteRanges holes, int copy, int block, int index) {
    long address = geometry.entryOffset(copy, block);
    if (holes.overlaps(ByteRange.ofLength(address, ENTRY_BYTES))) {
      return null;
    }
    return WriteCacheLayout.decodeEntry(
            chunk, (long) index * ENTRY_BYTES, address, superblock.formatId())
        .filter(entry -> entry.page() < geometry.originPages())
        .orElse(null);
  }

  /** Stores the entries of {@code blocks}, ascending, in one copy; not durable yet. */
  void write(DaxDevice fast, int copy, int[] blocks, Source source) throws IOException {
    if (blocks.length == 0) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate((long) runLimit(blocks) * ENTRY_BYTES, PAGE);
      for (int i = 0; i < blocks.length; ) {
        int start = blocks[i];
        int count = 1;
        while (i + count < blocks.length
            && blocks[i + count] == start + count
            && count < CHUNK_ENTRIES) {
          count++;
        }
        encode(chunk, copy, start, count, source);
        MemorySegment entries = chunk.asSlice(0, (long) count * ENTRY_BYTES);
        try {
          fast.write(geometry.entryOffset(copy, start), entries);
        } catch (PoisonedRangeException bad) {
          rewrite(fast, copy, start, count, bad, source);
        }
        i += count;
      }
    }
  }

  private static int runLimit(int[] blocks) {
    return Math.min(blocks.length, CHUNK_ENTRIES);
  }

  /**
   * Stores whole pages of one copy, clearing what is bad about them; durable. A copy that cannot be
   * cleared does no harm as long as the other one holds.
   */
  private void rewrite(
      DaxDevice fast, int copy, int start, int count, PoisonedRangeException bad, Source source)
      throws IOException {
    boolean stored = rewritePages(fast, copy, start, count, source);
    if (!stored && !rewritePages(fast, 1 - copy, start, count, source)) {
      throw bad;
    }
  }

  private boolean rewritePages(DaxDevice fast, int copy, int start, int count, Source source)
      throws IOException {
    int first = start / ENTRIES_PER_PAGE * ENTRIES_PER_PAGE;
    int end =
        (int)
            Math.min(
                geometry.blocks(),
                Math.ceilDiv((long) start + count, ENTRIES_PER_PAGE) * ENTRIES_PER_PAGE);
    boolean complete = true;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pages = arena.allocate((long) CHUNK_PAGES * PAGE, PAGE);
      for (int at = first; at < end; at += CHUNK_ENTRIES) {
        int some = Math.min(CHUNK_ENTRIES, end - at);
        encode(pages, copy, at, some, source);
        long bytes = (long) Math.ceilDiv(some, ENTRIES_PER_PAGE) * PAGE;
        long offset = geometry.entryOffset(copy, at);
        complete &= fast.recoveryWrite(offset, pages.asSlice(0, bytes)).complete();
      }
    }
    return complete;
  }

  /**
   * Writes what was struck of tables and superblocks again, durably.
   *
   * @return false when some of it cannot be cleared; the other copy serves
   */
  boolean mend(DaxDevice fast, ByteRange struck, Source source) throws IOException {
    boolean complete = true;
    for (int copy = 0; copy < COPIES; copy++) {
      ByteRange bad = struck.intersect(geometry.table(copy));
      if (!bad.isEmpty()) {
        long start = geometry.table(copy).start();
        int first = (int) ((bad.start() - start) / PAGE * ENTRIES_PER_PAGE);
        long end = Math.ceilDiv(bad.end() - start, (long) PAGE) * ENTRIES_PER_PAGE;
        int count = (int) (Math.min(end, geometry.blocks()) - first);
        complete &= rewritePages(fast, copy, first, count, source);
      }
      ByteRange place = geometry.superblock(copy);
      if (struck.overlaps(place)) {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment page = arena.allocate(PAGE, PAGE);
          WriteCacheLayout.encodeSuperblock(page, place.start(), superblock);
          complete &= fast.recoveryWrite(place.start(), page).complete();
        }
      }
    }
    return complete;
  }

  /** What is stored here is what {@code source} says for each block. */
  private void encode(MemorySegment buffer, int copy, int start, int count, Source source) {
    for (int i = 0; i < count; i++) {
      WriteCacheLayout.encodeEntry(
          buffer,
          (long) i * ENTRY_BYTES,
          geometry.entryOffset(copy, start + i),
          superblock.formatId(),
          source.entry(start + i));
    }
  }
}
