package io.bezoar.media;

class SimMediaContractTest extends MediaContractTest {
  @Override
  protected Media create(long sizeBytes) {
    return SimMedia.create("sim", sizeBytes, 1);
  }
}
