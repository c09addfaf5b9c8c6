package io.bezoar.pool;

import java.util.Set;

/** Whether the devices that are there make a whole volume. */
final class Coverage {
  private Coverage() {}

  /** True when every byte of the volume lies on a device of {@code present}. */
  static boolean isWhole(PoolConfig config, Set<Integer> present) {
    return isWhole(config.stack(), present);
  }

  private static boolean isWhole(Stack stack, Set<Integer> present) {
    return switch (stack) {
      case Stack.Mirror mirror ->
          mirror.legs().values().stream()
              .anyMatch(
                  leg ->
                      switch (leg) {
                        case Stack.Leg.OfDevice(int number) -> present.contains(number);
                        case Stack.Leg.OfStack(Stack below) -> isWhole(below, present);
                      });
      case Stack.Linear linear -> linear.parts().stream().allMatch(part -> isWhole(part, present));
      case Stack.Striped striped ->
          striped.parts().stream().allMatch(part -> isWhole(part, present));
      case Stack.Cached cached ->
          isWhole(cached.fast(), present) && isWhole(cached.origin(), present);
    };
  }
}
