package io.bezoar.pool;

import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceState;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRecord;
import io.bezoar.media.MediaInfo;

/**
 * How a pool is, at one moment.
 *
 * @param label what it says about itself
 * @param condition all of it in one word
 * @param state whether the volume can be used
 * @param volumeBytes what is left for content
 * @param counters what went wrong since it was opened
 * @param media what it lies on
 * @param scrub what the scrub does now
 * @param scrubbed what scrubs have done before
 * @param lastEvent number of the newest event
 * @param eventTrouble why newest events are not durable; empty when they are
 */
public record PoolStatus(
    PoolLabel label,
    Condition condition,
    DeviceState state,
    long volumeBytes,
    DeviceCounters counters,
    MediaInfo media,
    ScrubProgress scrub,
    ScrubRecord scrubbed,
    long lastEvent,
    String eventTrouble) {

  /** A pool's health in one word. */
  public enum Condition {
    /** Every byte is there and, on a protected pool, can be rebuilt. */
    HEALTHY,
    /** Every byte is there, but something has to be done to keep it so. */
    DEGRADED,
    /** Bytes are lost. */
    DAMAGED,
    /** All of it, or part of it, cannot be used now. */
    UNAVAILABLE
  }

  static Condition conditionOf(DeviceState state, DeviceCounters counters) {
    return switch (state) {
      case PARTIAL, OFFLINE, FOREIGN, HUNG -> Condition.UNAVAILABLE;
      case ONLINE, READ_ONLY ->
          counters.lostBytes() > 0
              ? Condition.DAMAGED
              : counters.degradedBytes() > 0 || counters.persistFailures() > 0
                  ? Condition.DEGRADED
                  : Condition.HEALTHY;
    };
  }
}
