package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DaxDeviceContractTest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import java.io.IOException;

/** The contract of every device, kept by the protected target in both of its write modes. */
abstract class ProtectedContractTest extends DaxDeviceContractTest {
  private static final int PAGE = Rig.PAGE;

  static class Direct extends ProtectedContractTest {
    @Override
    WritePath.WriteMode mode() {
      return WritePath.WriteMode.DIRECT;
    }
  }

  static class Staged extends ProtectedContractTest {
    @Override
    WritePath.WriteMode mode() {
      return WritePath.WriteMode.STAGED;
    }
  }

  abstract WritePath.WriteMode mode();

  @Override
  protected Fixture open() throws IOException {
    return new RigFixture(Rig.create(8, 16, mode(), 3));
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(true, true, mode() == WritePath.WriteMode.DIRECT, PAGE);
  }

  private record RigFixture(Rig rig) implements Fixture {
    @Override
    public DaxDevice device() {
      return rig.target;
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(0, rig.geometry.volumeBytes());
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      ByteRange below = rig.geometry.toChild(range);
      rig.strike(FaultKind.POISON, below.start(), below.length(), 1);
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      strike(range);
      strikeSiblings(range, FaultSpec::of);
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      ByteRange below = rig.geometry.toChild(range);
      rig.media.injector().inject(new FaultSpec(FaultKind.POISON, below, true, 1));
      strikeSiblings(range, FaultSpec::of);
    }

    private interface Spec {
      FaultSpec of(FaultKind kind, ByteRange range, long seed);
    }

    /** Takes the parity of the rows, so that nothing can be rebuilt in them. */
    private void strikeSiblings(ByteRange range, Spec spec) throws IOException {
      ByteRange pages = range.alignOutward(PAGE);
      for (long page = pages.start() / PAGE; page < pages.end() / PAGE; page++) {
        long parity = rig.geometry.parityOffset(rig.geometry.rowOf(page));
        rig.media.injector().inject(spec.of(FaultKind.POISON, ByteRange.ofLength(parity, PAGE), 1));
      }
    }

    @Override
    public void failNextPersist() {
      rig.media.failNextPersist();
    }

    @Override
    public void vanish() {
      rig.media.setPresence(Presence.GONE);
    }

    @Override
    public void crash() throws IOException {
      rig.reopenOn(rig.media.crash(line -> false));
    }

    @Override
    public void reopen() throws IOException {
      rig.target.close();
      rig.reopenOn(rig.media.reopen());
    }

    @Override
    public void deliverNotices() {
      rig.deliver();
    }
  }
}
