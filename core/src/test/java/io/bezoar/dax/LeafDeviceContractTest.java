package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Instant;

class LeafDeviceContractTest extends DaxDeviceContractTest {
  private static final long SIZE = 64L * Units.PAGE_BYTES;
  private static final PoisonRegion REGION =
      new PoisonRegion(
          ByteRange.ofLength(Units.PAGE_BYTES, 2L * Units.PAGE_BYTES),
          ByteRange.ofLength(SIZE - 2L * Units.PAGE_BYTES, 2L * Units.PAGE_BYTES));

  @Override
  protected Fixture open() throws IOException {
    SimMedia media = SimMedia.create("leaf", SIZE, 11);
    LeafDevice.format(media, REGION);
    return new SimFixture(
        media,
        new ByteRange(3L * Units.PAGE_BYTES, SIZE - 2L * Units.PAGE_BYTES),
        (opened, dispatcher) ->
            LeafDevice.open(opened, REGION, () -> Instant.ofEpochMilli(1_000), dispatcher));
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(false, true, true, Units.LINE_BYTES);
  }
}
