package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.BulkScorer;
import org.apache.lucene.search.FilterWeight;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.QueryCache;
import org.apache.lucene.search.QueryCachingPolicy;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.ScorerSupplier;
import org.apache.lucene.search.Weight;
import org.apache.lucene.util.Bits;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what was never read out of a query cache, which outlives the search that fills it.
 *
 * <p><b>Protocol.</b> {@link org.apache.lucene.search.LRUQueryCache} learns the hits of a segment
 * from a bulk scorer, or from there being no scorer. Both come from here and end with a barrier, so
 * an error that is on its way arrives before anything is put into the cache. Searches that do not
 * fill the cache are given Lucene's own scorers, at no cost.
 */
final class GuardedQueryCache implements QueryCache {
  private final QueryCache cache;

  GuardedQueryCache(QueryCache cache) {
    this.cache = cache;
  }

  @Override
  public Weight doCache(Weight weight, QueryCachingPolicy policy) {
    return cache.doCache(new Barred(weight), policy);
  }

  private static final class Barred extends FilterWeight {
    Barred(Weight weight) {
      super(weight);
    }

    @Override
    public @Nullable ScorerSupplier scorerSupplier(LeafReaderContext context) throws IOException {
      ScorerSupplier supplier = in.scorerSupplier(context);
      if (supplier == null) {
        Guard.barrier(); // "no document matches" is cached, too
        return null;
      }
      return new BarredSupplier(supplier);
    }

    @Override
    public int count(LeafReaderContext context) throws IOException {
      return in.count(context);
    }
  }

  private static final class BarredSupplier extends ScorerSupplier {
    private final ScorerSupplier in;

    BarredSupplier(ScorerSupplier in) {
      this.in = in;
    }

    @Override
    public Scorer get(long leadCost) throws IOException {
      return in.get(leadCost);
    }

    @Override
    public BulkScorer bulkScorer() throws IOException {
      return new BarredScorer(in.bulkScorer());
    }

    @Override
    public long cost() {
      return in.cost();
    }

    @Override
    public void setTopLevelScoringClause() throws IOException {
      in.setTopLevelScoringClause();
    }
  }

  private static final class BarredScorer extends BulkScorer {
    private final BulkScorer in;

    BarredScorer(BulkScorer in) {
      this.in = in;
    }

    @Override
    public int score(LeafCollector collector, @Nullable Bits acceptDocs, int min, int max)
        throws IOException {
      int next = in.score(collector, acceptDocs, min, max);
      Guard.barrier();
      return next;
    }

    @Override
    public long cost() {
      return in.cost();
    }
  }
}
