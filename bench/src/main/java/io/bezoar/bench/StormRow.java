package io.bezoar.bench;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonList;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Row 10: a storm of page errors in random order, until the device's list has settled in memory and
 * its holder has been told; then until the list is durable. Once with errors that are all apart (as
 * many entries in the end), once with errors that in the end make one range.
 */
final class StormRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int ENTRIES_PER_PAGE_LEAST = 40;

  @Override
  public int number() {
    return 10;
  }

  @Override
  public String title() {
    return "page errors in random order";
  }

  @Override
  public long roomBytes(Scale scale) {
    return 2 * listBytes(scale) + scale.poolBytes;
  }

  private static long listBytes(Scale scale) {
    return (2L + scale.stormErrors / ENTRIES_PER_PAGE_LEAST) * PAGE;
  }

  /** How far apart errors are. */
  private enum Pattern {
    APART("all apart", 2),
    ADJACENT("one range in the end", 1);

    private final String label;
    private final int stride;

    Pattern(String label, int stride) {
      this.label = label;
      this.stride = stride;
    }
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    int errors = site.scale().stormErrors;
    Walk warmUp = new Walk(errors, 9);
    for (Pattern pattern : Pattern.values()) {
      storm(site, pattern, warmUp);
      int rounds = site.scale().leastRounds;
      double[] settled = new double[rounds];
      double[] durable = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        Storm storm = storm(site, pattern, new Walk(errors, 10 + round));
        settled[round] = storm.settledSeconds;
        durable[round] = storm.durableSeconds;
      }
      String what = errors + " " + title() + ", " + pattern.label;
      report.alone(
          what + ": settled",
          Unit.SECONDS,
          Samples.of(settled),
          new Goal.AtMost(new Quantity(1, Unit.SECONDS)));
      report.alone(what + ": durable after that", Unit.SECONDS, Samples.of(durable));
    }
    report.alone(
        "memory of the list of " + errors + " errors, all apart",
        Unit.BYTES,
        Samples.of(footprintBytes(errors)));
  }

  private static double footprintBytes(int errors) {
    PoisonList list = new PoisonList(2L * errors * PAGE, 1 + errors / ENTRIES_PER_PAGE_LEAST);
    Walk walk = new Walk(errors, 11);
    for (int i = 0; i < errors; i++) {
      ByteRange bad = ByteRange.ofLength(2L * walk.next() * PAGE, PAGE);
      list.report(bad, Cause.TRAP, Confidence.EXACT, i);
    }
    return list.footprintBytes();
  }

  private record Storm(double settledSeconds, double durableSeconds) {}

  private static Storm storm(Site site, Pattern pattern, Walk walk) throws IOException {
    long struck = (long) pattern.stride * walk.places() * PAGE;
    long list = listBytes(site.scale());
    Path path = site.newFile("storm");
    Media media =
        MediaFiles.create(path, struck + 2 * list, Allocation.SPARSE, MediaOptions.READ_WRITE);
    PoisonRegion region =
        new PoisonRegion(ByteRange.ofLength(struck, list), ByteRange.ofLength(struck + list, list));
    try (ExecutorService notifier =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory())) {
      LeafDevice.format(media, region);
      NoticeDispatcher notices =
          new NoticeDispatcher(
              "storm", InstantSource.system(), notifier, NoticeDispatcher.later(notifier));
      try (LeafDevice leaf = LeafDevice.open(media, region, InstantSource.system(), notices)) {
        Storm storm = strike(leaf, notices, pattern, walk);
        requireAll(leaf, pattern, walk);
        return storm;
      }
    } finally {
      Files.delete(path);
    }
  }

  private static Storm strike(LeafDevice leaf, NoticeDispatcher notices, Pattern pattern, Walk walk)
      throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < walk.places(); i++) {
      long page = (long) walk.next() * pattern.stride;
      leaf.report(ByteRange.ofLength(page * PAGE, PAGE), Cause.TRAP, Confidence.EXACT);
    }
    notices.drain();
    long settled = System.nanoTime();
    leaf.persist();
    return new Storm((settled - start) / 1e9, (System.nanoTime() - settled) / 1e9);
  }

  private static void requireAll(LeafDevice leaf, Pattern pattern, Walk walk) throws IOException {
    List<PoisonEntry> entries = leaf.poison(new ByteRange(0, leaf.sizeBytes()));
    long bytes = entries.stream().mapToLong(entry -> entry.range().length()).sum();
    int expected = pattern == Pattern.APART ? walk.places() : 1;
    if (bytes != (long) walk.places() * PAGE || entries.size() != expected) {
      throw new IOException(
          "of "
              + walk.places()
              + " page errors "
              + bytes
              + " bytes are listed, in "
              + entries.size()
              + " entries");
    }
  }
}
