package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.pool.DeviceEntry.Use;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class PoolConfigTest {
  private final SplittableRandom random = new SplittableRandom(1);

  private DeviceEntry member(int number) {
    return Configs.device(random, number, Use.MEMBER);
  }

  private Stack.Mirror mirror(long pages, int... devices) {
    Map<Integer, Stack.Leg> legs = new TreeMap<>();
    for (int device : devices) {
      legs.put(legs.size(), new Stack.Leg.OfDevice(device));
    }
    return new Stack.Mirror(Configs.uuid(random), pages * 4096, new TreeMap<>(legs));
  }

  @Test
  void shouldTellSizesAndDevicesInOrder() {
    Stack stripe = new Stack.Striped(8192, List.of(mirror(7, 3), mirror(100, 1, 2)));
    assertThat(stripe.sizeBytes()).isEqualTo(2 * 3 * 8192);
    Stack linear = new Stack.Linear(List.of(stripe, mirror(5, 0)));
    assertThat(linear.sizeBytes()).isEqualTo(2 * 3 * 8192 + 5 * 4096);
    Stack cached = new Stack.Cached(Configs.uuid(random), mirror(9, 7), linear);
    assertThat(cached.sizeBytes()).isEqualTo(linear.sizeBytes());
    assertThat(cached.devices()).containsExactly(7, 3, 1, 2, 0);
    assertThat(cached.depth()).isEqualTo(4);
    assertThat(cached.mirrorOf(2)).contains((Stack.Mirror) ((Stack.Striped) stripe).parts().get(1));
    assertThat(cached.mirrorOf(9)).isEmpty();
  }

  @Test
  void shouldAttachBesideADeviceAndDetachAgain() {
    Stack below = mirror(50, 4);
    Stack.Mirror top =
        new Stack.Mirror(
            Configs.uuid(random),
            4096 * 50,
            new TreeMap<>(Map.of(0, new Stack.Leg.OfStack(below), 5, new Stack.Leg.OfDevice(1))));
    Stack attached = top.withLegBeside(4, 8).withLegBeside(1, 9);
    assertThat(attached.devices()).containsExactly(4, 8, 9, 1);
    assertThat(attached.mirrorOf(8))
        .isEqualTo(attached.mirrorOf(4))
        .isNotEqualTo(attached.mirrorOf(1));
    assertThat(attached.mirrorOf(9).orElseThrow().slotOf(9)).contains(1);
    assertThat(attached.mirrorOf(9).orElseThrow().id()).isEqualTo(top.id());
    assertThat(attached.withoutLeg(9).withoutLeg(8)).isEqualTo(top);
    assertThatThrownBy(() -> top.withoutLeg(4)).hasMessageContaining("nowhere else");
    assertThatThrownBy(() -> top.withoutLeg(17)).hasMessageContaining("not in the stack");
    assertThatThrownBy(() -> top.withLegBeside(1, 4)).hasMessageContaining("already");
    Stack full = mirror(50, 0, 1, 2, 3, 4, 5, 6, 7);
    assertThatThrownBy(() -> full.withLegBeside(0, 8)).hasMessageContaining("1 to 8 legs");
  }

  @Test
  void shouldNeverUseANumberTwice() {
    PoolConfig config = PoolConfig.first(mirror(50, 0, 1), List.of(member(0), member(1)));
    assertThat(config.nextNumber()).isEqualTo(2);
    PoolConfig less = config.next(config.stack().withoutLeg(1), config.devices().subList(0, 1));
    assertThat(less.generation()).isEqualTo(2);
    assertThat(less.nextNumber()).isEqualTo(2);
    List<DeviceEntry> more = new ArrayList<>(less.devices());
    more.add(Configs.device(random, 2, Use.SPARE));
    assertThat(less.next(less.stack(), more).nextNumber()).isEqualTo(3);
    PoolConfig moved = config.withDevice(config.device(1).withPath("elsewhere"));
    assertThat(moved.device(1).path()).isEqualTo("elsewhere");
    assertThat(moved.generation()).isEqualTo(2);
    assertThatThrownBy(() -> config.withDevice(member(5))).hasMessageContaining("no device 5");
  }

  @Test
  void shouldRefuseStacksAndDevicesThatDoNotSayTheSame() {
    DeviceEntry zero = member(0);
    DeviceEntry one = member(1);
    Stack both = mirror(50, 0, 1);
    refused(mirror(50, 0), List.of(zero, one), "is a MEMBER, but it is not in the stack");
    refused(both, List.of(zero), "[1] stand in the stack, but are not listed");
    refused(both, List.of(one, zero), "device 0 is listed after device 1");
    refused(
        both,
        List.of(zero, Configs.device(random, 1, Use.SPARE)),
        "is a SPARE, but it stands in the stack");
    refused(mirror(50, 0, 1, 0), List.of(zero, one), "device 0 stands in the stack more than once");
    refused(
        new Stack.Linear(List.of(mirror(50, 0), mirror(50, 1))),
        List.of(zero, one.withUse(Use.MEMBER, 0)),
        "replaces device 0, which is not in its mirror");
    Stack.Mirror mirror = mirror(50, 0);
    refused(
        new Stack.Linear(List.of(mirror, Stack.Mirror.of(mirror.id(), 4096, 1))),
        List.of(zero, one),
        "one id");
    refused(
        new Stack.Linear(
            List.of(mirror, Stack.Mirror.of(Configs.uuid(random), Stack.Mirror.NO_NOTES, 1))),
        List.of(zero, one),
        "without notes");
    refused(
        new Stack.Striped(1 << 20, List.of(mirror, mirror(50, 1))),
        List.of(zero, one),
        "nothing is left");
    refused(
        new Stack.Linear(
            List.of(mirror(Long.MAX_VALUE / 4096, 0), mirror(Long.MAX_VALUE / 4096, 1))),
        List.of(zero, one),
        "larger than can be told");
    Stack deep = mirror(50, 0);
    for (int i = 0; i < Stack.MAX_DEPTH; i++) {
      deep = new Stack.Linear(List.of(deep));
    }
    refused(deep, List.of(zero), "9 levels");
    assertThatThrownBy(() -> new PoolConfig(1, both, List.of(zero, one), 1))
        .hasMessageContaining("device 1 exists");
  }

  private static void refused(Stack stack, List<DeviceEntry> devices, String why) {
    assertThatThrownBy(() -> PoolConfig.first(stack, devices))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }

  @Test
  void shouldAttachNothingToAPoolWithoutRoomForNotes() {
    PoolConfig config = PoolConfig.version1(new UUID(1, 2), 1 << 20, Redundancy.DEFAULT);
    assertThat(config.isVersion1()).isTrue();
    assertThatThrownBy(() -> config.stack().withLegBeside(0, 1))
        .hasMessageContaining("made before mirrors");
    assertThatThrownBy(() -> config.stack().sizeBytes()).isInstanceOf(IllegalStateException.class);
  }
}
