package io.bezoar.pool;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.util.List;

/**
 * Watches what the pool keeps about itself outside the payload: a label copy or a page of the event
 * ring that goes bad is rewritten at once from the other copy, or from memory.
 */
final class MetadataGuard implements Holder {
  private static final System.Logger LOG = System.getLogger(MetadataGuard.class.getName());

  private final String name;
  private final PoolLayout layout;
  private final LabelKeeper labels;
  private final EventLog events;

  MetadataGuard(String name, PoolLayout layout, LabelKeeper labels, EventLog events) {
    this.name = name;
    this.layout = layout;
    this.labels = labels;
    this.events = events;
  }

  @Override
  public String holderName() {
    return "metadata of pool " + name;
  }

  @Override
  public void onNotice(DeviceNotice notice) {
    if (!(notice instanceof DeviceNotice.Failure failure)
        || failure.severity() == Severity.HEALED
        || failure.ranges().stream().noneMatch(this::isOurs)) {
      return;
    }
    try {
      verify(failure.cause());
    } catch (IOException e) {
      // The next scrub tries again, and says so where somebody can read it.
      LOG.log(System.Logger.Level.WARNING, name + ": metadata could not be rewritten", e);
    }
  }

  /**
   * Compares labels and event ring with what they must hold, rewrites what differs, and says so.
   */
  ScrubTotals verify(Cause cause) throws IOException {
    List<ByteRange> wrongLabels = labels.verify();
    wrongLabels.forEach(copy -> record(cause, Role.LABEL, copy));
    List<ByteRange> wrongPages = events.verify();
    wrongPages.forEach(page -> record(cause, Role.EVENTS, page));
    return new ScrubTotals(
        2L * Units.PAGE_BYTES + layout.events().length(),
        wrongLabels.size() + wrongPages.size(),
        (long) (wrongLabels.size() + wrongPages.size()) * Units.PAGE_BYTES,
        0,
        0);
  }

  private boolean isOurs(ByteRange range) {
    return range.overlaps(layout.firstLabel())
        || range.overlaps(layout.secondLabel())
        || range.overlaps(layout.events());
  }

  private void record(Cause cause, Role role, ByteRange media) {
    events.append(
        (sequence, now) ->
            new Event.Failure(sequence, now, Severity.HEALED, cause, role, null, media));
  }
}
