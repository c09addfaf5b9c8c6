package io.bezoar.media;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pages are exchanged, revoked and given back under readers, under each collector. */
class StitchedTortureTest {
  private static final int EXCHANGES = 10_000;

  private final Path folder;

  StitchedTortureTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @AfterEach
  void remove() throws IOException {
    MediaFolders.remove(folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-XX:+UseG1GC", "-XX:+UseZGC", "-XX:+UseSerialGC"})
  void shouldShowPagesWholeAndNeverOldOnes(String collector) throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            collector,
            "-Xmx128m",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            StitchedTorture.class.getName(),
            folder.toString(),
            "" + seed,
            "" + EXCHANGES);
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String about =
        "%s: %s; replay: mvn -pl media test -Dtest=StitchedTortureTest -Dbezoar.seed=%d"
            .formatted(collector, out.strip(), seed);
    System.out.println(about);
    assertThat(child.waitFor()).as(about).isZero();
    Matcher line =
        Pattern.compile("exchanges=(\\d+) closings=(\\d+) good=(\\d+) faults=(\\d+) wrong=(\\d+)")
            .matcher(out);
    assertThat(line.find()).as(about).isTrue();
    assertThat(Integer.parseInt(line.group(1))).as(about).isEqualTo(EXCHANGES);
    assertThat(Integer.parseInt(line.group(2))).as(about).isEqualTo(EXCHANGES / 500 + 1);
    assertThat(Long.parseLong(line.group(3))).as(about).isPositive();
    assertThat(Long.parseLong(line.group(4))).as(about).isPositive();
    assertThat(Long.parseLong(line.group(5))).as(about).isZero();
  }
}
