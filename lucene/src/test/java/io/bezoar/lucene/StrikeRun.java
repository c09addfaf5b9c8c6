package io.bezoar.lucene;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardEvent;
import io.bezoar.guard.GuardOptions;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.store.MMapDirectory;

/**
 * Strikes pages of an index with poison while several threads search it, and compares every answer
 * with that of an untouched copy. Has a {@code main}, for JVMs whose compiler and collector are to
 * be chosen.
 */
final class StrikeRun {
  private static final int PAGE = 4096;
  private static final int THREADS = 3;

  /** What happened. */
  static final class Tally {
    final AtomicInteger strikes = new AtomicInteger();
    final AtomicLong right = new AtomicLong();
    final AtomicLong wrong = new AtomicLong();
    final AtomicLong refused = new AtomicLong();
    final AtomicLong misnamed = new AtomicLong();
    final AtomicLong escaped = new AtomicLong();
    final AtomicLong healed = new AtomicLong();

    @Override
    public String toString() {
      return "strikes=%s right=%s wrong=%s refused=%s misnamed=%s escaped=%s healed=%s"
          .formatted(strikes, right, wrong, refused, misnamed, escaped, healed);
    }
  }

  private final Path live;
  private final Path untouched;
  private final SplittableRandom random;
  private final int strikesWanted;
  private final Tally tally = new Tally();
  private final AtomicBoolean done = new AtomicBoolean();
  private final Semaphore answered = new Semaphore(0);
  private List<String> expected = List.of();
  private final Map<String, List<ByteRange>> struck = new ConcurrentHashMap<>();

  StrikeRun(Path live, Path untouched, long seed, int strikes) {
    this.live = live;
    this.untouched = untouched;
    this.random = new SplittableRandom(seed);
    this.strikesWanted = strikes;
  }

  /** Whether anything can heal what is struck. */
  enum Healing {
    POSSIBLE,
    IMPOSSIBLE
  }

  public static void main(String[] args) throws Exception {
    Healing healing = Healing.valueOf(args[4]);
    StrikeRun run =
        new StrikeRun(
            Path.of(args[0]), Path.of(args[1]), Long.parseLong(args[2]), Integer.parseInt(args[3]));
    System.out.println(run.run(healing));
  }

  Tally run(Healing healing) throws Exception {
    List<Workload.Search> searches = Workload.all();
    expected = answers(untouched);
    GuardOptions options = GuardOptions.DEFAULT.drills();
    if (healing == Healing.POSSIBLE) {
      options = options.repairFrom(this::fromUntouched);
    }
    try (GuardedDirectory directory = new GuardedDirectory(new MMapDirectory(live), options);
        DirectoryReader reader = DirectoryReader.open(directory);
        ExecutorService workers = Executors.newFixedThreadPool(2);
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      CountDownLatch warm = new CountDownLatch(THREADS);
      List<Future<?>> searching = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        IndexSearcher searcher = new GuardedIndexSearcher(reader, i == 0 ? workers : null);
        int first = i * 5;
        searching.add(threads.submit(() -> search(searcher, searches, first, warm)));
      }
      warm.await();
      List<Guard> guards = subscribed(directory);
      while (tally.strikes.get() < strikesWanted) {
        strike(guards);
      }
      done.set(true);
      for (Future<?> one : searching) {
        one.get();
      }
      if (healing == Healing.POSSIBLE && !directory.verify().isEmpty()) {
        throw new AssertionError("not healed: " + directory.damage());
      }
    }
    return tally;
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

  private List<Guard> subscribed(GuardedDirectory directory) throws IOException {
    List<Guard> guards = new ArrayList<>();
    for (String name : directory.listAll()) {
      directory.guard(name).filter(guard -> guard.sizeBytes() > PAGE).ifPresent(guards::add);
    }
    for (Guard guard : guards) {
      guard.subscribe(
          event -> {
            if (event instanceof GuardEvent.Healed) {
              tally.healed.incrementAndGet();
            }
          });
    }
    return guards;
  }

  /** A page, or a few; where one is struck already it is struck once more. */
  private void strike(List<Guard> guards) throws IOException, InterruptedException {
    Guard guard = guards.get(random.nextInt(guards.size()));
    long pages = guard.sizeBytes() / PAGE;
    long first = random.nextLong(pages);
    long count = Math.min(1L << random.nextInt(4), pages - first);
    ByteRange range = ByteRange.ofLength(first * PAGE, count * PAGE);
    struck.computeIfAbsent(guard.file().toString(), _ -> new CopyOnWriteArrayList<>()).add(range);
    guard.injector().inject(FaultSpec.of(FaultKind.POISON, range, 0));
    tally.strikes.incrementAndGet();
    answered.drainPermits();
    while (!answered.tryAcquire(2 * THREADS, 1, TimeUnit.SECONDS)) {
      if (tally.escaped.get() > 0) {
        throw new AssertionError("a search thread ended: " + tally);
      }
    }
  }

  private byte[] fromUntouched(Path file, ByteRange range) throws IOException {
    byte[] all = Files.readAllBytes(untouched.resolve(file.getFileName()));
    return Arrays.copyOfRange(all, (int) range.start(), (int) range.end());
  }

  private Void search(
      IndexSearcher searcher, List<Workload.Search> searches, int first, CountDownLatch warm)
      throws IOException {
    for (int i = first; !done.get(); i = (i + 1) % searches.size()) {
      try {
        String answer = searches.get(i).answer(searcher);
        if (answer.equals(expected.get(i))) {
          tally.right.incrementAndGet();
        } else {
          tally.wrong.incrementAndGet();
          System.out.println("WRONG: " + answer + "\n   NOT: " + expected.get(i));
        }
      } catch (CorruptIndexException e) {
        tally.refused.incrementAndGet();
        if (!isNamed(e)) {
          tally.misnamed.incrementAndGet();
          e.printStackTrace(System.out);
        }
      } catch (Throwable e) {
        tally.escaped.incrementAndGet();
        e.printStackTrace(System.out);
        warm.countDown();
        return null;
      }
      answered.release();
      if (i == (first + searches.size() - 1) % searches.size()) {
        warm.countDown();
      }
    }
    return null;
  }

  /** The file and pages that it names were struck. */
  private boolean isNamed(CorruptIndexException e) {
    if (!(e.getCause() instanceof DamagedRangeException damaged)) {
      return false;
    }
    List<ByteRange> ranges = struck.getOrDefault(damaged.getFile(), List.of());
    return damaged.ranges().stream()
        .allMatch(lost -> ranges.stream().anyMatch(range -> range.overlaps(lost)));
  }
}
