package io.bezoar.pool;

import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubRecord;
import io.bezoar.media.Access;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Makes pools.
 *
 * <p><b>Invariant.</b> The label is written last and durably after everything it vouches for, so a
 * file either is a whole pool or is not a pool. Nothing that exists is ever touched.
 */
final class PoolFactory {
  private PoolFactory() {}

  static void create(Path path, PoolSpec spec, PoolOptions options) throws IOException {
    String name = path.toString();
    PoolLabel label = label(name, spec, options.clock());
    Media media =
        MediaFiles.create(
            path,
            spec.sizeBytes(),
            spec.allocation(),
            new MediaOptions(Access.READ_WRITE, options.choice(), Drills.OFF));
    boolean done = false;
    try (media) {
      format(media, label, options.clock());
      done = true;
    } finally {
      if (!done) {
        Files.deleteIfExists(path);
      }
    }
  }

  /** Makes a pool of blank media, which stays open. */
  static void format(Media media, PoolLabel label, InstantSource clock) throws IOException {
    PoolLayout layout = label.layout();
    PoisonRegion lists = lists(layout);
    LeafDevice.format(media, lists);
    // Nobody listens yet, and a failure here fails the whole.
    NoticeDispatcher unheard = new NoticeDispatcher(media.info().name(), clock, Runnable::run);
    LeafDevice leaf = LeafDevice.open(media, lists, clock, unheard);
    Geometry geometry = label.geometry();
    if (geometry != null) {
      ProtectedTarget.format(leaf, geometry);
    }
    EventLog events = EventLog.open(leaf, layout.events(), salt(label), 0, clock);
    events.append(
        (sequence, now) ->
            new Event.Lifecycle(sequence, now, Event.Step.CREATED, label.redundancy().toString()));
    events.close();
    LabelStore.write(leaf, label);
    leaf.close();
  }

  static PoolLabel label(String name, PoolSpec spec, InstantSource clock)
      throws MediaOpenException {
    long sizeBytes = spec.sizeBytes();
    if (sizeBytes % Units.PAGE_BYTES != 0) {
      long below = sizeBytes / Units.PAGE_BYTES * Units.PAGE_BYTES;
      throw new MediaOpenException(
          name,
          Reason.BAD_GEOMETRY,
          "%d bytes are not whole pages of %d: use %d or %d"
              .formatted(sizeBytes, Units.PAGE_BYTES, below, below + Units.PAGE_BYTES));
    }
    if (sizeBytes < PoolLayout.MIN_SIZE_BYTES) {
      throw new MediaOpenException(
          name,
          Reason.BAD_GEOMETRY,
          "a pool has at least %d bytes, not %d: choose a larger size"
              .formatted(PoolLayout.MIN_SIZE_BYTES, sizeBytes));
    }
    PoolLayout layout = PoolLayout.plan(sizeBytes);
    UUID uuid = UUID.randomUUID();
    return new PoolLabel(
        uuid,
        1,
        PoolLabel.Content.RAW,
        spec.redundancy(),
        layout,
        geometry(name, spec.redundancy(), layout),
        spec.drill(),
        clock.instant().truncatedTo(ChronoUnit.MILLIS),
        PoolLabel.Shutdown.CLEAN,
        1,
        ScrubRecord.NEVER,
        PoolConfig.version1(uuid, sizeBytes, spec.redundancy()),
        0);
  }

  private static @Nullable Geometry geometry(String name, Redundancy redundancy, PoolLayout layout)
      throws MediaOpenException {
    if (!redundancy.isProtected()) {
      return null;
    }
    try {
      return Geometry.plan(layout.payload(), redundancy.columns());
    } catch (IllegalArgumentException e) {
      throw new MediaOpenException(
          name,
          Reason.BAD_GEOMETRY,
          e.getMessage() + ": choose a larger size or fewer parity columns");
    }
  }

  static PoisonRegion lists(PoolLayout layout) {
    return new PoisonRegion(layout.firstList(), layout.secondList());
  }

  /** What makes this pool's event records its own. */
  static long salt(PoolLabel label) {
    return label.uuid().getMostSignificantBits() ^ label.uuid().getLeastSignificantBits();
  }
}
