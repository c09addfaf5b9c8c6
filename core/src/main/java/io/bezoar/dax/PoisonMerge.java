package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;

/** What becomes of poison entries that meet. */
final class PoisonMerge {
  private PoisonMerge() {}

  /** True when reading the media will find this entry's badness again if it is forgotten. */
  static boolean showsAgain(PoisonEntry entry) {
    return switch (entry.cause()) {
      case TRAP, IO_ERROR, PLATFORM -> true;
      case CHECKSUM, REDUNDANCY, INTERRUPTED, RETIRED, CONFLICT ->
          entry.confidence() == Confidence.SUSPECT;
    };
  }

  /**
   * {@code report} applied to the entries that it overlaps or touches: where it overlaps them, the
   * new cause and sequence, one more count, and exact if either was; elsewhere as they were.
   */
  static List<PoisonEntry> apply(PoisonEntry report, List<PoisonEntry> met) {
    List<PoisonEntry> result = new ArrayList<>(met.size() + 3);
    long from = report.range().start();
    long end = report.range().end();
    for (PoisonEntry old : met) {
      addPart(
          result, old, old.range().start(), Math.min(old.range().end(), report.range().start()));
      long gapEnd = Math.min(end, Math.max(from, old.range().start()));
      addPart(result, report, from, gapEnd);
      from = Math.max(from, gapEnd);
      long overlapEnd = Math.min(end, old.range().end());
      if (old.range().start() <= from && from < overlapEnd) {
        result.add(seenAgain(old, report, new ByteRange(from, overlapEnd)));
        from = overlapEnd;
      }
      addPart(result, old, Math.max(old.range().start(), end), old.range().end());
    }
    addPart(result, report, from, end);
    return result;
  }

  /** One entry in place of two neighbours; suspect unless both say the same of every byte. */
  static PoisonEntry widen(PoisonEntry left, PoisonEntry right) {
    boolean same =
        left.range().end() == right.range().start() && left.confidence() == right.confidence();
    return joined(left, right, same ? left.confidence() : Confidence.SUSPECT);
  }

  /** One entry in place of two adjacent ones that say the same. */
  static PoisonEntry join(PoisonEntry left, PoisonEntry right) {
    return joined(left, right, left.confidence());
  }

  /** True when {@code right} goes on where {@code left} ends and says the same. */
  static boolean areAlike(PoisonEntry left, PoisonEntry right) {
    return left.range().end() == right.range().start()
        && left.cause() == right.cause()
        && left.confidence() == right.confidence();
  }

  private static PoisonEntry joined(PoisonEntry left, PoisonEntry right, Confidence confidence) {
    return new PoisonEntry(
        left.range().span(right.range()),
        showsAgain(left) ? right.cause() : left.cause(),
        confidence,
        Math.min(left.firstSeenMillis(), right.firstSeenMillis()),
        Math.max(left.lastSeenMillis(), right.lastSeenMillis()),
        Math.max(left.count(), right.count()),
        Math.max(left.sequence(), right.sequence()));
  }

  private static PoisonEntry seenAgain(PoisonEntry old, PoisonEntry report, ByteRange range) {
    boolean exact = old.confidence() == Confidence.EXACT || report.confidence() == Confidence.EXACT;
    boolean tellsMore =
        (old.confidence() == Confidence.EXACT && report.confidence() == Confidence.SUSPECT)
            || (!showsAgain(old) && showsAgain(report));
    return new PoisonEntry(
        range,
        tellsMore ? old.cause() : report.cause(),
        exact ? Confidence.EXACT : Confidence.SUSPECT,
        Math.min(old.firstSeenMillis(), report.firstSeenMillis()),
        Math.max(old.lastSeenMillis(), report.lastSeenMillis()),
        old.count() + report.count(),
        Math.max(old.sequence(), report.sequence()));
  }

  private static void addPart(List<PoisonEntry> result, PoisonEntry entry, long start, long end) {
    if (start < end) {
      result.add(entry.withRange(new ByteRange(start, end)));
    }
  }
}
