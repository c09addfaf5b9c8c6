package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.testing.Tools;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * The whole thing, as its user would do it, with programs that know nothing of it: a real file
 * system image goes in, media goes bad under readers, and the image comes out as it was; then so
 * much goes bad that some is lost, and exactly that is; then the server is killed while it writes.
 *
 * <p>What must be lost is worked out here, from the strikes alone, not by the code under test.
 */
@Timeout(900)
class EndToEndTest {
  private static final int PAGE = 4096;
  private static final long IMAGE_BYTES = 320L << 20;
  private static final long POOL_BYTES = 384L << 20;
  private static final int DATA_COLUMNS = 31;

  private Path folder = Path.of("");

  private void makeFolder(String kind) throws IOException {
    folder =
        kind.equals("memory")
            ? Files.createTempDirectory(Path.of("/dev/shm"), "bezoar-e2e")
            : Files.createTempDirectory("bezoar-e2e");
  }

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
  void shouldServeARealImageThroughPoison(String kind) throws Exception {
    Tools.require("nbdcopy", "libnbd-bin");
    Tools.require("nbdsh", "python3-libnbd");
    Tools.require("mkfs.ext4", "e2fsprogs");
    Tools.require("e2fsck", "e2fsprogs");
    makeFolder(kind);
    Path image = makeImage();
    run("create", "a.pool", "--size", Long.toString(POOL_BYTES), "--drill").expect(0);
    try (BezoarProcess.Server server = new BezoarProcess.Server(folder, "a.pool")) {
      Tools.run("nbdcopy", "--flush", image.toString(), uri()).orFail();
      strikeUnderReaders(image);
      strikeTwice(image);
      writeUntilKilled(server);
    }
    try (BezoarProcess.Server server = new BezoarProcess.Server(folder, "a.pool")) {
      checkWhatWasFlushed();
      List<JsonNode> scrub = run("scrub", "a.pool", "--json").expect(0).json();
      assertThat(scrub.getLast().path("found").asLong()).as("found after kill -9").isZero();
      assertThat(server.stop()).as("exit code of serve").isZero();
    }
    run("status", "a.pool").expect(0);
  }

  // 1,000 strikes of all kinds in different rows, under readers.

  private void strikeUnderReaders(Path image) throws Exception {
    AtomicBoolean enough = new AtomicBoolean();
    List<JsonNode> strikes;
    try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> reading = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        reading.add(readers.submit(readUntil(enough)));
      }
      try {
        strikes = inject("--kind", "all", "--count", "1000", "--seed", "7");
        run("scrub", "a.pool").expect(0);
      } finally {
        enough.set(true);
      }
      for (Future<Integer> reader : reading) {
        assertThat(reader.get()).as("complete reads of a reader").isPositive();
      }
    }
    assertThat(strikes).hasSize(1000);
    assertSame(image);
    run("status", "a.pool").expect(0);
    Map<Long, String> outcomes = outcomes();
    for (JsonNode strike : strikes) {
      long page = strike.path("media").path("start").asLong() / PAGE;
      assertThat(outcomes.get(page)).as("outcome of %s", strike).isEqualTo("healed");
    }
  }

  private Callable<Integer> readUntil(AtomicBoolean enough) {
    return () -> {
      int complete = 0;
      do {
        Tools.run("nbdcopy", uri(), "null:").orFail();
        complete++;
      } while (!enough.get());
      return complete;
    };
  }

  private void assertSame(Path image) throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    Tools.run("nbdcopy", uri(), out.toString()).orFail();
    Tools.run("cmp", "-n", Long.toString(IMAGE_BYTES), image.toString(), out.toString()).orFail();
    Tools.run("e2fsck", "-fn", out.toString()).orFail();
    Files.delete(out);
  }

  /** Outcome of the latest event of each page of media. */
  private Map<Long, String> outcomes() throws IOException, InterruptedException {
    Map<Long, String> outcomes = new HashMap<>();
    for (JsonNode event : run("events", "a.pool", "--json").expect(0).json()) {
      JsonNode media = event.path("media");
      if (event.path("event").asString().equals("failure") && !media.isMissingNode()) {
        for (long page = media.path("start").asLong() / PAGE;
            page * PAGE < media.path("end").asLong();
            page++) {
          outcomes.put(page, event.path("outcome").asString());
        }
      }
    }
    return outcomes;
  }

  // 500 strikes anywhere: what is lost is what two strikes in one row take, and nothing else.

  private void strikeTwice(Path image) throws Exception {
    List<JsonNode> strikes = inject("--kind", "all", "--count", "500", "--seed", "8", "--overlap");
    Set<Long> mustBeLost = lostBy(strikes);
    assertThat(mustBeLost).as("rows struck twice").isNotEmpty();
    assertThat(readEveryPage(image)).isEqualTo(mustBeLost);
    // The reads have found the losses; what is left to the scrub can be repaired.
    run("scrub", "a.pool").expect(0);
    run("status", "a.pool").expect(2);
    Map<Long, String> outcomes = outcomes();
    long base = base(strikes);
    for (long page : mustBeLost) {
      assertThat(outcomes.get(base / PAGE + page)).as("outcome of page %s", page).isEqualTo("lost");
    }
    for (JsonNode strike : strikes) {
      // Parity of a row that lost two data pages vouches for nothing: whether it was struck cannot
      // be told, and it is written anew.
      boolean canBeTold = strike.has("volume") || !losesTwoPages(strike, strikes);
      if (canBeTold) {
        assertThat(outcomes).containsKey(strike.path("media").path("start").asLong() / PAGE);
      }
    }
    assertThat(readEveryPage(image)).as("after the scrub").isEqualTo(mustBeLost);
    run("bad", "clear", "a.pool", "--accept-loss", "--fill", "zero").expect(0);
    run("status", "a.pool").expect(0);
    run("scrub", "a.pool").expect(0);
  }

  private boolean losesTwoPages(JsonNode parity, List<JsonNode> strikes) throws Exception {
    long rows = rows();
    long base = base(strikes);
    long row = (parity.path("media").path("start").asLong() - base) / PAGE % rows;
    return strikes.stream()
            .filter(strike -> strike.has("volume"))
            .mapToLong(strike -> (strike.path("media").path("start").asLong() - base) / PAGE)
            .filter(page -> page % rows == row)
            .distinct()
            .count()
        > 1;
  }

  private long rows() throws Exception {
    JsonNode status = run("status", "a.pool", "--json").json().getFirst();
    return status.findValue("content_bytes").asLong() / PAGE / DATA_COLUMNS;
  }

  /** Media offset of the volume's first byte. */
  private static long base(List<JsonNode> strikes) {
    return strikes.stream()
        .filter(strike -> strike.has("volume"))
        .mapToLong(
            s -> s.path("media").path("start").asLong() - s.path("volume").path("start").asLong())
        .map(offset -> Math.floorDiv(offset, PAGE) * PAGE)
        .min()
        .orElseThrow();
  }

  /** Volume pages that share a parity row with another struck page. */
  private Set<Long> lostBy(List<JsonNode> strikes) throws Exception {
    long rows = rows();
    long base = base(strikes);
    Map<Long, Set<Long>> struck = new HashMap<>();
    for (JsonNode strike : strikes) {
      long page = (strike.path("media").path("start").asLong() - base) / PAGE;
      struck.computeIfAbsent(page % rows, row -> new HashSet<>()).add(page);
    }
    Set<Long> lost = new TreeSet<>();
    for (Set<Long> pages : struck.values()) {
      if (pages.size() > 1) {
        pages.stream().filter(page -> page < rows * DATA_COLUMNS).forEach(lost::add);
      }
    }
    return lost;
  }

  /** Pages that a client gets an error for, at their exact offset; all others must be right. */
  private Set<Long> readEveryPage(Path image) throws IOException, InterruptedException {
    String script =
        """
        image = open(%s, 'rb')
        size = h.get_size()
        for start in range(0, size, 1 << 20):
            end = min(start + (1 << 20), size)
            image.seek(start)
            want = image.read(end - start).ljust(end - start, b'\\0')
            try:
                good = bytes(h.pread(end - start, start)) == want
            except nbd.Error:
                good = False
            if good:
                continue
            for at in range(start, end, 4096):
                n = min(4096, end - at)
                try:
                    if bytes(h.pread(n, at)) != want[at - start:at - start + n]:
                        print('wrong', at // 4096)
                except nbd.Error:
                    print('lost', at // 4096)
        """
            .formatted("'" + image + "'");
    Set<Long> lost = new TreeSet<>();
    for (String line : nbdsh(script)) {
      assertThat(line).startsWith("lost ");
      lost.add(Long.parseLong(line.substring(5)));
    }
    return lost;
  }

  // kill -9 under write load: what was flushed is there.

  private long flushedPages;

  private void writeUntilKilled(BezoarProcess.Server server) throws Exception {
    String script =
        """
        n = 0
        while True:
            for i in range(16):
                h.pwrite(n.to_bytes(8, 'little') * 512, n * 4096)
                n += 1
            h.flush()
            print(n, flush=True)
        """;
    Process writer = nbdshProcess(script);
    try (BufferedReader progress = writer.inputReader()) {
      String line = progress.readLine();
      while (line != null) {
        flushedPages = Long.parseLong(line);
        if (flushedPages >= 8000 && server.process.isAlive()) {
          server.kill();
        }
        line = progress.readLine();
      }
    }
    assertThat(writer.waitFor()).as("the writer must have been cut off").isNotZero();
    assertThat(flushedPages).isGreaterThanOrEqualTo(8000);
  }

  private void checkWhatWasFlushed() throws IOException, InterruptedException {
    String script =
        """
        for n in range(%d):
            if bytes(h.pread(4096, n * 4096)) != n.to_bytes(8, 'little') * 512:
                print('gone', n)
        """
            .formatted(flushedPages);
    assertThat(nbdsh(script)).isEmpty();
  }

  // Tools.

  private BezoarProcess.Result run(String... arguments) throws IOException, InterruptedException {
    return BezoarProcess.run(folder, arguments);
  }

  private List<JsonNode> inject(String... arguments) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of("bad", "inject", "a.pool", "--json"));
    all.addAll(List.of(arguments));
    return run(all.toArray(String[]::new)).expect(0).json().stream()
        .filter(line -> line.path("type").asString().equals("strike"))
        .toList();
  }

  private String uri() {
    return "nbd+unix:///?socket=" + folder.resolve("a.pool.nbd");
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
    try (Stream<Path> files = Files.walk(Path.of(System.getProperty("java.home"), "lib"))) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        long size = Files.size(file);
        if (taken + size < IMAGE_BYTES * 3 / 4) {
          Files.copy(
              file,
              tree.resolve(taken + "-" + file.getFileName()),
              StandardCopyOption.COPY_ATTRIBUTES);
          taken += size;
        }
      }
    }
    Path image = folder.resolve("image");
    Tools.run("mkfs.ext4", "-q", "-d", tree.toString(), image.toString(), IMAGE_BYTES / 1024 + "k")
        .orFail();
    return image;
  }
}
