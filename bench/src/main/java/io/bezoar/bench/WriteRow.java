package io.bezoar.bench;

import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Row 4: writes with checksum, parity and journal record, sustained, beside the plain write of that
 * kind of file. Nobody flushes, so on disk the peer does no I/O, and ours does what its watermark
 * asks for.
 */
final class WriteRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int BLOCK = 1 << 20;
  private static final int PAGE_WRITES = 500;
  private static final int BLOCK_WRITES = 8;

  @Override
  public int number() {
    return 4;
  }

  @Override
  public String title() {
    return "protected write";
  }

  @Override
  public long roomBytes(Scale scale) {
    return 2 * scale.poolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Volume volume = site.volume();
    try (PlainFile plain = PlainFile.create(site.newFile("plain"), volume.sizeBytes());
        Arena arena = Arena.ofConfined()) {
      Writers writers = new Writers(volume, plain, arena, site.kind());
      String peer = site.kind() == Site.Kind.TMPFS ? "plain copy" : "plain pwrite";
      List<Samples> pages =
          Rounds.run(site.scale(), writers::page, writers::plainPage, writers::byHand);
      report.beside(
          "4 KiB write, random",
          Unit.SECONDS,
          pages.get(0),
          peer,
          pages.get(1),
          new Goal.RatioAtMost(5));
      report.beside(
          "4 KiB write, random",
          Unit.SECONDS,
          pages.get(0),
          "mapped, by hand: copy, CRC32C, parity",
          pages.get(2));
      List<Samples> blocks = Rounds.run(site.scale(), writers::block, writers::plainBlock);
      report.beside(
          "1 MiB write, sequential",
          Unit.SECONDS,
          blocks.get(0),
          peer,
          blocks.get(1),
          new Goal.RatioAtMost(2.5));
      volume.target().persist();
    }
  }

  /** The contenders. */
  private static final class Writers {
    private final ProtectedTarget target;
    private final PlainFile plain;
    private final Site.Kind kind;
    private final Walk walk;
    private final int blocks;
    private final int pageWrites;
    private final MemorySegment page;
    private final ByteBuffer pageView;
    private final MemorySegment block;
    private final ByteBuffer blockView;
    private final MemorySegment old;
    private final MemorySegment parity;
    private int nextBlock;
    private int nextPlainBlock;
    private long stamp;

    Writers(Volume volume, PlainFile plain, Arena arena, Site.Kind kind) {
      this.target = volume.target();
      this.plain = plain;
      this.kind = kind;
      this.walk = new Walk(volume.pages(), 5);
      this.blocks = (int) (volume.sizeBytes() / BLOCK);
      this.pageWrites = Math.min(PAGE_WRITES, volume.pages() / 4);
      this.page = arena.allocate(PAGE, PAGE).fill((byte) 3);
      this.pageView = page.asByteBuffer();
      this.block = arena.allocate(BLOCK, PAGE).fill((byte) 5);
      this.blockView = block.asByteBuffer();
      this.old = arena.allocate(PAGE, PAGE);
      this.parity = arena.allocate(PAGE, PAGE);
    }

    double page() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < pageWrites; i++) {
        page.set(ValueLayout.JAVA_LONG, 0, stamp++);
        target.write((long) walk.next() * PAGE, page);
      }
      return secondsSince(start, pageWrites);
    }

    double plainPage() throws IOException {
      MemorySegment mapped = plain.mapped();
      long start = System.nanoTime();
      for (int i = 0; i < pageWrites; i++) {
        page.set(ValueLayout.JAVA_LONG, 0, stamp++);
        if (kind == Site.Kind.TMPFS) {
          MemorySegment.copy(page, 0, mapped, (long) walk.next() * PAGE, PAGE);
        } else {
          plain.write((long) walk.next() * PAGE, pageView);
        }
      }
      return secondsSince(start, pageWrites);
    }

    /** What a program would do that protects itself against nothing but bad pages. */
    double byHand() {
      MemorySegment mapped = plain.mapped();
      CRC32C crc = new CRC32C();
      long start = System.nanoTime();
      for (int i = 0; i < pageWrites; i++) {
        page.set(ValueLayout.JAVA_LONG, 0, stamp++);
        long at = (long) walk.next() * PAGE;
        long parityAt = (long) walk.next() * PAGE;
        MemorySegment.copy(mapped, at, old, 0, PAGE);
        MemorySegment.copy(mapped, parityAt, parity, 0, PAGE);
        crc.reset();
        crc.update(pageView.rewind());
        for (long word = 0; word < PAGE; word += Long.BYTES) {
          long news = page.get(ValueLayout.JAVA_LONG, word);
          long olds = old.get(ValueLayout.JAVA_LONG, word);
          parity.set(
              ValueLayout.JAVA_LONG, word, parity.get(ValueLayout.JAVA_LONG, word) ^ olds ^ news);
        }
        stamp += crc.getValue() & 1;
        MemorySegment.copy(parity, 0, mapped, parityAt, PAGE);
        MemorySegment.copy(page, 0, mapped, at, PAGE);
      }
      return secondsSince(start, pageWrites);
    }

    double block() throws IOException {
      int writes = Math.min(BLOCK_WRITES, blocks);
      long start = System.nanoTime();
      for (int i = 0; i < writes; i++) {
        block.set(ValueLayout.JAVA_LONG, 0, stamp++);
        target.write((long) nextBlock * BLOCK, block);
        nextBlock = (nextBlock + 1) % blocks;
      }
      return secondsSince(start, writes);
    }

    double plainBlock() throws IOException {
      int writes = Math.min(BLOCK_WRITES, blocks);
      long start = System.nanoTime();
      for (int i = 0; i < writes; i++) {
        block.set(ValueLayout.JAVA_LONG, 0, stamp++);
        if (kind == Site.Kind.TMPFS) {
          MemorySegment.copy(block, 0, plain.mapped(), (long) nextPlainBlock * BLOCK, BLOCK);
        } else {
          plain.write((long) nextPlainBlock * BLOCK, blockView);
        }
        nextPlainBlock = (nextPlainBlock + 1) % blocks;
      }
      return secondsSince(start, writes);
    }

    private static double secondsSince(long startNanos, int writes) {
      return (System.nanoTime() - startNanos) / 1e9 / writes;
    }
  }
}
