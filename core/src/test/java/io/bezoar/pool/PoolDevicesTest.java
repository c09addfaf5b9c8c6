package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Severity;
import io.bezoar.health.Event;
import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.target.LegStatus;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pools of many devices on simulations: they come, fail, go and return. */
class PoolDevicesTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long SIZE = 4L << 20;

  private final SimDisks disks = new SimDisks();
  private @Nullable Pool opened;

  @AfterEach
  void tearDown() throws IOException {
    if (opened != null) {
      opened.close();
    }
  }

  private static StackDraft device(String path) {
    return new StackDraft.Device(Path.of(path), -1, null);
  }

  private static StackDraft mirror(String... paths) {
    return new StackDraft.Mirror(Arrays.stream(paths).map(PoolDevicesTest::device).toList());
  }

  private void create(StackDraft draft) throws IOException {
    Pool.create(
        draft,
        new PoolSpec(SIZE, Redundancy.ofColumns(8), Allocation.SPARSE, PoolLabel.Drill.ALLOWED),
        PoolOptions.of(PoolOptions.Intent.WORK),
        disks);
  }

  private Pool open(String path) throws IOException {
    return open(path, PoolOptions.of(PoolOptions.Intent.WORK));
  }

  private Pool open(String path, PoolOptions options) throws IOException {
    Pool pool = Pool.open(Path.of(path), options, disks);
    opened = pool;
    return pool;
  }

  private Pool opened() {
    return Objects.requireNonNull(opened);
  }

  private static byte[] fill(Pool pool, long seed) throws IOException {
    byte[] model = new byte[(int) pool.volume().sizeBytes()];
    new SplittableRandom(seed).nextBytes(model);
    write(pool, 0, model);
    pool.volume().persist();
    return model;
  }

  private static void write(Pool pool, long offset, byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(bytes.length);
      MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
      pool.volume().write(offset, segment);
    }
  }

  private static byte[] read(Pool pool, long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(length);
      pool.volume().read(offset, bytes);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static byte[] read(Pool pool) throws IOException {
    return read(pool, 0, (int) pool.volume().sizeBytes());
  }

  private static byte[] bytes(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private static List<Event.DeviceStep> steps(Pool pool, int device) {
    pool.hear();
    return pool.events().query(EventQuery.ALL).events().stream()
        .filter(event -> event instanceof Event.Device of && of.device() == device)
        .map(event -> ((Event.Device) event).step())
        .toList();
  }

  private static StackStatus.Device status(Pool pool, int number) {
    return pool.status().devices().stream()
        .filter(device -> device.entry().number() == number)
        .findFirst()
        .orElseThrow();
  }

  /** Until every leg of every mirror that is there is in sync, and the pool has seen it. */
  private static void settle(Pool pool) throws Exception {
    pool.devices().awaitResync();
    pool.devices().tick();
  }

  private static NewDevice newDevice(String path) {
    return new NewDevice(Path.of(path), -1, null, Allocation.SPARSE);
  }

  private static void scrub(Pool pool) throws InterruptedException {
    pool.scrubber().start(new ScrubRequest(ScrubRequest.Start.FROM_START, 0, null));
    ScrubProgress progress = pool.scrubber().progress();
    while (progress.state().active()) {
      progress = pool.scrubber().awaitChange(progress, Long.MAX_VALUE);
    }
    assertThat(progress.state()).as(progress.detail()).isEqualTo(ScrubProgress.State.FINISHED);
  }

  @Test
  void shouldOpenAMirrorByEitherOfItsDevices() throws IOException {
    create(mirror("a", "b"));
    byte[] model;
    try (Pool pool = open("a")) {
      model = fill(pool, 1);
      assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    }
    try (Pool pool = open("b")) {
      assertThat(read(pool)).isEqualTo(model);
      assertThat(pool.status().devices())
          .extracting(device -> device.entry().path())
          .containsExactly("a", "b");
    }
  }

  @Test
  void shouldKeepEveryShapeOverACrash() throws IOException {
    Map<String, StackDraft> drafts =
        Map.of(
            "l", new StackDraft.Linear(List.of(device("l"), mirror("l1", "l2"))),
            "s", new StackDraft.Striped(4 * PAGE, List.of(device("s"), device("s1"))),
            "c", new StackDraft.Cached(device("c"), mirror("c1", "c2")),
            "m",
                new StackDraft.Mirror(
                    List.of(
                        device("m"),
                        new StackDraft.Striped(PAGE, List.of(device("m1"), device("m2"))))));
    for (Map.Entry<String, StackDraft> each : drafts.entrySet()) {
      create(each.getValue());
      byte[] model;
      open(each.getKey());
      model = fill(opened(), 2);
      disks.crash(new SplittableRandom(5));
      try (Pool pool = open(each.getKey())) {
        assertThat(read(pool)).as(each.getKey()).isEqualTo(model);
        assertThat(pool.status().condition())
            .as(each.getKey())
            .isEqualTo(PoolStatus.Condition.HEALTHY);
      }
      opened = null;
    }
  }

  @Test
  void shouldHealStrikesOnBothLegsAndNameTheDevice() throws Exception {
    create(mirror("a", "b"));
    Pool pool = open("a");
    byte[] model = fill(pool, 3);
    StrikeOrder order =
        new StrikeOrder(
            Arrays.asList(FaultKind.values()), null, PAGE, 40, 9, StrikeOrder.Rows.DISTINCT);
    StrikePlan plan = pool.planStrikes(order);
    assertThat(plan.mustBeLost()).isEmpty();
    assertThat(plan.strikes()).extracting(Strike::device).contains(0, 1);
    for (Strike strike : plan.strikes()) {
      pool.strike(strike);
    }
    assertThat(read(pool)).isEqualTo(model);
    scrub(pool);
    pool.settle();
    List<Event.Failure> failures =
        pool.events().query(EventQuery.ALL).events().stream()
            .filter(Event.Failure.class::isInstance)
            .map(Event.Failure.class::cast)
            .toList();
    assertThat(failures).allMatch(failure -> failure.outcome() == Severity.HEALED);
    for (Strike strike : plan.strikes()) {
      assertThat(failures)
          .as(strike.toString())
          .anyMatch(
              failure -> {
                ByteRange struck = failure.media();
                return failure.device() == strike.device()
                    && struck != null
                    && struck.overlaps(strike.media());
              });
    }
    assertThat(pool.bad()).isEmpty();
  }

  @Test
  void shouldLoseOnlyWhatBothLegsLose() throws Exception {
    create(mirror("a", "b"));
    Pool pool = open("a");
    byte[] model = fill(pool, 3);
    StrikePlan plan =
        pool.planStrikes(
            new StrikeOrder(
                List.of(FaultKind.POISON), null, 64L * PAGE, 12, 9, StrikeOrder.Rows.ANY));
    for (Strike strike : plan.strikes()) {
      pool.strike(strike);
    }
    scrub(pool);
    for (int at = 0; at < model.length; at += PAGE) {
      ByteRange page = ByteRange.ofLength(at, PAGE);
      boolean lost = plan.mustBeLost().stream().anyMatch(page::overlaps);
      if (!lost) {
        assertThat(read(pool, at, PAGE)).isEqualTo(Arrays.copyOfRange(model, at, at + PAGE));
      }
    }
    assertThat(pool.status().counters().lostBytes())
        .isEqualTo(plan.mustBeLost().stream().mapToLong(ByteRange::length).sum());
  }

  @Test
  void shouldGoOnWithoutALegAndCopyWhatItMissed() throws Exception {
    create(mirror("a", "b"));
    Pool pool = open("a");
    byte[] model = fill(pool, 4);
    SimMedia b = disks.take("b");
    byte[] news = bytes(3 * PAGE, 7);
    write(pool, 8 * PAGE, news);
    pool.volume().persist();
    System.arraycopy(news, 0, model, 8 * PAGE, news.length);
    assertThat(read(pool)).isEqualTo(model);
    pool.devices().tick();
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.DEGRADED);
    assertThat(status(pool, 1).presence()).isEqualTo(StackStatus.Presence.MISSING);
    assertThat(steps(pool, 1)).contains(Event.DeviceStep.LOST);
    disks.put("b", b);
    pool.devices().online("b", null);
    settle(pool);
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    assertThat(steps(pool, 1))
        .containsSubsequence(Event.DeviceStep.LOST, Event.DeviceStep.RETURNED);
    pool.devices().detach("a");
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldMakeAMirrorOfOneDeviceAndOneDeviceOfAMirror() throws Exception {
    create(device("a"));
    Pool pool = open("a");
    byte[] model = fill(pool, 5);
    assertThat(pool.devices().attach("a", newDevice("b"))).isEqualTo(1);
    write(pool, 0, bytes(PAGE, 1));
    Arrays.fill(model, 0, PAGE, (byte) 1);
    settle(pool);
    pool.close();
    pool = open("b");
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    assertThat(read(pool)).isEqualTo(model);
    pool.devices().detach("0");
    assertThat(read(pool)).isEqualTo(model);
    assertThatThrownBy(() -> opened().devices().detach("b"))
        .isInstanceOfSatisfying(
            MediaOpenException.class, e -> assertThat(e.openReason()).isEqualTo(Reason.REFUSED));
    pool.close();
    assertThat(disks.peek(Path.of("a"))).isInstanceOf(LabelStore.Peek.NoLabel.class);
    pool = open("b");
    assertThat(read(pool)).isEqualTo(model);
    assertThat(pool.status().devices()).hasSize(1);
  }

  @Test
  void shouldReplaceADeviceThatIsThereAndOneThatIsNot() throws Exception {
    create(new StackDraft.Linear(List.of(device("a"), mirror("b", "c"))));
    Pool pool = open("a");
    byte[] model = fill(pool, 6);
    pool.devices().replace("a", newDevice("d"));
    settle(pool);
    assertThat(steps(pool, 0)).contains(Event.DeviceStep.REPLACED);
    disks.take("b");
    write(pool, model.length - PAGE, bytes(PAGE, 2));
    Arrays.fill(model, model.length - PAGE, model.length, (byte) 2);
    pool.volume().persist();
    pool.devices().tick();
    pool.devices().replace("b", newDevice("e"));
    settle(pool);
    assertThat(pool.status().devices())
        .extracting(device -> device.entry().path())
        .containsExactlyInAnyOrder("c", "d", "e");
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    pool.close();
    pool = open("e");
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldUseASpareWhenALegGoes() throws Exception {
    create(mirror("a", "b"));
    Pool pool = open("a");
    byte[] model = fill(pool, 7);
    pool.devices().addSpare(newDevice("s"));
    assertThat(pool.status().spares()).hasSize(1);
    disks.take("a");
    assertThat(read(pool)).isEqualTo(model);
    pool.devices().tick();
    settle(pool);
    pool.devices().tick();
    assertThat(pool.status().spares()).isEmpty();
    assertThat(pool.status().devices())
        .extracting(device -> device.entry().path())
        .containsExactlyInAnyOrder("b", "s");
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    pool.close();
    disks.take("b");
    pool = open("s");
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldEvacuateADeviceThatStandsAlone() throws Exception {
    create(new StackDraft.Striped(PAGE, List.of(device("a"), device("b"))));
    Pool pool = open("a");
    byte[] model = fill(pool, 8);
    assertThatThrownBy(() -> opened().devices().evacuate("b", null))
        .isInstanceOf(MediaOpenException.class)
        .hasMessageContaining("spare");
    pool.devices().evacuate("b", newDevice("c"));
    settle(pool);
    assertThat(pool.status().devices())
        .extracting(device -> device.entry().path())
        .containsExactly("a", "c");
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldCallTheRangesOfAStripeUnavailableUntilTheDeviceIsBack() throws Exception {
    create(new StackDraft.Striped(PAGE, List.of(device("a"), device("b"))));
    Pool pool = open("a");
    byte[] model = fill(pool, 9);
    SimMedia b = disks.take("b");
    assertThatThrownBy(() -> read(opened(), PAGE, PAGE))
        .isInstanceOf(DeviceUnavailableException.class);
    assertThat(read(pool, 2 * PAGE, PAGE)).isEqualTo(Arrays.copyOfRange(model, 2 * PAGE, 3 * PAGE));
    assertThat(pool.volume().state()).isEqualTo(DeviceState.PARTIAL);
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.UNAVAILABLE);
    assertThat(pool.status().counters().lostBytes()).isZero();
    pool.devices().tick();
    disks.put("b", b);
    pool.devices().online("b", null);
    settle(pool);
    assertThat(read(pool)).isEqualTo(model);
    assertThat(pool.volume().state()).isEqualTo(DeviceState.ONLINE);
  }

  @Test
  void shouldTakeADeviceOfflineAndOnlineAgain() throws Exception {
    create(mirror("a", "b"));
    Pool pool = open("a");
    byte[] model = fill(pool, 10);
    pool.devices().offline("b");
    assertThat(status(pool, 1).presence()).isEqualTo(StackStatus.Presence.OFFLINE);
    write(pool, 0, bytes(PAGE, 3));
    Arrays.fill(model, 0, PAGE, (byte) 3);
    assertThatThrownBy(() -> opened().devices().offline("a"))
        .isInstanceOf(MediaOpenException.class);
    disks.move("b", "elsewhere");
    pool.devices().online("1", Path.of("elsewhere"));
    settle(pool);
    pool.devices().detach("a");
    assertThat(read(pool)).isEqualTo(model);
    pool.close();
    pool = open("elsewhere");
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldRefuseWhatIsMissingTwiceOrForeignAndWriteNothing() throws Exception {
    create(new StackDraft.Striped(PAGE, List.of(device("x/a"), device("x/b"))));
    create(device("x/foreign"));
    SimMedia b = disks.take("x/b");
    assertReason(Reason.DEVICE_MISSING, "x/a");
    disks.put("x/elsewhere", b);
    open("x/a").close();
    disks.copy("x/elsewhere", "x/b");
    disks.copy("x/a", "y/a");
    assertReason(Reason.DUPLICATE, "y/a");
    Pool partly =
        open("x/foreign", PoolOptions.of(PoolOptions.Intent.WORK).with(PoolOptions.Missing.ALLOW));
    assertThatThrownBy(() -> partly.devices().online("0", Path.of("x/a")))
        .isInstanceOf(FileSystemException.class);
  }

  private void assertReason(Reason reason, String path) {
    assertThatThrownBy(() -> open(path))
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> assertThat(e.openReason()).as(e.getMessage()).isEqualTo(reason));
  }

  @Test
  void shouldServeWhatIsThereOfAStripeWhenToldTo() throws Exception {
    create(new StackDraft.Linear(List.of(device("a"), device("b"))));
    byte[] model;
    try (Pool pool = open("a")) {
      model = fill(pool, 11);
    }
    SimMedia b = disks.take("b");
    PoolOptions partly = PoolOptions.of(PoolOptions.Intent.WORK).with(PoolOptions.Missing.ALLOW);
    Pool pool = open("a", partly);
    assertThat(read(pool, 0, PAGE)).isEqualTo(Arrays.copyOf(model, PAGE));
    assertThatThrownBy(() -> read(opened(), model.length - PAGE, PAGE))
        .isInstanceOf(DeviceUnavailableException.class);
    disks.put("b", b);
    pool.devices().online("b", null);
    assertThat(read(pool)).isEqualTo(model);
  }

  @Test
  void shouldRefuseLegsThatBothWentOnAloneUntilOneIsPreferred() throws Exception {
    create(mirror("a", "b"));
    try (Pool pool = open("a")) {
      fill(pool, 12);
    }
    SimMedia b = disks.take("b");
    byte[] ofA;
    try (Pool pool = open("a")) {
      ofA = fill(pool, 13);
    }
    SimMedia a = disks.take("a");
    disks.put("b", b);
    try (Pool pool = open("b")) {
      fill(pool, 14);
    }
    disks.put("a", a);
    for (String path : List.of("a", "b")) {
      assertThatThrownBy(() -> open(path))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("alone");
    }
    Pool pool = open("b", PoolOptions.of(PoolOptions.Intent.WORK).preferring("a"));
    settle(pool);
    assertThat(read(pool)).isEqualTo(ofA);
    pool.devices().detach("a");
    assertThat(read(pool)).isEqualTo(ofA);
  }

  @Test
  void shouldNotCallItGoingOnAloneWhenSomebodyOnlyLooked() throws Exception {
    create(mirror("a", "b"));
    byte[] model;
    try (Pool pool = open("a")) {
      model = fill(pool, 20);
    }
    PoolOptions look = PoolOptions.of(PoolOptions.Intent.LOOK);
    SimMedia b = disks.take("b");
    try (Pool pool = open("a", look)) {
      assertThat(read(pool)).isEqualTo(model);
    }
    SimMedia a = disks.take("a");
    disks.put("b", b);
    try (Pool pool = open("b", look)) {
      assertThat(read(pool)).isEqualTo(model);
    }
    disks.put("a", a);
    try (Pool pool = open("a")) {
      assertThat(read(pool)).isEqualTo(model);
      assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    }
  }

  @Test
  void shouldNotTakeBackItsOnlyDeviceAfterItWentWithWritesThatWereNotDurable() throws Exception {
    create(device("a"));
    Pool pool = open("a");
    byte[] model = fill(pool, 40);
    write(pool, 0, bytes(PAGE, 1));
    SimMedia a = disks.take("a");
    assertThatThrownBy(() -> opened().volume().persist()).isInstanceOf(IOException.class);
    pool.devices().tick();
    disks.put("a", a);
    assertThatThrownBy(() -> opened().devices().online("a", null))
        .hasMessageContaining("open it again");
    assertThat(pool.volume().state()).isEqualTo(DeviceState.OFFLINE);
    assertThatThrownBy(pool::close).isInstanceOf(IOException.class);
    pool = open("a");
    assertThat(read(pool, PAGE, model.length - PAGE))
        .isEqualTo(Arrays.copyOfRange(model, PAGE, model.length));
  }

  @Test
  void shouldNotCallAWriteDurableThatCameAfterAPersistWithinIt() throws Exception {
    create(new StackDraft.Device(Path.of("a"), -1, Redundancy.NONE));
    Pool pool = open("a");
    boolean[] persisted = {false};
    disks
        .at("a")
        .onStep(
            (step, range) -> {
              if (step == SimMedia.Step.WRITE && !persisted[0]) {
                persisted[0] = true;
                pool.volume().persist();
              }
            });
    write(pool, 0, bytes(PAGE, 1));
    assertThat(persisted[0]).isTrue();
    SimMedia a = disks.take("a");
    assertThatThrownBy(() -> read(pool, 0, PAGE)).isInstanceOf(DeviceUnavailableException.class);
    pool.devices().tick();
    disks.put("a", a);
    assertThatThrownBy(() -> pool.devices().online("a", null))
        .hasMessageContaining("open it again");
    assertThatThrownBy(pool::close).isInstanceOf(IOException.class);
  }

  @Test
  void shouldTellAnOldCopyOfADeviceFromTheDevice() throws Exception {
    for (StackDraft draft :
        List.of(
            mirror("a", "b"), new StackDraft.Striped(PAGE, List.of(device("c"), device("d"))))) {
      create(draft);
      String first = draft instanceof StackDraft.Mirror ? "a" : "c";
      String second = draft instanceof StackDraft.Mirror ? "b" : "d";
      try (Pool pool = open(first)) {
        fill(pool, 30);
      }
      SimMedia old = disks.image(second);
      byte[] model;
      try (Pool pool = open(first)) {
        model = fill(pool, 31);
      }
      disks.take(second);
      disks.put(second, old);
      if (draft instanceof StackDraft.Mirror) {
        try (Pool pool = open(first)) {
          settle(pool);
          assertThat(read(pool)).isEqualTo(model);
          pool.devices().detach(first);
          assertThat(read(pool)).isEqualTo(model);
        }
      } else {
        assertReason(Reason.DEVICE_MISSING, first);
      }
    }
  }

  @Test
  void shouldNotChooseBetweenTwoCopiesOfADevice() throws Exception {
    create(mirror("x/a", "x/b"));
    disks.copy("x/b", "x/one");
    disks.move("x/b", "x/other");
    assertReason(Reason.DUPLICATE, "x/a");
  }

  @Test
  void shouldTellWhatWasDetachedFromWhatBelongs() throws Exception {
    create(mirror("a", "b"));
    try (Pool pool = open("a")) {
      fill(pool, 15);
    }
    SimMedia b = disks.take("b");
    try (Pool pool = open("a")) {
      pool.devices().detach("b");
    }
    disks.put("b", b);
    assertReason(Reason.DETACHED, "b");
    try (Pool pool = open("a")) {
      assertThat(pool.status().devices()).hasSize(1);
    }
  }

  /** Cuts the power before every step of a change of devices. */
  @Test
  void shouldOpenWithItsContentAfterACrashAnywhereInAChangeOfDevices() throws Exception {
    Map<String, Change> changes =
        Map.of(
            "attach", pool -> pool.devices().attach("a", newDevice("c")),
            "detach", pool -> pool.devices().detach("b"),
            "replace", pool -> pool.devices().replace("b", newDevice("c")),
            "offline", pool -> pool.devices().offline("b"));
    for (Map.Entry<String, Change> change : changes.entrySet()) {
      int cuts = 0;
      for (long step = 1; ; step += 1 + step / 8) {
        SimDisks fresh = new SimDisks();
        if (!crashAt(fresh, change.getValue(), step, change.getKey() + " at step " + step)) {
          break;
        }
        cuts++;
      }
      assertThat(cuts).as(change.getKey()).isGreaterThan(5);
    }
  }

  /** A change of devices. */
  @FunctionalInterface
  private interface Change {
    void of(Pool pool) throws Exception;
  }

  private static boolean crashAt(SimDisks disks, Change change, long step, String as)
      throws Exception {
    PoolOptions options = PoolOptions.of(PoolOptions.Intent.WORK);
    Pool.create(
        mirror("a", "b"),
        new PoolSpec(
            1 << 20, Redundancy.ofColumns(4), Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN),
        options,
        disks);
    Pool pool = Pool.open(Path.of("a"), options, disks);
    byte[] model = fill(pool, 16);
    disks.cutPowerBeforeStep(step);
    boolean cut = false;
    try {
      change.of(pool);
      settle(pool);
      pool.close();
    } catch (SimMedia.PowerCutException | IOException | IllegalStateException e) {
      cut = true;
    }
    cut |= disks.isPowerCut();
    disks.crash(new SplittableRandom(step));
    try (Pool again = Pool.open(Path.of("a"), options, disks)) {
      settle(again);
      assertThat(read(again)).as(as).isEqualTo(model);
      assertThat(again.status().condition())
          .as(as)
          .isIn(PoolStatus.Condition.HEALTHY, PoolStatus.Condition.DEGRADED);
      scrub(again);
      assertThat(again.status().counters().lostBytes()).as(as).isZero();
      for (StackStatus.Device device : again.status().devices()) {
        LegStatus leg = device.leg();
        assertThat(leg).as(as).isNotNull();
      }
    }
    assertThat(disks.at("a").presence()).isEqualTo(Presence.GONE);
    return cut;
  }
}
