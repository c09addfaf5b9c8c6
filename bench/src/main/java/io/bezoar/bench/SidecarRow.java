package io.bezoar.bench;

import io.bezoar.guard.sidecar.Differences;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.Repair;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.guard.sidecar.Verification;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * Row 20: sidecars of a file in the page cache, beside what else reads all of a file (SHA-256, cp)
 * and beside par2, which does the same at the same redundancy.
 */
final class SidecarRow implements Row {
  private static final int BLOCK = 1 << 20;
  private static final int ROUNDS = 5;
  private static final int SMALLER = 64;
  private static final int STRUCK_PAGES = 1_000;
  private static final double PROTECT_BYTES_PER_SECOND = 3e9;
  private static final double VERIFY_BYTES_PER_SECOND = 10e9;
  private static final double REPAIR_SECONDS = 0.5;

  @Override
  public int number() {
    return 20;
  }

  @Override
  public String title() {
    return "sidecars: protect, verify, repair";
  }

  @Override
  public long roomBytes(Scale scale) {
    return 2 * scale.protectedBytes + scale.protectedBytes / 8;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Path file = site.newFile("protected");
    fill(file, site.scale().protectedBytes);
    try {
      besideReaders(site, report, file);
      repair(report, file);
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(Sidecar.pathOf(file));
    }
    besidePar2(site, report);
  }

  private static void fill(Path file, long bytes) throws IOException {
    SplittableRandom random = new SplittableRandom(20);
    byte[] block = new byte[BLOCK];
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (long at = 0; at < bytes; at += BLOCK) {
        random.nextBytes(block);
        write(channel, ByteBuffer.wrap(block), at);
      }
      channel.force(true);
    }
  }

  private static void write(FileChannel channel, ByteBuffer bytes, long at) throws IOException {
    long next = at;
    while (bytes.hasRemaining()) {
      next += channel.write(bytes, next);
    }
  }

  private static void besideReaders(Site site, Report report, Path file)
      throws IOException, InterruptedException {
    protect(file);
    verify(file);
    List<Samples> found =
        Rounds.run(
            ROUNDS,
            () -> protect(file),
            () -> verify(file),
            () -> sha256(file),
            () -> copy(site, file));
    double bytes = Files.size(file);
    report.beside(
        "protect", Unit.BYTES_PER_SECOND, found.get(0).per(bytes), "cp", found.get(3).per(bytes));
    report.beside(
        "verify",
        Unit.BYTES_PER_SECOND,
        found.get(1).per(bytes),
        "SHA-256",
        found.get(2).per(bytes),
        new Goal.AtLeast(new Quantity(VERIFY_BYTES_PER_SECOND, Unit.BYTES_PER_SECOND)));
    report.alone(
        "protect, by the time of its threads",
        Unit.BYTES_PER_SECOND,
        Rounds.run(ROUNDS, () -> threadSeconds(() -> protect(file))).getFirst().per(bytes),
        new Goal.AtLeast(new Quantity(PROTECT_BYTES_PER_SECOND, Unit.BYTES_PER_SECOND)));
    report.alone(
        "verify, by the time of its threads",
        Unit.BYTES_PER_SECOND,
        Rounds.run(ROUNDS, () -> threadSeconds(() -> verify(file))).getFirst().per(bytes));
  }

  /**
   * What all threads of this process computed meanwhile; the clock ticks a hundred times a second.
   */
  private static double threadSeconds(Rounds.Contender work)
      throws IOException, InterruptedException {
    double before = threadSeconds();
    work.sample();
    return Math.max(0.01, threadSeconds() - before);
  }

  private static double threadSeconds() {
    return ProcessHandle.current().info().totalCpuDuration().orElseThrow().toNanos() / 1e9;
  }

  private static double protect(Path file) throws IOException, InterruptedException {
    Files.deleteIfExists(Sidecar.pathOf(file));
    long start = System.nanoTime();
    Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    return (System.nanoTime() - start) / 1e9;
  }

  private static double verify(Path file) throws IOException, InterruptedException {
    long start = System.nanoTime();
    Verification found = Verification.verify(file, Progress.UNWATCHED);
    double seconds = (System.nanoTime() - start) / 1e9;
    if (!(found instanceof Verification.Intact)) {
      throw new IOException("the file was struck by nobody, and is " + found);
    }
    return seconds;
  }

  private static double sha256(Path file) throws IOException {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      long start = System.nanoTime();
      while (channel.read(block.clear()) >= 0) {
        digest.update(block.flip());
      }
      Sink.last = digest.digest()[0];
      return (System.nanoTime() - start) / 1e9;
    } catch (NoSuchAlgorithmException e) {
      throw new IOException(e);
    }
  }

  private static double copy(Site site, Path file) throws IOException, InterruptedException {
    Path copy = site.newFile("copy");
    try {
      long start = System.nanoTime();
      Tool.run(
          site.cleanup(),
          site.newFile("cp.out"),
          List.of("cp", "--reflink=never", file.toString(), copy.toString()));
      return (System.nanoTime() - start) / 1e9;
    } finally {
      Files.deleteIfExists(copy);
    }
  }

  /** What bad pages at random places add to the pass that finds them. */
  private static void repair(Report report, Path file) throws IOException, InterruptedException {
    long pages = Files.size(file) / Units.PAGE_BYTES;
    int struck = (int) Math.min(STRUCK_PAGES, pages / 1_000);
    SplittableRandom random = new SplittableRandom(21);
    List<Samples> found =
        Rounds.run(
            ROUNDS,
            () -> {
              protect(file);
              double pass = verify(file);
              strike(file, random, pages, struck);
              long start = System.nanoTime();
              Repair done = Repair.inPlace(file, Differences.KEEP, Progress.UNWATCHED);
              double seconds = (System.nanoTime() - start) / 1e9;
              if (done.repaired().isEmpty()) {
                throw new IOException("nothing was repaired");
              }
              return seconds - pass;
            });
    report.alone(
        "repair of %d bad pages, beyond a verify".formatted(struck),
        Unit.SECONDS,
        found.getFirst(),
        new Goal.AtMost(new Quantity(REPAIR_SECONDS, Unit.SECONDS)));
  }

  private static void strike(Path file, SplittableRandom random, long pages, int count)
      throws IOException {
    FileTime modified = Files.getLastModifiedTime(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (int i = 0; i < count; i++) {
        byte[] wrong = new byte[8];
        random.nextBytes(wrong);
        write(channel, ByteBuffer.wrap(wrong), random.nextLong(pages) * Units.PAGE_BYTES);
      }
      channel.force(false);
    }
    Files.setLastModifiedTime(file, modified);
  }

  /** A smaller file: par2 takes its time. */
  private static void besidePar2(Site site, Report report)
      throws IOException, InterruptedException {
    Optional<String> missing = Tool.PAR2.missing();
    if (missing.isPresent()) {
      report.skipped("protect and verify, beside par2", missing.get());
      return;
    }
    Path file = site.newFile("small");
    fill(file, site.scale().protectedBytes / SMALLER);
    double bytes = Files.size(file);
    Path set = site.newFile("set");
    List<Samples> found =
        Rounds.run(
            1,
            () -> protect(file),
            () -> par2(site, "create", "-q", "-q", "-r3", "-n1", set + ".par2", file.toString()),
            () -> verify(file),
            () -> par2(site, "verify", "-q", "-q", set + ".par2"));
    report.beside(
        "protect",
        Unit.BYTES_PER_SECOND,
        found.get(0).per(bytes),
        "par2 create",
        found.get(1).per(bytes));
    report.beside(
        "verify",
        Unit.BYTES_PER_SECOND,
        found.get(2).per(bytes),
        "par2 verify",
        found.get(3).per(bytes));
  }

  private static double par2(Site site, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>(List.of(Tool.PAR2.program()));
    command.addAll(List.of(arguments));
    long start = System.nanoTime();
    Tool.run(site.cleanup(), site.newFile("par2.out"), command);
    return (System.nanoTime() - start) / 1e9;
  }
}
