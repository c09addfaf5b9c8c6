package io.bezoar.bench;

import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.guard.Verify;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/** Row 19: reading a plain file under guard, beside the same reads of a plain mapping. */
final class GuardRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int READS = 1_000;
  private static final int LOAD_BYTES = 64 << 10;
  private static final int LOAD_BLOCKS = 50;

  @Override
  public int number() {
    return 19;
  }

  @Override
  public String title() {
    return "guarded reads of a plain file";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + scale.poolBytes / 16;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Path path = site.newFile("guarded");
    long bytes = site.scale().poolBytes;
    try (PlainFile _ = PlainFile.create(path, bytes)) {
      Protection.protect(path, Redundancy.DEFAULT, Progress.UNWATCHED);
    }
    try (PlainFile plain = PlainFile.open(path, bytes);
        Guard guard = Guard.map(path, GuardOptions.DEFAULT);
        Guard checked = Guard.map(path, GuardOptions.SIDECAR.verify(Verify.ON_COPY));
        Arena arena = Arena.ofConfined()) {
      guard.segment().load();
      checked.segment().load();
      MemorySegment buffer = arena.allocate(PAGE, PAGE);
      Walk walk = new Walk((int) (bytes / PAGE), 5);
      List<Samples> found =
          Rounds.run(
              site.scale(),
              () -> copy(guard, walk, buffer),
              () -> copy(checked, walk, buffer),
              () -> copy(plain.mapped(), walk, buffer));
      beside(report, "4 KiB guarded copy", found.get(0), found.get(2), 1.1);
      beside(report, "4 KiB guarded copy, checked by sidecar", found.get(1), found.get(2), 1.9);

      Walk blocks = new Walk((int) (bytes / LOAD_BYTES), 6);
      found =
          Rounds.run(
              site.scale(),
              () -> load(guard.segment(), blocks),
              () -> load(plain.mapped(), blocks));
      beside(report, "8-byte load from a guarded segment", found.get(0), found.get(1), 1.02);
      found = Rounds.run(site.scale(), () -> get(guard, walk), () -> get(plain.mapped(), walk));
      report.beside(
          "8-byte guarded get, anywhere",
          Unit.SECONDS,
          found.get(0),
          "a plain get",
          found.get(1),
          new Goal.None());
    }
  }

  private static void beside(
      Report report, String what, Samples ours, Samples plain, double limit) {
    report.beside(
        what,
        Unit.SECONDS,
        ours,
        "the same of a plain mapping",
        plain,
        new Goal.RatioAtMost(limit));
  }

  private static int reads(Walk walk) {
    return Math.min(READS, walk.places() / 4);
  }

  private static double copy(Guard guard, Walk walk, MemorySegment buffer) throws IOException {
    int reads = reads(walk);
    long start = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      guard.copy((long) walk.next() * PAGE, buffer);
    }
    return (System.nanoTime() - start) / 1e9 / reads;
  }

  private static double copy(MemorySegment mapped, Walk walk, MemorySegment buffer) {
    int reads = reads(walk);
    long start = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      MemorySegment.copy(mapped, (long) walk.next() * PAGE, buffer, 0, PAGE);
    }
    return (System.nanoTime() - start) / 1e9 / reads;
  }

  private static double get(Guard guard, Walk walk) throws IOException {
    int reads = reads(walk);
    long total = 0;
    long start = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      total += guard.get(ValueLayout.JAVA_LONG, (long) walk.next() * PAGE);
    }
    double seconds = (System.nanoTime() - start) / 1e9 / reads;
    Sink.last = total;
    return seconds;
  }

  private static double get(MemorySegment mapped, Walk walk) {
    int reads = reads(walk);
    long total = 0;
    long start = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      total += mapped.get(ValueLayout.JAVA_LONG, (long) walk.next() * PAGE);
    }
    double seconds = (System.nanoTime() - start) / 1e9 / reads;
    Sink.last = total;
    return seconds;
  }

  private static double load(MemorySegment mapped, Walk walk) {
    int blocks = Math.min(LOAD_BLOCKS, walk.places() / 4);
    long total = 0;
    long start = System.nanoTime();
    for (int i = 0; i < blocks; i++) {
      long from = (long) walk.next() * LOAD_BYTES;
      for (long at = from; at < from + LOAD_BYTES; at += Long.BYTES) {
        total += mapped.get(ValueLayout.JAVA_LONG, at);
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Sink.last = total;
    return seconds / blocks / (LOAD_BYTES / Long.BYTES);
  }
}
