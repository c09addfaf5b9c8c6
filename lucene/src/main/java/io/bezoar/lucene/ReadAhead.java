package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import io.bezoar.media.ByteRange;

/**
 * Passes Lucene's requests to read ahead to the kernel, as long as there is anything to read.
 *
 * <p>Asking takes two system calls, and most indexes lie in the page cache. So after a request
 * whose bytes were all in memory the next ones are skipped, twice as many each time, until one is
 * not. All inputs of a file share the count, without a lock: a lost update asks once too often.
 */
final class ReadAhead {
  private static final int SKIP_MAX = 1 << 10;

  private int toSkip;
  private int skipNext = 1;

  void hint(Guard guard, ByteRange range) {
    if (toSkip > 0) {
      toSkip--;
      return;
    }
    if (range.isEmpty()) {
      return;
    }
    if (guard.segment().asSlice(range.start(), range.length()).isLoaded()) {
      toSkip = skipNext;
      skipNext = Math.min(SKIP_MAX, 2 * skipNext);
    } else {
      skipNext = 1;
      guard.readAhead(range);
    }
  }
}
