package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the same strikes do to Lucene as it is: without this the other tests would show little. */
class TodayTest {
  private static final int DOCUMENTS = 1_500;
  private static final int STRIKES = 60;

  private final Path folder;

  TodayTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @AfterEach
  void removeFolder() throws IOException {
    MediaFolders.remove(folder);
  }

  @Test
  void shouldSeePlainLuceneFailWithErrorsThatNameNothing() throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Path index = TestIndex.build(folder.resolve("index"), DOCUMENTS);
    ChildJvm.Result today =
        ChildJvm.run(StrikeToday.class, "-Xmx256m", index.toString(), "" + seed, "" + STRIKES);
    String last = today.line("today: ");
    System.out.println("MMapDirectory, " + STRIKES + " bad pages: " + last);
    System.out.println("(exit code of the JVM: " + today.exitCode() + ")");
    assertThat(today.exitCode() != 0 || last.contains("InternalError="))
        .as("seed %s: %s", seed, today.output())
        .isTrue();
  }
}
