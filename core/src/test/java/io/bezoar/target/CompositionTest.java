package io.bezoar.target;

import static io.bezoar.media.Units.LINE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Stacks of targets, composed at random two deep, against an array of lines: whatever is struck,
 * lost, cut off, taken away and brought back, every byte that is returned is one that may stand
 * there, and nothing is refused but what was really lost or is really gone.
 */
class CompositionTest {
  private static final int PAGE = Composer.PAGE;

  @Test
  void shouldBehaveAsAnArrayOfBytesThatMayBeLostInPart() {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", 6) * 10;
    for (int round = 0; round < rounds; round++) {
      run(base + round);
    }
  }

  /** Seeds that found something, once. */
  @ParameterizedTest
  @ValueSource(
      longs = {
        7_004_752L,
        7_013_656L,
        51_018_883L,
        51_021_874L,
        333_004_025L,
        333_006_873L,
        1_021_292L,
        6_010_240L,
        24_129_933_982_593L
      })
  void shouldStillDoSo(long seed) {
    run(seed);
  }

  private static void run(long seed) {
    Run run = null;
    try {
      run = new Run(seed);
      run.run(40);
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + (run == null ? "" : ", " + run.root + ": " + run.log)
              + "; replay: mvn -pl core -am test -Dtest=CompositionTest -Dbezoar.seed="
              + seed
              + " -Dbezoar.rounds=1",
          failed);
    }
  }

  /** The power goes off in the middle of something. */
  private static final class PowerOff extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** What may stand in each line: now, and after a crash. */
  private static final class Model {
    final List<List<byte[]>> now = new ArrayList<>();
    final List<List<byte[]>> afterCrash = new ArrayList<>();
    ByteRanges unpersisted = ByteRanges.EMPTY;

    /** Written by what failed half way: some of it may have been stored, and not persisted. */
    ByteRanges perhapsUnpersisted = ByteRanges.EMPTY;

    Model(long sizeBytes) {
      for (long at = 0; at < sizeBytes; at += LINE_BYTES) {
        now.add(new ArrayList<>(List.of(new byte[LINE_BYTES])));
        afterCrash.add(new ArrayList<>(List.of(new byte[LINE_BYTES])));
      }
    }

    /** What became of a write. */
    enum Outcome {
      STORED,
      DURABLE,
      PERHAPS
    }

    void write(long offset, byte[] bytes, ByteRange part, Outcome outcome) {
      for (ByteRange line : lines(part)) {
        int index = (int) (line.start() / LINE_BYTES);
        List<byte[]> next = new ArrayList<>();
        for (byte[] before : now.get(index)) {
          byte[] after = before.clone();
          for (long at = Math.max(line.start(), part.start());
              at < Math.min(line.end(), part.end());
              at++) {
            after[(int) (at - line.start())] = bytes[(int) (at - offset)];
          }
          next.add(after);
        }
        if (outcome == Outcome.PERHAPS) {
          next.addAll(now.get(index));
        }
        now.set(index, next);
        if (outcome == Outcome.DURABLE) {
          afterCrash.set(index, new ArrayList<>(next));
        } else {
          afterCrash.get(index).addAll(next);
        }
      }
      if (outcome == Outcome.STORED) {
        unpersisted = unpersisted.plus(part);
      } else if (outcome == Outcome.PERHAPS) {
        perhapsUnpersisted = perhapsUnpersisted.plus(part);
      }
    }

    /** What a refused write left on a device that is gone is owed to nobody, and may stay or go. */
    void persisted(ByteRanges gone) {
      ByteRanges open = perhapsUnpersisted.alignOutward(LINE_BYTES).intersect(gone);
      for (int i = 0; i < now.size(); i++) {
        if (!open.overlaps(ByteRange.ofLength((long) i * LINE_BYTES, LINE_BYTES))) {
          afterCrash.set(i, new ArrayList<>(now.get(i)));
        }
      }
      unpersisted = ByteRanges.EMPTY;
      perhapsUnpersisted = open;
    }

    void crashed(ByteRanges where) {
      for (ByteRange range : where.asList()) {
        for (ByteRange line : lines(range)) {
          int index = (int) (line.start() / LINE_BYTES);
          now.set(index, new ArrayList<>(afterCrash.get(index)));
        }
      }
    }

    /** {@code found} stands at {@code offset}: is that possible? Then nothing else is any more. */
    void check(long offset, byte[] found, ByteRange part) {
      for (ByteRange line : lines(part)) {
        int index = (int) (line.start() / LINE_BYTES);
        long from = Math.max(line.start(), part.start());
        long to = Math.min(line.end(), part.end());
        List<byte[]> possible = new ArrayList<>();
        for (byte[] content : now.get(index)) {
          if (Arrays.equals(
              content,
              (int) (from - line.start()),
              (int) (to - line.start()),
              found,
              (int) (from - offset),
              (int) (to - offset))) {
            possible.add(content);
          }
        }
        assertThat(possible)
            .as("contents of line %s that may stand there, of %s", line, now.get(index).size())
            .isNotEmpty();
        now.set(index, possible);
      }
    }

    private static List<ByteRange> lines(ByteRange range) {
      List<ByteRange> lines = new ArrayList<>();
      ByteRange whole = range.alignOutward(LINE_BYTES);
      for (long at = whole.start(); at < whole.end() && !range.isEmpty(); at += LINE_BYTES) {
        lines.add(ByteRange.ofLength(at, LINE_BYTES));
      }
      return lines;
    }
  }

  private static final class Run {
    final Composer.Node root;
    final List<String> log = new ArrayList<>();
    private final SplittableRandom random;
    private final Model model;
    private final List<Composer.Path> paths;
    private long stepsUntilPowerOff = Long.MAX_VALUE;

    /** A child came back that may have lost writes: the next persist has to fail. */
    private boolean owed;

    /** As before, but it need not fail. */
    private boolean doubtful;

    /** A cache was read-only for a while, and what is above it stays so until it is reopened. */
    private boolean cacheWent;

    Run(long seed) throws IOException {
      random = new SplittableRandom(seed);
      root = new Composer(random).compose(2);
      model = new Model(root.sizeBytes());
      paths = root.paths();
      listen();
    }

    private DaxDevice device() {
      return root.device();
    }

    private void listen() {
      for (Composer.Path path : paths) {
        path.leaf()
            .media
            .onStep(
                (step, range) -> {
                  if (--stepsUntilPowerOff < 0) {
                    throw new PowerOff();
                  }
                });
      }
    }

    void run(int steps) throws IOException {
      for (int i = 0; i < steps; i++) {
        step();
        root.look();
        checkSome();
        root.look();
      }
      checkAll();
      ByteRanges gone = root.gone();
      root.background();
      if (mustFailToPersist()) {
        assertThatThrownBy(() -> device().close()).isInstanceOf(PersistFailedException.class);
      } else {
        try {
          device().close();
        } catch (IOException cannot) {
          assertThat(mayFail(gone)).as("closing: %s", cannot).isTrue();
          gone = ByteRanges.of(new ByteRange(0, root.sizeBytes()));
        }
      }
      restart(SimMedia::reopen);
      model.crashed(gone);
      checkAll();
      root.background();
      device().close();
    }

    private void step() throws IOException {
      switch (random.nextInt(19)) {
        case 0, 1, 2, 3 -> write();
        case 4, 5 -> persist();
        case 6 -> strike();
        case 7, 8 -> recoveryWrite();
        case 9 -> crash();
        case 10 -> powerOffWithin();
        case 11 -> vanish();
        case 12, 13 -> comeBack();
        case 14 -> scrub();
        case 15 -> takeOffline();
        case 16 -> writeBack();
        case 17 -> root.background();
        default -> root.drain();
      }
    }

    private ByteRange someRange(long most) {
      long size = root.sizeBytes();
      long length = 1 + random.nextLong(Math.min(most, size));
      long offset = random.nextLong(size - length + 1);
      ByteRange range = ByteRange.ofLength(offset, length);
      return switch (random.nextInt(3)) {
        case 0 -> range;
        case 1 -> range.alignOutward(LINE_BYTES);
        default -> range.alignOutward(PAGE);
      };
    }

    private byte[] someBytes(ByteRange range) {
      byte[] bytes = new byte[(int) range.length()];
      random.nextBytes(bytes);
      return bytes;
    }

    private void write() throws IOException {
      ByteRange range = someRange(5L * PAGE);
      log.add("write " + range);
      byte[] bytes = someBytes(range);
      try {
        device().write(range.start(), segment(bytes));
        model.write(range.start(), bytes, range, Model.Outcome.STORED);
        assertThat(root.isExact() && root.gone().overlaps(range))
            .as("stored on what is gone")
            .isFalse();
      } catch (PoisonedRangeException lost) {
        assertThat(root.mayBeLost().overlaps(range)).as(lost.getMessage()).isTrue();
        if (!device().info().verified() || !root.isExact()) {
          model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        }
      } catch (DeviceUnavailableException gone) {
        assertRefused(gone, range);
        if (root.isExact()) {
          assertThat(gone.state()).isIn(DeviceState.PARTIAL, DeviceState.OFFLINE);
        } else {
          model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        }
      } catch (PersistFailedException doubted) {
        assertThat(doubtful).as(doubted.getMessage()).isTrue();
        model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        crash();
      } catch (PowerOff off) {
        model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        throw off;
      }
    }

    private void persist() throws IOException {
      log.add("persist");
      ByteRanges gone = root.gone();
      if (mustFailToPersist()) {
        assertThatThrownBy(() -> device().persist()).isInstanceOf(PersistFailedException.class);
        assertThat(device().state()).isIn(DeviceState.READ_ONLY, DeviceState.OFFLINE);
        assertThatThrownBy(() -> device().persist()).isInstanceOf(PersistFailedException.class);
        crash();
      } else if (root.isExact() && gone.contains(new ByteRange(0, root.sizeBytes()))) {
        assertThatThrownBy(() -> device().persist()).isInstanceOf(DeviceUnavailableException.class);
      } else {
        try {
          device().persist();
        } catch (IOException cannot) {
          assertThat(mayFail(gone)).as(cannot.toString()).isTrue();
          if (cannot instanceof PersistFailedException) {
            crash();
          }
          return;
        }
        model.persisted(gone);
        root.persisted();
      }
    }

    /** True when a persist may fail though it need not. */
    private boolean mayFail(ByteRanges gone) {
      return doubtful
          || (!root.isExact() && !gone.isEmpty())
          || !gone.intersect(model.perhapsUnpersisted).isEmpty()
          || root.mayLackNotes();
    }

    private boolean mustFailToPersist() {
      return owed || (root.isExact() && !root.gone().intersect(model.unpersisted).isEmpty());
    }

    /** One strike at a time where it is absorbed; else the bytes are lost. */
    private void strike() throws IOException {
      Composer.Path path = paths.get(random.nextInt(paths.size()));
      Composer.Leaf leaf = path.leaf();
      FaultKind[] kinds = FaultKind.values();
      FaultKind kind = kinds[random.nextInt(kinds.length)];
      long at = random.nextLong(leaf.sizeBytes() / PAGE) * PAGE;
      ByteRange struck = ByteRange.ofLength(at, PAGE);
      Composer.Guarded shield = shieldOf(path);
      if (!mayStrike(path, struck)) {
        return;
      }
      // Until legs that a crash left apart are made equal, one of them is read; what was read from
      // there goes with its bytes, as when all of the leg goes.
      path.above().forEach(step -> step.target().makeEqual());
      if (shield != null && !leaf.isGone && shield.absorbs()) {
        log.add("strike " + leaf.name + " " + kind + " page " + at / PAGE);
        leaf.inject(kind, struck);
      } else if (shield == null && kind.refuses()) {
        long length = LINE_BYTES * (1 + random.nextLong(PAGE / LINE_BYTES));
        log.add("lose " + leaf.name + " " + kind + " " + at + "+" + length);
        ByteRange range = ByteRange.ofLength(at, length);
        ByteRanges lost = root.isExact() ? leaf.lose(kind, range) : leaf.loseUnits(kind, range);
        for (Composer.Step step : path.above().reversed()) {
          lost = step.target().lost(step.slot(), lost);
        }
      }
    }

    /** The lowest target above that makes up for everything. */
    private static Composer.@Nullable Guarded shieldOf(Composer.Path path) {
      Composer.Guarded shield = null;
      for (Composer.Step step : path.above()) {
        shield = step.target() instanceof Composer.Guarded guarded ? guarded : shield;
      }
      return shield;
    }

    private static boolean mayStrike(Composer.Path path, ByteRange struck) {
      ByteRanges ranges = ByteRanges.of(struck);
      for (Composer.Step step : path.above().reversed()) {
        ByteRanges own = ByteRanges.EMPTY;
        for (ByteRange range : ranges.asList()) {
          if (!step.target().mayStrike(step.slot(), range)) {
            return false;
          }
          own = own.union(step.target().strikeUp(step.slot(), range));
        }
        ranges = own;
      }
      return true;
    }

    /** A cache without its fast device is read-only, and so is all that it is part of. */
    private void assertRefused(DeviceUnavailableException gone, ByteRange range) {
      boolean readOnly = gone.state() == DeviceState.READ_ONLY && !root.isExact();
      assertThat(readOnly ? cacheWent || doubtful || !root.gone().isEmpty() : root.mayRefuse(range))
          .as(gone.getMessage())
          .isTrue();
    }

    private void recoveryWrite() throws IOException {
      ByteRange range = someRange(3L * PAGE);
      List<ByteRange> lost = root.mayBeLost().asList();
      if (!lost.isEmpty() && random.nextBoolean()) {
        range = lost.get(random.nextInt(lost.size()));
      }
      log.add("recovery write " + range);
      byte[] bytes = someBytes(range);
      root.replacing(range);
      try {
        RecoveryWrite written = device().recoveryWrite(range.start(), segment(bytes));
        ByteRanges left = ByteRanges.of(written.notCleared());
        assertThat(left.minus(root.mayBeLost()).isEmpty()).as("not cleared: %s", left).isTrue();
        assertThat(left.minus(ByteRanges.of(range)).isEmpty()).isTrue();
        for (ByteRange stored : ByteRanges.of(range).minus(left).asList()) {
          model.write(range.start(), bytes, stored, Model.Outcome.DURABLE);
          root.replaced(stored);
        }
        model.unpersisted = model.unpersisted.union(ByteRanges.of(written.cleared()));
      } catch (DeviceUnavailableException gone) {
        assertRefused(gone, range);
        if (!root.isExact()) {
          model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        }
      } catch (PersistFailedException doubted) {
        assertThat(doubtful).as(doubted.getMessage()).isTrue();
        model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        crash();
      } catch (PowerOff off) {
        model.write(range.start(), bytes, range, Model.Outcome.PERHAPS);
        throw off;
      }
    }

    private void scrub() throws IOException {
      log.add("scrub");
      root.scrub();
    }

    private void crash() throws IOException {
      LongPredicate survives =
          switch (random.nextInt(3)) {
            case 0 -> line -> false;
            case 1 -> line -> true;
            default -> line -> random.nextBoolean();
          };
      log.add("crash");
      root.look();
      restart(media -> media.crash(survives));
      root.crashed();
      model.crashed(ByteRanges.of(new ByteRange(0, root.sizeBytes())));
      // What has come back is what is durable: nothing else is left that could be lost.
      model.unpersisted = ByteRanges.EMPTY;
      model.perhapsUnpersisted = ByteRanges.EMPTY;
    }

    private interface NextBoot {
      SimMedia of(SimMedia media);
    }

    private void restart(NextBoot next) throws IOException {
      stepsUntilPowerOff = Long.MAX_VALUE;
      for (Composer.Path path : paths) {
        path.leaf().comeBack(next.of(path.leaf().media));
      }
      root.start();
      listen();
      owed = false;
      doubtful = false;
      cacheWent = false;
    }

    private void powerOffWithin() throws IOException {
      if (!root.gone().isEmpty() || owed) {
        return;
      }
      log.add("power off within");
      stepsUntilPowerOff = random.nextInt(12);
      try {
        for (int i = 0; i < 4; i++) {
          switch (random.nextInt(4)) {
            case 0, 1 -> write();
            case 2 -> recoveryWrite();
            default -> persist();
          }
        }
      } catch (PowerOff off) {
        assertThat(off).isNotNull();
      }
      crash();
    }

    /** Takes a leaf away, where what is above it can do without. */
    private void vanish() {
      Composer.Path path = paths.get(random.nextInt(paths.size()));
      Composer.Leaf leaf = path.leaf();
      if (leaf.isGone) {
        return;
      }
      leaf.isGone = true;
      // What a mirror or a cache does without all of its devices has tests of its own.
      boolean absorbs = root.isExact() && !(root instanceof Composer.Guarded);
      boolean unsupported = !absorbs && !root.gone().isEmpty();
      leaf.isGone = false;
      if (unsupported) {
        return;
      }
      // A leg that goes before a crash was made up for takes what was read from it with it.
      root.background();
      log.add("vanish " + leaf.name);
      cacheWent |= !nodes(Composer.Cache.class).isEmpty();
      leaf.vanish();
      assertThatThrownBy(() -> leaf.device().read(0, segment(new byte[1])))
          .isInstanceOf(DeviceUnavailableException.class);
      if (random.nextBoolean()) {
        root.drain();
        assertUnavailable();
      }
    }

    private void assertUnavailable() {
      if (root.isExact()) {
        assertThat(ByteRanges.of(device().unavailable())).isEqualTo(root.gone());
      }
    }

    /** Takes a leg out of use as one does before one pulls it. */
    private void takeOffline() throws IOException {
      List<Composer.Mirror> mirrors = nodes(Composer.Mirror.class);
      if (mirrors.isEmpty() || doubtful || !root.gone().isEmpty()) {
        return;
      }
      Composer.Mirror mirror = mirrors.get(random.nextInt(mirrors.size()));
      int slot = random.nextInt(mirror.below.size());
      Composer.Node leg = mirror.below.get(slot);
      if (!leg.gone().isEmpty()) {
        return;
      }
      log.add("take offline " + leg.name);
      if (mirror.takeOffline(slot)) {
        leg.background();
        leg.device().close();
        leg.paths().forEach(path -> path.leaf().vanish());
      }
    }

    private void writeBack() throws IOException {
      List<Composer.Cache> caches = nodes(Composer.Cache.class);
      if (caches.isEmpty()) {
        return;
      }
      Composer.Cache cache = caches.get(random.nextInt(caches.size()));
      log.add("write back " + cache.name);
      try {
        cache.cache().writeBack();
      } catch (PoisonedRangeException lost) {
        // What is above a cache may make up for what it has lost.
        assertThat(root instanceof Composer.Guarded || cache.mayBeLost().overlaps(lost.range()))
            .as(lost.getMessage())
            .isTrue();
      } catch (DeviceUnavailableException gone) {
        assertThat(cache.gone().isEmpty() && !doubtful).as(gone.getMessage()).isFalse();
      } catch (PersistFailedException doubted) {
        assertThat(doubtful || !cache.gone().isEmpty()).as(doubted.getMessage()).isTrue();
        crash();
      }
    }

    private <T extends Composer.Node> List<T> nodes(Class<T> kind) {
      return root.all().stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private void comeBack() throws IOException {
      List<Composer.Path> gone = paths.stream().filter(path -> path.leaf().isGone).toList();
      if (gone.isEmpty()) {
        return;
      }
      Composer.Path path = gone.get(random.nextInt(gone.size()));
      List<Composer.Step> above = path.above();
      int index = receiver(path);
      Composer.Node parent = above.get(index).target();
      int slot = above.get(index).slot();
      Composer.Node child = parent.below.get(slot);
      ByteRanges before = root.gone();
      boolean powerCut = random.nextBoolean();
      log.add("come back " + child.name + (powerCut ? " after a power cut" : ""));
      parent.letGo(slot);
      if (!powerCut) {
        child.background();
        try {
          child.device().close();
        } catch (IOException cannot) {
          assertThat(child.gone().isEmpty() && !doubtful).as(cannot.toString()).isFalse();
        }
      }
      for (Composer.Path mine : child.paths()) {
        SimMedia media = mine.leaf().media;
        mine.leaf().comeBack(powerCut ? media.crash(random) : media.reopen());
      }
      if (powerCut) {
        child.crashed();
      }
      child.start();
      listen();
      boolean fast = parent instanceof Composer.Cache && slot == 0;
      if (fast) {
        doubtBelow(above.subList(0, index), parent);
      }
      try {
        parent.takeBack(slot, child.device());
      } catch (MirrorLegException behind) {
        assertThat(behind.reason()).isEqualTo(MirrorLegException.Reason.BEHIND);
        child.paths().forEach(mine -> mine.leaf().vanish());
        return;
      } catch (DeviceUnavailableException notNow) {
        assertThat(parent.device().state()).isNotEqualTo(DeviceState.ONLINE);
        child.paths().forEach(mine -> mine.leaf().vanish());
        return;
      }
      ByteRanges own = fast ? ByteRanges.EMPTY : before.minus(root.gone());
      ByteRanges back = before.minus(root.gone());
      boolean some = !back.intersect(model.unpersisted).isEmpty();
      owed |= root.isExact() && some;
      doubtful |= !root.isExact() && some;
      doubtful |= !back.intersect(model.perhapsUnpersisted).isEmpty();
      model.crashed(own);
      root.drain();
      assertUnavailable();
    }

    /** What a cache had not persisted when its fast device went may be lost with it. */
    private void doubtBelow(List<Composer.Step> above, Composer.Node cache) {
      ByteRanges own = model.unpersisted;
      for (Composer.Step step : above) {
        ByteRanges below = ByteRanges.EMPTY;
        for (ByteRange range : own.asList()) {
          below = below.plus(step.target().down(step.slot(), range));
        }
        own = below;
      }
      cache.doubt(own);
    }

    /** Index of the target that takes a child back: the highest that did without it. */
    private static int receiver(Composer.Path path) {
      int index = 0;
      for (int i = 0; i < path.above().size(); i++) {
        Composer.Step step = path.above().get(i);
        if (!(step.target() instanceof Composer.Guarded)) {
          index = i;
        }
        if (step.target() instanceof Composer.Mirror
            && !step.target().below.get(step.slot()).gone().isEmpty()) {
          return i;
        }
      }
      return index;
    }

    // Checks.

    private void checkSome() throws IOException {
      check(someRange(4L * PAGE));
      checkRecoveryRead(someRange(4L * PAGE));
    }

    private void checkAll() throws IOException {
      check(new ByteRange(0, root.sizeBytes()));
      checkRecoveryRead(new ByteRange(0, root.sizeBytes()));
    }

    private void check(ByteRange range) throws IOException {
      MemorySegment dst = Arena.ofAuto().allocate(range.length());
      try {
        device().read(range.start(), dst);
        model.check(range.start(), dst.toArray(ValueLayout.JAVA_BYTE), range);
      } catch (PoisonedRangeException lost) {
        long end = range.start() + lost.goodPrefixBytes();
        byte[] found = dst.toArray(ValueLayout.JAVA_BYTE);
        model.check(range.start(), found, new ByteRange(range.start(), end));
        assertThat(root.mayBeLost().contains(lost.range())).as(lost.getMessage()).isTrue();
        assertThat(lost.range().contains(end) || (!root.isExact() && end < lost.range().start()))
            .as("%s at %d", lost.range(), end)
            .isTrue();
        check(new ByteRange(Math.min(range.end(), lost.range().end()), range.end()));
      } catch (DeviceUnavailableException gone) {
        assertThat(root.unreachable().overlaps(range)).as(gone.getMessage()).isTrue();
        long nextPage = (range.start() / PAGE + 1) * PAGE;
        if (nextPage < range.end()) {
          long cut = Math.max(nextPage, (range.start() + range.end()) / 2 / PAGE * PAGE);
          check(new ByteRange(range.start(), cut));
          check(new ByteRange(cut, range.end()));
        }
      }
    }

    private void checkRecoveryRead(ByteRange range) throws IOException {
      if (root.gone().contains(new ByteRange(0, root.sizeBytes()))) {
        return;
      }
      MemorySegment dst = Arena.ofAuto().allocate(range.length());
      RecoveryRead read;
      try {
        read = device().recoveryRead(range.start(), dst);
      } catch (DeviceUnavailableException gone) {
        assertThat(root.gone().isEmpty()).as(gone.getMessage()).isFalse();
        if (!root.isExact()) {
          return;
        }
        assertThat(device().unavailable()).containsExactly(new ByteRange(0, root.sizeBytes()));
        return;
      }
      byte[] found = dst.toArray(ValueLayout.JAVA_BYTE);
      long at = range.start();
      for (RecoveryRead.Run run : read.runs()) {
        assertThat(run.range().start()).isEqualTo(at);
        at = run.range().end();
        switch (run) {
          case RecoveryRead.Verified(ByteRange good) -> model.check(range.start(), found, good);
          case RecoveryRead.Unverified(ByteRange likely) ->
              ByteRanges.of(likely)
                  .minus(root.mayBeLost())
                  .asList()
                  .forEach(good -> model.check(range.start(), found, good));
          case RecoveryRead.Hole hole ->
              assertThat(root.mayBeLost().contains(hole.range())).as(hole.toString()).isTrue();
          case RecoveryRead.Absent absent ->
              assertThat(root.unreachable().contains(absent.range()))
                  .as(absent.toString())
                  .isTrue();
        }
      }
      assertThat(at).isEqualTo(range.end());
    }

    private static MemorySegment segment(byte[] bytes) {
      return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }
  }
}
