package io.bezoar.pool;

import io.bezoar.health.ScrubRecord;
import io.bezoar.health.ScrubTotals;
import io.bezoar.target.Geometry;
import java.time.Instant;
import java.util.UUID;
import java.util.random.RandomGenerator;

/** Labels for tests. */
final class Labels {
  private Labels() {}

  static PoolLabel random(RandomGenerator random) {
    PoolLayout layout = PoolLayout.plan((256 + random.nextLong(1 << 20)) * 4096);
    boolean bare = random.nextInt(4) == 0;
    Redundancy redundancy = bare ? Redundancy.NONE : Redundancy.ofColumns(2 + random.nextInt(40));
    UUID uuid = new UUID(random.nextLong(), random.nextLong());
    return new PoolLabel(
        uuid,
        random.nextLong(1, Long.MAX_VALUE),
        PoolLabel.Content.RAW,
        redundancy,
        layout,
        bare ? null : Geometry.plan(layout.payload(), redundancy.columns()),
        random.nextBoolean() ? PoolLabel.Drill.ALLOWED : PoolLabel.Drill.FORBIDDEN,
        Instant.ofEpochMilli(random.nextLong(1L << 42)),
        random.nextBoolean() ? PoolLabel.Shutdown.CLEAN : PoolLabel.Shutdown.IN_USE,
        random.nextLong(1L << 40),
        new ScrubRecord(
            random.nextLong(1000),
            totals(random),
            random.nextBoolean() ? Instant.ofEpochMilli(random.nextLong(1L << 42)) : null,
            totals(random)),
        PoolConfig.version1(uuid, layout.sizeBytes(), redundancy),
        0);
  }

  private static ScrubTotals totals(RandomGenerator random) {
    return new ScrubTotals(
        random.nextLong(1L << 40), random.nextInt(99), random.nextInt(99), 0, random.nextInt(9));
  }
}
