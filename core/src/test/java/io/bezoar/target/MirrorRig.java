package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A mirror on simulated media, single-threaded: notices and resyncs run on request. */
final class MirrorRig {
  static final int PAGE = Units.PAGE_BYTES;
  static final UUID MIRROR = new UUID(1, 2);
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final long LIST_BYTES = 8L * PAGE;

  /** What a leg is made of. */
  enum Kind {
    BARE,
    PROTECTED
  }

  /** One leg's media and what stands on it now. */
  static final class Part {
    final Kind kind;
    final @Nullable Geometry geometry;
    final ByteRange region;
    SimMedia media;
    @Nullable DaxDevice device;
    final List<NoticeDispatcher> dispatchers = new CopyOnWriteArrayList<>();

    Part(Kind kind, @Nullable Geometry geometry, ByteRange region, SimMedia media) {
      this.kind = kind;
      this.geometry = geometry;
      this.region = region;
      this.media = media;
    }

    DaxDevice device() {
      return java.util.Objects.requireNonNull(device);
    }

    /** The media under bytes of the leg. */
    ByteRange below(ByteRange range) {
      return geometry == null ? range.shift(region.start()) : geometry.toChild(range);
    }
  }

  final List<Part> parts = new ArrayList<>();
  final long dataBytes;
  final List<DeviceNotice> notices = new ArrayList<>();
  final List<Runnable> tasks = new ArrayList<>();
  Executor background = tasks::add;
  @Nullable Integer prefer;
  private long seconds;
  private final NoticeDispatcher[] own = new NoticeDispatcher[1];
  @Nullable MirroredTarget target;

  private MirrorRig(long dataBytes) {
    this.dataBytes = dataBytes;
  }

  /** A new mirror of {@code pages} pages of content, not open. */
  static MirrorRig formatted(List<Kind> kinds, long pages, long seed) throws IOException {
    MirrorRig rig = new MirrorRig(pages * PAGE);
    List<DaxDevice> legs = new ArrayList<>();
    for (Kind kind : kinds) {
      legs.add(rig.openLeg(rig.addPart(kind, seed + 100L * rig.parts.size())));
    }
    MirroredTarget.format(MIRROR, rig.dataBytes, legs);
    for (Part part : rig.parts) {
      part.device().close();
      part.media = part.media.reopen();
    }
    return rig;
  }

  static MirrorRig create(List<Kind> kinds, long pages, long seed) throws IOException {
    MirrorRig rig = formatted(kinds, pages, seed);
    rig.open();
    return rig;
  }

  /** Fresh media for one more leg. */
  Part addPart(Kind kind, long seed) throws IOException {
    long legPages = MirrorLayout.of(dataBytes).legBytes() / PAGE;
    Geometry geometry = null;
    long regionPages = legPages;
    if (kind == Kind.PROTECTED) {
      int columns = 4;
      long rows = Math.ceilDiv(legPages, (long) columns - 1);
      long sums = Math.ceilDiv(rows * (columns - 1), (long) ChecksumLayout.ENTRIES_PER_PAGE);
      long journal = 24;
      regionPages = 2 * (sums + journal) + rows * columns;
      ByteRange region = ByteRange.ofLength(LIST_BYTES, regionPages * PAGE);
      geometry = new Geometry(region, columns, rows, sums, journal);
    }
    ByteRange region = ByteRange.ofLength(LIST_BYTES, regionPages * PAGE);
    SimMedia media = SimMedia.create("media" + parts.size(), region.end() + LIST_BYTES, seed);
    LeafDevice.format(media, listRegion(media));
    if (geometry != null) {
      try (LeafDevice leaf =
          LeafDevice.open(media, listRegion(media), CLOCK, dispatcher("format"))) {
        ProtectedTarget.format(leaf, geometry);
      }
      media = media.reopen();
    }
    Part part = new Part(kind, geometry, region, media);
    parts.add(part);
    return part;
  }

  DaxDevice openLeg(Part part) throws IOException {
    part.dispatchers.clear();
    NoticeDispatcher leafNotices = dispatcher("leaf");
    NoticeDispatcher legNotices = dispatcher("leg");
    part.dispatchers.add(leafNotices);
    part.dispatchers.add(legNotices);
    LeafDevice leaf = LeafDevice.open(part.media, listRegion(part.media), CLOCK, leafNotices);
    DaxDevice device =
        part.geometry == null
            ? LinearTarget.open(part.media.info().name(), leaf, part.region, legNotices)
            : ProtectedTarget.open(
                leaf, part.geometry, CLOCK, legNotices, WritePath.WriteMode.DIRECT);
    part.device = device;
    return device;
  }

  static PoisonRegion listRegion(SimMedia media) {
    long size = media.sizeBytes();
    return new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, CLOCK, _ -> {});
  }

  /** Opens all parts, in slots 0, 1, ... */
  void open() throws IOException {
    Map<Integer, DaxDevice> legs = new TreeMap<>();
    for (int slot = 0; slot < parts.size(); slot++) {
      legs.put(slot, openLeg(parts.get(slot)));
    }
    openWith(legs);
  }

  /** Time enough passes between any two looks at the clock for bits to be cleared. */
  private synchronized Instant tick() {
    return Instant.ofEpochSecond(seconds += 6);
  }

  /** Opens these slots only. */
  void openOnly(Integer... slots) throws IOException {
    Map<Integer, DaxDevice> legs = new TreeMap<>();
    for (int slot : slots) {
      legs.put(slot, openLeg(parts.get(slot)));
    }
    openWith(legs);
  }

  void openWith(Map<Integer, DaxDevice> legs) throws IOException {
    tasks.clear();
    own[0] = dispatcher("mirror");
    target =
        MirroredTarget.open(
            "mirror",
            MIRROR,
            dataBytes,
            legs,
            new MirrorOptions(this::tick, background, ResyncPace.unlimited(), prefer),
            own[0]);
  }

  MirroredTarget target() {
    return java.util.Objects.requireNonNull(target);
  }

  void close() throws IOException {
    target().close();
    reopenMedia();
  }

  /** After a close: the same media, opened again. */
  void reopenMedia() {
    parts.forEach(part -> part.media = part.media.reopen());
  }

  void crash(Function<SimMedia, SimMedia> how) {
    parts.forEach(part -> part.media = how.apply(part.media));
  }

  /** Collects what is told from now on. */
  void record() throws IOException {
    target()
        .claim(
            new Holder() {
              @Override
              public String holderName() {
                return "test";
              }

              @Override
              public void onNotice(DeviceNotice notice) {
                notices.add(notice);
              }
            });
  }

  List<DeviceNotice.Failure> failures() {
    return notices.stream()
        .filter(DeviceNotice.Failure.class::isInstance)
        .map(DeviceNotice.Failure.class::cast)
        .toList();
  }

  List<DeviceNotice.StateChange> changes() {
    return notices.stream()
        .filter(DeviceNotice.StateChange.class::isInstance)
        .map(DeviceNotice.StateChange.class::cast)
        .toList();
  }

  /** Delivers what waits, from the bottom up. */
  void deliver() {
    for (Part part : parts) {
      part.dispatchers.forEach(NoticeDispatcher::drain);
    }
    // Healing one leg may have struck another.
    for (Part part : parts) {
      part.dispatchers.forEach(NoticeDispatcher::drain);
    }
    own[0].drain();
  }

  /** Runs what waits to run in the background. */
  void resync() {
    while (!tasks.isEmpty()) {
      tasks.removeFirst().run();
    }
  }

  void strike(int slot, ByteRange range) throws IOException {
    inject(slot, FaultSpec.of(FaultKind.POISON, parts.get(slot).below(range), 1));
  }

  void inject(int slot, FaultSpec spec) throws IOException {
    parts.get(slot).media.injector().inject(spec);
  }

  /** Makes a leg lose bytes, redundancy or not. */
  void lose(int slot, ByteRange range) throws IOException {
    lose(slot, range, false);
  }

  void lose(int slot, ByteRange range, boolean stuck) throws IOException {
    Part part = parts.get(slot);
    inject(slot, new FaultSpec(FaultKind.POISON, part.below(range), stuck, 1));
    Geometry geometry = part.geometry;
    if (geometry != null) {
      ByteRange pages = range.alignOutward(PAGE);
      for (long page = pages.start() / PAGE; page < pages.end() / PAGE; page++) {
        long parity = geometry.parityOffset(geometry.rowOf(page));
        inject(slot, FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(parity, PAGE), 1));
      }
    }
  }

  byte[] read(long offset, int length) throws IOException {
    return read(target(), offset, length);
  }

  static byte[] read(DaxDevice device, long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment dst = arena.allocate(length, PAGE);
      device.read(offset, dst);
      return dst.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  void write(long offset, byte[] bytes) throws IOException {
    write(target(), offset, bytes);
  }

  static void write(DaxDevice device, long offset, byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment src = arena.allocate(bytes.length, PAGE);
      src.copyFrom(MemorySegment.ofArray(bytes));
      device.write(offset, src);
    }
  }

  /** What a leg holds of the content, read past the mirror. */
  byte[] leg(int slot) throws IOException {
    return read(parts.get(slot).device(), 0, (int) dataBytes);
  }

  void assertLegsEqual(String what) throws IOException {
    byte[] first = null;
    for (LegStatus leg : target().legs()) {
      assertThat(leg.state()).as("%s: %s", what, leg).isEqualTo(LegStatus.State.IN_SYNC);
      byte[] bytes = leg(leg.slot());
      if (first == null) {
        first = bytes;
      }
      int differs = java.util.Arrays.mismatch(first, bytes);
      assertThat(differs)
          .as("%s: first byte at which leg %s differs", what, leg.slot())
          .isEqualTo(-1);
    }
  }

  LegStatus status(int slot) {
    return target().legs().stream().filter(leg -> leg.slot() == slot).findFirst().orElseThrow();
  }
}
