package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardEvent;
import io.bezoar.guard.GuardOptions;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.MMapDirectory;

/**
 * Strikes pages of an index, poison and flipped bits, while several threads search it, and compares
 * every answer with that of an untouched copy. Has a {@code main}, for JVMs whose compiler and
 * collector are to be chosen.
 */
final class StrikeRun {
  private static final int PAGE = 4096;
  private static final int SEARCHES_PER_STRIKE = 8;

  /** What there is to heal with. */
  enum Healing {
    SIDECARS,
    NOTHING
  }

  /** What happened. */
  record Tally(int strikes, LiveSearches searches, AtomicLong healed) {
    @Override
    public String toString() {
      return "strikes=" + strikes + " " + searches + " healed=" + healed;
    }
  }

  private final Path live;
  private final List<String> expected;
  private final SplittableRandom random;
  private final Healing healing;
  private final AtomicLong healed = new AtomicLong();

  StrikeRun(Path live, Path untouched, long seed, Healing healing) throws IOException {
    this.live = live;
    this.expected = answers(untouched);
    this.random = new SplittableRandom(seed);
    this.healing = healing;
  }

  public static void main(String[] args) throws Exception {
    Path live = Path.of(args[0]);
    Path untouched = Path.of(args[1]);
    long seed = Long.parseLong(args[2]);
    System.out.println(
        new StrikeRun(live, untouched, seed, Healing.valueOf(args[4]))
            .run(Integer.parseInt(args[3])));
  }

  /** What Lucene's own directory answers. */
  static List<String> answers(Path index) throws IOException {
    List<String> answers = new ArrayList<>();
    try (MMapDirectory plain = new MMapDirectory(index);
        DirectoryReader reader = DirectoryReader.open(plain)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      for (Workload.Search search : Workload.all()) {
        answers.add(search.answer(searcher));
      }
    }
    return answers;
  }

  Tally run(int strikes) throws Exception {
    SidecarUse use = healing == Healing.SIDECARS ? SidecarUse.CHECK_AT_OPEN : SidecarUse.NONE;
    GuardOptions options = GuardOptions.DEFAULT.drills();
    try (GuardedDirectory directory = new GuardedDirectory(new MMapDirectory(live), use, options)) {
      if (healing == Healing.SIDECARS) {
        directory.protect();
      }
      try (DirectoryReader reader = DirectoryReader.open(directory);
          LiveSearches searches = new LiveSearches(reader, expected)) {
        List<Guard> guards = watched(directory);
        for (int i = 0; i < strikes; i++) {
          Guard guard = guards.get(random.nextInt(guards.size()));
          if (healing == Healing.SIDECARS && random.nextInt(3) == 0) {
            flip(guard, searches);
          } else {
            poison(guard, searches);
          }
          if (healing == Healing.SIDECARS) {
            guard.scrub(); // what no search came across, before it is too much for the parity
          }
        }
        return new Tally(strikes, searches, healed);
      }
    }
  }

  private List<Guard> watched(GuardedDirectory directory) throws IOException {
    List<Guard> guards = new ArrayList<>();
    for (String name : directory.listAll()) {
      directory.guard(name).filter(guard -> guard.sizeBytes() > PAGE).ifPresent(guards::add);
    }
    for (Guard guard : guards) {
      guard.subscribe(
          event -> {
            if (event instanceof GuardEvent.Healed) {
              healed.incrementAndGet();
            }
          });
    }
    return guards;
  }

  /** A page, or a few. */
  private void poison(Guard guard, LiveSearches searches) throws IOException, InterruptedException {
    long pages = guard.sizeBytes() / PAGE;
    long first = random.nextLong(pages);
    long count = Math.min(1L << random.nextInt(4), pages - first);
    ByteRange range = ByteRange.ofLength(first * PAGE, count * PAGE);
    searches.announce(guard.file().toString(), range);
    guard.injector().inject(FaultSpec.of(FaultKind.POISON, range, 0));
    searches.await(SEARCHES_PER_STRIKE);
  }

  /** One bit, which nobody is told of before it is looked for. */
  private void flip(Guard guard, LiveSearches searches) throws IOException, InterruptedException {
    ByteRange range = ByteRange.ofLength(random.nextLong(guard.sizeBytes() - PAGE), PAGE);
    searches.silence();
    guard.injector().inject(FaultSpec.of(FaultKind.FLIP, range, random.nextLong()));
    searches.await(2);
    guard.scrub();
    searches.silence();
    searches.await(2);
  }
}
