package io.bezoar.media;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The guarded copy under every compiler and collector, in child JVMs, because a fault that escapes
 * may take the JVM with it. Some 40,000 real faults in all.
 */
class GuardTortureTest {
  private static final int FAULTS = 6_000;
  private static final int FAULTS_INTERPRETED = 1_500;
  private static final String INTERPRETER = "-Xint";
  private static final String C1 = "-XX:TieredStopAtLevel=1";
  private static final String C2 = "-Xbatch";

  private final Path folder;

  GuardTortureTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @AfterEach
  void removeFolder() throws IOException {
    MediaFolders.remove(folder);
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({
    INTERPRETER + ", -XX:+UseG1GC",
    INTERPRETER + ", -XX:+UseZGC",
    INTERPRETER + ", -XX:+UseSerialGC",
    C1 + ", -XX:+UseG1GC",
    C1 + ", -XX:+UseZGC",
    C1 + ", -XX:+UseSerialGC",
    C2 + ", -XX:+UseG1GC",
    C2 + ", -XX:+UseZGC",
    C2 + ", -XX:+UseSerialGC",
  })
  void shouldCatchEveryFault(String compiler, String collector) throws Exception {
    int faults = compiler.equals(INTERPRETER) ? FAULTS_INTERPRETED : FAULTS;
    GuardTorture.Tally tally = torture(faults, "guarded", compiler, collector);
    assertThat(tally.planted).isGreaterThanOrEqualTo(faults);
    assertThat(tally.caught).as("caught of %s", tally).isEqualTo(tally.planted);
    assertThat(tally.escaped + tally.missed + tally.invented + tally.wrongPrefixes)
        .as("escaped, missed, invented bytes, wrong prefixes: %s", tally)
        .isZero();
  }

  /** Without this the test above would not show that it can fail. */
  @Test
  void shouldSeeFaultsEscapeACopyWithoutTheBarrier() throws Exception {
    GuardTorture.Tally tally = torture(FAULTS, "naive", C2, "-XX:+UseSerialGC");
    assertThat(tally.escaped + tally.missed).as("%s", tally).isPositive();
  }

  private GuardTorture.Tally torture(int faults, String copy, String... flags) throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(List.of("-Xmx128m", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(GuardTorture.class.getName(), folder.toString(), "" + seed));
    command.addAll(List.of("" + faults, copy));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String replay = "mvn -pl media test -Dtest=GuardTortureTest -Dbezoar.seed=" + seed;
    System.out.println(String.join(" ", flags) + " " + copy + ": " + out.strip());
    assertThat(child.waitFor()).as("exit of the JVM; replay: %s%n%s", replay, out).isZero();
    return parse(out, replay);
  }

  private static GuardTorture.Tally parse(String out, String replay) {
    Matcher line =
        Pattern.compile(
                "planted=(\\d+) caught=(\\d+) escaped=(\\d+) missed=(\\d+)"
                    + " invented=(\\d+) wrongPrefixes=(\\d+)")
            .matcher(out);
    assertThat(line.find()).as("summary; replay: %s%n%s", replay, out).isTrue();
    GuardTorture.Tally tally = new GuardTorture.Tally();
    tally.planted = Integer.parseInt(line.group(1));
    tally.caught = Integer.parseInt(line.group(2));
    tally.escaped = Integer.parseInt(line.group(3));
    tally.missed = Integer.parseInt(line.group(4));
    tally.invented = Integer.parseInt(line.group(5));
    tally.wrongPrefixes = Integer.parseInt(line.group(6));
    return tally;
  }
}
