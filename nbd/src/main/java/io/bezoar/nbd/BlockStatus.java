package io.bezoar.nbd;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;

/**
 * Answers BLOCK_STATUS: the extents of each context, coalesced. The number of extents in one answer
 * is bounded (the client asks on from where it ended), and so is the range that the health source
 * is asked for at a time, so that a million bad places cost a client patience and not the server
 * memory.
 */
final class BlockStatus {

  /**
   * Bytes with the same flags.
   *
   * @param lengthBytes 1 to 2^32 - 1
   */
  record Extent(long lengthBytes, int flags) {}

  /** The extents of one context, from the start of the request. */
  record Map(MetaContext context, List<Extent> extents) {
    Map {
      extents = List.copyOf(extents);
    }
  }

  static final int MAX_EXTENTS = 4096;
  private static final long WINDOW_BYTES = 256L << 20;

  private final RangeHealth health;

  BlockStatus(RangeHealth health) {
    this.health = health;
  }

  /** The maps of {@code request}, which is not empty, in the order of the contexts. */
  List<Map> answer(Request request, List<MetaContext> contexts) {
    int limit = request.has(NbdLayout.CMD_FLAG_REQ_ONE) ? 1 : MAX_EXTENTS;
    ByteRange range = ByteRange.ofLength(request.offset(), request.length());
    return contexts.stream()
        .map(context -> new Map(context, extents(context, range, limit)))
        .toList();
  }

  private List<Extent> extents(MetaContext context, ByteRange range, int limit) {
    return switch (context) {
      case ALLOCATION -> List.of(new Extent(range.length(), 0));
      case POISON -> poisonExtents(range, limit);
    };
  }

  private List<Extent> poisonExtents(ByteRange range, int limit) {
    Merger merger = new Merger(range.start());
    for (long from = range.start(); from < range.end(); from += WINDOW_BYTES) {
      long to = Math.min(range.end(), from + WINDOW_BYTES);
      for (RangeHealth.Run run : health.unhealthy(new ByteRange(from, to))) {
        merger.add(run.range().start(), RangeHealth.HEALTHY);
        merger.add(run.range().end(), run.flags());
        if (merger.closed() >= limit) {
          return merger.first(limit);
        }
      }
      merger.add(to, RangeHealth.HEALTHY);
      if (merger.closed() >= limit) {
        return merger.first(limit);
      }
    }
    return merger.first(limit);
  }

  /** Puts neighbours with equal flags together. */
  private static final class Merger {
    private final List<Extent> done = new ArrayList<>();
    private long start;
    private long end;
    private int flags;

    Merger(long start) {
      this.start = start;
      this.end = start;
    }

    /** The bytes from the end of what was added before up to {@code upTo} have {@code newFlags}. */
    void add(long upTo, int newFlags) {
      if (upTo <= end) {
        return;
      }
      if (newFlags != flags && end > start) {
        done.add(new Extent(end - start, flags));
        start = end;
      }
      flags = newFlags;
      end = upTo;
    }

    /** Extents that cannot grow any more. */
    int closed() {
      return done.size();
    }

    List<Extent> first(int limit) {
      if (end > start && done.size() < limit) {
        done.add(new Extent(end - start, flags));
      }
      return done.subList(0, Math.min(limit, done.size()));
    }
  }
}
