package io.bezoar.health;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.random.RandomGenerator;

/** Events for tests. */
final class Events {
  private Events() {}

  static Event random(RandomGenerator random, long sequence) {
    Instant at = Instant.ofEpochMilli(random.nextLong(1L << 42));
    return switch (random.nextInt(6)) {
      case 0 ->
          new Event.Failure(
              sequence,
              at,
              oneOf(random, Severity.values()),
              oneOf(random, Cause.values()),
              oneOf(random, Role.values()),
              device(random),
              random.nextBoolean() ? range(random) : null,
              random.nextBoolean() ? range(random) : null);
      case 1 ->
          new Event.StateChange(
              sequence, at, device(random), oneOf(random, DeviceState.values()), text(random));
      case 2 -> new Event.Lifecycle(sequence, at, oneOf(random, Event.Step.values()), text(random));
      case 3 ->
          new Event.Scrub(
              sequence,
              at,
              oneOf(random, Event.Phase.values()),
              new ScrubTotals(
                  random.nextLong(),
                  random.nextLong(),
                  random.nextLong(),
                  random.nextLong(),
                  random.nextLong()));
      case 4 ->
          new Event.Device(
              sequence, at, device(random), oneOf(random, Event.DeviceStep.values()), text(random));
      default ->
          new Event.Replaced(
              sequence, at, range(random), oneOf(random, Event.Replacement.values()));
    };
  }

  private static int device(RandomGenerator random) {
    return random.nextBoolean() ? random.nextInt(-1, 40) : random.nextInt(Integer.MAX_VALUE);
  }

  private static ByteRange range(RandomGenerator random) {
    return ByteRange.ofLength(random.nextLong(1L << 60), random.nextLong(1L << 40));
  }

  private static String text(RandomGenerator random) {
    return "déjà vu ".repeat(random.nextInt(6));
  }

  private static <T> T oneOf(RandomGenerator random, T[] values) {
    return values[random.nextInt(values.length)];
  }
}
