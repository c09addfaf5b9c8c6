package io.bezoar.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * The commit of a Lucene index: a file that must not have a sidecar beside it. Lucene takes {@code
 * segments_5.bez} for a commit too, fails to parse its number, and cannot open the index any more.
 */
final class LuceneCommit {
  private static final Pattern NAME = Pattern.compile("segments_[0-9a-z]+");

  static final String ADVICE =
      "is a Lucene index's commit, and with a sidecar beside it Lucene could not open the index:"
          + " from Java, GuardedDirectory.protect() covers it";

  private LuceneCommit() {}

  static boolean is(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null
        || !NAME.matcher(String.valueOf(file.getFileName())).matches()
        || !Files.isRegularFile(file)) {
      return false;
    }
    try (DirectoryStream<Path> segments = Files.newDirectoryStream(folder, "*.si")) {
      return segments.iterator().hasNext();
    }
  }
}
