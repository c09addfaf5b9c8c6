package io.bezoar.pool;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.Severity;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
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

  /** The number of the volume in events: no device of its own. */
  private static final int VOLUME = -1;

  private final String name;
  private final Places places;
  private final EventLog events;
  private final AtomicReference<ByteRanges> repaired = new AtomicReference<>(ByteRanges.EMPTY);

  /** Where struck media lies in the volume, and the other way. */
  interface Places {
    /** The number of the device that is called so in notices; -1 when none is. */
    int device(String lowest);

    /** The pages of the volume that {@code media} of a device holds; empty when it holds none. */
    ByteRanges volumePages(int device, ByteRange media);

    /** The bytes of a device's media that hold {@code volume}; null when it does not. */
    @Nullable ByteRange media(int device, ByteRange volume);
  }

  NoticeRecorder(String name, Places places, EventLog events) {
    this.name = name;
    this.places = places;
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
                  new Event.StateChange(sequence, now, VOLUME, change.state(), change.detail()));
    }
  }

  private void onFailure(DeviceNotice.Failure failure) {
    int device = places.device(failure.lowest());
    ByteRanges untold = ByteRanges.of(failure.ranges());
    if (failure.severity() == Severity.HEALED && !untold.isEmpty()) {
      ByteRanges healed = untold;
      repaired.updateAndGet(before -> before.union(healed).widenTo(MAX_REPAIRED_RANGES));
    }
    for (ByteRange media : failure.media()) {
      ByteRanges held = places.volumePages(device, media);
      List<ByteRange> volumes = new ArrayList<>(untold.intersect(held).asList());
      untold = untold.minus(held);
      if (volumes.isEmpty()) {
        append(failure, device, null, media);
      }
      for (ByteRange volume : volumes) {
        append(failure, device, volume, volumes.size() == 1 ? media : places.media(device, volume));
      }
    }
    for (ByteRange volume : untold.asList()) {
      append(failure, device, volume, places.media(device, volume));
    }
  }

  private void append(
      DeviceNotice.Failure failure,
      int device,
      @Nullable ByteRange volume,
      @Nullable ByteRange media) {
    events.append(
        (sequence, now) ->
            new Event.Failure(
                sequence,
                now,
                failure.severity(),
                failure.cause(),
                failure.role(),
                device,
                volume,
                media));
  }
}
