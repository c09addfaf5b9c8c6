package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.health.ScrubSource.Coverage;
import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one device of a pool gives to the mirror that it stands in: its payload, protected or bare,
 * as far as the pool must tell them apart.
 */
sealed interface DeviceContent permits ProtectedContent, BareContent {
  /** The payload as a device. */
  DaxDevice device();

  /** Its rows and columns. */
  StrikePlanner.Grid grid();

  /** The bytes of the content within {@code range} that are lost. */
  ByteRanges lost(ByteRange range);

  /** The bytes of the content within {@code range} that are there in spite of their media. */
  ByteRanges degraded(ByteRange range);

  /** The bytes of the content that {@code media} holds; null when it holds none. */
  default @Nullable ByteRange toContent(ByteRange media) {
    StrikePlanner.Grid grid = grid();
    ByteRange inside = media.intersect(ByteRange.ofLength(grid.start(), grid.volumeBytes()));
    return inside.isEmpty() ? null : inside.shift(-grid.start());
  }

  /** The bytes of the media that hold {@code content}. */
  default ByteRange toMedia(ByteRange content) {
    return content.shift(grid().start());
  }

  /** The rows that hold {@code content}. */
  List<Rows> rowsOf(ByteRange content);

  /** A scrub begins. */
  void scrubBegins(Coverage coverage);

  /** Reads and compares everything in these rows. */
  ScrubTotals check(Rows rows) throws IOException;

  /** A scrub has gone through its rows; the stack's own tables are left. */
  ScrubTotals scrubEnds() throws IOException;
}
