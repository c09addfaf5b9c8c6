package io.bezoar.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.NIOFSDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * An index of real text in a pool finds what one in memory does, also after the pool was closed.
 */
class PoolSearchTest {
  private static final int TEXTS = 2000;

  @TempDir private Path folder = Path.of("");

  /** How Lucene opens a directory. */
  private interface Opener {
    Directory open(Path path) throws IOException;
  }

  @Test
  void shouldIndexAndSearchByChannels() throws IOException {
    indexAndSearch(NIOFSDirectory::new);
  }

  @Test
  void shouldIndexAndSearchByMappings() throws IOException {
    indexAndSearch(MMapDirectory::new);
  }

  private void indexAndSearch(Opener opener) throws IOException {
    List<Corpus.Text> texts = Corpus.read(TEXTS);
    try (Directory memory = new ByteBuffersDirectory()) {
      Corpus.index(memory, texts, Corpus.config());
      List<String> expected = search(memory);
      assertThat(expected).hasSizeGreaterThan(100);
      try (FileSystem fs = PoolOfFiles.create(folder, 256 << 20);
          Directory directory = opener.open(Files.createDirectory(fs.getPath("/index")))) {
        Corpus.index(directory, texts, Corpus.config());
        assertThat(search(directory)).isEqualTo(expected);
      }
      try (FileSystem fs = FileSystems.newFileSystem(folder.resolve("index.pool"));
          Directory directory = opener.open(fs.getPath("/index"))) {
        assertThat(search(directory)).isEqualTo(expected);
        try (IndexWriter writer = new IndexWriter(directory, Corpus.config())) {
          writer.forceMerge(1);
        }
        assertThat(paths(directory, new TermQuery(new Term("body", "static"))))
            .hasSameElementsAs(paths(memory, new TermQuery(new Term("body", "static"))));
      }
    }
  }

  private static List<String> search(Directory directory) throws IOException {
    List<String> found = new ArrayList<>();
    for (String word : List.of("public", "exception", "buffer", "socket", "word17")) {
      found.addAll(paths(directory, new TermQuery(new Term("body", word))));
    }
    found.addAll(paths(directory, new PhraseQuery("body", "return", "true")));
    found.addAll(
        paths(directory, new KnnFloatVectorQuery("likeness", Corpus.likeness("for (int i"), 10)));
    return found;
  }

  private static List<String> paths(Directory directory, Query query) throws IOException {
    List<String> paths = new ArrayList<>();
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      StoredFields stored = reader.storedFields();
      for (ScoreDoc hit : searcher.search(query, 100).scoreDocs) {
        paths.add(stored.document(hit.doc).get("path"));
      }
    }
    return paths;
  }
}
