package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

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

/** A protected target on simulated media, single-threaded: notices are delivered on request. */
final class Rig {
  static final int PAGE = Units.PAGE_BYTES;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  final Geometry geometry;
  final WritePath.WriteMode mode;
  final List<DeviceNotice.Failure> failures = new ArrayList<>();
  SimMedia media;
  LeafDevice child;
  ProtectedTarget target;
  private NoticeDispatcher childNotices;
  private NoticeDispatcher notices;

  private Rig(SimMedia media, Geometry geometry, WritePath.WriteMode mode) throws IOException {
    this.media = media;
    this.geometry = geometry;
    this.mode = mode;
    open();
  }

  /** A new target of {@code columns} columns with about {@code rows} rows. */
  static Rig create(int columns, long rows, WritePath.WriteMode mode, long seed)
      throws IOException {
    return create(columns, rows, mode, seed, 10);
  }

  static Rig create(int columns, long rows, WritePath.WriteMode mode, long seed, long journalPages)
      throws IOException {
    long sums = Math.ceilDiv(rows * (columns - 1), (long) ChecksumLayout.ENTRIES_PER_PAGE);
    long pages = 2 * (sums + journalPages) + rows * columns;
    ByteRange region = ByteRange.ofLength(LIST_BYTES, pages * PAGE);
    Geometry geometry = new Geometry(region, columns, rows, sums, journalPages);
    SimMedia media = SimMedia.create("sim", region.end() + LIST_BYTES, seed);
    LeafDevice.format(media, listRegion(media));
    try (LeafDevice child = LeafDevice.open(media, listRegion(media), CLOCK, dispatcher("child"))) {
      ProtectedTarget.format(child, geometry);
    }
    media = media.reopen();
    return new Rig(media, geometry, mode);
  }

  private static final long LIST_BYTES = 16L * PAGE;

  private void open() throws IOException {
    childNotices = dispatcher("child");
    notices = dispatcher("volume");
    child = LeafDevice.open(media, listRegion(media), CLOCK, childNotices);
    target = ProtectedTarget.open(child, geometry, CLOCK, notices, mode);
  }

  private static PoisonRegion listRegion(SimMedia media) {
    long size = media.sizeBytes();
    return new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, CLOCK, _ -> {});
  }

  /** Collects what is told from now on. */
  void record() throws IOException {
    target.claim(new Recorder());
  }

  /** Delivers what waits: the child's to the target first. */
  void deliver() {
    childNotices.drain();
    notices.drain();
  }

  /** Reopens on what a power cut left. */
  void reopenOn(SimMedia survivors) throws IOException {
    media = survivors;
    open();
  }

  /** Strikes and returns what was struck. */
  ByteRange strike(FaultKind kind, long childOffset, long length, long seed) throws IOException {
    return media
        .injector()
        .inject(FaultSpec.of(kind, ByteRange.ofLength(childOffset, length), seed));
  }

  byte[] read(long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment dst = arena.allocate(length, PAGE);
      target.read(offset, dst);
      return dst.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  void write(long offset, byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment src = arena.allocate(bytes.length, PAGE);
      src.copyFrom(MemorySegment.ofArray(bytes));
      target.write(offset, src);
    }
  }

  ScrubStep scrubAll() throws IOException {
    target.scrubBegins();
    ScrubStep total = ScrubStep.NONE;
    for (long row = 0; row < geometry.rows(); row += ProtectedTarget.SCRUB_ROWS) {
      int count = (int) Math.min(ProtectedTarget.SCRUB_ROWS, geometry.rows() - row);
      total = total.plus(target.scrubRows(row, count));
    }
    total = total.plus(target.scrubChecksums(0, target.checksumPages()));
    total = total.plus(target.scrubJournals());
    target.scrubCompleted();
    return total;
  }

  void assertScrubsClean() throws IOException {
    assertThat(scrubAll())
        .satisfies(
            step -> {
              assertThat(step.found()).isEmpty();
              assertThat(step.repaired() + step.degraded() + step.lost()).isZero();
            });
  }

  private final class Recorder implements Holder {
    @Override
    public String holderName() {
      return "test";
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      if (notice instanceof DeviceNotice.Failure failure) {
        failures.add(failure);
      }
    }
  }
}
