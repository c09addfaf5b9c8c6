package io.bezoar.pool;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.health.ScrubSource.Coverage;
import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import io.bezoar.target.LinearTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The payload is the volume. A row is one page, and checking it is reading it: there is nothing to
 * compare it with, so only bytes that refuse to be read are found.
 *
 * @param target the volume
 * @param payload where it lies
 */
record BareContent(LinearTarget target, ByteRange payload) implements DeviceContent {
  private static final int PAGE = Units.PAGE_BYTES;

  @Override
  public DaxDevice device() {
    return target;
  }

  @Override
  public StrikePlanner.Grid grid() {
    return StrikePlanner.Grid.bare(payload);
  }

  @Override
  public ByteRanges lost(ByteRange range) {
    return poison(range, Confidence.EXACT);
  }

  @Override
  public ByteRanges degraded(ByteRange range) {
    return poison(range, Confidence.SUSPECT).minus(lost(range));
  }

  private ByteRanges poison(ByteRange range, Confidence confidence) {
    return ByteRanges.of(
        target.poison(range).stream()
            .filter(entry -> entry.confidence() == confidence)
            .map(PoisonEntry::range)
            .toList());
  }

  @Override
  public List<Rows> rowsOf(ByteRange content) {
    ByteRange pages = content.alignOutward(PAGE);
    return List.of(new Rows(pages.start() / PAGE, pages.end() / PAGE));
  }

  @Override
  public void scrubBegins(Coverage coverage) {
    // Nothing is kept between two checks.
  }

  @Override
  public ScrubTotals check(Rows rows) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(rows.count() * PAGE, PAGE);
      List<RecoveryRead.Hole> holes = target.recoveryRead(rows.first() * PAGE, buffer).holes();
      long lostBytes = holes.stream().mapToLong(hole -> hole.range().length()).sum();
      return new ScrubTotals(buffer.byteSize(), holes.size(), 0, 0, lostBytes);
    }
  }

  @Override
  public ScrubTotals scrubEnds() {
    return ScrubTotals.NONE;
  }
}
