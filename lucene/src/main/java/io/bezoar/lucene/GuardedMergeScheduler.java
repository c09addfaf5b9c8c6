package io.bezoar.lucene;

import java.io.IOException;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.MergePolicy;

/**
 * Merges that read exactly: a bad page under a merge is healed and the merge goes on, or the merge
 * fails with the file and the range; bytes that were never read do not get into the new segment.
 *
 * <p>With any other scheduler a bad page makes the merge fail with an {@link InternalError}, upon
 * which Lucene closes the writer; nothing wrong is committed, but nothing is healed either.
 */
public class GuardedMergeScheduler extends ConcurrentMergeScheduler {

  /** As {@link ConcurrentMergeScheduler}, with its defaults. */
  public GuardedMergeScheduler() {}

  @Override
  protected void doMerge(MergeSource source, MergePolicy.OneMerge merge) throws IOException {
    Reruns.exactly(
        () -> {
          super.doMerge(source, merge);
          return true;
        });
  }
}
