package io.bezoar.guard.salvage;

import static io.bezoar.guard.salvage.RescueStatus.BAD;
import static io.bezoar.guard.salvage.RescueStatus.RESCUED;
import static io.bezoar.guard.salvage.RescueStatus.UNTRIED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.guard.salvage.SalvageRefusedException.Reason;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Presence;
import io.bezoar.testing.SickDisk;
import io.bezoar.testing.SmallTmpfs;
import io.bezoar.testing.Tools;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rescues between real files and disks, with ddrescue as the other hand. */
class SalvageJobTest {
  private static final int MIB = 1 << 20;

  @TempDir private Path folder;
  private Path source = Path.of("");
  private Path copy = Path.of("");
  private Path map = Path.of("");
  private byte[] content = new byte[0];

  @BeforeEach
  void names() {
    source = folder.resolve("source");
    copy = folder.resolve("copy");
    map = SalvageRequest.mapOf(copy);
  }

  private void makeSource(int sizeBytes) throws IOException {
    content = new byte[sizeBytes];
    new SplittableRandom(sizeBytes).nextBytes(content);
    Files.write(source, content);
  }

  private SalvageRequest request(Path from) {
    return new SalvageRequest(
        from, copy, map, SalvageRequest.Devices.REFUSED, List.of("Command line: test"));
  }

  private SalvageEnding salvage(Path from, int retries) throws IOException {
    try (SalvageJob job = SalvageJob.open(request(from))) {
      return job.run(SalvageOptions.DEFAULT.withRetries(retries), progress -> {}, () -> false);
    }
  }

  private RescueMap saved() throws IOException {
    return new RescueMapFile(map, List::of).load().orElseThrow();
  }

  /** The copy is the content, with {@code filler} in these places. */
  private void assertCopied(List<ByteRange> holes) throws IOException {
    byte[] expected = content.clone();
    for (ByteRange hole : holes) {
      Arrays.fill(expected, (int) hole.start(), (int) hole.end(), (byte) 0);
    }
    byte[] copied = Files.readAllBytes(copy);
    assertThat(copied.length).isEqualTo(expected.length);
    assertThat(Arrays.mismatch(copied, expected)).as("first difference").isEqualTo(-1);
    assertThat(saved().ranges(BAD, saved().extent())).isEqualTo(holes);
    assertThat(saved().bytes(RESCUED) + saved().bytes(BAD)).isEqualTo(content.length);
  }

  private void strike(Path file, List<ByteRange> ranges) throws IOException {
    MediaOptions drill = new MediaOptions(Access.READ_WRITE, MediaChoice.CHANNEL, Drills.ON);
    try (Media media = MediaFiles.open(file, drill)) {
      for (ByteRange range : ranges) {
        media.injector().inject(FaultSpec.of(FaultKind.EIO, range, 1));
      }
    }
  }

  /** Bad sectors here and there, alone, in pairs with a good one between, and in a long run. */
  private static List<ByteRange> scattered(int sizeBytes) {
    List<ByteRange> bad = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(7);
    for (long at = 512L * random.nextInt(200); at < sizeBytes - 70_000; ) {
      bad.add(ByteRange.ofLength(at, 512));
      bad.add(ByteRange.ofLength(at + 1024, 512));
      at += 1536 + 512L * (1 + random.nextInt(700));
    }
    bad.add(ByteRange.ofLength(sizeBytes / 512 * 512 - 65536, 40960));
    return bad;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 511, 512, 4095, 4097, 131_072, 131_073, 3_000_001})
  void shouldCopyFilesOfAnySize(int sizeBytes) throws IOException {
    makeSource(sizeBytes);
    assertThat(salvage(source, 0)).isEqualTo(new SalvageEnding.Finished());
    assertCopied(List.of());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
        .isEqualTo("rw-------");
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("source", "copy", "copy.map");
    assertThat(salvage(source, 2)).as("again").isEqualTo(new SalvageEnding.Finished());
    assertCopied(List.of());
  }

  @Test
  void shouldLeaveHolesWhereTheSourceRefuses() throws IOException {
    makeSource(4 * MIB + 1000);
    List<ByteRange> bad = scattered(content.length);
    strike(source, bad);
    assertThat(salvage(source, 1)).isEqualTo(new SalvageEnding.Finished());
    assertCopied(bad);
    assertThat(Files.getAttribute(copy, "unix:size")).isEqualTo((long) content.length);
  }

  @Test
  void shouldRescueMoreOnceASectorCanBeReadAgain() throws IOException {
    makeSource(MIB);
    List<ByteRange> bad = List.of(ByteRange.ofLength(65536, 1024), ByteRange.ofLength(0, 512));
    strike(source, bad);
    salvage(source, 0);
    assertCopied(List.of(bad.get(1), bad.get(0)));
    Files.delete(folder.resolve("source.drill"));
    strike(source, List.of(ByteRange.ofLength(65536, 512)));
    salvage(source, 0);
    assertCopied(List.of(bad.get(1), bad.get(0)));
    salvage(source, 2);
    assertCopied(List.of(ByteRange.ofLength(65536, 512)));
  }

  @Test
  void shouldTakeAMapOfMorePassesThanAnybodyMakes() throws IOException {
    makeSource(MIB);
    strike(source, List.of(ByteRange.ofLength(0, 512)));
    Files.writeString(map, "0 - 2147483647\n0 0x100000 -\n");
    assertThat(salvage(source, 2)).isEqualTo(new SalvageEnding.Finished());
    assertCopied(List.of(ByteRange.ofLength(0, 512)));
  }

  @Test
  void shouldStopAndGoOn() throws IOException {
    makeSource(4 * MIB);
    List<ByteRange> bad = scattered(content.length);
    strike(source, bad);
    int lives = 0;
    SalvageEnding ending = new SalvageEnding.Stopped();
    long rescued = -1;
    while (ending instanceof SalvageEnding.Stopped) {
      int[] left = {20};
      try (SalvageJob job = SalvageJob.open(request(source))) {
        ending = job.run(SalvageOptions.DEFAULT, progress -> {}, () -> left[0]-- == 0);
      }
      assertThat(saved().bytes(RESCUED)).isGreaterThanOrEqualTo(rescued);
      rescued = saved().bytes(RESCUED);
      lives++;
    }
    assertThat(lives).isGreaterThan(2);
    assertCopied(bad);
  }

  @Test
  void shouldRefuseWhatWouldCostBytes() throws IOException {
    makeSource(MIB);
    assertRefused(source, source, map, Reason.SAME_FILE);
    assertRefused(source, copy, source, Reason.SAME_FILE);
    assertRefused(source, copy, copy, Reason.SAME_FILE);
    Path link = Files.createLink(folder.resolve("link"), source);
    assertRefused(source, link, map, Reason.SAME_FILE);
    Path symbolic = Files.createSymbolicLink(folder.resolve("symbolic"), source);
    assertRefused(source, symbolic, map, Reason.SAME_FILE);
    Files.write(copy, new byte[] {1, 2, 3});
    assertRefused(source, copy, map, Reason.UNKNOWN_CONTENT);
    Files.writeString(map, "0 ? 1\n0 0x100000 ?\n");
    assertRefused(source, copy, map, Reason.OTHER_SIZE);
    Files.writeString(map, "0 ? 1\n0 0x100 +\n");
    assertRefused(source, copy, map, Reason.DESTINATION_CUT);
    Files.write(copy, new byte[2 * MIB]);
    assertRefused(source, copy, map, Reason.OTHER_SIZE);
    Files.delete(copy);
    assertRefused(source, copy, map, Reason.DESTINATION_CUT);
    Files.writeString(map, "what");
    assertThatThrownBy(() -> salvage(source, 0)).isInstanceOf(RescueMapException.class);
    assertThat(copy).doesNotExist();
    assertThat(Files.readAllBytes(source)).isEqualTo(content);
    assertThatThrownBy(() -> salvage(folder.resolve("nothing"), 0))
        .isInstanceOf(MediaOpenException.class);
  }

  private static void assertRefused(Path from, Path to, Path map, Reason reason)
      throws IOException {
    byte[] before = Files.exists(to) ? Files.readAllBytes(to) : new byte[0];
    SalvageRequest request =
        new SalvageRequest(from, to, map, SalvageRequest.Devices.REFUSED, List.of());
    assertThatThrownBy(() -> SalvageJob.open(request).close())
        .isInstanceOfSatisfying(
            SalvageRefusedException.class,
            e -> {
              assertThat(e.refusal()).isEqualTo(reason);
              assertThat(e.getReason()).contains(": ").containsAnyOf("name", "restore", "remove");
            });
    assertThat(Files.exists(to) ? Files.readAllBytes(to) : new byte[0]).isEqualTo(before);
  }

  @Test
  void shouldGoOnWithACopyThatDdrescueLeftShort() throws IOException {
    makeSource(MIB);
    Files.write(copy, Arrays.copyOf(content, 1000));
    Files.writeString(map, "0 ? 1\n0 1000 +\n1000 0xffc18 ?\n");
    assertThat(salvage(source, 0)).isEqualTo(new SalvageEnding.Finished());
    assertCopied(List.of());
  }

  @Test
  void shouldReportACutSourceAsAbsentNotBad() throws IOException {
    makeSource(MIB);
    int[] asked = {0};
    SalvageEnding ending;
    try (SalvageJob job = SalvageJob.open(request(source));
        RandomAccessFile cut = new RandomAccessFile(source.toFile(), "rw")) {
      ending =
          job.run(
              SalvageOptions.DEFAULT,
              progress -> {},
              () -> {
                if (asked[0]++ == 3) {
                  setLength(cut, 700_000);
                }
                return false;
              });
    }
    assertAbsent(ending);
    assertThat(saved().bytes(RESCUED)).isBetween(3L << 17, 700_000L);
    assertAbsent(salvage(source, 3)); // what is left of it is brought out
    assertThat(saved().blocks())
        .containsExactly(
            new RescueBlock(new ByteRange(0, 700_000), RESCUED),
            new RescueBlock(new ByteRange(700_000, MIB), UNTRIED));
    Files.write(source, content);
    assertThat(salvage(source, 0)).isEqualTo(new SalvageEnding.Finished());
    assertCopied(List.of());
  }

  private void assertAbsent(SalvageEnding ending) throws IOException {
    assertThat(ending)
        .isInstanceOfSatisfying(
            SalvageEnding.SourceAbsent.class,
            absent -> assertThat(absent.presence()).isEqualTo(Presence.TRUNCATED));
    assertThat(saved().bytes(BAD)).isZero();
  }

  private static void setLength(RandomAccessFile file, long sizeBytes) {
    try {
      file.setLength(sizeBytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldSayThatTheDestinationIsFullAndGoOnWhenItIsNot() throws Exception {
    makeSource(6 * MIB);
    try (SmallTmpfs small = SmallTmpfs.of(4 * MIB)) {
      copy = small.folder().resolve("copy");
      map = small.folder().resolve("copy.map");
      assertThatThrownBy(() -> salvage(source, 0))
          .isInstanceOf(MediaFullException.class)
          .hasMessageContaining("copy")
          .hasMessageContaining("free space");
      long rescued = saved().bytes(RESCUED);
      assertThat(rescued).as("saved although there is no room").isGreaterThan(3L * MIB);
      assertThatThrownBy(() -> salvage(source, 0)).isInstanceOf(IOException.class);
      assertThat(saved().bytes(RESCUED)).isGreaterThanOrEqualTo(rescued);
      small.resize(16 * MIB);
      assertThat(salvage(source, 0)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(List.of());
    }
  }

  @Test
  void shouldRescueADiskWithBadSectorsAsDdrescueDoes() throws Exception {
    Path ddrescue = Tools.require("ddrescue", "gddrescue");
    makeSource(2 * MIB);
    List<ByteRange> bad = scattered(content.length);
    try (SickDisk disk = SickDisk.of(source, bad)) {
      assertThat(salvage(disk.file(), 1)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(bad);
      Path device = disk.device();
      copy = folder.resolve("copy-of-device");
      map = SalvageRequest.mapOf(copy);
      assertThat(salvage(device, 0)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(bad);
      Path theirs = folder.resolve("theirs");
      Path theirMap = folder.resolve("theirs.map");
      Tools.run("" + ddrescue, "-q", "-d", "" + disk.file(), "" + theirs, "" + theirMap).orFail();
      RescueMap same = new RescueMapFile(theirMap, List::of).load().orElseThrow();
      assertThat(same.blocks()).isEqualTo(saved().blocks());
      assertThat(Files.mismatch(theirs, copy)).isEqualTo(-1);
    }
  }

  /** Each try of a bad sector costs a failing disk seconds. */
  @Test
  void shouldTryABadSectorOfADiskAsSeldomAsDdrescue() throws Exception {
    makeSource(4 * MIB);
    ByteRange run = ByteRange.ofLength(3 * MIB, 65536);
    List<ByteRange> bad =
        List.of(ByteRange.ofLength(512, 512), ByteRange.ofLength(MIB + 4096L, 512), run);
    try (SickDisk disk = SickDisk.of(source, bad)) {
      salvage(disk.device(), 0);
      assertCopied(bad);
      long sectors = 2 + run.length() / 512;
      assertThat(disk.refusedReads()).isBetween(sectors, sectors + 2L * bad.size());
      long before = disk.refusedReads();
      salvage(disk.device(), 1);
      assertThat(disk.refusedReads() - before).as("of one retry").isEqualTo(sectors);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "device"})
  void shouldReportADiskThatVanishedAsAbsentNotBad(String kind) throws Exception {
    makeSource(4 * MIB);
    List<ByteRange> bad = List.of(ByteRange.ofLength(MIB, 512));
    try (SickDisk disk = SickDisk.of(source, bad)) {
      int[] asked = {0};
      try (SalvageJob job =
          SalvageJob.open(request(kind.equals("file") ? disk.file() : disk.device()))) {
        SalvageEnding ending =
            job.run(
                SalvageOptions.DEFAULT,
                progress -> {},
                () -> {
                  if (asked[0]++ == 20) {
                    vanish(disk);
                  }
                  return false;
                });
        assertThat(ending)
            .isInstanceOfSatisfying(
                SalvageEnding.SourceAbsent.class,
                absent -> assertThat(absent.presence()).isEqualTo(Presence.GONE));
      }
    }
    assertThat(saved().bytes(RESCUED)).isBetween(2L * MIB, 3L * MIB);
    assertThat(saved().bytes(BAD)).isEqualTo(512);
    try (SickDisk again = SickDisk.of(source, bad)) {
      Path path = kind.equals("file") ? again.file() : again.device();
      assertThat(salvage(path, 0)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(bad);
    }
  }

  /** Media asks eight places whether a disk is there at all; here all of them are bad. */
  @ParameterizedTest
  @ValueSource(strings = {"file", "device"})
  void shouldNotTakeADiskThatIsBadNearlyEverywhereForGone(String kind) throws Exception {
    makeSource(MIB);
    List<ByteRange> bad = new ArrayList<>();
    bad.add(new ByteRange(0, 70 * 512));
    for (int place = 1; place < 8; place++) {
      bad.add(ByteRange.ofLength(place * (MIB / 8L), 9 * 512));
    }
    bad.add(ByteRange.ofLength(MIB - 20 * 512, 512));
    try (SickDisk disk = SickDisk.of(source, bad)) {
      Path path = kind.equals("file") ? disk.file() : disk.device();
      assertThat(salvage(path, 1)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(bad);
    }
  }

  @Test
  void shouldSayOfADiskThatNeverAnsweredThatItIsGone() throws Exception {
    makeSource(MIB);
    try (SickDisk disk = SickDisk.of(source, List.of(new ByteRange(0, MIB)))) {
      assertThat(salvage(disk.device(), 1)).isInstanceOf(SalvageEnding.SourceAbsent.class);
      assertThat(saved().blocks()).containsExactly(new RescueBlock(new ByteRange(0, MIB), UNTRIED));
    }
  }

  private static void vanish(SickDisk disk) {
    try {
      disk.vanish();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldBeContinuedByDdrescueAndContinueIt() throws Exception {
    Path ddrescue = Tools.require("ddrescue", "gddrescue");
    makeSource(2 * MIB);
    List<ByteRange> bad = scattered(content.length);
    try (SickDisk disk = SickDisk.of(source, bad)) {
      int[] left = {12};
      try (SalvageJob job = SalvageJob.open(request(disk.file()))) {
        SalvageEnding ending =
            job.run(SalvageOptions.DEFAULT, progress -> {}, () -> left[0]-- == 0);
        assertThat(ending).isEqualTo(new SalvageEnding.Stopped());
      }
      long ours = saved().bytes(RESCUED);
      assertThat(ours).isBetween(1L, (long) content.length - 1);
      Tools.run("" + ddrescue, "-q", "-d", "-n", "" + disk.file(), "" + copy, "" + map).orFail();
      assertThat(saved().bytes(RescueStatus.UNSCRAPED)).as("left by ddrescue").isPositive();
      assertThat(saved().bytes(RESCUED)).isGreaterThanOrEqualTo(ours);
      assertThat(salvage(disk.file(), 0)).isEqualTo(new SalvageEnding.Finished());
      assertCopied(bad);
      Tools.run("" + ddrescue, "-q", "-d", "-r1", "" + disk.file(), "" + copy, "" + map).orFail();
      assertCopied(bad);
    }
  }

  @Test
  void shouldWriteMapsThatDdrescuelogTakes() throws Exception {
    Path ddrescuelog = Tools.require("ddrescuelog", "gddrescue");
    makeSource(MIB + 100);
    strike(source, List.of(ByteRange.ofLength(512, 512), ByteRange.ofLength(1_048_576, 100)));
    salvage(source, 0);
    assertThat(Tools.run("" + ddrescuelog, "-t", "" + map).orFail())
        .containsPattern("rescued: +1048 kB, +in +2 area")
        .containsPattern("bad-sector: +612 B, +in +2 area");
    assertThat(Tools.run("" + ddrescuelog, "-d", "" + map).exitCode())
        .as("a map with bad sectors is not done")
        .isEqualTo(1);
    assertThat(Tools.run("" + ddrescuelog, "-l-", "" + map).orFail().lines())
        .containsExactly("1", "2048");
    Files.delete(folder.resolve("source.drill"));
    salvage(source, 1);
    assertThat(Tools.run("" + ddrescuelog, "-D", "" + map).exitCode()).isZero();
  }
}
