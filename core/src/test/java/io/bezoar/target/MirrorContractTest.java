package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DaxDeviceContractTest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.util.List;

/** The contract of every device, kept by mirrors of every shape. */
abstract class MirrorContractTest extends DaxDeviceContractTest {
  private static final MirrorRig.Kind BARE = MirrorRig.Kind.BARE;
  private static final MirrorRig.Kind PROTECTED = MirrorRig.Kind.PROTECTED;

  static class OfOne extends MirrorContractTest {
    OfOne() {
      super(List.of(BARE), Units.LINE_BYTES);
    }
  }

  static class OfOneProtected extends MirrorContractTest {
    OfOneProtected() {
      super(List.of(PROTECTED), Units.PAGE_BYTES);
    }
  }

  static class OfTwo extends MirrorContractTest {
    OfTwo() {
      super(List.of(BARE, BARE), Units.LINE_BYTES);
    }
  }

  static class OfTwoProtected extends MirrorContractTest {
    OfTwoProtected() {
      super(List.of(PROTECTED, PROTECTED), Units.PAGE_BYTES);
    }
  }

  static class OfThree extends MirrorContractTest {
    OfThree() {
      super(List.of(BARE, BARE, BARE), Units.LINE_BYTES);
    }
  }

  private final List<MirrorRig.Kind> kinds;
  private final int lossUnitBytes;

  MirrorContractTest(List<MirrorRig.Kind> kinds, int lossUnitBytes) {
    this.kinds = kinds;
    this.lossUnitBytes = lossUnitBytes;
  }

  @Override
  protected Fixture open() throws IOException {
    return new RigFixture(MirrorRig.create(kinds, 96, 5));
  }

  @Override
  protected Abilities abilities() {
    boolean heals = kinds.size() > 1 || kinds.getFirst() == PROTECTED;
    return new Abilities(heals, true, true, lossUnitBytes);
  }

  private record RigFixture(MirrorRig rig) implements Fixture {
    @Override
    public DaxDevice device() {
      return rig.target();
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(0, rig.dataBytes);
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      if (rig.parts.size() == 1) {
        rig.strike(0, range);
      } else {
        rig.lose(0, range);
      }
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      for (int slot = 0; slot < rig.parts.size(); slot++) {
        rig.lose(slot, range);
      }
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      for (int slot = 0; slot < rig.parts.size(); slot++) {
        rig.lose(slot, range, true);
      }
    }

    @Override
    public void failNextPersist() {
      rig.parts.forEach(part -> part.media.failNextPersist());
    }

    @Override
    public void vanish() {
      rig.parts.forEach(part -> part.media.setPresence(Presence.GONE));
    }

    @Override
    public void crash() throws IOException {
      rig.crash((SimMedia media) -> media.crash(line -> false));
      rig.open();
      rig.resync();
    }

    @Override
    public void reopen() throws IOException {
      rig.close();
      rig.open();
    }

    @Override
    public void deliverNotices() {
      rig.deliver();
    }
  }
}
