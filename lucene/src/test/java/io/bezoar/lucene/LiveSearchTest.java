package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A real index, searched by several threads while its pages go bad; hits are those of a copy. */
class LiveSearchTest {
  private static final int DOCUMENTS = 10_000;
  private static final int STRIKES = 70;

  private static Path tmpfs;
  private static Path disk;
  private static Path untouched;

  @BeforeAll
  static void build() throws IOException {
    tmpfs = MediaFolders.onTmpfs();
    disk = MediaFolders.onDisk();
    untouched = TestIndex.build(tmpfs.resolve("untouched"), DOCUMENTS);
  }

  @AfterAll
  static void remove() throws IOException {
    MediaFolders.remove(tmpfs);
    MediaFolders.remove(disk);
  }

  @Test
  void shouldHealUnderLiveSearchesOnTmpfs() throws Exception {
    healed(TestIndex.copy(untouched, tmpfs.resolve("healed")));
  }

  @Test
  void shouldHealUnderLiveSearchesOnDisk() throws Exception {
    healed(TestIndex.copy(untouched, disk.resolve("healed")));
  }

  private static void healed(Path live) throws Exception {
    StrikeRun.Tally tally = run(live, StrikeRun.Healing.SIDECARS);
    assertThat(tally.healed().get()).as("%s", tally).isPositive();
    assertThat(tally.searches().refused.get()).as("%s", tally).isZero();
    assertThat(StrikeRun.answers(live)).isEqualTo(StrikeRun.answers(untouched));
  }

  @Test
  void shouldNameTheFileAndServeTheRest() throws Exception {
    Path live = TestIndex.copy(untouched, tmpfs.resolve("lost"));
    StrikeRun.Tally tally = run(live, StrikeRun.Healing.NOTHING);
    assertThat(tally.searches().refused.get()).as("%s", tally).isPositive();
  }

  private static StrikeRun.Tally run(Path live, StrikeRun.Healing healing) throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    System.out.println(
        "replay: mvn -pl lucene -am test -Dtest=LiveSearchTest -Dbezoar.seed=" + seed);
    StrikeRun.Tally tally = new StrikeRun(live, untouched, seed, healing).run(STRIKES);
    System.out.println(live.getFileName() + ": " + tally);
    LiveSearches searches = tally.searches();
    assertThat(searches.right.get()).as("%s", tally).isPositive();
    assertThat(searches.wrong.get()).as("%s", tally).isZero();
    assertThat(searches.misnamed.get()).as("%s", tally).isZero();
    assertThat(searches.escaped.get()).as("%s", tally).isZero();
    return tally;
  }
}
