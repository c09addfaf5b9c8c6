package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.RandomAccessInput;

/**
 * The program that {@link TableLookupTest} runs: uses bytes and shorts that it reads as indices of
 * tables so large that no index of their type is outside, as fast code does, while pages go bad.
 */
final class TableLookups {
  private static final int PAGE = 4096;
  private static final int PAGES = 200;
  private static final int WARM_UP = 300_000;

  /** Constants, so that C2 knows their length. */
  private static final int[] BYTES = new int[1 << 8];

  private static final int[] SHORTS = new int[1 << 16];

  static {
    Arrays.setAll(BYTES, i -> 7 * i + 1);
    Arrays.setAll(SHORTS, i -> 5 * i + 2);
  }

  private TableLookups() {}

  /** Arguments: a folder, a seed. */
  public static void main(String[] args) throws Exception {
    byte[] content = new byte[PAGES * PAGE];
    SplittableRandom random = new SplittableRandom(Long.parseLong(args[1]));
    random.nextBytes(content);
    GuardOptions options =
        GuardOptions.DEFAULT
            .drills()
            .repairFrom(
                (file, range) ->
                    Arrays.copyOfRange(content, (int) range.start(), (int) range.end()));
    try (GuardedDirectory directory =
        new GuardedDirectory(new MMapDirectory(Path.of(args[0])), SidecarUse.NONE, options)) {
      try (IndexOutput out = directory.createOutput("table", IOContext.DEFAULT)) {
        out.writeBytes(content, content.length);
      }
      try (IndexInput opened = directory.openInput("table", IOContext.DEFAULT)) {
        RandomAccessInput input = opened.randomAccessSlice(0, content.length);
        Guard guard = directory.guard("table").orElseThrow();
        for (int i = 0; i < WARM_UP; i++) {
          require(directory, input, content, random.nextInt(content.length - 3));
        }
        for (int page = 0; page < PAGES; page++) {
          ByteRange range = ByteRange.ofLength((long) page * PAGE, PAGE);
          guard.injector().inject(FaultSpec.of(FaultKind.EIO, range, 1));
          require(directory, input, content, page * PAGE + random.nextInt(PAGE - 3));
        }
      }
    }
    System.out.println("right");
  }

  private static void require(
      GuardedDirectory directory, RandomAccessInput input, byte[] content, int at)
      throws IOException {
    int low = content[at] & 0xff;
    int next = (content[at + 1] & 0xff) | ((content[at + 2] & 0xff) << 8);
    int expected = BYTES[low] + SHORTS[next];
    int found = sum(directory, input, at);
    if (found != expected) {
      throw new AssertionError(found + " at " + at + ", not " + expected);
    }
  }

  private static int sum(GuardedDirectory directory, RandomAccessInput input, int at)
      throws IOException {
    int[] sum = new int[2];
    directory.run(
        () -> {
          sum[0] = BYTES[input.readByte(at) & 0xff];
          return sum;
        });
    directory.run(
        () -> {
          sum[1] = SHORTS[input.readShort(at + 1) & 0xffff];
          return sum;
        });
    return sum[0] + sum[1];
  }
}
