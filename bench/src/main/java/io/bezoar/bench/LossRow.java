package io.bezoar.bench;

import io.bezoar.dax.Claim;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/**
 * Row 11: a whole device goes away under those who read it, cut to nothing as a file is; until the
 * holder of the top has its one notice, and until every reader has its answer. That it is one, and
 * that the answers are right, is checked.
 */
final class LossRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int READERS = 4;
  private static final int READS = 1_000;
  private static final long LIST_PAGES = 64;

  @Override
  public int number() {
    return 11;
  }

  @Override
  public String title() {
    return "loss of a whole device";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + scale.struckPoolBytes;
  }

  /** What stands above the device. */
  private enum Above {
    LINEAR("linear: the rest goes on"),
    MIRROR("mirror: all of it goes on");

    private final String label;

    Above(String label) {
      this.label = label;
    }
  }

  /** What one loss took, in seconds. */
  private record Loss(double notice, double settled) {}

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    String size = (site.scale().lostDeviceBytes >> 30) + " GiB, sparse, without files and mappings";
    for (Above above : Above.values()) {
      lose(site, above, 1);
      int rounds = site.scale().leastRounds;
      double[] notice = new double[rounds];
      double[] settled = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        Loss loss = lose(site, above, 2 + round);
        notice[round] = loss.notice;
        settled[round] = loss.settled;
      }
      String what = title() + " (" + size + ") below a " + above.label;
      report.alone(what + ", its one notice", Unit.SECONDS, Samples.of(notice));
      report.alone(
          what + ", " + READERS * READS + " reads answered",
          Unit.SECONDS,
          Samples.of(settled),
          new Goal.AtMost(new Quantity(1, Unit.SECONDS)));
    }
  }

  private static Loss lose(Site site, Above above, long seed)
      throws IOException, InterruptedException {
    long bytes = site.scale().lostDeviceBytes;
    try (Stack stack = new Stack(site)) {
      Stack.Bare victim = stack.bare(bytes, LIST_PAGES, Allocation.SPARSE);
      Stack.Bare other = stack.bare(bytes, LIST_PAGES, Allocation.SPARSE);
      List<DaxDevice> children = List.of(victim.content(), other.content());
      DaxDevice top =
          switch (above) {
            case LINEAR -> stack.linear(children);
            case MIRROR -> stack.mirror(children);
          };
      Listener told = new Listener();
      try (Claim claim = top.claim(told)) {
        long start = System.nanoTime();
        cut(victim.path());
        long answered = readAll(stack, top, Math.min(bytes, top.sizeBytes()), seed);
        claim.drain();
        long settled = System.nanoTime();
        requireOneNotice(told);
        requireRightAnswers(above, top, bytes, answered);
        return new Loss((told.firstNanos() - start) / 1e9, (settled - start) / 1e9);
      }
    }
  }

  private static void cut(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(0);
    }
  }

  /** Reads random pages of what the victim held from several threads; how many were served. */
  private static long readAll(Stack stack, DaxDevice top, long bytes, long seed)
      throws IOException, InterruptedException {
    List<Future<Long>> readers = new ArrayList<>();
    for (int reader = 0; reader < READERS; reader++) {
      SplittableRandom random = new SplittableRandom(seed * READERS + reader);
      readers.add(stack.workers().submit(() -> read(top, bytes, random)));
    }
    long served = 0;
    for (Future<Long> reader : readers) {
      try {
        served += reader.get();
      } catch (ExecutionException failed) {
        throw new IOException("a reader failed", failed.getCause());
      }
    }
    return served;
  }

  private static long read(DaxDevice top, long bytes, SplittableRandom random) throws IOException {
    long served = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PAGE, PAGE);
      for (int i = 0; i < READS; i++) {
        try {
          top.read(random.nextLong(bytes / PAGE) * PAGE, buffer);
          served++;
        } catch (DeviceUnavailableException gone) {
          // The right answer below a linear device; the caller counts.
        }
      }
    }
    return served;
  }

  private static void requireOneNotice(Listener told) throws IOException {
    if (told.notices() != 1 || !told.struck().isEmpty()) {
      throw new IOException(told.notices() + " notices of one loss");
    }
  }

  private static void requireRightAnswers(Above above, DaxDevice top, long bytes, long served)
      throws IOException {
    boolean right =
        switch (above) {
          case LINEAR ->
              served == 0
                  && top.state() == DeviceState.PARTIAL
                  && top.unavailable().equals(List.of(new ByteRange(0, bytes)));
          case MIRROR ->
              served == (long) READERS * READS
                  && top.state() == DeviceState.ONLINE
                  && top.unavailable().isEmpty();
        };
    if (!right) {
      throw new IOException(
          served + " reads served, " + top.state() + ", unavailable: " + top.unavailable());
    }
  }
}
