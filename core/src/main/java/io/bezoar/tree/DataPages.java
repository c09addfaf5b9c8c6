package io.bezoar.tree;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.function.Consumer;

/** Names the pages that whoever stands above a forest has got from it. */
@FunctionalInterface
public interface DataPages {
  /** No data pages at all. */
  DataPages NONE = (view, owned) -> {};

  /**
   * Hands every run of data pages that {@code view} refers to, to {@code owned}; in any order, a
   * run that is shared once or more often.
   */
  void forEach(View view, Consumer<ByteRange> owned) throws IOException;
}
