package io.bezoar.bench;

import io.bezoar.fs.OpenFile;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * Row 5: a page of a file is written, and made durable before the next one. Beside the kernel's
 * filesystems on a loop device, and on the disk beside the one that is there.
 */
final class DurableWriteRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int WRITES = 64;
  private static final int PAGES = 1024;
  private static final long LOOP_BYTES = 400L << 20;
  private static final long POOL_BYTES = 256L << 20;

  @Override
  public int number() {
    return 5;
  }

  @Override
  public String title() {
    return "durable 4 KiB file write";
  }

  @Override
  public long roomBytes(Scale scale) {
    return POOL_BYTES + 3 * LOOP_BYTES;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (FileVolume files = FileVolume.create(site.newFile("files"), POOL_BYTES);
        Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE).fill((byte) 5);
      try (OpenFile file = files.newFile("written", (long) PAGES * PAGE, page)) {
        files.filesystem().sync();
        Walk walk = new Walk(PAGES, 3);
        Rounds.Contender ours = () -> ours(file, page, walk);
        if (site.kind() == Site.Kind.TMPFS) {
          for (LoopMount.Kind kind : LoopMount.Kind.values()) {
            besideLoop(site, report, ours, kind);
          }
        } else {
          besideDisk(site, report, ours);
        }
      }
    }
  }

  private void besideLoop(Site site, Report report, Rounds.Contender ours, LoopMount.Kind kind)
      throws IOException, InterruptedException {
    String what = title() + ", beside " + kind.label();
    Optional<String> missing = LoopMount.missing(kind);
    if (missing.isPresent()) {
      report.skipped(what, missing.get());
      return;
    }
    LoopMount mount;
    try {
      mount = LoopMount.create(site, kind, LOOP_BYTES);
    } catch (IOException cannot) {
      String why = String.valueOf(cannot.getMessage());
      report.skipped(what, "cannot be mounted here: " + why.lines().findFirst().orElse(""));
      return;
    }
    try (mount;
        Peer peer = Peer.create(mount.folder().resolve("written"))) {
      List<Samples> found = Rounds.run(site.scale(), ours, peer::write);
      report.beside(
          what,
          Unit.SECONDS,
          found.get(0),
          kind.label() + " on a loop device, fdatasync",
          found.get(1),
          kind == LoopMount.Kind.EXT4 ? new Goal.RatioAtMost(0.25) : new Goal.None());
    }
  }

  private void besideDisk(Site site, Report report, Rounds.Contender ours)
      throws IOException, InterruptedException {
    try (Peer peer = Peer.create(site.newFile("written"))) {
      List<Samples> found = Rounds.run(site.scale(), ours, peer::write);
      report.beside(
          title(),
          Unit.SECONDS,
          found.get(0),
          "a file there, fdatasync",
          found.get(1),
          new Goal.RatioAtMost(1.2));
    }
  }

  private static double ours(OpenFile file, MemorySegment page, Walk walk) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < WRITES; i++) {
      file.write((long) walk.next() * PAGE, page);
      file.sync();
    }
    return (System.nanoTime() - start) / 1e9 / WRITES;
  }

  /** A file of somebody else. */
  private record Peer(FileChannel channel, ByteBuffer page, Walk walk) implements AutoCloseable {
    static Peer create(Path path) throws IOException {
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      ByteBuffer page = ByteBuffer.allocateDirect(PAGE);
      Peer peer = new Peer(channel, page, new Walk(PAGES, 3));
      for (long i = 0; i < PAGES; i++) {
        channel.write(page.clear(), i * PAGE);
      }
      channel.force(true);
      return peer;
    }

    double write() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < WRITES; i++) {
        channel.write(page.clear(), (long) walk.next() * PAGE);
        channel.force(false);
      }
      return (System.nanoTime() - start) / 1e9 / WRITES;
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
