package io.bezoar.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.lucene.document.IntField;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.SortedSetDocValues;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Collector;
import org.apache.lucene.search.CollectorManager;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.SimpleCollector;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSelector;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;

/** Searches of many kinds, each with an answer that can be compared. */
final class Workload {
  private static final int HITS = 20;
  private static final int NEAREST = 1000;

  /** One search. */
  interface Search {
    /** All that it found, in words. */
    String answer(IndexSearcher searcher) throws IOException;
  }

  private Workload() {}

  static List<Search> all() {
    List<Search> searches = new ArrayList<>();
    for (String word : List.of("string", "return", "cache", "iterator", "socket", "unicode")) {
      searches.add(hits(term(word)));
    }
    searches.add(hits(new PhraseQuery("body", "the", "specified")));
    searches.add(hits(new PhraseQuery("body", "public", "static", "final")));
    searches.add(hits(both("string", "buffer", Occur.MUST)));
    searches.add(hits(both("socket", "channel", Occur.SHOULD)));
    searches.add(hits(filtered(term("exception"), IntField.newRangeQuery("lines", 20, 60))));
    searches.add(hits(filtered(new PrefixQuery(new Term("body", "concurr")), term("lock"))));
    searches.add(count(IntField.newRangeQuery("lines", 10, 40)));
    searches.add(count(both("map", "set", Occur.MUST)));
    searches.add(
        sorted(term("thread"), new Sort(new SortField("number", SortField.Type.LONG, true))));
    searches.add(
        sorted(
            term("list"),
            new Sort(IntField.newSortField("lines", false, SortedNumericSelector.Type.MIN))));
    searches.add(folders(term("buffer")));
    searches.add(sum(new MatchAllDocsQuery()));
    searches.add(stored(term("stream")));
    searches.add(hits(like("interface socket channel", term("socket"))));
    return searches;
  }

  static Query term(String word) {
    return new TermQuery(new Term("body", word));
  }

  private static Query both(String one, String other, Occur occur) {
    return new BooleanQuery.Builder().add(term(one), occur).add(term(other), occur).build();
  }

  private static Query filtered(Query query, Query filter) {
    return new BooleanQuery.Builder().add(query, Occur.MUST).add(filter, Occur.FILTER).build();
  }

  /** With a filter of fewer hits than are asked for, so that all of them are compared. */
  private static Query like(String text, Query filter) {
    return new KnnFloatVectorQuery("likeness", Corpus.likeness(text), NEAREST, filter);
  }

  private static Search hits(Query query) {
    return searcher -> query + ": " + describe(searcher.search(query, HITS));
  }

  private static Search sorted(Query query, Sort sort) {
    return searcher -> query + " by " + sort + ": " + describe(searcher.search(query, HITS, sort));
  }

  private static Search count(Query query) {
    return searcher -> query + ": " + searcher.count(query);
  }

  /** Without the total, which several threads estimate differently each time. */
  private static String describe(TopDocs found) {
    StringBuilder text = new StringBuilder();
    for (ScoreDoc hit : found.scoreDocs) {
      text.append(' ').append(hit.doc).append('=').append(hit.score);
    }
    return text.toString();
  }

  private static Search stored(Query query) {
    return searcher -> {
      StringBuilder text = new StringBuilder(query + ":");
      StoredFields fields = searcher.storedFields();
      for (ScoreDoc hit : searcher.search(query, HITS).scoreDocs) {
        text.append(' ').append(fields.document(hit.doc).get("path"));
        text.append(fields.document(hit.doc).get("start").hashCode());
      }
      return text.toString();
    };
  }

  /** How many hits each folder has: what facets do. */
  private static Search folders(Query query) {
    return searcher -> {
      int[] counts = searcher.search(query, new Folders());
      return query + " by folder: " + Arrays.hashCode(counts) + " of " + counts.length;
    };
  }

  private static final class Folders implements CollectorManager<FolderCollector, int[]> {
    @Override
    public FolderCollector newCollector() {
      return new FolderCollector();
    }

    @Override
    public int[] reduce(java.util.Collection<FolderCollector> collectors) {
      List<Integer> all = new ArrayList<>();
      collectors.stream().flatMap(c -> c.perFolder.stream()).sorted().forEach(all::add);
      return all.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  private static final class FolderCollector extends SimpleCollector {
    private final List<Integer> perFolder = new ArrayList<>();
    private SortedSetDocValues folders = DocValues.emptySortedSet();
    private int[] counts = {};

    @Override
    protected void doSetNextReader(LeafReaderContext leaf) throws IOException {
      folders = DocValues.getSortedSet(leaf.reader(), "folder");
      counts = new int[(int) folders.getValueCount()];
    }

    @Override
    public void collect(int doc) throws IOException {
      if (folders.advanceExact(doc)) {
        for (int i = folders.docValueCount(); i > 0; i--) {
          counts[(int) folders.nextOrd()]++;
        }
      }
    }

    @Override
    public void finish() throws IOException {
      for (int ord = 0; ord < counts.length; ord++) {
        perFolder.add(31 * folders.lookupOrd(ord).utf8ToString().hashCode() + counts[ord]);
      }
    }

    @Override
    public ScoreMode scoreMode() {
      return ScoreMode.COMPLETE_NO_SCORES;
    }
  }

  private static Search sum(Query query) {
    return searcher -> query + " sum: " + searcher.search(query, new Sum());
  }

  private static final class Sum implements CollectorManager<SumCollector, Long> {
    @Override
    public SumCollector newCollector() {
      return new SumCollector();
    }

    @Override
    public Long reduce(java.util.Collection<SumCollector> collectors) {
      return collectors.stream().mapToLong(c -> c.sum).sum();
    }
  }

  private static final class SumCollector extends SimpleCollector implements Collector {
    private long sum;
    private NumericDocValues numbers = DocValues.emptyNumeric();

    @Override
    protected void doSetNextReader(LeafReaderContext leaf) throws IOException {
      numbers = DocValues.getNumeric(leaf.reader(), "number");
    }

    @Override
    public void collect(int doc) throws IOException {
      if (numbers.advanceExact(doc)) {
        sum += numbers.longValue() * (doc + 1L);
      }
    }

    @Override
    public ScoreMode scoreMode() {
      return ScoreMode.COMPLETE_NO_SCORES;
    }
  }
}
