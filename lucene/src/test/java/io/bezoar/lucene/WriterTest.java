package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.MergeScheduler;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.MMapDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Indexes that are written through the directory. */
class WriterTest {
  private static final int PAGE = 4096;
  private static final int STEPS = 35;
  private static final int BATCH = 40;

  private final Path folder;

  WriterTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @AfterEach
  void removeFolder() throws IOException {
    MediaFolders.remove(folder);
  }

  private static GuardedDirectory drilled(Path index, SidecarUse use) throws IOException {
    return new GuardedDirectory(new MMapDirectory(index), use, GuardOptions.DEFAULT.drills());
  }

  /** The same random work in both directories; what is found must be the same at every step. */
  @Test
  void shouldAnswerAsLucenesOwnDirectoryUnderRandomWork() throws IOException {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    System.out.println("replay: mvn -pl lucene -am test -Dtest=WriterTest -Dbezoar.seed=" + seed);
    List<Corpus.Text> texts = Corpus.read(1_000);
    try (GuardedDirectory ours = GuardedDirectory.open(folder.resolve("ours"));
        Directory plain = new MMapDirectory(folder.resolve("plain"))) {
      try (Work one = new Work(ours, seed, texts);
          Work other = new Work(plain, seed, texts)) {
        for (int step = 0; step < STEPS; step++) {
          assertThat(one.step()).as("step %s, seed %s", step, seed).isEqualTo(other.step());
        }
      }
      assertThat(problems(ours)).isZero();
      assertThat(ours.exactly(() -> problems(ours))).isZero();
      assertThat(ours.verify()).isEmpty();
      assertThat(ours.listAll()).noneMatch(name -> name.contains("bez"));
      for (String name : SegmentInfos.readLatestCommit(ours).files(true)) {
        assertThat(ours.guardedPath(name))
            .satisfies(path -> assertThat(Sidecar.pathOf(path)).exists());
      }
      assertThat(strays(folder.resolve("ours"))).isEmpty();
    }
    assertThat(StrikeRun.answers(folder.resolve("ours")))
        .as("read by Lucene's own directory")
        .isEqualTo(StrikeRun.answers(folder.resolve("plain")));
  }

  /** Sidecars and second names without a file. */
  private static List<String> strays(Path index) throws IOException {
    try (Stream<Path> paths = Files.list(index)) {
      List<String> names = paths.map(path -> path.getFileName().toString()).toList();
      return names.stream()
          .filter(SidecarFiles::isOurs)
          .filter(
              name -> !names.contains(name.replaceFirst("^bez\\.", "").replaceFirst("\\.bez$", "")))
          .toList();
    }
  }

  private static int problems(Directory directory) throws IOException {
    try (CheckIndex check = new CheckIndex(directory)) {
      return check.checkIndex().clean ? 0 : 1;
    }
  }

  /** A writer and its near-real-time reader, driven by a seed. */
  private static final class Work implements AutoCloseable {
    private final SplittableRandom random;
    private final List<Corpus.Text> texts;
    private final IndexWriter writer;
    private DirectoryReader reader;

    Work(Directory directory, long seed, List<Corpus.Text> texts) throws IOException {
      this.random = new SplittableRandom(seed);
      this.texts = texts;
      IndexWriterConfig config = Corpus.config().setMergeScheduler(new SerialMergeScheduler());
      config.setUseCompoundFile(random.nextBoolean());
      this.writer = new IndexWriter(directory, config);
      this.reader = DirectoryReader.open(writer);
    }

    String step() throws IOException {
      int kind = random.nextInt(10);
      if (kind < 5) {
        for (int i = 0; i < BATCH; i++) {
          int number = random.nextInt(texts.size());
          Corpus.Text text = texts.get(number);
          writer.updateDocument(new Term("path", text.path()), Corpus.document(number, text));
        }
      } else if (kind < 7) {
        writer.deleteDocuments(new Term("path", texts.get(random.nextInt(texts.size())).path()));
      } else if (kind < 9) {
        writer.commit();
      } else {
        writer.forceMerge(1 + random.nextInt(3));
      }
      DirectoryReader newer = DirectoryReader.openIfChanged(reader);
      if (newer != null) {
        reader.close();
        reader = newer;
      }
      IndexSearcher searcher = new GuardedIndexSearcher(reader);
      StringBuilder answers = new StringBuilder().append(reader.numDocs());
      for (Workload.Search search : Workload.all()) {
        answers.append('\n').append(search.answer(searcher));
      }
      return answers.toString();
    }

    @Override
    public void close() throws IOException {
      reader.close();
      writer.commit();
      writer.close();
    }
  }

  @Test
  void shouldMergeOverBadPages() throws IOException {
    Path index = TestIndex.build(folder.resolve("index"), 1_500);
    AtomicInteger healed = new AtomicInteger();
    try (Directory plain = new MMapDirectory(TestIndex.copy(index, folder.resolve("plain")))) {
      merge(plain, new SerialMergeScheduler());
    }
    List<String> expected = StrikeRun.answers(folder.resolve("plain"));
    try (GuardedDirectory directory = drilled(index, SidecarUse.CHECK_WHEN_COPIED)) {
      directory.protect();
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        assertThat(reader.numDocs()).isPositive();
        for (String name : directory.listAll()) {
          Guard guard = directory.guard(name).orElse(null);
          if (guard != null && guard.sizeBytes() > 100 * PAGE) {
            guard.subscribe(_ -> healed.incrementAndGet());
            poison(guard, 40, 1);
            poison(guard, 90, 2);
          }
        }
        directory.exactly(
            () -> {
              merge(directory, new GuardedMergeScheduler());
              return true;
            });
        assertThat(healed.get()).isPositive();
      }
      assertThat(problems(directory)).isZero();
    }
    assertThat(StrikeRun.answers(index)).isEqualTo(expected);
  }

  private static void merge(Directory directory, MergeScheduler scheduler) throws IOException {
    try (IndexWriter writer =
        new IndexWriter(directory, Corpus.config().setMergeScheduler(scheduler))) {
      writer.deleteDocuments(new Term("body", "socket"));
      writer.forceMerge(1);
      writer.commit();
    }
  }

  private static void poison(Guard guard, long page, int pages) throws IOException {
    ByteRange range = ByteRange.ofLength(page * PAGE, (long) pages * PAGE);
    guard.injector().inject(FaultSpec.of(FaultKind.POISON, range, 0));
  }

  /** A reader of segments that were not committed yet when it opened them. */
  @Test
  void shouldHealFilesThatWereOpenedBeforeTheirCommit() throws IOException {
    List<Corpus.Text> texts = Corpus.read(400);
    try (GuardedDirectory directory = drilled(folder.resolve("nrt"), SidecarUse.CHECK_AT_OPEN);
        IndexWriter writer = new IndexWriter(directory, Corpus.config())) {
      for (int i = 0; i < texts.size(); i++) {
        writer.addDocument(Corpus.document(i, texts.get(i)));
      }
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new GuardedIndexSearcher(reader);
        List<String> before = answers(searcher);
        writer.commit();
        for (String name : directory.listAll()) {
          directory.guard(name).ifPresent(guard -> strikeMiddle(guard));
        }
        assertThat(answers(searcher)).isEqualTo(before);
      }
    }
  }

  private static void strikeMiddle(Guard guard) {
    try {
      if (guard.sizeBytes() > 4 * PAGE) {
        poison(guard, guard.sizeBytes() / PAGE / 2, 1);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> answers(IndexSearcher searcher) throws IOException {
    List<String> answers = new ArrayList<>();
    for (Workload.Search search : Workload.all()) {
      answers.add(search.answer(searcher));
    }
    return answers;
  }

  @Test
  void shouldSweepWhatACrashLeftBehind() throws IOException {
    Path index = TestIndex.build(folder.resolve("index"), 50);
    for (String stray : List.of("_zz.cfs.bez", "bez.segments_77", "bez.segments_77.bez")) {
      Files.writeString(index.resolve(stray), "left behind");
    }
    try (GuardedDirectory directory = GuardedDirectory.open(index);
        IndexWriter writer = new IndexWriter(directory, Corpus.config())) {
      assertThat(writer.isOpen()).isTrue();
      assertThat(strays(index)).isEmpty();
    }
  }

  @Test
  void shouldNotLetAFileOfTheIndexBeCalledLikeASidecar() throws IOException {
    try (GuardedDirectory directory = GuardedDirectory.open(folder.resolve("names"))) {
      assertThatThrownBy(() -> directory.createOutput("_0.cfs.bez", IOContext.DEFAULT))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldReadAndWriteWithoutSidecars() throws IOException {
    Path index = folder.resolve("without");
    try (GuardedDirectory directory = drilled(index, SidecarUse.NONE)) {
      Corpus.index(directory, Corpus.read(200), Corpus.config());
      assertThat(problems(directory)).isZero();
    }
    try (FSDirectory plain = new MMapDirectory(index)) {
      assertThat(plain.listAll()).noneMatch(SidecarFiles::isOurs);
      assertThat(problems(plain)).isZero();
    }
  }
}
