package io.bezoar.pool;

import io.bezoar.health.ScrubSource;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.ScrubStep;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;

/**
 * A pool as a scrub sees it: the rows of one device after the other, in order of their numbers, and
 * then the bytes of those mirrors whose legs do not check what they read, a step at a time.
 *
 * <p>Only devices that are there have rows. When one comes or goes the rows are numbered anew by
 * {@link #replan}, while no scrub runs, and a scrub that was interrupted starts over. A device that
 * goes away under a scrub ends it: nothing is called checked that was not. One scrub at a time.
 */
final class PoolScrubSource implements ScrubSource {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long COMPARE_BYTES = 1 << 20;

  private final Supplier<Collection<Member>> members;
  private final Supplier<Collection<MirroredTarget>> mirrors;
  private final Supplier<StackMap> map;
  private volatile List<Part> parts;

  /** Rows that belong together. */
  private sealed interface Part {
    Rows rows();

    record OfDevice(Member member, Rows rows) implements Part {}

    record OfMirror(MirroredTarget mirror, Rows rows) implements Part {}
  }

  PoolScrubSource(
      Supplier<Collection<Member>> members,
      Supplier<Collection<MirroredTarget>> mirrors,
      Supplier<StackMap> map) {
    this.members = members;
    this.mirrors = mirrors;
    this.map = map;
    this.parts = List.of();
    replan();
  }

  /** Numbers the rows of the devices that are there now. */
  void replan() {
    parts = plan();
  }

  private List<Part> plan() {
    List<Part> planned = new ArrayList<>();
    long at = 0;
    for (Member member : members.get()) {
      DeviceContent content = member.content();
      if (content != null) {
        Rows rows = new Rows(at, at + content.grid().rows());
        planned.add(new Part.OfDevice(member, rows));
        at = rows.end();
      }
    }
    for (MirroredTarget mirror : mirrors.get()) {
      if (mirror.legs().size() > 1 && !mirror.info().verified()) {
        Rows rows = new Rows(at, at + Math.ceilDiv(mirror.sizeBytes(), COMPARE_BYTES));
        planned.add(new Part.OfMirror(mirror, rows));
        at = rows.end();
      }
    }
    return List.copyOf(planned);
  }

  @Override
  public long rowCount() {
    return parts.isEmpty() ? 0 : parts.getLast().rows().end();
  }

  /** Of all rows together, evenly: parts differ. */
  @Override
  public long rowBytes() {
    long bytes = 0;
    for (Part part : parts) {
      bytes +=
          part.rows().count()
              * switch (part) {
                case Part.OfDevice(Member member, Rows _) ->
                    (long) member.requireContent().grid().columns() * PAGE;
                case Part.OfMirror _ -> COMPARE_BYTES;
              };
    }
    return rowCount() == 0 ? PAGE : Math.max(1, bytes / rowCount());
  }

  @Override
  public List<Rows> rowsOf(ByteRange volume) {
    List<Rows> all = new ArrayList<>();
    StackMap at = map.get();
    for (Part part : parts) {
      if (part instanceof Part.OfDevice(Member member, Rows rows)) {
        for (ByteRange content : at.down(volume, member.number()).asList()) {
          for (Rows own : member.requireContent().rowsOf(content)) {
            all.add(new Rows(rows.first() + own.first(), rows.first() + own.end()));
          }
        }
      }
    }
    return joined(all);
  }

  /** Ascending and disjoint, as a scrub wants them. */
  private static List<Rows> joined(List<Rows> rows) {
    List<Rows> sorted = new ArrayList<>(rows);
    sorted.sort(java.util.Comparator.comparingLong(Rows::first));
    List<Rows> joined = new ArrayList<>();
    for (Rows next : sorted) {
      if (!joined.isEmpty() && next.first() <= joined.getLast().end()) {
        Rows before = joined.removeLast();
        joined.add(new Rows(before.first(), Math.max(before.end(), next.end())));
      } else {
        joined.add(next);
      }
    }
    return joined;
  }

  @Override
  public ScrubTotals check(Rows rows) throws IOException {
    ScrubTotals totals = ScrubTotals.NONE;
    for (Part part : parts) {
      long first = Math.max(rows.first(), part.rows().first()) - part.rows().first();
      long end = Math.min(rows.end(), part.rows().end()) - part.rows().first();
      if (first < end) {
        totals = totals.plus(check(part, new Rows(first, end)));
      }
    }
    return totals;
  }

  private static ScrubTotals check(Part part, Rows own) throws IOException {
    return switch (part) {
      case Part.OfDevice(Member member, Rows _) -> member.requireContent().check(own);
      case Part.OfMirror(MirroredTarget mirror, Rows _) ->
          totals(
              mirror.compare(
                  new ByteRange(
                      own.first() * COMPARE_BYTES,
                      Math.min(own.end() * COMPARE_BYTES, mirror.sizeBytes()))));
    };
  }

  private static ScrubTotals totals(ScrubStep step) {
    return new ScrubTotals(
        step.pagesChecked() * PAGE,
        step.found().size(),
        step.repaired() * PAGE,
        step.degraded() * PAGE,
        step.lost() * PAGE);
  }

  @Override
  public void begin(Coverage coverage) {
    for (Part part : parts) {
      if (part instanceof Part.OfDevice(Member member, Rows _)) {
        member.requireContent().scrubBegins(coverage);
      }
    }
  }

  @Override
  public ScrubTotals end() throws IOException {
    ScrubTotals totals = ScrubTotals.NONE;
    for (Part part : parts) {
      if (part instanceof Part.OfDevice(Member member, Rows _)) {
        totals = totals.plus(member.requireContent().scrubEnds());
      }
    }
    for (Member member : members.get()) {
      MetadataGuard metadata = member.metadata();
      if (metadata != null && member.isThere()) {
        totals = totals.plus(metadata.verify(Cause.REDUNDANCY));
      }
    }
    return totals;
  }
}
