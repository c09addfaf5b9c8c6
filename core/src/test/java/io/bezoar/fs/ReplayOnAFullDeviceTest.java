package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Opening does synced writes again where there is hardly any room, and the power goes again. */
class ReplayOnAFullDeviceTest {
  private static final int PAGE = FsRig.PAGE;
  private static final int WRITES = 40;
  private static final int LEFT = Integer.getInteger("left", 70);
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);

  /** A released snapshot that was not taken apart, synced writes, no room. */
  private static FsRig prepare() throws Exception {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 1);
    FileId big = rig.fs.create(FileId.ROOT, FileName.of("big"), FileType.REGULAR, FILE);
    FileId id = rig.fs.create(FileId.ROOT, FileName.of("a"), FileType.REGULAR, FILE);
    List<Long> free = new ArrayList<>();
    try (Arena arena = Arena.ofConfined();
        OpenFile file = rig.fs.open(id)) {
      MemorySegment bytes = arena.allocate((long) WRITES * PAGE, PAGE);
      try (OpenFile other = rig.fs.open(big)) {
        for (int i = 0; i < 15; i++) {
          other.write((long) i * WRITES * PAGE, bytes.fill((byte) 9));
        }
      }
      file.write(0, bytes.fill((byte) 1));
      rig.fs.snapshot(FileName.of("s"));
      rig.fs.unlink(FileId.ROOT, FileName.of("big"));
      rig.fs.deleteSnapshot(FileName.of("s"));
      rig.fs.sync();
      file.sync();
      for (Owner owner : rig.fs.owners(new ByteRange(0, rig.device.sizeBytes()))) {
        if (owner instanceof Owner.Free) {
          for (long at = owner.device().start(); at < owner.device().end(); at += PAGE) {
            free.add(at);
          }
        }
      }
      for (int i = 0; i < WRITES; i++) {
        file.write((long) i * PAGE, bytes.asSlice(0, 10).fill((byte) 2));
      }
      file.sync();
    }
    rig.media = rig.media.crash(new SplittableRandom(3));
    DaxDevice device = rig.deviceAlone();
    for (long page : free.subList(0, free.size() - LEFT)) {
      device.report(ByteRange.ofLength(page, PAGE), Cause.IO_ERROR, Confidence.EXACT);
    }
    device.persist();
    device.close();
    rig.media = rig.media.reopen();
    return rig;
  }

  private static void assertThere(Filesystem fs) throws IOException {
    FileId id = fs.lookup(FileId.ROOT, FileName.of("a")).orElseThrow().id();
    try (OpenFile file = fs.open(id);
        Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(10);
      for (int i = 0; i < WRITES; i++) {
        file.read((long) i * PAGE, bytes);
        assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).as("write %d", i).containsOnly(2);
      }
    }
  }

  @Test
  void shouldKeepSyncedWritesWhateverOpeningDoesToMakeRoom() throws Exception {
    FsRig whole = prepare();
    long first = whole.media.stepCount();
    whole.reopenOn(whole.media);
    long steps = whole.media.stepCount() - first;
    System.out.println("steps " + steps + " notes " + whole.fs.notes());
    assertThere(whole.fs);
    int lost = 0;
    AssertionError example = null;
    for (long cut = 1; cut <= steps; cut += Math.max(1, steps / 60)) {
      FsRig rig = prepare();
      rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
      try {
        rig.reopenOn(rig.media);
      } catch (IOException | RuntimeException failure) {
        assertThat(FsTwin.isPowerCut(failure)).as("%s", failure).isTrue();
      }
      rig.reopenOn(rig.media.crash(new SplittableRandom(cut)));
      try {
        assertThere(rig.fs);
      } catch (AssertionError gone) {
        lost++;
        example = gone;
        System.out.println("lost at " + cut + " notes " + rig.fs.notes());
      }
    }
    System.out.println("lost " + lost);
    if (example != null) {
      throw example;
    }
  }
}
