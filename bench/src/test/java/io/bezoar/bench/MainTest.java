package io.bezoar.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(600)
class MainTest {
  @TempDir Path folder = Path.of("");

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... args) {
    return Main.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        args);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void quickRunShouldPrintEveryRowForBothPlacesAndLeaveNothingBehind() throws Exception {
    int code = run("--quick", "--dir", folder.toString());
    assertThat(code).as(err()).isZero();
    for (Row row : Row.ALL) {
      for (String place : new String[] {"tmpfs", "disk"}) {
        assertThat(out().lines())
            .as(out())
            .anyMatch(line -> line.matches(row.number() + " .* " + place + " .*"));
        assertThat(err()).contains("on " + place + ": row " + row.number() + ", " + row.title());
      }
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void oneRowAsJsonShouldBeThatRowOnly() {
    assertThat(run("--quick", "--dir", folder.toString(), "--json", "--row", "18")).isZero();
    assertThat(out().lines().filter(line -> line.contains("\"row\"")))
        .hasSize(2)
        .allMatch(line -> line.contains("\"row\": 18, "));
  }

  @Test
  void unknownRowShouldNameThoseThatThereAre() {
    assertThat(run("--row", "4711")).isEqualTo(2);
    assertThat(err()).contains("no row 4711").contains("[1, 2, 3, ").contains("18, 19");
  }

  @Test
  void missingFolderShouldBeNamed() {
    Path missing = folder.resolve("missing");
    assertThat(run("--quick", "--dir", missing.toString())).isEqualTo(1);
    assertThat(err()).contains(missing.toString());
  }

  @Test
  void noRoomShouldBeSaidBeforeAnythingIsMade() throws Exception {
    try (Cleanup cleanup = new Cleanup()) {
      Site site = new Site(Site.Kind.DISK, folder, Scale.QUICK, cleanup);
      assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> site.requireRoom(1L << 60)))
          .isInstanceOf(Site.NoRoomException.class)
          .hasMessageContainingAll(folder.toString(), "MiB are needed", "--dir");
    }
  }
}
