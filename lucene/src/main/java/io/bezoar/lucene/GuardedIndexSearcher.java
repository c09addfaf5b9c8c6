package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import java.io.IOException;
import java.util.concurrent.Executor;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.search.Collector;
import org.apache.lucene.search.CollectorManager;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MultiCollectorManager;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.QueryCache;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopFieldCollectorManager;
import org.apache.lucene.search.TopFieldDocs;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.search.TotalHitCountCollectorManager;
import org.apache.lucene.search.Weight;
import org.apache.lucene.util.IOSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An {@link IndexSearcher} over readers of a {@link GuardedDirectory}, whose searches survive bad
 * pages.
 *
 * <p><b>Promise.</b> A search returns only hits that come of bytes which were really read. When a
 * page goes bad under it, everything collected so far is dropped, and the search runs again from
 * the start, with fresh collectors, on guarded copies: they heal what can be healed, from the
 * sidecar. When bytes are lost that this search needs, it throws {@link
 * org.apache.lucene.index.CorruptIndexException}, which names the one file and the range; searches
 * that do not need them go on as before.
 *
 * <p>So a {@link CollectorManager} may be asked for collectors twice, and a query be rewritten
 * twice. Neither may keep anything of a search that failed. Lucene's queries do not; of its
 * managers some do: see {@link #search(Query, CollectorManager)}. Searches for so many top hits
 * make their own managers, and are not concerned.
 *
 * <p><b>Not promised.</b> A byte that changed silently does not make a load fail: it is found when
 * a file is opened, and by {@link GuardedDirectory#verify}. What a caller reads by itself, with
 * enumerations from {@link IndexReader}, belongs into {@link GuardedDirectory#run}. Stored fields
 * and term vectors are always read exactly.
 *
 * <p>Work that Lucene hands to the executor is part of the search, and its faults are the search's.
 * Thread-safe as {@link IndexSearcher} is.
 */
public class GuardedIndexSearcher extends IndexSearcher {

  /** A searcher that works on the calling thread. */
  public GuardedIndexSearcher(IndexReader reader) {
    this(reader, null);
  }

  /**
   * A searcher that spreads a search over several threads.
   *
   * @param executor as Lucene uses it; null for the calling thread alone
   */
  public GuardedIndexSearcher(IndexReader reader, @Nullable Executor executor) {
    super(reader, executor == null ? null : new GuardedExecutor(executor));
    setQueryCache(getDefaultQueryCache());
  }

  /**
   * {@inheritDoc}
   *
   * <p>Only what was really read gets into it, when it is filled by {@link GuardedIndexSearcher}s
   * and is, or stands before, a {@link org.apache.lucene.search.LRUQueryCache}.
   */
  @Override
  public final void setQueryCache(@Nullable QueryCache cache) {
    if (cache == null || cache instanceof GuardedQueryCache) {
      super.setQueryCache(cache);
    } else {
      super.setQueryCache(new GuardedQueryCache(cache));
    }
  }

  /**
   * Searches with a manager that is made anew for each attempt: for those that keep something from
   * one of their collectors to the next, as Lucene's for top hits do.
   *
   * @param managers gives a fresh manager each time it is asked
   */
  public <C extends Collector, T> T search(
      Query query, IOSupplier<? extends CollectorManager<C, T>> managers) throws IOException {
    return Reruns.run(() -> super.search(query, managers.get()));
  }

  /**
   * {@inheritDoc}
   *
   * <p>A manager that keeps nothing is asked for collectors again when a page went bad. Lucene's
   * own managers for top hits, for many collectors and for counts do keep something: with those a
   * bad page is healed where it can be, and then this throws. Hand in a supplier of them instead.
   *
   * @throws IOException when a page went bad under a search with a manager that keeps something
   */
  @Override
  public <C extends Collector, T> T search(Query query, CollectorManager<C, T> manager)
      throws IOException {
    return switch (manager) {
      case TopScoreDocCollectorManager _, TopFieldCollectorManager _ -> once(query, manager);
      case MultiCollectorManager _, TotalHitCountCollectorManager _ -> once(query, manager);
      default -> Reruns.run(() -> super.search(query, manager));
    };
  }

  private <C extends Collector, T> T once(Query query, CollectorManager<C, T> manager)
      throws IOException {
    return Reruns.once(
        () -> super.search(query, manager),
        () -> likeness(query, manager.newCollector()),
        "search again with a new CollectorManager, because this one may have learnt scores that"
            + " are none; or hand in a supplier of them, and that is done for you");
  }

  /**
   * {@inheritDoc}
   *
   * <p>A collector that was handed in cannot be emptied, so this cannot be repeated unnoticed: a
   * bad page is healed where it can be, and then this throws.
   *
   * @throws IOException when a page went bad under the search: what was collected must be dropped
   * @throws org.apache.lucene.index.CorruptIndexException when bytes are lost; it names them
   */
  @Override
  @Deprecated
  public void search(Query query, Collector collector) throws IOException {
    Reruns.once(
        () -> {
          super.search(query, collector);
          return true;
        },
        () -> likeness(query, collector),
        "drop what was collected and search again, or search with a CollectorManager");
  }

  @SuppressWarnings("deprecation") // the one that takes a collector as it is
  private boolean likeness(Query query, Collector collector) throws IOException {
    super.search(query, new Likeness(collector.scoreMode()));
    return true;
  }

  @Override
  public TopDocs searchAfter(@Nullable ScoreDoc after, Query query, int n) throws IOException {
    return Reruns.run(() -> super.searchAfter(after, query, n));
  }

  @Override
  public TopDocs searchAfter(@Nullable ScoreDoc after, Query query, int n, Sort sort)
      throws IOException {
    return Reruns.run(() -> super.searchAfter(after, query, n, sort));
  }

  @Override
  public TopFieldDocs search(Query query, int n, Sort sort) throws IOException {
    return Reruns.run(() -> super.search(query, n, sort));
  }

  @Override
  public TopFieldDocs search(Query query, int n, Sort sort, boolean scored) throws IOException {
    return Reruns.run(() -> super.search(query, n, sort, scored));
  }

  @Override
  public TopFieldDocs searchAfter(
      @Nullable ScoreDoc after, Query query, int n, Sort sort, boolean scored) throws IOException {
    return Reruns.run(() -> super.searchAfter(after, query, n, sort, scored));
  }

  @Override
  protected void searchLeaf(
      LeafReaderContext leaf, int minDocId, int maxDocId, Weight weight, Collector collector)
      throws IOException {
    super.searchLeaf(leaf, minDocId, maxDocId, weight, collector);
    Guard.barrier(); // no segment is begun with what another one invented
  }

  @Override
  public StoredFields storedFields() throws IOException {
    return new GuardedStoredFields(super.storedFields());
  }

  @Override
  public int count(Query query) throws IOException {
    return Reruns.run(() -> super.count(query));
  }

  @Override
  public Query rewrite(Query query) throws IOException {
    return Reruns.run(() -> super.rewrite(query));
  }

  @Override
  public Weight createWeight(Query query, ScoreMode scoreMode, float boost) throws IOException {
    return Reruns.run(() -> super.createWeight(query, scoreMode, boost));
  }

  @Override
  public Explanation explain(Query query, int doc) throws IOException {
    return Reruns.run(() -> super.explain(query, doc));
  }
}
