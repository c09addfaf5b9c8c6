package io.bezoar.pool;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.LeafDevice;
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
 * Watches what a device of the pool keeps outside its payload: a label copy or a page of the event
 * ring that goes bad is rewritten at once from the other copy, or from memory.
 */
final class MetadataGuard implements Holder {
  private static final System.Logger LOG = System.getLogger(MetadataGuard.class.getName());

  private final int device;
  private final String name;
  private final LeafDevice leaf;
  private final PoolLayout layout;
  private final LabelKeeper labels;
  private final EventLog events;

  MetadataGuard(Member member, EventLog events) {
    this.device = member.number();
    this.name = member.name();
    this.leaf = member.leaf();
    this.layout = member.layout();
    this.labels = member.labels();
    this.events = events;
  }

  @Override
  public String holderName() {
    return "metadata of " + name;
  }

  @Override
  public void onNotice(DeviceNotice notice) {
    if (!(notice instanceof DeviceNotice.Failure failure)) {
      return;
    }
    if (failure.role() == Role.POISON_LIST) {
      // The leaf looks after its list itself.
      failure
          .media()
          .forEach(range -> record(failure.severity(), failure.cause(), failure.role(), range));
      return;
    }
    if (failure.severity() == Severity.HEALED
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

  /** Compares labels, list and event ring with what they must hold, and rewrites what differs. */
  ScrubTotals verify(Cause cause) throws IOException {
    LabelKeeper.Verified label = labels.verify();
    label.healed().forEach(copy -> record(Severity.HEALED, cause, Role.LABEL, copy));
    label.stuck().forEach(copy -> record(Severity.DEGRADED, cause, Role.LABEL, copy));
    List<ByteRange> list = leaf.state() == DeviceState.ONLINE ? leaf.scrubList() : List.of();
    List<ByteRange> pages = events.verify(leaf);
    pages.forEach(page -> record(Severity.HEALED, cause, Role.EVENTS, page));
    return new ScrubTotals(
        2 * (Units.PAGE_BYTES + layout.firstList().length()) + layout.events().length(),
        label.healed().size() + label.stuck().size() + list.size() + pages.size(),
        bytes(label.healed()) + bytes(list) + bytes(pages),
        bytes(label.stuck()),
        0);
  }

  private static long bytes(List<ByteRange> ranges) {
    return ranges.stream().mapToLong(ByteRange::length).sum();
  }

  private boolean isOurs(ByteRange range) {
    return range.overlaps(layout.firstLabel())
        || range.overlaps(layout.secondLabel())
        || range.overlaps(layout.events());
  }

  private void record(Severity outcome, Cause cause, Role role, ByteRange media) {
    events.append(
        (sequence, now) ->
            new Event.Failure(sequence, now, outcome, cause, role, device, null, media));
  }
}
