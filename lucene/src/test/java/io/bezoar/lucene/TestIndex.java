package io.bezoar.lucene;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;

/** Indexes of the corpus, by Lucene's own directory: what ours has to agree with. */
final class TestIndex {
  private TestIndex() {}

  /** Builds one of {@code documents} documents at most. */
  static Path build(Path folder, int documents) throws IOException {
    try (Directory directory = new MMapDirectory(folder)) {
      Corpus.index(directory, Corpus.read(documents), Corpus.config());
    }
    return folder;
  }

  /** Another folder with the same files. */
  static Path copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(from)) {
      for (Path file : files) {
        Files.copy(file, to.resolve(file.getFileName()));
      }
    }
    return to;
  }
}
