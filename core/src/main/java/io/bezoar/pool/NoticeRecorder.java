package io.bezoar.pool;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.Severity;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The volume's holder: turns each notice into events, one for each struck range, and remembers what
 * was repaired.
 *
 * <p>Coalescing makes one notice of many strikes, but whoever looks for a strike looks for its
 * place; so the notice is taken apart again here. A range of the volume that a notice names without
 * a strike of its own (a page that was lost because its neighbour in the row went) gets an event
 * too.
 */
final class NoticeRecorder implements Holder {
  /** Bounds the memory of what was repaired; beyond it neighbours are joined. */
  private static final int MAX_REPAIRED_RANGES = 8192;

  /** The number of the one device of a pool. */
  private static final int ONLY_DEVICE = 0;

  private final String name;
  private final VolumeStack stack;
  private final EventLog events;
  private final AtomicReference<ByteRanges> repaired = new AtomicReference<>(ByteRanges.EMPTY);

  NoticeRecorder(String name, VolumeStack stack, EventLog events) {
    this.name = name;
    this.stack = stack;
    this.events = events;
  }

  @Override
  public String holderName() {
    return "pool " + name;
  }

  /** Bytes of the volume that were repaired since the pool was opened. */
  ByteRanges repaired() {
    return repaired.get();
  }

  @Override
  public void onNotice(DeviceNotice notice) {
    switch (notice) {
      case DeviceNotice.Failure failure -> onFailure(failure);
      case DeviceNotice.StateChange change ->
          events.append(
              (sequence, now) ->
                  new Event.StateChange(
                      sequence, now, Event.NO_DEVICE, change.state(), change.detail()));
    }
  }

  private void onFailure(DeviceNotice.Failure failure) {
    ByteRanges untold = ByteRanges.of(failure.ranges());
    if (failure.severity() == Severity.HEALED && !untold.isEmpty()) {
      ByteRanges healed = untold;
      repaired.updateAndGet(before -> before.union(healed).widenTo(MAX_REPAIRED_RANGES));
    }
    for (ByteRange media : failure.media()) {
      List<ByteRange> volumes = new ArrayList<>();
      ByteRange held = stack.toVolume(media);
      if (held != null) {
        ByteRange pages = held.alignOutward(Units.PAGE_BYTES);
        volumes.addAll(untold.intersect(pages).asList());
        untold = untold.minus(pages);
      }
      if (volumes.isEmpty()) {
        append(failure, null, media);
      }
      for (ByteRange volume : volumes) {
        append(failure, volume, volumes.size() == 1 ? media : stack.toMedia(volume));
      }
    }
    for (ByteRange volume : untold.asList()) {
      append(failure, volume, stack.toMedia(volume));
    }
  }

  private void append(DeviceNotice.Failure failure, @Nullable ByteRange volume, ByteRange media) {
    events.append(
        (sequence, now) ->
            new Event.Failure(
                sequence,
                now,
                failure.severity(),
                failure.cause(),
                failure.role(),
                ONLY_DEVICE,
                volume,
                media));
  }
}
