package io.bezoar.bench;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** What a mirror and a write cache add to their devices, or save. */
final class LayerRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int READS = 1_000;
  private static final int WRITES = 500;
  private static final int DURABLE_WRITES = 20;
  private static final Goal READ_GOAL = new Goal.RatioAtMost(1.03);

  /** Of the fast device that much is written to: all of it stays in the cache. */
  private static final int CACHED_SHARE = 4;

  private static final int FAST_SHARE = 4;

  @Override
  public int number() {
    return 22;
  }

  @Override
  public String title() {
    return "what a layer adds";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + 3 * scale.struckPoolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    long bytes = site.scale().struckPoolBytes;
    try (Stack stack = new Stack(site);
        Arena arena = Arena.ofConfined()) {
      DaxDevice leg = stack.volume(bytes).target();
      measureOneLeg(site, report, arena, "protected", leg, stack.mirror(List.of(leg)));
    }
    try (Stack stack = new Stack(site);
        Arena arena = Arena.ofConfined()) {
      DaxDevice leg = stack.bare(bytes).content();
      measureOneLeg(site, report, arena, "bare", leg, stack.mirror(List.of(leg)));
    }
    try (Stack stack = new Stack(site);
        Arena arena = Arena.ofConfined()) {
      DaxDevice alone = stack.volume(bytes).target();
      DaxDevice mirror =
          stack.mirror(List.of(stack.volume(bytes).target(), stack.volume(bytes).target()));
      measureTwoLegs(site, report, arena, "protected", alone, mirror);
    }
    try (Stack stack = new Stack(site);
        Arena arena = Arena.ofConfined()) {
      DaxDevice alone = stack.bare(bytes).content();
      DaxDevice mirror =
          stack.mirror(List.of(stack.bare(bytes).content(), stack.bare(bytes).content()));
      measureTwoLegs(site, report, arena, "bare", alone, mirror);
    }
    try (Stack stack = new Stack(site);
        Arena arena = Arena.ofConfined()) {
      measureCache(site, report, stack, arena);
    }
  }

  /** The leg itself is the peer: the same bytes, at places that the other has not met lately. */
  private static void measureOneLeg(
      Site site, Report report, Arena arena, String kind, DaxDevice leg, DaxDevice mirror)
      throws IOException, InterruptedException {
    Volume.fill(mirror);
    Access access = new Access(arena, new Walk((int) (mirror.sizeBytes() / PAGE), 1));
    String what = "through a mirror of one " + kind + " leg";
    List<Samples> reads =
        Rounds.run(site.scale(), () -> access.read(mirror), () -> access.read(leg));
    report.beside(
        "4 KiB read " + what, Unit.SECONDS, reads.get(0), "its leg", reads.get(1), READ_GOAL);
    List<Samples> writes =
        Rounds.run(
            site.scale(), () -> access.write(mirror, WRITES), () -> access.write(leg, WRITES));
    report.beside("4 KiB write " + what, Unit.SECONDS, writes.get(0), "its leg", writes.get(1));
  }

  private static void measureTwoLegs(
      Site site, Report report, Arena arena, String kind, DaxDevice alone, DaxDevice mirror)
      throws IOException, InterruptedException {
    Volume.fill(mirror);
    Volume.fill(alone);
    Access access = new Access(arena, new Walk((int) (mirror.sizeBytes() / PAGE), 2));
    String peer = "one " + kind + " device";
    List<Samples> reads =
        Rounds.run(site.scale(), () -> access.read(mirror), () -> access.read(alone));
    report.beside(
        "4 KiB read through a mirror of two " + kind + " legs",
        Unit.SECONDS,
        reads.get(0),
        peer,
        reads.get(1));
    List<Samples> writes =
        Rounds.run(
            site.scale(), () -> access.write(mirror, WRITES), () -> access.write(alone, WRITES));
    report.beside(
        "4 KiB write through a mirror of two " + kind + " legs",
        Unit.SECONDS,
        writes.get(0),
        peer,
        writes.get(1));
  }

  private static void measureCache(Site site, Report report, Stack stack, Arena arena)
      throws IOException, InterruptedException {
    long bytes = site.scale().struckPoolBytes;
    long fastBytes = bytes / FAST_SHARE;
    DaxDevice cached = stack.cached(stack.bare(fastBytes).content(), stack.volume(bytes).target());
    DaxDevice fast = stack.bare(fastBytes).content();
    DaxDevice origin = stack.volume(bytes).target();
    Volume.fill(fast);
    Volume.fill(origin);
    int pages = (int) (fastBytes / CACHED_SHARE / PAGE);
    Access access = new Access(arena, new Walk(pages, 3));
    List<Samples> found =
        Rounds.run(
            site.scale(),
            () -> access.write(cached, DURABLE_WRITES, DaxDevice::persist),
            () -> access.write(fast, DURABLE_WRITES, DaxDevice::persist),
            () -> access.write(origin, DURABLE_WRITES, DaxDevice::persist));
    String what = "4 KiB write and persist through a write cache";
    report.beside(
        what, Unit.SECONDS, found.get(0), "its fast device, bare, on the same", found.get(1));
    report.beside(
        what, Unit.SECONDS, found.get(0), "its origin, protected, on the same", found.get(2));
  }

  /** What is done after each write. */
  @FunctionalInterface
  private interface After {
    void act(DaxDevice device) throws IOException;
  }

  /** Accesses at random places. */
  private static final class Access {
    private final Walk walk;
    private final MemorySegment page;
    private long stamp;

    Access(Arena arena, Walk walk) {
      this.walk = walk;
      this.page = arena.allocate(PAGE, PAGE);
    }

    double read(DaxDevice device) throws IOException {
      int reads = Math.min(READS, walk.places() / 4);
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        device.read((long) walk.next() * PAGE, page);
      }
      return (System.nanoTime() - start) / 1e9 / reads;
    }

    double write(DaxDevice device, int most) throws IOException {
      return write(device, most, _ -> {});
    }

    double write(DaxDevice device, int most, After after) throws IOException {
      int writes = Math.max(1, Math.min(most, walk.places() / 256));
      long start = System.nanoTime();
      for (int i = 0; i < writes; i++) {
        page.set(ValueLayout.JAVA_LONG, 0, stamp++);
        device.write((long) walk.next() * PAGE, page);
        after.act(device);
      }
      return (System.nanoTime() - start) / 1e9 / writes;
    }
  }
}
