package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DaxDeviceContractTest;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** The contract of every device, kept by linear and striped targets of several children. */
abstract class SpanningContractTest extends DaxDeviceContractTest {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Leaves of 3, 50 and 7 pages, one after the other. */
  static class LinearOfThree extends SpanningContractTest {
    @Override
    protected Fixture open() throws IOException {
      List<SimChild> children =
          List.of(SimChild.leaf("a", 3, 1), SimChild.leaf("b", 50, 2), SimChild.leaf("c", 7, 3));
      List<ByteRange> regions =
          children.stream().map(child -> new ByteRange(0, child.usableBytes())).toList();
      return new SpanFixture(children, new LinearMap(regions), linear(children, regions));
    }
  }

  /** Pages from the middle of leaves. */
  static class LinearOfRegions extends SpanningContractTest {
    @Override
    protected Fixture open() throws IOException {
      List<SimChild> children = List.of(SimChild.leaf("a", 40, 1), SimChild.leaf("b", 40, 2));
      List<ByteRange> regions =
          List.of(new ByteRange(5L * PAGE, 7L * PAGE), new ByteRange(3L * PAGE, 38L * PAGE));
      return new SpanFixture(children, new LinearMap(regions), linear(children, regions));
    }
  }

  static class StripeOfPages extends SpanningContractTest {
    @Override
    protected Fixture open() throws IOException {
      return striped(1, SimChild.leaf("a", 14, 1), SimChild.leaf("b", 12, 2), leaf3());
    }
  }

  static class StripeOfFourPages extends SpanningContractTest {
    @Override
    protected Fixture open() throws IOException {
      return striped(4, SimChild.leaf("a", 14, 1), SimChild.leaf("b", 12, 2), leaf3());
    }
  }

  static class StripeOfProtected extends SpanningContractTest {
    @Override
    protected Fixture open() throws IOException {
      return striped(2, SimChild.guarded("a", 4, 8, 1), SimChild.guarded("b", 4, 8, 2));
    }

    @Override
    protected Abilities abilities() {
      return new Abilities(true, true, true, PAGE);
    }
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(false, true, true, Units.LINE_BYTES);
  }

  private static SimChild leaf3() throws IOException {
    return SimChild.leaf("c", 13, 3);
  }

  private static Opener linear(List<SimChild> children, List<ByteRange> regions) {
    return notices -> {
      List<LinearTarget.Piece> pieces = new ArrayList<>();
      for (int slot = 0; slot < children.size(); slot++) {
        pieces.add(new LinearTarget.Piece(children.get(slot).device(), regions.get(slot)));
      }
      return LinearTarget.open("linear", pieces, notices);
    };
  }

  private static Fixture striped(long chunkPages, SimChild... of) throws IOException {
    List<SimChild> children = List.of(of);
    List<Long> sizes = SimChild.sizes(children);
    long chunk = chunkPages * PAGE;
    long used = StripedTarget.sizeBytes(chunk, sizes) / children.size();
    return new SpanFixture(
        children,
        new StripeMap(chunk, children.size(), used),
        notices ->
            StripedTarget.open(
                "striped",
                chunk,
                sizes,
                children.stream().map(SimChild::device).toList(),
                notices));
  }

  private interface Opener {
    DaxDevice open(NoticeDispatcher notices) throws IOException;
  }

  /** Strikes in own addresses; power, presence and persistence of all children are one. */
  private static final class SpanFixture implements Fixture {
    private final List<SimChild> children;
    private final AddressMap map;
    private final Opener opener;
    private NoticeDispatcher notices;
    private DaxDevice device;

    SpanFixture(List<SimChild> children, AddressMap map, Opener opener) throws IOException {
      this.children = children;
      this.map = map;
      this.opener = opener;
      openDevice();
    }

    private void openDevice() throws IOException {
      notices = SimChild.dispatcher("spanning");
      device = opener.open(notices);
    }

    private interface Strike {
      void at(SimChild child, ByteRange range) throws IOException;
    }

    private void each(ByteRange own, Strike strike) throws IOException {
      for (int slot = 0; slot < children.size(); slot++) {
        ByteRange mine = map.toChild(slot, own);
        if (!mine.isEmpty()) {
          strike.at(children.get(slot), mine);
        }
      }
    }

    @Override
    public DaxDevice device() {
      return device;
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(0, device.sizeBytes());
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      each(range, (child, mine) -> child.strike(FaultKind.POISON, mine, 1));
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      each(range, (child, mine) -> child.lose(mine, false));
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      each(range, (child, mine) -> child.lose(mine, true));
    }

    /** That of the child which the tests write to: the first. */
    @Override
    public void failNextPersist() {
      children.getFirst().media().failNextPersist();
    }

    /** A device finds out that its media is gone when it is used. */
    @Override
    public void vanish() {
      for (SimChild child : children) {
        child.media().setPresence(Presence.GONE);
        assertThatThrownBy(() -> child.device().read(0, Arena.ofAuto().allocate(1)))
            .isInstanceOf(DeviceUnavailableException.class);
      }
    }

    @Override
    public void crash() throws IOException {
      for (SimChild child : children) {
        child.put(child.media().crash(line -> false));
        child.start();
      }
      openDevice();
    }

    @Override
    public void reopen() throws IOException {
      device.close();
      for (SimChild child : children) {
        child.put(child.media().reopen());
        child.start();
      }
      openDevice();
    }

    @Override
    public void deliverNotices() {
      children.forEach(SimChild::drain);
      notices.drain();
    }
  }
}
