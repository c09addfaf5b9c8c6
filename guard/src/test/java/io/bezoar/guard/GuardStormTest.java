package io.bezoar.guard;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaFolders;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Hot readers while pages are struck, healed, given up and found again, and while the file is cut,
 * in every kind of JVM.
 */
class GuardStormTest {
  private static final String INTERPRETER = "-Xint";
  private static final String C1 = "-XX:TieredStopAtLevel=1";
  private static final String C2 = "-XX:-TieredCompilation";

  @ParameterizedTest(name = "{0} {1} on {2}, {4}")
  @CsvSource({
    INTERPRETER + ", -XX:+UseG1GC, memory, 60, plain",
    INTERPRETER + ", -XX:+UseZGC, memory, 60, plain",
    INTERPRETER + ", -XX:+UseSerialGC, disk, 40, plain",
    C1 + ", -XX:+UseG1GC, memory, 200, plain",
    C1 + ", -XX:+UseZGC, disk, 60, plain",
    C1 + ", -XX:+UseSerialGC, memory, 200, plain",
    C2 + ", -XX:+UseG1GC, memory, 200, plain",
    C2 + ", -XX:+UseZGC, memory, 120, plain",
    C2 + ", -XX:+UseSerialGC, memory, 200, plain",
    C2 + ", -XX:+UseG1GC, disk, 60, plain",
    INTERPRETER + ", -XX:+UseG1GC, memory, 40, sidecar",
    C1 + ", -XX:+UseG1GC, disk, 60, sidecar",
    C2 + ", -XX:+UseG1GC, memory, 200, sidecar",
  })
  void shouldServeRightBytesOrNone(
      String compiler, String collector, String place, int strikes, String kind) throws Exception {
    Path folder = place.equals("disk") ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    try {
      String out = storm(folder, strikes, kind, compiler, collector);
      assertThat(count(out, "strikes")).isEqualTo(strikes);
      assertThat(count(out, "healed")).as(out).isGreaterThan(strikes / 4);
      assertThat(count(out, "damaged")).as(out).isPositive();
      assertThat(count(out, "refused")).as(out).isPositive();
      assertThat(count(out, "wrong")).as(out).isZero();
      assertThat(count(out, "escaped")).as(out).isZero();
      assertThat(count(out, "left")).as(out).isZero();
      assertThat(count(out, "absent")).as(out).isPositive();
      assertThat(count(out, "miscalled")).as(out).isZero();
    } finally {
      MediaFolders.remove(folder);
    }
  }

  private static String storm(Path folder, int strikes, String kind, String... flags)
      throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Path quiet = Files.writeString(folder.resolve("logging"), "handlers=\n");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(List.of("-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(GuardStorm.class.getName(), folder.toString(), "" + seed));
    command.addAll(List.of("" + strikes, quiet.toString(), kind));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String replay = "mvn -pl guard -am test -Dtest=GuardStormTest -Dbezoar.seed=" + seed;
    System.out.println(String.join(" ", flags) + ": " + out.strip());
    assertThat(child.waitFor()).as("exit of the JVM; replay: %s%n%s", replay, out).isZero();
    return out + "\nreplay: " + replay;
  }

  private static long count(String out, String name) {
    Matcher found = Pattern.compile("\\b" + name + "=(\\d+)").matcher(out);
    assertThat(found.find()).as("%s in %s", name, out).isTrue();
    return Long.parseLong(found.group(1));
  }
}
