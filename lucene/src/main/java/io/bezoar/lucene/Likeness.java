package io.bezoar.lucene;

import java.io.IOException;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.Collector;
import org.apache.lucene.search.LeafCollector;
import org.apache.lucene.search.Scorable;
import org.apache.lucene.search.ScoreMode;

/** Makes a query read what it reads for another collector, and keeps nothing. */
final class Likeness implements Collector {
  private final ScoreMode mode;

  Likeness(ScoreMode mode) {
    this.mode = mode;
  }

  @Override
  public ScoreMode scoreMode() {
    return mode;
  }

  @Override
  public LeafCollector getLeafCollector(LeafReaderContext context) {
    return mode.needsScores() ? new Scored() : new Unscored();
  }

  private static final class Unscored implements LeafCollector {
    @Override
    public void setScorer(Scorable scorer) {}

    @Override
    public void collect(int doc) {}
  }

  private static final class Scored implements LeafCollector {
    private Scorable scorer =
        new Scorable() {
          @Override
          public float score() {
            return 0;
          }
        };

    @Override
    public void setScorer(Scorable now) {
      scorer = now;
    }

    @Override
    public void collect(int doc) throws IOException {
      scorer.score();
    }
  }
}
