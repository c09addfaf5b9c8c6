package io.bezoar.lucene;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;

/** Several threads that search without end and judge every answer. */
final class LiveSearches implements AutoCloseable {
  private static final int THREADS = 3;

  final AtomicLong right = new AtomicLong();
  final AtomicLong wrong = new AtomicLong();

  /** Failed with a CorruptIndexException. */
  final AtomicLong refused = new AtomicLong();

  /** Refused for bytes that were never struck. */
  final AtomicLong misnamed = new AtomicLong();

  /** Failed with anything else, which ends that thread. */
  final AtomicLong escaped = new AtomicLong();

  /** Answered while bytes were silently wrong: then nothing is promised but to answer. */
  final AtomicLong unjudged = new AtomicLong();

  private final List<Workload.Search> searches = Workload.all();
  private final List<String> expected;
  private final Map<String, List<ByteRange>> struck = new ConcurrentHashMap<>();
  private final ExecutorService workers = Executors.newFixedThreadPool(2);
  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
  private final CountDownLatch warm = new CountDownLatch(THREADS);
  private final Semaphore answered = new Semaphore(0);

  /** Odd while bytes are silently wrong. */
  private final AtomicLong epoch = new AtomicLong();

  private volatile boolean done;

  LiveSearches(DirectoryReader reader, List<String> expected) throws InterruptedException {
    this.expected = expected;
    for (int i = 0; i < THREADS; i++) {
      IndexSearcher searcher = new GuardedIndexSearcher(reader, i == 0 ? workers : null);
      int first = i * searches.size() / THREADS;
      threads.execute(() -> search(searcher, first));
    }
    warm.await();
  }

  /** From now on {@code range} of that file may be named. */
  void announce(String file, ByteRange range) {
    struck.computeIfAbsent(file, _ -> new CopyOnWriteArrayList<>()).add(range);
  }

  /** From now on, or from now on no more, bytes are silently wrong. */
  void silence() {
    epoch.incrementAndGet();
  }

  /** Lets so many searches be done. */
  void await(int count) throws InterruptedException {
    answered.drainPermits();
    while (!answered.tryAcquire(count, 1, TimeUnit.SECONDS)) {
      if (escaped.get() > 0) {
        throw new AssertionError("a search thread ended");
      }
    }
  }

  private void search(IndexSearcher searcher, int first) {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < searches.size(); i++) {
      order.add((first + i) % searches.size());
    }
    while (!done) {
      for (int i : order) {
        try {
          searchOnce(searcher, i);
        } catch (Throwable e) {
          escaped.incrementAndGet();
          e.printStackTrace(System.out);
          warm.countDown();
          return;
        }
        answered.release();
      }
      warm.countDown();
    }
  }

  private void searchOnce(IndexSearcher searcher, int number) throws Exception {
    long before = epoch.get();
    try {
      String answer = searches.get(number).answer(searcher);
      if (answer.equals(expected.get(number))) {
        right.incrementAndGet();
      } else if (before % 2 == 1 || epoch.get() != before) {
        unjudged.incrementAndGet();
      } else {
        wrong.incrementAndGet();
        System.out.println("WRONG: " + answer + "\n   NOT: " + expected.get(number));
      }
    } catch (CorruptIndexException e) {
      if (refused.incrementAndGet() == 1) {
        e.printStackTrace(System.out);
      }
      if (!isOfStrike(e)) {
        misnamed.incrementAndGet();
        e.printStackTrace(System.out);
      }
    }
  }

  private boolean isOfStrike(CorruptIndexException e) {
    if (!(e.getCause() instanceof DamagedRangeException damaged)) {
      return false;
    }
    List<ByteRange> ranges = struck.getOrDefault(damaged.getFile(), List.of());
    return damaged.ranges().stream()
        .allMatch(lost -> ranges.stream().anyMatch(range -> range.overlaps(lost)));
  }

  @Override
  public void close() {
    done = true;
    threads.close();
    workers.close();
  }

  @Override
  public String toString() {
    return "right=%s wrong=%s refused=%s misnamed=%s escaped=%s unjudged=%s"
        .formatted(right, wrong, refused, misnamed, escaped, unjudged);
  }
}
