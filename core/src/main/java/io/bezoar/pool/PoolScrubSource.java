package io.bezoar.pool;

import io.bezoar.health.ScrubSource;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.util.List;

/**
 * A pool as a scrub sees it.
 *
 * @param stack the payload
 * @param metadata what lies around it
 */
record PoolScrubSource(VolumeStack stack, MetadataGuard metadata) implements ScrubSource {
  @Override
  public long rowCount() {
    return stack.grid().rows();
  }

  @Override
  public long rowBytes() {
    return (long) stack.grid().columns() * Units.PAGE_BYTES;
  }

  @Override
  public List<Rows> rowsOf(ByteRange volume) {
    return stack.rowsOf(volume);
  }

  @Override
  public ScrubTotals check(Rows rows) throws IOException {
    return stack.check(rows);
  }

  @Override
  public void begin(Coverage coverage) {
    stack.scrubBegins(coverage);
  }

  @Override
  public ScrubTotals end() throws IOException {
    return stack.scrubEnds().plus(metadata.verify(Cause.REDUNDANCY));
  }
}
