package io.bezoar.lucene;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.tests.store.BaseDirectoryTestCase;
import org.apache.lucene.tests.util.LuceneTestCase.SuppressFileSystems;

/** Lucene's own contract of a directory. */
@SuppressFileSystems("*") // a guarded file is a real one
public class LuceneContractTest extends BaseDirectoryTestCase {
  @Override
  protected Directory getDirectory(Path folder) throws IOException {
    return GuardedDirectory.open(folder);
  }
}
