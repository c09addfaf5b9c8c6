package io.bezoar.pool;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.random.RandomGenerator;

/** Configs for tests. */
final class Configs {
  private Configs() {}

  static DeviceEntry device(RandomGenerator random, int number, DeviceEntry.Use use) {
    return new DeviceEntry(
        number,
        uuid(random),
        "disk " + number + "/é".repeat(random.nextInt(4)),
        (256 + random.nextLong(1 << 20)) * 4096,
        random.nextBoolean() ? Redundancy.NONE : Redundancy.ofColumns(2 + random.nextInt(40)),
        use,
        DeviceEntry.NONE);
  }

  /** A config of a few devices, in a stack of a few levels. */
  static PoolConfig random(RandomGenerator random) {
    Maker maker = new Maker(random);
    Stack stack = maker.stack(1 + random.nextInt(3));
    int spares = random.nextInt(3);
    for (int i = 0; i < spares; i++) {
      maker.add(DeviceEntry.Use.SPARE);
    }
    PoolConfig config =
        new PoolConfig(
            1 + random.nextLong(1L << 40), stack, maker.devices, maker.next + random.nextInt(5));
    return random.nextBoolean() ? config : replacing(config);
  }

  /** The same, where the second leg of some mirror takes the place of the first. */
  private static PoolConfig replacing(PoolConfig config) {
    for (Stack.Mirror mirror : config.stack().mirrors()) {
      List<Integer> legs =
          mirror.legs().values().stream()
              .filter(Stack.Leg.OfDevice.class::isInstance)
              .map(leg -> ((Stack.Leg.OfDevice) leg).number())
              .toList();
      if (legs.size() > 1) {
        DeviceEntry second = config.device(legs.get(1));
        return config.withDevice(second.withUse(DeviceEntry.Use.MEMBER, legs.get(0)));
      }
    }
    return config;
  }

  static UUID uuid(RandomGenerator random) {
    return new UUID(random.nextLong(), random.nextLong());
  }

  private static final class Maker {
    private final RandomGenerator random;
    private final List<DeviceEntry> devices = new ArrayList<>();
    private int next;

    Maker(RandomGenerator random) {
      this.random = random;
    }

    int add(DeviceEntry.Use use) {
      next += random.nextInt(3);
      devices.add(device(random, next, use));
      return next++;
    }

    Stack stack(int levels) {
      return switch (levels == 1 ? 0 : random.nextInt(4)) {
        case 0 -> mirror(levels);
        case 1 -> new Stack.Linear(parts(levels));
        case 2 -> new Stack.Striped(4096L * (1 + random.nextInt(16)), parts(levels));
        default -> new Stack.Cached(uuid(random), stack(levels - 1), stack(levels - 1));
      };
    }

    private List<Stack> parts(int levels) {
      List<Stack> parts = new ArrayList<>();
      for (int i = random.nextInt(3); i >= 0; i--) {
        parts.add(stack(levels - 1));
      }
      return parts;
    }

    private Stack mirror(int levels) {
      SortedMap<Integer, Stack.Leg> legs = new TreeMap<>();
      for (int i = random.nextInt(3); i >= 0; i--) {
        Stack.Leg leg =
            levels > 1 && random.nextBoolean()
                ? new Stack.Leg.OfStack(stack(levels - 1))
                : new Stack.Leg.OfDevice(add(DeviceEntry.Use.MEMBER));
        legs.put(2 * i + random.nextInt(2), leg);
      }
      return new Stack.Mirror(uuid(random), 4096 * (100 + random.nextLong(1 << 20)), legs);
    }
  }
}
