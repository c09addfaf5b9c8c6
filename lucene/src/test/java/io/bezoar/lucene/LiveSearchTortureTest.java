package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The same with a small index under every compiler and collector, in child JVMs: when the error of
 * a bad page arrives is up to them, and one that escapes may take the JVM with it.
 */
class LiveSearchTortureTest {
  private static final int DOCUMENTS = 1_500;
  private static final int STRIKES = 15;
  private static final String INTERPRETER = "-Xint";
  private static final String C1 = "-XX:TieredStopAtLevel=1";
  private static final String C2 = "-XX:-TieredCompilation";

  private static Path folder;
  private static Path untouched;

  @BeforeAll
  static void build() throws IOException {
    folder = MediaFolders.onTmpfs();
    untouched = TestIndex.build(folder.resolve("untouched"), DOCUMENTS);
  }

  @AfterAll
  static void remove() throws IOException {
    MediaFolders.remove(folder);
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @CsvSource({
    INTERPRETER + ", -XX:+UseG1GC, SIDECARS",
    C1 + ", -XX:+UseG1GC, NOTHING",
    C1 + ", -XX:+UseZGC, SIDECARS",
    C2 + ", -XX:+UseG1GC, SIDECARS",
    C2 + ", -XX:+UseZGC, NOTHING",
    C2 + ", -XX:+UseSerialGC, SIDECARS",
  })
  void shouldNeverAnswerWrong(String compiler, String collector, StrikeRun.Healing healing)
      throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Path live = TestIndex.copy(untouched, folder.resolve(compiler + collector));
    ChildJvm.Result child =
        ChildJvm.run(
            StrikeRun.class,
            compiler,
            collector,
            "-Xmx256m",
            live.toString(),
            untouched.toString(),
            "" + seed,
            "" + STRIKES,
            healing.name());
    String out = child.output();
    String last = child.line("strikes=");
    String replay = "mvn -pl lucene -am test -Dtest=LiveSearchTortureTest -Dbezoar.seed=" + seed;
    System.out.println(String.join(" ", compiler, collector, healing.name()) + ": " + last);
    assertThat(child.exitCode()).as("exit of the JVM; replay: %s%n%s", replay, out).isZero();
    assertThat(last)
        .as("replay: %s%n%s", replay, out)
        .contains("strikes=" + STRIKES + " ", " wrong=0 ", " misnamed=0 ", " escaped=0 ");
    if (healing == StrikeRun.Healing.SIDECARS) {
      assertThat(last).as("replay: %s%n%s", replay, out).contains(" refused=0 ");
      assertThat(StrikeRun.answers(live)).isEqualTo(StrikeRun.answers(untouched));
    }
  }
}
