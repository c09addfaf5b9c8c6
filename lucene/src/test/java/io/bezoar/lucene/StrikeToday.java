package io.bezoar.lucene;

import io.bezoar.media.LaidPoison;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.MemorySegmentAccessInput;

/**
 * The same strikes under Lucene as it is, to see what happens today: bad pages in the mappings of
 * an MMapDirectory that an {@link IndexSearcher} searches. For a JVM of its own, which may not
 * survive it.
 */
final class StrikeToday {
  private static final int PAGE = 4096;
  private static final int WARM_ROUNDS = 20;
  private static final int ROUNDS = 3;

  private StrikeToday() {}

  /** Remembers where the files are mapped. */
  private static final class Watched extends FilterDirectory {
    private final List<MemorySegment> mappings = new ArrayList<>();

    Watched(Directory in) {
      super(in);
    }

    @Override
    public IndexInput openInput(String name, IOContext context) throws IOException {
      IndexInput input = in.openInput(name, context);
      if (input instanceof MemorySegmentAccessInput mapped && input.length() > PAGE) {
        mappings.add(mapped.segmentSliceOrNull(0, input.length()));
      }
      return input;
    }
  }

  public static void main(String[] args) throws Exception {
    Path index = Path.of(args[0]);
    SplittableRandom random = new SplittableRandom(Long.parseLong(args[1]));
    int strikes = Integer.parseInt(args[2]);
    Map<String, Integer> outcomes = new TreeMap<>();
    try (Watched directory = new Watched(new MMapDirectory(index));
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      List<String> expected = StrikeRun.answers(index);
      for (int i = 0; i < WARM_ROUNDS; i++) {
        search(searcher, expected, new TreeMap<>());
      }
      for (int i = 0; i < strikes; i++) {
        MemorySegment mapping = directory.mappings.get(random.nextInt(directory.mappings.size()));
        long page = random.nextLong(mapping.byteSize() / PAGE);
        LaidPoison.over(mapping.address() + page * PAGE, PAGE);
      }
      System.out.println("struck " + strikes + " pages");
      for (int i = 0; i < ROUNDS; i++) {
        search(searcher, expected, outcomes);
      }
    }
    System.out.println("today: " + outcomes);
  }

  private static void search(
      IndexSearcher searcher, List<String> expected, Map<String, Integer> outcomes) {
    List<Workload.Search> searches = Workload.all();
    for (int i = 0; i < searches.size(); i++) {
      String outcome;
      try {
        outcome = searches.get(i).answer(searcher).equals(expected.get(i)) ? "right" : "WRONG";
      } catch (Throwable e) {
        outcome = e.getClass().getSimpleName();
      }
      outcomes.merge(outcome, 1, Integer::sum);
    }
  }
}
