package io.bezoar.pool;

import io.bezoar.health.ScrubRecord;
import io.bezoar.health.ScrubTotals;
import io.bezoar.target.Geometry;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;

/** Labels for tests. */
final class Labels {
  private Labels() {}

  /** A label of version 1, or of some device of a pool of several. */
  static PoolLabel random(RandomGenerator random) {
    if (random.nextInt(4) > 0) {
      PoolConfig config = Configs.random(random);
      List<DeviceEntry> devices = config.devices();
      return of(random, config, devices.get(random.nextInt(devices.size())));
    }
    UUID uuid = Configs.uuid(random);
    DeviceEntry device = Configs.device(random, 0, DeviceEntry.Use.MEMBER);
    PoolConfig config = PoolConfig.version1(uuid, device.sizeBytes(), device.redundancy());
    return of(uuid, random, config, config.device(0));
  }

  /** A label of this device. */
  static PoolLabel of(RandomGenerator random, PoolConfig config, DeviceEntry device) {
    return of(Configs.uuid(random), random, config, device);
  }

  private static PoolLabel of(
      UUID uuid, RandomGenerator random, PoolConfig config, DeviceEntry device) {
    PoolLayout layout = PoolLayout.plan(device.sizeBytes());
    Redundancy redundancy = device.redundancy();
    return new PoolLabel(
        uuid,
        random.nextLong(1, Long.MAX_VALUE),
        PoolLabel.Content.RAW,
        redundancy,
        layout,
        redundancy.isProtected() ? Geometry.plan(layout.payload(), redundancy.columns()) : null,
        random.nextBoolean() ? PoolLabel.Drill.ALLOWED : PoolLabel.Drill.FORBIDDEN,
        Instant.ofEpochMilli(random.nextLong(1L << 42)),
        random.nextBoolean() ? PoolLabel.Shutdown.CLEAN : PoolLabel.Shutdown.IN_USE,
        random.nextLong(1L << 40),
        new ScrubRecord(
            random.nextLong(1000),
            totals(random),
            random.nextBoolean() ? Instant.ofEpochMilli(random.nextLong(1L << 42)) : null,
            totals(random)),
        config,
        device.number(),
        config.isVersion1() ? 0 : random.nextLong());
  }

  private static ScrubTotals totals(RandomGenerator random) {
    return new ScrubTotals(
        random.nextLong(1L << 40), random.nextInt(99), random.nextInt(99), 0, random.nextInt(9));
  }
}
