package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.ConstantScoreQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.LRUQueryCache;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryCachingPolicy;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.search.TotalHitCountCollector;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Single promises of searchers and directories, on an index all of whose pages are bad. */
class SearcherTest {
  private static final int PAGE = 4096;
  private static final Query QUERY = new ConstantScoreQuery(Workload.term("return"));

  private static final QueryCachingPolicy ALWAYS =
      new QueryCachingPolicy() {
        @Override
        public void onUse(Query query) {}

        @Override
        public boolean shouldCache(Query query) {
          return true;
        }
      };

  private final Path folder;
  private final Path index;
  private int hits;

  SearcherTest() throws IOException {
    folder = MediaFolders.onTmpfs();
    index = folder.resolve("index");
  }

  @BeforeEach
  void build() throws IOException {
    TestIndex.build(index, 600);
    try (Directory plain = new MMapDirectory(index);
        DirectoryReader reader = DirectoryReader.open(plain)) {
      hits = new IndexSearcher(reader).count(QUERY);
    }
    assertThat(hits).isPositive();
  }

  @AfterEach
  void removeFolder() throws IOException {
    MediaFolders.remove(folder);
  }

  /** Healed from an untouched copy, which can bring back any number of pages. */
  private GuardedDirectory healable() throws IOException {
    Path untouched = TestIndex.copy(index, folder.resolve("untouched"));
    GuardOptions options =
        GuardOptions.DEFAULT
            .drills()
            .repairFrom((file, range) -> bytes(untouched.resolve(file.getFileName()), range));
    return new GuardedDirectory(new MMapDirectory(index), SidecarUse.NONE, options);
  }

  private GuardedDirectory hopeless() throws IOException {
    return new GuardedDirectory(
        new MMapDirectory(index), SidecarUse.NONE, GuardOptions.DEFAULT.drills());
  }

  private static byte[] bytes(Path file, ByteRange range) throws IOException {
    byte[] all = Files.readAllBytes(file);
    return Arrays.copyOfRange(all, (int) range.start(), (int) range.end());
  }

  private static void strikeAll(GuardedDirectory directory) throws IOException {
    for (String name : directory.listAll()) {
      Guard guard = directory.guard(name).orElse(null);
      if (guard != null) {
        ByteRange all = new ByteRange(0, guard.sizeBytes());
        guard.injector().inject(FaultSpec.of(FaultKind.POISON, all, 0));
      }
    }
  }

  @Test
  void shouldNotCacheWhatWasNeverRead() throws IOException {
    LRUQueryCache cache = new LRUQueryCache(100, 1 << 20, _ -> true, Float.MAX_VALUE);
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      searcher.setQueryCache(cache);
      searcher.setQueryCachingPolicy(ALWAYS);
      strikeAll(directory);
      assertThat(search(searcher)).isEqualTo(hits);
      assertThat(cache.getCacheSize()).isPositive();
      assertThat(search(searcher)).as("from the cache").isEqualTo(hits);
      assertThat(cache.getHitCount()).isPositive();
    }
  }

  private static int search(IndexSearcher searcher) throws IOException {
    return searcher.search(QUERY, 10_000).scoreDocs.length;
  }

  @Test
  void shouldLeaveNothingInTheCacheWhenBytesAreLost() throws IOException {
    LRUQueryCache cache = new LRUQueryCache(100, 1 << 20, _ -> true, Float.MAX_VALUE);
    try (GuardedDirectory directory = hopeless();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      searcher.setQueryCache(cache);
      searcher.setQueryCachingPolicy(ALWAYS);
      strikeAll(directory);
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> search(searcher)).isInstanceOf(CorruptIndexException.class);
      }
      assertThat(cache.getCacheSize()).isZero();
    }
  }

  @Test
  @SuppressWarnings("deprecation")
  void shouldSayThatACollectorOfOnesOwnIsToBeEmptied() throws IOException {
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      strikeAll(directory);
      assertThatThrownBy(() -> searcher.search(QUERY, new TotalHitCountCollector()))
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(CorruptIndexException.class)
          .hasMessageContaining("search again");
      TotalHitCountCollector again = new TotalHitCountCollector();
      searcher.search(QUERY, again);
      assertThat(again.getTotalHits()).isEqualTo(hits);
    }
  }

  @Test
  @SuppressWarnings("deprecation")
  void shouldNameLostBytesToACollectorOfOnesOwn() throws IOException {
    try (GuardedDirectory directory = hopeless();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      strikeAll(directory);
      assertThatThrownBy(() -> searcher.search(QUERY, new TotalHitCountCollector()))
          .isInstanceOf(CorruptIndexException.class)
          .hasMessageContaining("_0.cfs")
          .hasRootCauseInstanceOf(DamagedRangeException.class);
    }
  }

  /** Lucene's manager of top hits remembers the best scores, also those that never were. */
  @Test
  void shouldNotRepeatASearchWithAManagerThatKeepsSomething() throws IOException {
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      strikeAll(directory);
      assertThatThrownBy(
              () -> searcher.search(QUERY, new TopScoreDocCollectorManager(10, null, 10_000)))
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(CorruptIndexException.class)
          .hasMessageContaining("new CollectorManager");
      strikeAll(directory);
      int found =
          searcher.search(QUERY, () -> new TopScoreDocCollectorManager(10_000, null, 10_000))
              .scoreDocs
              .length;
      assertThat(found).isEqualTo(hits);
    }
  }

  /** Each way to search makes what it keeps anew. */
  @Test
  void shouldRepeatEverySearchForTopHits() throws IOException {
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      Sort sort = new Sort(new SortField("number", SortField.Type.LONG));
      List<Callable<TopDocs>> searches =
          List.of(
              () -> searcher.search(QUERY, 10_000),
              () -> searcher.searchAfter(null, QUERY, 10_000),
              () -> searcher.search(QUERY, 10_000, sort),
              () -> searcher.search(QUERY, 10_000, sort, true),
              () -> searcher.searchAfter(null, QUERY, 10_000, sort),
              () -> searcher.searchAfter(null, QUERY, 10_000, sort, true));
      for (Callable<TopDocs> search : searches) {
        strikeAll(directory);
        assertThat(search).satisfies(again -> assertThat(again.call().scoreDocs).hasSize(hits));
      }
    }
  }

  @Test
  void shouldReadExactlyWhatHasEffects() throws IOException {
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      strikeAll(directory);
      int[] runs = {0};
      int found =
          directory.exactly(
              () -> {
                runs[0]++;
                return new IndexSearcher(reader).count(QUERY);
              });
      assertThat(found).isEqualTo(hits);
      assertThat(runs[0]).isEqualTo(1);
    }
  }

  @Test
  void shouldRunAgainAndHeal() throws IOException {
    try (GuardedDirectory directory = healable();
        DirectoryReader reader = DirectoryReader.open(directory)) {
      strikeAll(directory);
      int[] runs = {0};
      int found =
          directory.run(
              () -> {
                runs[0]++;
                IndexSearcher searcher = new IndexSearcher(reader);
                searcher.setQueryCache(null);
                return searcher.count(QUERY);
              });
      assertThat(found).isEqualTo(hits);
      assertThat(runs[0]).isEqualTo(2);
    }
  }

  /** An exception of the application ends its search once, and is what it was. */
  @Test
  void shouldNotRunAgainForExceptionsOfTheApplication() throws IOException {
    try (GuardedDirectory directory = healable()) {
      int[] runs = {0};
      assertThatThrownBy(
              () ->
                  directory.run(
                      () -> {
                        runs[0]++;
                        throw new UnsupportedOperationException("enough");
                      }))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("enough");
      assertThat(runs[0]).isEqualTo(1);
    }
  }

  /** Silent damage between two openings: parity brings it back, or the rest is served. */
  @Test
  void shouldCheckFilesWhenTheyAreOpened() throws IOException {
    List<String> expected = StrikeRun.answers(index);
    try (GuardedDirectory directory = GuardedDirectory.open(index)) {
      directory.protect();
    }
    flip("_0.cfs", 20 * PAGE + 17);
    flip("segments_1", 40);
    try (GuardedDirectory directory = GuardedDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(directory.damage()).isEmpty();
      assertThat(reader.numDocs()).isPositive();
    }
    assertThat(StrikeRun.answers(index)).as("healed in place").isEqualTo(expected);
  }

  @Test
  void shouldServeTheRestOfAFileThatIsBeyondItsParity() throws IOException {
    try (GuardedDirectory directory = GuardedDirectory.open(index)) {
      directory.protect();
    }
    int pages = (int) (Files.size(index.resolve("_0.cfs")) / PAGE);
    for (int page = pages - 20; page < pages - 2; page++) {
      flip("_0.cfs", page * PAGE); // of positions, where no header is
    }
    try (GuardedDirectory directory = GuardedDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(directory.damage()).containsOnlyKeys("_0.cfs");
      assertThat(directory.verify()).containsOnlyKeys("_0.cfs");
      GuardedIndexSearcher searcher = new GuardedIndexSearcher(reader);
      assertThatThrownBy(
              () -> {
                for (Workload.Search search : Workload.all()) {
                  search.answer(searcher);
                }
              })
          .isInstanceOf(CorruptIndexException.class)
          .hasMessageContaining("_0.cfs");
    }
  }

  /** As media does it: the modification time stays. */
  private void flip(String name, int offset) throws IOException {
    Path file = index.resolve(name);
    var modified = Files.getLastModifiedTime(file);
    byte[] all = Files.readAllBytes(file);
    all[offset] ^= 1;
    Files.write(file, all);
    Files.setLastModifiedTime(file, modified);
  }
}
