package io.bezoar.target;

import java.time.InstantSource;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * What a mirror needs to run.
 *
 * @param clock dates changes of membership
 * @param background runs one long task at a time, the resync; it may run it in the calling thread
 * @param pace how the resync gives way to foreground work
 * @param prefer the slot of the leg that is right, when legs went on alone; null to refuse them
 */
public record MirrorOptions(
    InstantSource clock, Executor background, ResyncPace pace, @Nullable Integer prefer) {
  /** As fast as it goes, and nothing preferred. */
  public static MirrorOptions of(InstantSource clock, Executor background) {
    return new MirrorOptions(clock, background, ResyncPace.unlimited(), null);
  }

  /** The same, and the leg in {@code slot} is right where legs went on alone. */
  public MirrorOptions prefer(int slot) {
    return new MirrorOptions(clock, background, pace, slot);
  }
}
