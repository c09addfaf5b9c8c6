package io.bezoar.bench;

import io.bezoar.guard.GuardOptions;
import io.bezoar.lucene.GuardedDirectory;
import io.bezoar.lucene.GuardedIndexSearcher;
import io.bezoar.lucene.SidecarUse;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.IntField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;

/**
 * Row 21: searches of one index through a guarded directory, beside the same searches through
 * Lucene's own. In one JVM, so that both are compiled with the other around.
 */
final class LuceneRow implements Row {
  private static final int HITS = 20;
  private static final long BYTES_PER_DOCUMENT_MAX = 32 << 10;
  private static final Sort BY_NUMBER = new Sort(new SortField("number", SortField.Type.LONG));
  private static final List<String> WORDS =
      List.of("string", "return", "class", "buffer", "socket", "static");

  @Override
  public int number() {
    return 21;
  }

  @Override
  public String title() {
    return "searches of a Lucene index";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.documents * BYTES_PER_DOCUMENT_MAX;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Path folder = site.newFile("index");
    try (GuardedDirectory directory = GuardedDirectory.open(folder)) {
      write(directory, SearchCorpus.read(site.scale().documents));
    }
    try (MMapDirectory lucenes = new MMapDirectory(folder);
        GuardedDirectory ours =
            new GuardedDirectory(
                new MMapDirectory(folder), SidecarUse.CHECK_AT_OPEN, GuardOptions.DEFAULT);
        DirectoryReader plain = DirectoryReader.open(lucenes);
        DirectoryReader guarded = DirectoryReader.open(ours)) {
      IndexSearcher one = uncached(new GuardedIndexSearcher(guarded));
      IndexSearcher other = uncached(new IndexSearcher(plain));
      List<Samples> found = Rounds.run(site.scale(), () -> searches(one), () -> searches(other));
      beside(report, "a search: term, phrase, boolean, range, sort", found, 1.02);
      found = Rounds.run(site.scale(), () -> stored(one), () -> stored(other));
      beside(report, "a search and its 20 stored documents", found, 1.1);
      found = Rounds.run(site.scale(), () -> opened(ours), () -> opened(lucenes));
      report.beside(
          "opening an index that is open already",
          Unit.SECONDS,
          found.get(0),
          "MMapDirectory",
          found.get(1));
    }
  }

  private static void beside(Report report, String what, List<Samples> found, double limit) {
    report.beside(
        what,
        Unit.SECONDS,
        found.get(0),
        "MMapDirectory",
        found.get(1),
        new Goal.RatioAtMost(limit));
  }

  private static IndexSearcher uncached(IndexSearcher searcher) {
    searcher.setQueryCache(null);
    return searcher;
  }

  private static void write(GuardedDirectory directory, List<SearchCorpus.Text> texts)
      throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      for (int i = 0; i < texts.size(); i++) {
        SearchCorpus.Text text = texts.get(i);
        Document document = new Document();
        int lines = (int) text.body().chars().filter(c -> c == '\n').count();
        document.add(new TextField("body", text.body(), Field.Store.NO));
        document.add(new IntField("lines", lines, Field.Store.YES));
        document.add(new NumericDocValuesField("number", Integer.reverse(i)));
        document.add(new StoredField("name", text.name()));
        writer.addDocument(document);
      }
      writer.commit();
    }
  }

  private static double searches(IndexSearcher searcher) throws IOException {
    int searches = 0;
    long hits = 0;
    long start = System.nanoTime();
    for (int i = 0; i < WORDS.size(); i++) {
      Query word = word(i);
      hits += searcher.search(word, HITS).scoreDocs.length;
      hits += searcher.search(both(word, word(i + 1)), HITS).scoreDocs.length;
      hits += searcher.search(word, HITS, BY_NUMBER).scoreDocs.length;
      hits += searcher.count(both(word, IntField.newRangeQuery("lines", 10 * i, 100 + 10 * i)));
      searches += 4;
    }
    hits += searcher.search(new PhraseQuery("body", "public", "static"), HITS).scoreDocs.length;
    double seconds = (System.nanoTime() - start) / 1e9;
    Sink.last = hits;
    return seconds / (searches + 1);
  }

  private static Query word(int number) {
    return new TermQuery(new Term("body", WORDS.get(number % WORDS.size())));
  }

  private static Query both(Query one, Query other) {
    return new BooleanQuery.Builder().add(one, Occur.MUST).add(other, Occur.MUST).build();
  }

  private static double stored(IndexSearcher searcher) throws IOException {
    long characters = 0;
    long start = System.nanoTime();
    for (int i = 0; i < WORDS.size(); i++) {
      StoredFields fields = searcher.storedFields();
      for (ScoreDoc hit : searcher.search(word(i), HITS).scoreDocs) {
        characters += fields.document(hit.doc).get("name").length();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Sink.last = characters;
    return seconds / WORDS.size();
  }

  private static double opened(Directory directory) throws IOException {
    long start = System.nanoTime();
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      Sink.last = reader.numDocs();
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
