package io.bezoar.pool;

import io.bezoar.media.MediaChoice;
import java.time.InstantSource;
import java.util.function.BooleanSupplier;

/**
 * How to open a pool.
 *
 * @param intent what for
 * @param choice how its media is to be reached
 * @param clock the wall clock
 * @param foregroundBusy true while users of the volume wait for it; a scrub gives way to them
 */
public record PoolOptions(
    Intent intent, MediaChoice choice, InstantSource clock, BooleanSupplier foregroundBusy) {

  /** What a pool is opened for. */
  public enum Intent {
    /** To look at it: its history gets no entry for that. A file that is not writable will do. */
    LOOK,
    /** To work on it; its history says so. */
    WORK
  }

  /** With the system's clock, on whatever way the path suggests. */
  public static PoolOptions of(Intent intent) {
    return new PoolOptions(intent, MediaChoice.AUTO, InstantSource.system(), () -> false);
  }
}
