package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DaxDeviceContractTest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheRig.Kind;
import java.io.IOException;

/**
 * The contract of every device, kept by write caches of several kinds. What bare devices lose of
 * dirty pages is not theirs to heal, so a cache of those is held to it with everything written back
 * at once; what it does with dirty pages stands in {@link WriteCachedTargetTest}.
 */
abstract class WriteCacheContractTest extends DaxDeviceContractTest {
  static class OfBareDevices extends WriteCacheContractTest {
    @Override
    WriteCacheRig rig() throws IOException {
      return new WriteCacheRig(Kind.BARE, Kind.BARE, 60, 64, WriteCacheRig.AT_ONCE, 3);
    }

    @Override
    int lossUnitBytes() {
      return Units.LINE_BYTES;
    }
  }

  static class BeforeAProtectedOrigin extends WriteCacheContractTest {
    @Override
    WriteCacheRig rig() throws IOException {
      return new WriteCacheRig(Kind.BARE, Kind.PROTECTED, 60, 63, WriteCacheRig.AT_ONCE, 4);
    }
  }

  static class OfProtectedDevices extends WriteCacheContractTest {
    @Override
    WriteCacheRig rig() throws IOException {
      return new WriteCacheRig(Kind.PROTECTED, Kind.PROTECTED, 60, 63, WriteCacheRig.ON_REQUEST, 5);
    }
  }

  static class OfProtectedDevicesWrittenBackAtOnce extends WriteCacheContractTest {
    @Override
    WriteCacheRig rig() throws IOException {
      return new WriteCacheRig(Kind.PROTECTED, Kind.PROTECTED, 60, 63, WriteCacheRig.AT_ONCE, 6);
    }
  }

  /** Blocks are short, so that writers have to make room all the time. */
  static class TooSmall extends WriteCacheContractTest {
    @Override
    WriteCacheRig rig() throws IOException {
      return new WriteCacheRig(Kind.PROTECTED, Kind.PROTECTED, 5, 63, WriteCacheRig.ON_REQUEST, 7);
    }
  }

  abstract WriteCacheRig rig() throws IOException;

  int lossUnitBytes() {
    return Units.PAGE_BYTES;
  }

  @Override
  protected Fixture open() throws IOException {
    return new RigFixture(rig());
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(true, true, false, lossUnitBytes());
  }

  private record RigFixture(WriteCacheRig rig) implements Fixture {
    @Override
    public DaxDevice device() {
      return rig.target;
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(0, rig.originBytes);
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      WriteCacheRig.pages(
          range,
          (page, part) -> {
            if (rig.cached(page).isEmpty()) {
              rig.origin.strike(part, FaultKind.POISON, false);
            } else {
              rig.fast.strike(rig.inCache(page, part), FaultKind.POISON, false);
            }
          });
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      loseEverywhere(range, false);
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      loseEverywhere(range, true);
    }

    private void loseEverywhere(ByteRange range, boolean stuck) throws IOException {
      WriteCacheRig.pages(
          range,
          (page, part) -> {
            rig.origin.lose(part, stuck);
            if (!rig.cached(page).isEmpty()) {
              rig.fast.lose(rig.inCache(page, part), stuck);
            }
          });
    }

    @Override
    public void failNextPersist() {
      rig.fast.media.failNextPersist();
    }

    @Override
    public void vanish() {
      rig.fast.media.setPresence(Presence.GONE);
      rig.origin.media.setPresence(Presence.GONE);
    }

    @Override
    public void crash() throws IOException {
      rig.crash(line -> false);
    }

    @Override
    public void reopen() throws IOException {
      rig.reopen();
    }

    @Override
    public void deliverNotices() {
      rig.deliver();
    }
  }
}
