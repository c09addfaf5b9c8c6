package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaFolders;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An invented byte is garbage, but a byte: it must not take the JVM with it. */
class TableLookupTest {
  @ParameterizedTest
  @ValueSource(strings = {"-XX:+UseG1GC", "-XX:-TieredCompilation", "-XX:+UseZGC"})
  void shouldEndNoJvmByAnInventedIndex(String flag) throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Path folder = MediaFolders.onTmpfs();
    try {
      ChildJvm.Result child =
          ChildJvm.run(TableLookups.class, flag, "-Xmx256m", folder.toString(), "" + seed);
      assertThat(child.exitCode()).as("seed %s: %s", seed, child.output()).isZero();
      assertThat(child.line("right")).isEqualTo("right");
    } finally {
      MediaFolders.remove(folder);
    }
  }
}
