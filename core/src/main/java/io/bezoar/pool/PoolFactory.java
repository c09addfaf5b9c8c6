package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.fs.Filesystem;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubRecord;
import io.bezoar.media.Media;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Makes pools, and devices for pools that are there.
 *
 * <p><b>Invariant.</b> Labels are written last and durably after everything they vouch for, so a
 * file either is a whole device of a pool or is none. Nothing that exists is ever touched, and what
 * was made is taken away again when the whole cannot be made.
 */
final class PoolFactory {
  private final PoolSpec spec;
  private final PoolOptions options;
  private final MediaSource source;
  private final PoolTools tools;
  private final List<DeviceEntry> entries = new ArrayList<>();
  private final List<Path> paths = new ArrayList<>();

  private PoolFactory(PoolSpec spec, PoolOptions options, MediaSource source, PoolTools tools) {
    this.spec = spec;
    this.options = options;
    this.source = source;
    this.tools = tools;
  }

  static void create(
      StackDraft draft, PoolSpec spec, PoolOptions options, MediaSource source, PoolTools tools)
      throws IOException {
    new PoolFactory(spec, options, source, tools).create(draft);
  }

  private void create(StackDraft draft) throws IOException {
    Stack stack = plan(draft);
    PoolConfig config = PoolConfig.first(stack, entries);
    PoolLabel first = label(config, 0, UUID.randomUUID());
    List<Path> made = new ArrayList<>();
    Map<Integer, Member> members = new TreeMap<>();
    boolean done = false;
    try {
      for (DeviceEntry entry : entries) {
        PoolLabel label = label(config, entry.number(), first.uuid());
        Path path = paths.get(entry.number());
        members.put(entry.number(), make(path, label, made));
      }
      fill(first, members);
      done = true;
    } finally {
      for (Member member : members.values()) {
        member.close();
      }
      if (!done) {
        for (Path path : made) {
          source.delete(path);
        }
      }
    }
  }

  /** Everything on the devices of a new pool, the labels last. */
  private void fill(PoolLabel label, Map<Integer, Member> members) throws IOException {
    String name = paths.getFirst().toString();
    Map<Integer, DaxDevice> contents = new TreeMap<>();
    List<EventLog.Place> places = new ArrayList<>();
    for (Member member : members.values()) {
      DaxDevice content = member.openContent(tools).device();
      // The targets are made and closed again; the devices stay.
      contents.put(member.number(), new ObservedVolume(content, range -> {}));
      places.add(member.eventPlace());
    }
    Assembly.format(
        name,
        label.config().stack(),
        contents,
        Pool.assemblyOptions(options, tools, DeviceEntry.NONE),
        tools);
    if (spec.content() == PoolLabel.Content.FS) {
      formatFilesystem(name, label, contents);
    }
    EventLog events = EventLog.open(places, salt(label), 0, tools.clock());
    String redundancy = label.redundancy().toString();
    events.append(
        (sequence, now) -> new Event.Lifecycle(sequence, now, Event.Step.CREATED, redundancy));
    events.close();
    for (Member member : members.values()) {
      member.requireContent().device().persist();
      LabelStore.write(member.leaf(), member.found().label());
    }
  }

  private void formatFilesystem(String name, PoolLabel label, Map<Integer, DaxDevice> contents)
      throws IOException {
    Assembly.Options assembly = Pool.assemblyOptions(options, tools, DeviceEntry.NONE);
    Assembly.Built built = Assembly.open(name, label.config(), contents, assembly, tools);
    try (DaxDevice volume = built.volume()) {
      long id = UUID.randomUUID().getLeastSignificantBits();
      Filesystem.format(volume, id, spec.root(), PoolFiles.options(tools));
      volume.persist();
    } catch (IllegalArgumentException tooSmall) {
      throw new MediaOpenException(
          name, Reason.BAD_GEOMETRY, tooSmall.getMessage() + ": choose a larger size");
    }
  }

  /**
   * Makes one device: everything but its label is on it.
   *
   * @param made is told of the path as soon as there is something at it
   */
  private Member make(Path path, PoolLabel label, List<Path> made) throws IOException {
    Media media =
        source.create(path, label.layout().sizeBytes(), spec.allocation(), options.choice());
    made.add(path);
    return format(path, media, label, tools);
  }

  /** Makes a device of blank media, which stays open; its label is not written. */
  static Member format(Path path, Media media, PoolLabel label, PoolTools tools)
      throws IOException {
    try {
      PoisonRegion lists = lists(label.layout());
      LeafDevice.format(media, lists);
      Geometry geometry = label.geometry();
      Member member = Member.fresh(path, media, label, tools);
      if (geometry != null) {
        ProtectedTarget.format(member.leaf(), geometry);
      }
      return member;
    } catch (IOException | RuntimeException | Error failed) {
      try {
        media.close();
      } catch (IOException suppressed) {
        failed.addSuppressed(suppressed);
      }
      throw failed;
    }
  }

  private Stack plan(StackDraft draft) throws MediaOpenException {
    return switch (draft) {
      case StackDraft.Device device -> {
        int number = enter(device);
        yield mirror(List.of(new Stack.Leg.OfDevice(number)));
      }
      case StackDraft.Mirror mirror -> {
        List<Stack.Leg> legs = new ArrayList<>();
        for (StackDraft leg : mirror.legs()) {
          legs.add(
              leg instanceof StackDraft.Device device
                  ? new Stack.Leg.OfDevice(enter(device))
                  : new Stack.Leg.OfStack(plan(leg)));
        }
        yield mirror(legs);
      }
      case StackDraft.Linear linear -> new Stack.Linear(planAll(linear.parts()));
      case StackDraft.Striped striped ->
          new Stack.Striped(striped.chunkBytes(), planAll(striped.parts()));
      case StackDraft.Cached cached ->
          new Stack.Cached(UUID.randomUUID(), plan(cached.fast()), plan(cached.origin()));
    };
  }

  private List<Stack> planAll(List<StackDraft> drafts) throws MediaOpenException {
    List<Stack> stacks = new ArrayList<>();
    for (StackDraft draft : drafts) {
      stacks.add(plan(draft));
    }
    return stacks;
  }

  private Stack.Mirror mirror(List<Stack.Leg> legs) throws MediaOpenException {
    long smallest = Long.MAX_VALUE;
    Map<Integer, Stack.Leg> bySlot = new TreeMap<>();
    for (Stack.Leg leg : legs) {
      bySlot.put(bySlot.size(), leg);
      long bytes =
          switch (leg) {
            case Stack.Leg.OfDevice(int number) -> contentBytes(entries.get(number));
            case Stack.Leg.OfStack(Stack below) -> below.sizeBytes();
          };
      smallest = Math.min(smallest, bytes);
    }
    return new Stack.Mirror(
        UUID.randomUUID(), MirroredTarget.dataBytes(smallest), new TreeMap<>(bySlot));
  }

  private int enter(StackDraft.Device device) throws MediaOpenException {
    int number = entries.size();
    Path path = device.path();
    long sizeBytes = device.sizeBytes() < 0 ? spec.sizeBytes() : device.sizeBytes();
    checkSize(path.toString(), sizeBytes);
    Redundancy redundancy = device.redundancy();
    DeviceEntry entry =
        new DeviceEntry(
            number,
            UUID.randomUUID(),
            source.absolute(path).toString(),
            sizeBytes,
            redundancy == null ? spec.redundancy() : redundancy,
            DeviceEntry.Use.MEMBER,
            -1);
    entries.add(entry);
    paths.add(path);
    return number;
  }

  private PoolLabel label(PoolConfig config, int number, UUID pool) throws MediaOpenException {
    return label(config, number, pool, spec.content(), spec.drill(), tools.clock());
  }

  /** The label of device {@code number}, as the pool is made. */
  static PoolLabel label(
      PoolConfig config,
      int number,
      UUID pool,
      PoolLabel.Content content,
      PoolLabel.Drill drill,
      InstantSource clock)
      throws MediaOpenException {
    DeviceEntry entry = config.device(number);
    PoolLayout layout = PoolLayout.plan(entry.sizeBytes());
    return new PoolLabel(
        pool,
        1,
        content,
        entry.redundancy(),
        layout,
        geometry(entry, layout),
        drill,
        clock.instant().truncatedTo(ChronoUnit.MILLIS),
        PoolLabel.Shutdown.CLEAN,
        1,
        ScrubRecord.NEVER,
        config,
        number,
        0);
  }

  static void checkSize(String name, long sizeBytes) throws MediaOpenException {
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
          "a device of a pool has at least %d bytes, not %d: choose a larger size"
              .formatted(PoolLayout.MIN_SIZE_BYTES, sizeBytes));
    }
  }

  /** Bytes that a device gives to the mirror it stands in. */
  static long contentBytes(DeviceEntry entry) throws MediaOpenException {
    checkSize(entry.path(), entry.sizeBytes());
    PoolLayout layout = PoolLayout.plan(entry.sizeBytes());
    Geometry geometry = geometry(entry, layout);
    return geometry == null ? layout.payload().length() : geometry.volumeBytes();
  }

  private static @Nullable Geometry geometry(DeviceEntry entry, PoolLayout layout)
      throws MediaOpenException {
    if (!entry.redundancy().isProtected()) {
      return null;
    }
    try {
      return Geometry.plan(layout.payload(), entry.redundancy().columns());
    } catch (IllegalArgumentException e) {
      throw new MediaOpenException(
          entry.path(),
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
