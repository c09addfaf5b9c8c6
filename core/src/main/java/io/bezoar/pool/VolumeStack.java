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

/** The devices between a pool's media and its volume, as far as the pool must tell them apart. */
sealed interface VolumeStack permits ProtectedStack, BareStack {
  /** The volume. */
  DaxDevice volume();

  /** Its rows and columns. */
  StrikePlanner.Grid grid();

  /** The bytes of the volume within {@code range} that are lost. */
  ByteRanges lost(ByteRange range);

  /** The bytes of the volume within {@code range} that are there in spite of their media. */
  ByteRanges degraded(ByteRange range);

  /** The bytes of the volume that {@code media} holds; null when it holds none. */
  default @Nullable ByteRange toVolume(ByteRange media) {
    StrikePlanner.Grid grid = grid();
    ByteRange inside = media.intersect(ByteRange.ofLength(grid.start(), grid.volumeBytes()));
    return inside.isEmpty() ? null : inside.shift(-grid.start());
  }

  /** The bytes of the pool file that hold {@code volume}. */
  default ByteRange toMedia(ByteRange volume) {
    return volume.shift(grid().start());
  }

  /** The rows that hold {@code volume}. */
  List<Rows> rowsOf(ByteRange volume);

  /** A scrub begins. */
  void scrubBegins(Coverage coverage);

  /** Reads and compares everything in these rows. */
  ScrubTotals check(Rows rows) throws IOException;

  /** A scrub has gone through its rows; the stack's own tables are left. */
  ScrubTotals scrubEnds() throws IOException;
}
