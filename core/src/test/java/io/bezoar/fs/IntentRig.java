package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** An intent log on a device on simulated media. */
final class IntentRig {
  static final int PAGE = Units.PAGE_BYTES;
  static final long ID = 0x1d;
  static final ByteRange REGION = ByteRange.ofLength(3L * PAGE, 16L * PAGE);
  private static final long LIST_BYTES = 16L * PAGE;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  /** What the log stands on. */
  enum Below {
    LEAF,
    PROTECTED
  }

  /** What a replay handed out. */
  record Seen(long sequence, IntentRecord record) {}

  final Below below;
  private final Geometry geometry;
  SimMedia media;
  DaxDevice device;

  private IntentRig(Below below, SimMedia media, Geometry geometry) throws IOException {
    this.below = below;
    this.geometry = geometry;
    this.media = media;
    openOn(media);
  }

  static IntentRig create(Below below, long seed) throws IOException {
    return create(below, Units.SECTOR_BYTES, seed);
  }

  static IntentRig create(Below below, int clearUnitBytes, long seed) throws IOException {
    long payload = below == Below.LEAF ? 32 : 96;
    long size = payload * PAGE + 2 * LIST_BYTES;
    SimMedia media = SimMedia.create("sim", size, clearUnitBytes, seed);
    Geometry geometry = ProtectedTarget.plan(region(media), 4);
    LeafDevice.format(media, lists(media));
    if (below == Below.PROTECTED) {
      try (LeafDevice child = LeafDevice.open(media, lists(media), CLOCK, dispatcher("child"))) {
        ProtectedTarget.format(child, geometry);
      }
      media = media.reopen();
    }
    return new IntentRig(below, media, geometry);
  }

  /** Opens the device on media, as the next boot does. */
  void openOn(SimMedia media) throws IOException {
    this.media = media;
    LeafDevice leaf = LeafDevice.open(media, lists(media), CLOCK, dispatcher("child"));
    device =
        below == Below.LEAF
            ? LinearTarget.open("volume", leaf, region(media), dispatcher("volume"))
            : ProtectedTarget.open(leaf, geometry, CLOCK, dispatcher("volume"));
  }

  IntentLog open() throws IOException {
    return IntentLog.open(device, REGION, ID);
  }

  /** A log that takes records. */
  IntentLog started() throws IOException {
    IntentLog log = open();
    log.restart(0);
    return log;
  }

  /** What a fresh look at the log replays on a commit. */
  IntentReplay replay(long commit, List<Seen> seen) throws IOException {
    return replay(open(), commit, seen);
  }

  static IntentReplay replay(IntentLog log, long commit, List<Seen> seen) throws IOException {
    return log.replay(
        commit, (sequence, record) -> seen.add(new Seen(sequence, withOwnMemory(record))));
  }

  private static IntentRecord withOwnMemory(IntentRecord record) {
    return new IntentRecord(
        record.includedIn(),
        record.base(),
        record.inode(),
        record.inodeGeneration(),
        record.offset(),
        record.sizeAfter(),
        record.modifiedNanos(),
        MemorySegment.ofArray(record.data().toArray(ValueLayout.JAVA_BYTE)));
  }

  /** The inodes that a fresh look at the log replays on a commit; no damage. */
  List<Long> inodes(long commit) throws IOException {
    List<Seen> seen = new ArrayList<>();
    IntentReplay replay = replay(commit, seen);
    if (!replay.damage().isEmpty()) {
      throw new AssertionError("damage: " + replay);
    }
    return seen.stream().map(s -> s.record().inode()).toList();
  }

  static IntentRecord record(long includedIn, long inode, int bytes) {
    byte[] data = new byte[bytes];
    Arrays.fill(data, (byte) 0x55);
    return record(includedIn, includedIn - 1, inode, data);
  }

  static IntentRecord record(long includedIn, long base, long inode, byte[] data) {
    return new IntentRecord(
        includedIn, base, inode, 5, 4096, 4096 + data.length, 77, MemorySegment.ofArray(data));
  }

  /** Where a byte of the device is on the media. */
  long onMedia(long offset) {
    return below == Below.LEAF
        ? LIST_BYTES + offset
        : geometry.toChild(new ByteRange(offset, offset + 1)).start();
  }

  /** Media that the device stands on: without poison lists, which have tests of their own. */
  ByteRange struckRegion() {
    return region(media);
  }

  private static ByteRange region(SimMedia media) {
    return new ByteRange(LIST_BYTES, media.sizeBytes() - LIST_BYTES);
  }

  private static PoisonRegion lists(SimMedia media) {
    long size = media.sizeBytes();
    return new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, CLOCK, _ -> {});
  }
}
