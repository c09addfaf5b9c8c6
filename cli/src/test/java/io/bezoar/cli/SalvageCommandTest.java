package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaFolders;
import io.bezoar.media.MediaOptions;
import io.bezoar.testing.SickDisk;
import io.bezoar.testing.SmallTmpfs;
import io.bezoar.testing.Tools;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * {@code salvage} and {@code probe}, in this process and as processes that are stopped and killed.
 */
@Timeout(120)
class SalvageCommandTest {
  private static final int MIB = 1 << 20;

  @TempDir private Path folder;
  private final Cli cli = new Cli();
  private Path source = Path.of("");
  private Path copy = Path.of("");
  private byte[] content = new byte[0];

  @BeforeEach
  void names() {
    source = folder.resolve("source");
    copy = folder.resolve("copy");
  }

  private void makeSource(int sizeBytes) throws IOException {
    content = new byte[sizeBytes];
    new SplittableRandom(sizeBytes).nextBytes(content);
    Files.write(source, content);
  }

  private static void strike(Path file, FaultKind kind, MediaChoice choice, ByteRange range)
      throws IOException {
    MediaOptions drill = new MediaOptions(Access.READ_WRITE, choice, Drills.ON);
    try (Media media = MediaFiles.open(file, drill)) {
      media.injector().inject(FaultSpec.of(kind, range, 1));
    }
  }

  private byte[] withHoles(List<ByteRange> holes) {
    byte[] expected = content.clone();
    for (ByteRange hole : holes) {
      Arrays.fill(expected, (int) hole.start(), (int) hole.end(), (byte) 0);
    }
    return expected;
  }

  @Test
  void shouldRescueAndSayWhatIsMissing() throws IOException {
    makeSource(3 * MIB + 5);
    ByteRange bad = ByteRange.ofLength(70_144, 1024);
    strike(source, FaultKind.EIO, MediaChoice.CHANNEL, bad);
    assertThat(cli.run("salvage", "" + source, "" + copy)).isEqualTo(Exit.DAMAGED);
    assertThat(cli.out())
        .contains("3.0 MiB, into " + copy + "; map " + copy + ".map")
        .contains("finished: 3.0 MiB rescued, 1 KiB in 1 place cannot be read")
        .contains("zeroes, if it is new")
        .contains("bezoar salvage " + source + " " + copy + " --retries 3")
        .contains("ddrescuelog --list-blocks=- " + copy + ".map");
    assertThat(Files.readAllBytes(copy)).isEqualTo(withHoles(List.of(bad)));
    Files.delete(folder.resolve("source.drill"));
    assertThat(cli.run("salvage", "" + source, "" + copy)).isEqualTo(Exit.DAMAGED);
    assertThat(cli.run("salvage", "" + source, "" + copy, "--retries", "1", "--json")).isZero();
    List<JsonNode> lines = cli.json();
    assertThat(lines.getFirst().path("rescued").asLong()).isEqualTo(content.length - 1024L);
    JsonNode result = lines.getLast();
    assertThat(result.path("type").asString()).isEqualTo("result");
    assertThat(result.path("ending").asString()).isEqualTo("finished");
    assertThat(result.path("rescued").asLong()).isEqualTo(content.length);
    assertThat(result.path("bad").asLong()).isZero();
    assertThat(Files.readAllBytes(copy)).isEqualTo(content);
  }

  @Test
  void shouldRefuseWithTheNextStep() throws IOException {
    makeSource(MIB);
    assertThat(cli.run("salvage", "" + source, "" + source)).isEqualTo(Exit.REFUSED);
    assertThat(cli.err()).contains("is the source itself").doesNotContain("pool");
    Files.writeString(copy, "precious");
    assertThat(cli.run("salvage", "" + source, "" + copy)).isEqualTo(Exit.REFUSED);
    assertThat(cli.err()).contains("there is no map").contains("--map FILE");
    assertThat(copy).hasContent("precious");
    assertThat(cli.run("salvage", "" + source, "" + folder)).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.run("salvage", "/no/such", "" + copy)).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("/no/such: no such file").doesNotContain("pool");
    assertThat(cli.run("salvage", "" + source, folder + "/no/copy")).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("folder does not exist");
    Path notAMap = Files.writeString(folder.resolve("notes"), "0 0\nbuy milk\n");
    String fresh = folder.resolve("fresh").toString();
    assertThat(cli.run("salvage", "" + source, fresh, "--map", "" + notAMap))
        .isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("notes: is not a whole mapfile, line 1");
    assertThat(cli.run("salvage", "" + source, fresh, "--retries", "-1")).isEqualTo(Exit.USAGE);
    assertThat(cli.run("salvage", "" + source)).isEqualTo(Exit.USAGE);
  }

  @Test
  void shouldOverwriteADeviceOnlyWhenTold() throws Exception {
    makeSource(MIB);
    Path image = folder.resolve("image");
    Files.write(image, new byte[2 * MIB]);
    Tools.Result attached = Tools.run("losetup", "-f", "--show", image.toString());
    if (attached.exitCode() != 0) {
      System.err.println("SKIPPED: salvage onto a device: " + attached.output());
      return;
    }
    String device = attached.output().strip();
    String map = folder.resolve("device.map").toString();
    try {
      assertThat(cli.run("salvage", "" + source, device, "--map", map)).isEqualTo(Exit.REFUSED);
      assertThat(cli.err()).contains(device + ": is a device", "--overwrite-device");
      assertThat(cli.run("salvage", "" + source, device, "--map", map, "--overwrite-device"))
          .isZero();
      assertThat(cli.run("probe", device)).isZero();
    } finally {
      Tools.run("losetup", "-d", device).orFail();
    }
    byte[] expected = Arrays.copyOf(content, 2 * MIB);
    assertThat(Files.readAllBytes(image)).isEqualTo(expected);
  }

  @Test
  void shouldSayThatTheCopyHasNoRoom() throws Exception {
    makeSource(6 * MIB);
    try (SmallTmpfs small = SmallTmpfs.of(4 * MIB)) {
      copy = small.folder().resolve("copy");
      assertThat(cli.run("salvage", "" + source, "" + copy)).isEqualTo(Exit.UNAVAILABLE);
      assertThat(cli.err()).contains(copy + ": no space left", "then the same command again");
      small.resize(8 * MIB);
      assertThat(cli.run("salvage", "" + source, "" + copy)).isZero();
      assertThat(cli.out()).contains("going on: ", "were rescued before");
      assertThat(Files.readAllBytes(copy)).isEqualTo(content);
    }
  }

  @Test
  void shouldGoOnAfterStopAndAfterKill() throws Exception {
    makeSource(160 * MIB);
    List<ByteRange> bad =
        List.of(ByteRange.ofLength(512, 512), ByteRange.ofLength(100 * MIB + 1024L, 3072));
    try (SickDisk disk = SickDisk.of(source, bad)) {
      List<String> command = List.of("salvage", "" + disk.file(), "" + copy, "--json");
      Process stopped = untilProgress(command);
      // SIGTERM, which is answered as Ctrl-C is; the process's own would close its output, too.
      stopped.toHandle().destroy();
      assertThat(exitCode(stopped)).isEqualTo(Exit.INTERRUPTED);
      Process killed = untilProgress(command);
      killed.destroyForcibly();
      assertThat(exitCode(killed)).isEqualTo(128 + 9);
      BezoarProcess.Result last =
          BezoarProcess.run(folder, command.toArray(String[]::new)).expect(Exit.DAMAGED);
      assertThat(last.json().getFirst().path("rescued").asLong()).as("kept").isPositive();
      assertThat(last.json().getLast().path("bad").asLong()).isEqualTo(512 + 3072);
    }
    assertThat(Arrays.mismatch(Files.readAllBytes(copy), withHoles(bad))).isEqualTo(-1);
  }

  /** A process that has rescued something, and has more to do. */
  private Process untilProgress(List<String> command) throws IOException {
    Process process = BezoarProcess.command(folder, command).start();
    BufferedReader output = process.inputReader();
    String line = output.readLine();
    while (line != null && !line.contains("\"progress\"")) {
      line = output.readLine();
    }
    assertThat(line).as("a line of progress").isNotNull();
    return process;
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  @Test
  void shouldProbeMemoryThroughPageTables() throws IOException {
    Path memory = MediaFolders.onTmpfs();
    try {
      Path file = Files.write(memory.resolve("file"), new byte[MIB]);
      assertThat(cli.run("probe", "" + file)).isZero();
      assertThat(cli.out()).contains("page tables; nothing is loaded", "everything can be read");
      strike(file, FaultKind.POISON, MediaChoice.AUTO, ByteRange.ofLength(8192, 4096));
      strike(file, FaultKind.POISON, MediaChoice.AUTO, ByteRange.ofLength(20_480, 8192));
      assertThat(cli.run("probe", "" + file)).isEqualTo(Exit.DAMAGED);
      assertThat(cli.out())
          .contains("unreadable 0x2000+4096", "unreadable 0x5000+8192")
          .contains("finished: 1 MiB probed, 12 KiB cannot be read")
          .contains("bezoar salvage " + file + " COPY");
      assertThat(cli.run("probe", "" + file, "--range", "9000+100", "--json"))
          .isEqualTo(Exit.DAMAGED);
      assertThat(cli.json().get(0).path("how").asString()).isEqualTo("page-tables");
      assertThat(cli.json().get(1).path("start").asLong()).isEqualTo(9000);
      assertThat(cli.json().get(1).path("end").asLong()).isEqualTo(9100);
      assertThat(cli.run("probe", "" + file, "--range", "64K-128K")).isZero();
    } finally {
      MediaFolders.remove(memory);
    }
  }

  @Test
  void shouldProbeADiskBySectorsAndLeaveAMapForARescue() throws Exception {
    makeSource(40 * MIB + 100);
    List<ByteRange> bad =
        List.of(
            ByteRange.ofLength(1024, 512),
            ByteRange.ofLength(16 * MIB - 512, 1024), // over the end of a piece
            ByteRange.ofLength(33L * MIB, 4096));
    String map = folder.resolve("probed.map").toString();
    try (SickDisk disk = SickDisk.of(source, bad)) {
      assertThat(cli.run("probe", "" + disk.file(), "--map", map)).isEqualTo(Exit.DAMAGED);
      assertThat(cli.out())
          .contains("reading by system calls")
          .contains(
              "unreadable 0x400+512", "unreadable 0xfffe00+1024", "unreadable 0x2100000+4096");
      String before = Files.readString(Path.of(map));
      assertThat(cli.run("probe", "" + disk.file(), "--map", map)).isEqualTo(Exit.REFUSED);
      assertThat(Path.of(map)).hasContent(before);
      Path ddrescuelog = Tools.require("ddrescuelog", "gddrescue");
      assertThat(Tools.run("" + ddrescuelog, "-t", map).orFail())
          .containsPattern("bad-sector: +5632 B, +in +3 area");
      assertThat(cli.run("salvage", "" + disk.file(), "" + copy, "--map", map))
          .isEqualTo(Exit.DAMAGED);
    }
    assertThat(Arrays.mismatch(Files.readAllBytes(copy), withHoles(bad))).isEqualTo(-1);
  }

  @Test
  void shouldNotProbeWhatIsNotThere() throws IOException {
    assertThat(cli.run("probe", "/no/such")).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.run("probe", "" + folder)).isEqualTo(Exit.UNAVAILABLE);
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThat(cli.run("probe", "" + empty)).isZero();
    assertThat(cli.out()).contains("0 B, reading", "everything can be read");
    Files.write(empty, new byte[10], StandardOpenOption.APPEND);
    assertThat(cli.run("probe", "" + empty, "--range", "5-11")).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("beyond the 10 bytes");
  }

  @Test
  void shouldStopAProbeInOrder() throws IOException {
    makeSource(MIB);
    StopSignal stop = new StopSignal();
    stop.request();
    Cli stopped = new Cli(stop);
    assertThat(stopped.run("probe", "" + source)).isEqualTo(Exit.INTERRUPTED);
    assertThat(stopped.out()).contains("stopped: 0 B probed");
    assertThat(stopped.run("salvage", "" + source, "" + copy)).isEqualTo(Exit.INTERRUPTED);
    assertThat(stopped.out()).contains("stopped: 0 B rescued", "go on with the same command");
    assertThat(cli.run("salvage", "" + source, "" + copy)).isZero();
  }
}
