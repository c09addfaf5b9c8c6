package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What is known of every byte of a source.
 *
 * <p>Invariant: the blocks follow each other without gap or overlap from the first byte of the map
 * to its last, none is empty, and two neighbours never have the same status. Sums per status are
 * kept as blocks change, so that asking for them costs nothing.
 *
 * <p>Not thread-safe.
 */
public final class RescueMap {
  /** Start of each block. Block ends are the next start, or {@link #end}. */
  private final TreeMap<Long, RescueStatus> starts = new TreeMap<>();

  private final Map<RescueStatus, Long> bytes = new EnumMap<>(RescueStatus.class);
  private final long start;
  private long end;
  private RescuePoint point = RescuePoint.START;

  private RescueMap(long start) {
    this.start = start;
    this.end = start;
  }

  /** The map of a source of {@code sizeBytes} bytes that nobody has read yet. */
  public static RescueMap untried(long sizeBytes) {
    RescueMap map = new RescueMap(0);
    map.extendTo(sizeBytes);
    return map;
  }

  /** An empty map that will be filled by {@link #append}. */
  static RescueMap startingAt(long offset) {
    return new RescueMap(offset);
  }

  /** Adds a block at the end. */
  void append(long lengthBytes, RescueStatus status) {
    if (lengthBytes == 0) {
      return;
    }
    long from = end;
    end = Math.addExact(end, lengthBytes);
    count(status, lengthBytes);
    Map.Entry<Long, RescueStatus> last = starts.lastEntry();
    if (last == null || last.getValue() != status) {
      starts.put(from, status);
    }
  }

  /** The bytes that the map speaks of, as ddrescue says: its extent. */
  public ByteRange extent() {
    return new ByteRange(start, end);
  }

  /** Makes the map speak of everything up to {@code endOffset}: what is new is untried. */
  public void extendTo(long endOffset) {
    if (endOffset > end) {
      append(endOffset - end, RescueStatus.UNTRIED);
    }
  }

  /** A map of the same content that begins at byte 0: what is new is untried. */
  public RescueMap fromZero() {
    if (start == 0) {
      return this;
    }
    RescueMap map = new RescueMap(0);
    map.append(start, RescueStatus.UNTRIED);
    blocks().forEach(block -> map.append(block.range().length(), block.status()));
    map.moveTo(point);
    return map;
  }

  /** Where the rescue is. */
  public RescuePoint point() {
    return point;
  }

  /** Remembers where the rescue is. */
  public void moveTo(RescuePoint place) {
    this.point = place;
  }

  /** Number of bytes with this status. */
  public long bytes(RescueStatus status) {
    return bytes.getOrDefault(status, 0L);
  }

  /** Number of blocks. */
  public int blockCount() {
    return starts.size();
  }

  /**
   * Notes what is known of {@code range} from now on.
   *
   * @throws IndexOutOfBoundsException when the map does not speak of all of it
   */
  public void mark(ByteRange range, RescueStatus status) {
    if (range.isEmpty()) {
      return;
    }
    if (!extent().contains(range)) {
      throw new IndexOutOfBoundsException(range + " is not within " + extent());
    }
    cut(range.start());
    cut(range.end());
    Map<Long, RescueStatus> inside = starts.subMap(range.start(), range.end());
    long from = range.start();
    @Nullable RescueStatus before = null;
    for (Map.Entry<Long, RescueStatus> block : inside.entrySet()) {
      if (before != null) {
        count(before, from - block.getKey());
      }
      from = block.getKey();
      before = block.getValue();
    }
    if (before != null) {
      count(before, from - range.end());
    }
    inside.clear();
    starts.put(range.start(), status);
    count(status, range.length());
    join(range.start());
    join(range.end());
  }

  private void count(RescueStatus status, long moreBytes) {
    bytes.merge(status, moreBytes, Long::sum);
  }

  /** Makes a block begin at {@code offset}. */
  private void cut(long offset) {
    if (offset < end && !starts.containsKey(offset)) {
      starts.put(offset, starts.floorEntry(offset).getValue());
    }
  }

  /**
   * Makes the block that begins at {@code offset} one with its predecessor where they are alike.
   */
  private void join(long offset) {
    RescueStatus here = starts.get(offset);
    Map.Entry<Long, RescueStatus> before = starts.lowerEntry(offset);
    if (here != null && before != null && before.getValue() == here) {
      starts.remove(offset);
    }
  }

  /**
   * What is known of one byte.
   *
   * @throws IndexOutOfBoundsException when the map does not speak of it
   */
  public RescueStatus statusAt(long offset) {
    if (!extent().contains(offset)) {
      throw new IndexOutOfBoundsException(offset + " is not within " + extent());
    }
    return starts.floorEntry(offset).getValue();
  }

  /**
   * The first block with one of these statuses that holds a byte of {@code [offset, end)}, cut off
   * in front at {@code offset}.
   */
  public Optional<RescueBlock> firstFrom(long offset, Set<RescueStatus> wanted) {
    Long at = starts.floorKey(offset);
    if (at == null) {
      at = starts.isEmpty() ? null : starts.firstKey();
    }
    if (at == null) {
      return Optional.empty();
    }
    for (Map.Entry<Long, RescueStatus> block : starts.tailMap(at).entrySet()) {
      long blockEnd = endOf(block.getKey());
      if (blockEnd > offset && wanted.contains(block.getValue())) {
        long from = Math.max(offset, block.getKey());
        return Optional.of(new RescueBlock(new ByteRange(from, blockEnd), block.getValue()));
      }
    }
    return Optional.empty();
  }

  /**
   * The last block with one of these statuses that holds a byte of {@code [start, offset)}, cut off
   * at its end at {@code offset}.
   */
  public Optional<RescueBlock> lastBefore(long offset, Set<RescueStatus> wanted) {
    for (Map.Entry<Long, RescueStatus> block :
        starts.headMap(offset, false).descendingMap().entrySet()) {
      if (wanted.contains(block.getValue())) {
        long blockEnd = Math.min(offset, endOf(block.getKey()));
        return Optional.of(
            new RescueBlock(new ByteRange(block.getKey(), blockEnd), block.getValue()));
      }
    }
    return Optional.empty();
  }

  private long endOf(long blockStart) {
    Long next = starts.higherKey(blockStart);
    return next == null ? end : next;
  }

  /** All blocks, ascending. */
  public List<RescueBlock> blocks() {
    List<RescueBlock> blocks = new ArrayList<>(starts.size());
    @Nullable Long from = null;
    RescueStatus status = RescueStatus.UNTRIED;
    for (Map.Entry<Long, RescueStatus> block : starts.entrySet()) {
      if (from != null) {
        blocks.add(new RescueBlock(new ByteRange(from, block.getKey()), status));
      }
      from = block.getKey();
      status = block.getValue();
    }
    if (from != null) {
      blocks.add(new RescueBlock(new ByteRange(from, end), status));
    }
    return Collections.unmodifiableList(blocks);
  }

  /** The ranges with this status within {@code within}, ascending. */
  public List<ByteRange> ranges(RescueStatus status, ByteRange within) {
    List<ByteRange> found = new ArrayList<>();
    Set<RescueStatus> wanted = EnumSet.of(status);
    Optional<RescueBlock> next = firstFrom(within.start(), wanted);
    while (next.isPresent() && next.get().range().start() < within.end()) {
      ByteRange range = next.get().range().intersect(within);
      found.add(range);
      next = firstFrom(range.end(), wanted);
    }
    return found;
  }

  @Override
  public String toString() {
    return point + " " + blocks();
  }
}
