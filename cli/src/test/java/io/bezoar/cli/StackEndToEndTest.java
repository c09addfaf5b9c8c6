package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.testing.Tools;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * A mirror of two protected files under a write cache, as its user has it: a real file system image
 * goes in, both legs are struck, one goes away while it is written and comes back, one is cut under
 * the server and replaced, one is attached, one evacuated, the server is killed in the middle; and
 * the image comes out as it went in.
 */
@Timeout(900)
class StackEndToEndTest {
  private static final long IMAGE_BYTES = 96L << 20;

  private Path folder = Path.of("");
  private String servedBy = "fast";

  @AfterEach
  void removeFolder() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(one);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "disk"})
  void shouldTakeAMirrorUnderACacheThroughEverything(String kind) throws Exception {
    Tools.require("nbdcopy", "libnbd-bin");
    Tools.require("nbdsh", "python3-libnbd");
    Tools.require("mkfs.ext4", "e2fsprogs");
    Tools.require("e2fsck", "e2fsprogs");
    folder =
        kind.equals("memory")
            ? Files.createTempDirectory(Path.of("/dev/shm"), "bezoar-stack")
            : Files.createTempDirectory("bezoar-stack");
    Path image = makeImage();
    Files.writeString(
        folder.resolve("stack"),
        """
        # a fast file before a mirror of two slow ones
        cache(
          fast 24M,
          mirror(a 160M, b 160M)
        )
        """);
    run("create", "--stack", "stack", "--drill").expect(0);
    try (BezoarProcess.Server server = new BezoarProcess.Server(folder, "fast")) {
      Tools.run("nbdcopy", "--flush", image.toString(), uri()).orFail();
      strikeBothLegs();
      assertSame(image);
      leaveAndReturn();
      assertSame(image);
      cutAndReplace();
      assertSame(image);
      attachAndEvacuate();
      assertSame(image);
      writeUntilKilled(server);
    }
    servedBy = "d"; // any device will do
    try (BezoarProcess.Server server = new BezoarProcess.Server(folder, "d")) {
      checkWhatWasFlushed();
      assertSame(image);
      List<JsonNode> scrub = run("scrub", "fast", "--json").expect(0).json();
      assertThat(scrub.getLast().path("lost").asLong()).isZero();
      assertThat(server.stop()).as("exit code of serve").isZero();
    }
    run("status", "c").expect(0);
  }

  private void strikeBothLegs() throws Exception {
    for (String leg : List.of("a", "b")) {
      List<JsonNode> strikes =
          run(
                  "bad",
                  "inject",
                  "fast",
                  "--device",
                  leg,
                  "--kind",
                  "all",
                  "--count",
                  "150",
                  "--seed",
                  leg.equals("a") ? "1" : "2",
                  "--json")
              .expect(0)
              .json()
              .stream()
              .filter(line -> line.path("type").asString().equals("strike"))
              .toList();
      assertThat(strikes).hasSize(150);
    }
    run("scrub", "fast").expect(0);
    run("status", "fast").expect(0);
    assertThat(run("bad", "list", "a", "--json").expect(0).lines()).isEmpty();
  }

  /** A leg is away while the space behind the image is written, and catches up. */
  private void leaveAndReturn() throws Exception {
    Process writer = nbdshProcess(writes(1, 400));
    run("device", "offline", "fast", "b").expect(0);
    assertThat(writer.waitFor()).isZero();
    run("status", "fast").expect(1);
    run("device", "online", "fast", "b").expect(0);
    run("status", "fast").expect(0);
    assertThat(nbdsh(checks(1, 400))).isEmpty();
  }

  /** The file of a leg is cut to nothing under the server. */
  private void cutAndReplace() throws Exception {
    try (FileChannel a = FileChannel.open(folder.resolve("a"), StandardOpenOption.WRITE)) {
      a.truncate(0);
    }
    assertThat(nbdsh(writes(2, 400))).isEmpty();
    run("scrub", "fast");
    run("status", "fast").expect(1);
    run("device", "replace", "fast", "a", "c").expect(0);
    run("status", "c").expect(0);
    assertThat(nbdsh(checks(2, 400))).isEmpty();
  }

  private void attachAndEvacuate() throws Exception {
    run("device", "attach", "fast", "b", "d").expect(0);
    run("device", "evacuate", "fast", "b").expect(0);
    List<JsonNode> status = run("status", "d", "--json").expect(0).json();
    assertThat(status.getFirst().toString()).doesNotContain("\"" + folder.resolve("b") + "\"");
    assertThat(nbdsh(checks(2, 400))).isEmpty();
  }

  // kill -9 under write load: what was flushed is there.

  private long flushedPages;

  private void writeUntilKilled(BezoarProcess.Server server) throws Exception {
    String script =
        """
        n = 0
        base = %d
        while True:
            for i in range(16):
                h.pwrite(n.to_bytes(8, 'little') * 512, base + n %% 4096 * 4096)
                n += 1
            h.flush()
            print(n, flush=True)
        """
            .formatted(IMAGE_BYTES);
    Process writer = nbdshProcess(script);
    try (BufferedReader progress = writer.inputReader()) {
      String line = progress.readLine();
      while (line != null) {
        flushedPages = Long.parseLong(line);
        if (flushedPages >= 3000 && server.process.isAlive()) {
          server.kill();
        }
        line = progress.readLine();
      }
    }
    assertThat(writer.waitFor()).as("the writer must have been cut off").isNotZero();
  }

  /** Each page holds the last number flushed for it, or a later one. */
  private void checkWhatWasFlushed() throws Exception {
    String script =
        """
        for n in range(max(0, %1$d - 4096), %1$d):
            page = bytes(h.pread(4096, %2$d + n %% 4096 * 4096))
            m = int.from_bytes(page[:8], 'little')
            if page != page[:8] * 512 or m < n or m %% 4096 != n %% 4096:
                print('gone', n, m)
        """
            .formatted(flushedPages, IMAGE_BYTES);
    assertThat(nbdsh(script)).isEmpty();
  }

  /** Writes pages behind the image, flushing now and then. */
  private static String writes(int seed, int pages) {
    return """
        for n in range(%d):
            h.pwrite((n * 7 + %d).to_bytes(8, 'little') * 512, %d + n * 4096)
            if n %% 32 == 31:
                h.flush()
        h.flush()
        """
        .formatted(pages, seed, IMAGE_BYTES);
  }

  private static String checks(int seed, int pages) {
    return """
        for n in range(%d):
            if bytes(h.pread(4096, %d + n * 4096)) != (n * 7 + %d).to_bytes(8, 'little') * 512:
                print('gone', n)
        """
        .formatted(pages, IMAGE_BYTES, seed);
  }

  // Tools.

  private void assertSame(Path image) throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    Tools.run("nbdcopy", uri(), out.toString()).orFail();
    Tools.run("cmp", "-n", Long.toString(IMAGE_BYTES), image.toString(), out.toString()).orFail();
    Tools.run("e2fsck", "-fn", out.toString()).orFail();
    Files.delete(out);
  }

  private BezoarProcess.Result run(String... arguments) throws IOException, InterruptedException {
    return BezoarProcess.run(folder, arguments);
  }

  /** Beside the device that the server was started with. */
  private String uri() {
    return "nbd+unix:///?socket=" + folder.resolve(servedBy + ".nbd");
  }

  private Process nbdshProcess(String script) throws IOException {
    ProcessBuilder nbdsh = new ProcessBuilder("nbdsh", "-u", uri(), "-c", script);
    // It runs the first python3 of the path, and its library belongs to the system's.
    nbdsh.environment().merge("PATH", "/usr/bin:/bin:", (old, first) -> first + old);
    return nbdsh.redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private List<String> nbdsh(String script) throws IOException, InterruptedException {
    Process process = nbdshProcess(script);
    List<String> lines;
    try (BufferedReader output = process.inputReader()) {
      lines = output.lines().toList();
    } catch (UncheckedIOException cut) {
      throw cut.getCause();
    }
    assertThat(process.waitFor()).as("exit code of nbdsh, which said %s", lines).isZero();
    return lines;
  }

  /** An ext4 image with files of this JDK. */
  private Path makeImage() throws IOException, InterruptedException {
    Path tree = Files.createDirectory(folder.resolve("tree"));
    long taken = 0;
    List<Path> files = new ArrayList<>();
    try (Stream<Path> all = Files.walk(Path.of(System.getProperty("java.home"), "lib"))) {
      files.addAll(all.filter(Files::isRegularFile).sorted().toList());
    }
    for (Path file : files) {
      long size = Files.size(file);
      if (taken + size < IMAGE_BYTES * 3 / 4) {
        Files.copy(
            file,
            tree.resolve(taken + "-" + file.getFileName()),
            StandardCopyOption.COPY_ATTRIBUTES);
        taken += size;
      }
    }
    Path image = folder.resolve("image");
    Tools.run("mkfs.ext4", "-q", "-d", tree.toString(), image.toString(), IMAGE_BYTES / 1024 + "k")
        .orFail();
    return image;
  }
}
