package io.bezoar.bench;

import io.bezoar.media.Allocation;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.nio.file.Path;

/** Row 18: what a pool needs beyond the bytes that it holds for others. */
final class SpaceRow implements Row {
  @Override
  public int number() {
    return 18;
  }

  @Override
  public String title() {
    return "space for checksums, parity, journal and lists";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException {
    Path path = site.newFile("space");
    PoolSpec spec =
        new PoolSpec(
            site.scale().poolBytes,
            Redundancy.DEFAULT,
            Allocation.SPARSE,
            PoolLabel.Drill.FORBIDDEN);
    PoolOptions options = PoolOptions.of(PoolOptions.Intent.WORK);
    Pool.create(path, spec, options);
    long volumeBytes;
    try (Pool pool = Pool.open(path, options)) {
      volumeBytes = pool.volume().sizeBytes();
    }
    double overhead = (double) spec.sizeBytes() / volumeBytes - 1;
    String size = new Quantity(spec.sizeBytes(), Unit.BYTES).toString();
    report.besideQuoted(
        title() + ", pool of " + size,
        Unit.FRACTION,
        Samples.of(overhead),
        "NOVA-Fortis",
        0.148,
        new Goal.AtMost(new Quantity(0.04, Unit.FRACTION)));
  }
}
