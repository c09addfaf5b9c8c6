package io.bezoar.nbd;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What became of the bytes of a volume: the source of the metadata context {@code bezoar:poison},
 * which {@code nbdinfo --map=bezoar:poison} shows. Thread-safe.
 *
 * <p>The status flags on the wire are {@link #HEALTHY}, or any of the other bits together.
 */
@FunctionalInterface
public interface RangeHealth {
  /** Nothing is known against these bytes. */
  int HEALTHY = 0;

  /** They were struck and are whole again: rebuilt, rewritten and verified. */
  int REPAIRED = 1;

  /** They are gone: reads of them fail until they are overwritten. */
  int LOST = 1 << 1;

  /** They are read by reconstruction, or are suspect: the media under them should be replaced. */
  int DEGRADED = 1 << 2;

  /**
   * One run of bytes that are not {@link #HEALTHY}.
   *
   * @param range the bytes, in the volume's address space
   * @param flags any of {@link #REPAIRED}, {@link #LOST}, {@link #DEGRADED}; not 0
   */
  record Run(ByteRange range, int flags) {}

  /**
   * Everything within {@code range} that is not healthy: clipped to it, ascending, disjoint. What
   * lies between the runs is healthy.
   */
  List<Run> unhealthy(ByteRange range);
}
