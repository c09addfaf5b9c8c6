package io.bezoar.lucene;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.IntField;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.SortedSetDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.BytesRef;

/**
 * Real text: the JDK's own sources, a document per file. Where this JDK came without them the
 * system's documentation is taken, or, said loudly, text that is made up.
 */
final class Corpus {
  private static final int BODY_CHARS_MAX = 6_000;
  private static final int STORED_CHARS_MAX = 400;
  private static final int LETTERS = 32;
  private static final int MADE_UP_DOCUMENTS = 10_000;

  /** One file. */
  record Text(String path, String body) {}

  private Corpus() {}

  /** At most {@code most} texts, always the same ones in the same order. */
  static List<Text> read(int most) throws IOException {
    Path sources = Path.of(System.getProperty("java.home"), "lib", "src.zip");
    if (Files.isReadable(sources)) {
      return ofZip(sources, most);
    }
    System.out.println("NOTE: no " + sources + ": the text of this index is made up");
    return madeUp(Math.min(most, MADE_UP_DOCUMENTS));
  }

  private static List<Text> ofZip(Path zip, int most) throws IOException {
    List<Text> texts = new ArrayList<>();
    try (ZipFile file = new ZipFile(zip.toFile())) {
      List<ZipEntry> entries = new ArrayList<>();
      file.stream().filter(entry -> entry.getName().endsWith(".java")).forEach(entries::add);
      entries.sort(Comparator.comparing(ZipEntry::getName));
      int step = Math.max(1, entries.size() / most);
      for (int i = 0; i < entries.size() && texts.size() < most; i += step) {
        try (InputStream in = file.getInputStream(entries.get(i))) {
          byte[] bytes = in.readNBytes(BODY_CHARS_MAX + 1200);
          // Behind the licence, which is the same everywhere.
          int from = Math.min(1200, bytes.length / 2);
          String body = new String(bytes, from, bytes.length - from, StandardCharsets.ISO_8859_1);
          texts.add(new Text(entries.get(i).getName(), body));
        }
      }
    }
    return texts;
  }

  private static List<Text> madeUp(int count) {
    SplittableRandom random = new SplittableRandom(17);
    List<Text> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder body = new StringBuilder();
      for (int word = random.nextInt(50, 500); word > 0; word--) {
        double rank = Math.pow(random.nextDouble(), 4) * 30_000;
        body.append("word").append((int) rank).append(' ');
      }
      texts.add(new Text("p" + i % 97 + "/f" + i, body.toString()));
    }
    return texts;
  }

  /** Writes the texts into a fresh index of several segments, with some of them deleted again. */
  static void index(Directory directory, List<Text> texts, IndexWriterConfig config)
      throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, config)) {
      for (int i = 0; i < texts.size(); i++) {
        writer.addDocument(document(i, texts.get(i)));
        if (i % 2_500 == 2_499) {
          writer.commit();
        }
      }
      for (int i = 0; i < texts.size(); i += 101) {
        writer.deleteDocuments(new org.apache.lucene.index.Term("path", texts.get(i).path()));
      }
      writer.commit();
    }
  }

  static IndexWriterConfig config() {
    return new IndexWriterConfig(new StandardAnalyzer());
  }

  static Document document(int number, Text text) {
    Document document = new Document();
    String folder = text.path().substring(0, Math.max(0, text.path().lastIndexOf('/')));
    int lines = (int) text.body().chars().filter(c -> c == '\n').count();
    document.add(new KeywordField("path", text.path(), Field.Store.YES));
    document.add(new TextField("body", text.body(), Field.Store.NO));
    document.add(new IntField("lines", lines, Field.Store.YES));
    document.add(new NumericDocValuesField("number", number));
    document.add(new SortedSetDocValuesField("folder", new BytesRef(folder)));
    String start = text.body().substring(0, Math.min(STORED_CHARS_MAX, text.body().length()));
    document.add(new StoredField("start", start));
    document.add(new KnnFloatVectorField("likeness", likeness(text.body())));
    return document;
  }

  /** How often each letter is used, roughly: near one another for texts of one kind. */
  static float[] likeness(String body) {
    float[] counts = new float[LETTERS];
    for (int i = 0; i < body.length(); i++) {
      counts[body.charAt(i) % LETTERS]++;
    }
    for (int i = 0; i < LETTERS; i++) {
      counts[i] /= body.length() + 1;
    }
    return counts;
  }
}
