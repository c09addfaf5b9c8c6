package io.bezoar.pool;

import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceState;
import io.bezoar.fs.FilesystemStatus;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRecord;
import io.bezoar.target.LegStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a pool is, at one moment.
 *
 * @param label what it says about itself
 * @param condition all of it in one word
 * @param state whether the volume can be used
 * @param volumeBytes what is left for content
 * @param counters what went wrong since it was opened
 * @param stack what it is made of
 * @param spares devices that wait to take the place of another
 * @param scrub what the scrub does now
 * @param scrubbed what scrubs have done before
 * @param lastEvent number of the newest event
 * @param eventTrouble why newest events are not durable; empty when they are
 * @param files figures of the filesystem; null when there is none, or none that could be opened
 * @param filesTrouble why the filesystem could not be opened; empty when it is open or there is
 *     none
 * @param fileNotes what had been made durable and is missing since the filesystem was opened, for
 *     people
 */
public record PoolStatus(
    PoolLabel label,
    Condition condition,
    DeviceState state,
    long volumeBytes,
    DeviceCounters counters,
    StackStatus stack,
    List<StackStatus.Device> spares,
    ScrubProgress scrub,
    ScrubRecord scrubbed,
    long lastEvent,
    String eventTrouble,
    @Nullable FilesystemStatus files,
    String filesTrouble,
    List<String> fileNotes) {

  /** A pool's health in one word. */
  public enum Condition {
    /** Every byte is there and, on a protected pool, can be rebuilt. */
    HEALTHY,
    /** Every byte is there, but something has to be done, or is being done, to keep it so. */
    DEGRADED,
    /** Bytes are lost. */
    DAMAGED,
    /** All of it, or part of it, cannot be used now. */
    UNAVAILABLE
  }

  /** Copies the lists. */
  public PoolStatus {
    spares = List.copyOf(spares);
    fileNotes = List.copyOf(fileNotes);
  }

  /** Every device of the stack, in order of appearance. */
  public List<StackStatus.Device> devices() {
    return devicesOf(stack);
  }

  private static List<StackStatus.Device> devicesOf(StackStatus node) {
    return node instanceof StackStatus.Device device
        ? List.of(device)
        : node.children().stream().flatMap(child -> devicesOf(child).stream()).toList();
  }

  static Condition conditionOf(
      DeviceState state, DeviceCounters counters, StackStatus stack, String filesTrouble) {
    if (!filesTrouble.isEmpty()) {
      return Condition.UNAVAILABLE;
    }
    return switch (state) {
      case PARTIAL, OFFLINE, FOREIGN, HUNG -> Condition.UNAVAILABLE;
      case ONLINE, READ_ONLY ->
          counters.lostBytes() > 0
              ? Condition.DAMAGED
              : counters.degradedBytes() > 0 || counters.persistFailures() > 0 || !isInSync(stack)
                  ? Condition.DEGRADED
                  : Condition.HEALTHY;
    };
  }

  private static boolean isInSync(StackStatus node) {
    boolean legs =
        !(node instanceof StackStatus.Mirror mirror)
            || mirror.legs().stream().allMatch(leg -> leg.state() == LegStatus.State.IN_SYNC);
    return legs && node.children().stream().allMatch(PoolStatus::isInSync);
  }
}
