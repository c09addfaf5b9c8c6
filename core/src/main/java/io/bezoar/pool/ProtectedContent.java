package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.health.ScrubSource.Coverage;
import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.ProtectedTarget;
import io.bezoar.target.ScrubStep;
import java.io.IOException;
import java.util.List;

/** Checksums and parity over the payload. */
final class ProtectedContent implements DeviceContent {
  private static final int PAGE = Units.PAGE_BYTES;

  private final DaxDevice leaf;
  private final ProtectedTarget target;
  private final Geometry geometry;

  /** Whether the scrub in progress has seen, or will see, every row since it began. */
  private volatile boolean everything;

  ProtectedContent(DaxDevice leaf, ProtectedTarget target) {
    this.leaf = leaf;
    this.target = target;
    this.geometry = target.geometry();
  }

  @Override
  public DaxDevice device() {
    return target;
  }

  @Override
  public StrikePlanner.Grid grid() {
    return StrikePlanner.Grid.of(geometry);
  }

  @Override
  public ByteRanges lost(ByteRange range) {
    return ByteRanges.of(target.poison(range).stream().map(PoisonEntry::range).toList());
  }

  @Override
  public ByteRanges degraded(ByteRange range) {
    // What the leaf refuses and the target has not lost comes by reconstruction.
    return ByteRanges.of(
            leaf.poison(toMedia(range)).stream()
                .map(entry -> toContent(entry.range()))
                .filter(java.util.Objects::nonNull)
                .toList())
        .intersect(range)
        .minus(lost(range));
  }

  @Override
  public List<Rows> rowsOf(ByteRange content) {
    return geometry.rowsOf(geometry.toChild(content)).stream()
        .map(rows -> new Rows(rows.first(), rows.end()))
        .toList();
  }

  @Override
  public void scrubBegins(Coverage coverage) {
    everything = coverage == Coverage.EVERYTHING;
    target.scrubBegins();
  }

  @Override
  public ScrubTotals check(Rows rows) throws IOException {
    ScrubStep step = ScrubStep.NONE;
    for (long row = rows.first(); row < rows.end(); row += ProtectedTarget.SCRUB_ROWS) {
      int count = (int) Math.min(ProtectedTarget.SCRUB_ROWS, rows.end() - row);
      step = step.plus(target.scrubRows(row, count));
    }
    return totals(step);
  }

  @Override
  public ScrubTotals scrubEnds() throws IOException {
    if (target.state() != DeviceState.ONLINE) {
      return ScrubTotals.NONE;
    }
    ScrubStep step = target.scrubJournals().plus(target.scrubChecksums(0, target.checksumPages()));
    if (everything) {
      target.scrubCompleted();
    }
    return totals(step);
  }

  private ScrubTotals totals(ScrubStep step) {
    // Checksum pages are counted as repaired without a range of their own.
    long found = Math.max(step.found().size(), step.repaired() + step.degraded() + step.lost());
    long foundBytes = step.found().stream().mapToLong(ByteRange::length).sum();
    long degradedBytes = step.degraded() * PAGE;
    long lostBytes = step.lost() * PAGE;
    // A page that the leaf reported is often whole again before the scrub gets to repair it.
    long repairedBytes =
        target.state() == DeviceState.ONLINE
            ? Math.max(step.repaired() * PAGE, foundBytes - degradedBytes - lostBytes)
            : 0;
    return new ScrubTotals(
        step.pagesChecked() * PAGE, found, repairedBytes, degradedBytes, lostBytes);
  }
}
