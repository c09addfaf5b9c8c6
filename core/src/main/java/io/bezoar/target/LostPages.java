package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The volume pages that are lost, with when and why. Derived: the lost bits of the checksum table
 * are the authority, and the child's poison list, which holds every lost page, is the index by
 * which it is filled at open. Thread-safe.
 */
final class LostPages {
  private static final int PAGE = Units.PAGE_BYTES;

  private record Loss(Cause cause, long millis, long sequence) {}

  private final ConcurrentSkipListMap<Long, Loss> pages = new ConcurrentSkipListMap<>();
  private final AtomicLong sequence = new AtomicLong();

  void add(long page, Cause cause, long millis) {
    pages.putIfAbsent(page, new Loss(cause, millis, sequence.incrementAndGet()));
  }

  boolean remove(long page) {
    return pages.remove(page) != null;
  }

  boolean contains(long page) {
    return pages.containsKey(page);
  }

  long bytes() {
    return (long) pages.size() * PAGE;
  }

  Cause cause(long page) {
    Loss loss = pages.get(page);
    return loss == null ? Cause.CHECKSUM : loss.cause;
  }

  /** The first lost page that {@code range} touches, or null. */
  @Nullable Long firstIn(ByteRange range) {
    if (pages.isEmpty() || range.isEmpty()) {
      return null;
    }
    Long page = pages.ceilingKey(range.start() / PAGE);
    return page != null && page * PAGE < range.end() ? page : null;
  }

  /** The contiguous lost pages from {@code page} on, up to {@code end} (exclusive, bytes). */
  ByteRange runFrom(long page, long end) {
    long last = page + 1;
    while (last * PAGE < end && pages.containsKey(last)) {
      last++;
    }
    return new ByteRange(page * PAGE, Math.max((page + 1) * PAGE, Math.min(last * PAGE, end)));
  }

  /** Entries within {@code range}, neighbours of one cause merged, clipped to the range. */
  List<PoisonEntry> entries(ByteRange range) {
    List<PoisonEntry> result = new ArrayList<>();
    PoisonEntry open = null;
    for (var entry :
        pages.subMap(range.start() / PAGE, Math.ceilDiv(range.end(), PAGE)).entrySet()) {
      ByteRange where = ByteRange.ofLength(entry.getKey() * PAGE, PAGE).intersect(range);
      Loss loss = entry.getValue();
      if (open != null && open.range().end() == where.start() && open.cause() == loss.cause) {
        open =
            new PoisonEntry(
                open.range().span(where),
                loss.cause,
                Confidence.EXACT,
                Math.min(open.firstSeenMillis(), loss.millis),
                Math.max(open.lastSeenMillis(), loss.millis),
                open.count() + 1,
                Math.max(open.sequence(), loss.sequence));
        continue;
      }
      if (open != null) {
        result.add(open);
      }
      open =
          new PoisonEntry(
              where, loss.cause, Confidence.EXACT, loss.millis, loss.millis, 1, loss.sequence);
    }
    if (open != null) {
      result.add(open);
    }
    return result;
  }
}
