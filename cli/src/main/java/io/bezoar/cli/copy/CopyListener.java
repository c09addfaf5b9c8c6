package io.bezoar.cli.copy;

import java.io.IOException;

/** Is told how a copy goes. */
public interface CopyListener {
  /** This was not copied; the others are. */
  void failed(String path, IOException why);

  /** This was copied. */
  void copied(String from, String to);

  /** So much is done, of {@code total} or nobody knows how much. */
  void progress(CopyCounts done, CopyCounts total, String path);

  /** True when it is to end soon. */
  boolean stopRequested();
}
