package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;

class UnmanagedDeviceContractTest extends DaxDeviceContractTest {
  private static final long SIZE = 64L * Units.PAGE_BYTES;

  @Override
  protected Fixture open() throws IOException {
    return new SimFixture(
        SimMedia.create("plain", SIZE, 11), new ByteRange(0, SIZE), UnmanagedDevice::open);
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(false, false, true, Units.LINE_BYTES);
  }
}
