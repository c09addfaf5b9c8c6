package io.bezoar.target;

import static io.bezoar.media.Units.LINE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes stacks of devices at random, each with what a test must know of it: which of its bytes may
 * be lost by what was done to the media below, and which cannot be there. A new target joins by one
 * more {@link Node} and one more line in {@link #MAKERS}.
 */
final class Composer {
  static final int PAGE = Units.PAGE_BYTES;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final long LIST_BYTES = 8L * PAGE;
  private static final int CLEAR_UNIT_BYTES = Units.SECTOR_BYTES;

  /** Makes a target with at most {@code depth - 1} more above each leaf of so many pages. */
  interface Maker {
    Node make(Composer composer, int depth, long leafPages) throws IOException;
  }

  /** Every kind of target. */
  static final List<Maker> MAKERS =
      List.of(
          (composer, depth, pages) -> composer.new Linear(composer.children(depth, pages)),
          (composer, depth, pages) -> composer.new Striped(composer.children(depth, pages)),
          (composer, depth, _) -> composer.new Guarded(composer.node(depth - 1, 100)),
          (composer, depth, pages) -> composer.new Mirror(composer.legs(depth, pages + 8)),
          (composer, depth, pages) ->
              composer
              .new Cache(composer.node(depth - 1, pages + 10), composer.node(depth - 1, pages)));

  private final SplittableRandom random;
  private int count;

  Composer(SplittableRandom random) {
    this.random = random;
  }

  /** A started stack of at most {@code depth} targets above each leaf. */
  Node compose(int depth) throws IOException {
    Node root = MAKERS.get(random.nextInt(MAKERS.size())).make(this, depth, 8);
    root.format();
    root.start();
    return root;
  }

  private Node node(int depth, long leafPages) throws IOException {
    int kind = random.nextInt(MAKERS.size() + 1);
    return depth == 0 || kind == MAKERS.size()
        ? new Leaf(leafPages)
        : MAKERS.get(kind).make(this, depth, leafPages);
  }

  private List<Node> children(int depth, long leafPages) throws IOException {
    List<Node> children = new ArrayList<>();
    int wanted = 1 + random.nextInt(3);
    for (int i = 0; i < wanted; i++) {
      children.add(node(depth - 1, leafPages + random.nextInt(16)));
    }
    return children;
  }

  private List<Node> legs(int depth, long leafPages) throws IOException {
    List<Node> legs = new ArrayList<>();
    int wanted = random.nextInt(4) == 0 ? 3 : 2;
    for (int i = 0; i < wanted; i++) {
      legs.add(node(depth - 1, leafPages + random.nextInt(6)));
    }
    return legs;
  }

  /** A device with what is below it. */
  abstract class Node {
    final String name;
    final List<Node> below;
    NoticeDispatcher notices = dispatcher();
    private @Nullable DaxDevice device;

    Node(String kind, List<Node> below) {
      this.name = kind + ++count;
      this.below = below;
    }

    private NoticeDispatcher dispatcher() {
      return new NoticeDispatcher("composed", CLOCK, _ -> {});
    }

    abstract long sizeBytes();

    abstract DaxDevice open() throws IOException;

    /** Which own bytes those of a child become; what they do not become is left out. */
    abstract ByteRanges up(int child, ByteRanges ranges);

    /** Bytes that may be refused as lost, after all that was done to media. */
    ByteRanges mayBeLost() {
      ByteRanges all = ByteRanges.EMPTY;
      for (int child = 0; child < below.size(); child++) {
        all = all.union(up(child, below.get(child).mayBeLost()));
      }
      return all;
    }

    /** Bytes on media that is gone. */
    ByteRanges gone() {
      ByteRanges all = ByteRanges.EMPTY;
      for (int child = 0; child < below.size(); child++) {
        all = all.union(up(child, below.get(child).gone()));
      }
      return all;
    }

    /** As {@link #gone}, and what is gone of the only copy that was not lost. */
    ByteRanges unreachable() {
      ByteRanges all = gone();
      for (int child = 0; child < below.size(); child++) {
        all = all.union(up(child, below.get(child).unreachable()));
      }
      return all;
    }

    /** True when what has to be noted about copies may have no place, because media is gone. */
    boolean mayLackNotes() {
      return below.stream().anyMatch(Node::mayLackNotes);
    }

    /** True when a write of own bytes may be refused, because of media that is gone. */
    boolean mayRefuse(ByteRange range) {
      for (int slot = 0; slot < below.size(); slot++) {
        ByteRange mine = down(slot, range);
        if (!mine.isEmpty() && below.get(slot).mayRefuse(mine)) {
          return true;
        }
      }
      return gone().overlaps(range);
    }

    /** Which bytes of a child own ones are. */
    abstract ByteRange down(int slot, ByteRange range);

    /** Own bytes were stored anew, by a recovery write that says it is complete. */
    void replaced(ByteRange range) {
      for (int slot = 0; slot < below.size(); slot++) {
        below.get(slot).replaced(down(slot, range));
      }
    }

    /** A recovery write of own bytes begins. */
    void replacing(ByteRange range) {
      for (int slot = 0; slot < below.size(); slot++) {
        below.get(slot).replacing(down(slot, range));
      }
    }

    /** Looks at what has moved where, while that is known. */
    void look() throws IOException {
      for (Node child : below) {
        child.look();
      }
    }

    /** True when all that may be gone below is gone here, exactly that, and noticed at once. */
    boolean isExact() {
      return below.stream().allMatch(Node::isExact);
    }

    /** True when bytes of a child may be struck, whatever was struck before. */
    boolean mayStrike(int slot, ByteRange range) {
      return true;
    }

    /** A strike there counts against what is kept twice. */
    ByteRanges strikeUp(int slot, ByteRange range) {
      return up(slot, ByteRanges.of(range));
    }

    /** Bytes of a child were lost just now. Returns which own ones that may be. */
    ByteRanges lost(int slot, ByteRanges ranges) {
      return up(slot, ranges);
    }

    /** The device of a child is given back, as far as it still can be. */
    void letGo(int slot) throws IOException {}

    /** A child is there again. */
    void takeBack(int slot, DaxDevice child) throws IOException {
      throw new IllegalStateException(name + " takes nobody back");
    }

    /** These own bytes were not persisted when media went, and may not have arrived. */
    void doubt(ByteRanges own) {
      for (int slot = 0; slot < below.size(); slot++) {
        List<ByteRange> mine = new ArrayList<>();
        for (ByteRange range : own.asList()) {
          mine.add(down(slot, range));
        }
        below.get(slot).doubt(ByteRanges.of(mine));
      }
    }

    /** Copies that a crash may have left apart are made equal. */
    void makeEqual() {}

    /** Work that waits to be done in the background. */
    void background() {
      below.forEach(Node::background);
    }

    /** What was forgotten is forgotten for good. */
    void persisted() {
      below.forEach(Node::persisted);
    }

    /** What was forgotten since the last persist may be known again. */
    void crashed() {
      below.forEach(Node::crashed);
    }

    void format() throws IOException {
      for (Node child : below) {
        child.format();
      }
    }

    /** Opens everything, from below. */
    final void start() throws IOException {
      for (Node child : below) {
        child.start();
      }
      notices = dispatcher();
      device = open();
      look();
    }

    /** All targets from here down. */
    final List<Node> all() {
      List<Node> all = new ArrayList<>(List.of(this));
      below.forEach(child -> all.addAll(child.all()));
      return all;
    }

    /** Child by child, makes what this is made of; then this on them. */
    void formatOn() throws IOException {
      for (Node child : below) {
        child.format();
      }
      for (Node child : below) {
        child.start();
      }
      formatStarted();
      background();
      for (Node child : below) {
        child.device().close();
      }
      for (Path path : paths()) {
        path.leaf().comeBack(path.leaf().media.reopen());
      }
    }

    void formatStarted() throws IOException {}

    final DaxDevice device() {
      if (device == null) {
        throw new IllegalStateException(name + " was not started");
      }
      return device;
    }

    void drain() {
      below.forEach(Node::drain);
      notices.drain();
    }

    /** Finds and heals everything that was struck. */
    void scrub() throws IOException {
      for (Node child : below) {
        child.scrub();
      }
    }

    /** All leaves, with the targets above each, the root first. */
    final List<Path> paths() {
      List<Path> paths = new ArrayList<>();
      if (this instanceof Leaf leaf) {
        paths.add(new Path(leaf, List.of()));
      }
      for (int slot = 0; slot < below.size(); slot++) {
        for (Path path : below.get(slot).paths()) {
          List<Step> steps = new ArrayList<>(path.above());
          steps.addFirst(new Step(this, slot));
          paths.add(new Path(path.leaf(), steps));
        }
      }
      return paths;
    }

    @Override
    public String toString() {
      return below.isEmpty()
          ? name
          : name + below.stream().map(Node::toString).collect(Collectors.joining(", ", "(", ")"));
    }
  }

  /** A target, and the slot of it that the next step is in. */
  record Step(Node target, int slot) {}

  /** A leaf and the targets above it, the root first. */
  record Path(Leaf leaf, List<Step> above) {}

  /** A device on a simulation. */
  final class Leaf extends Node {
    private final long usedBytes;
    SimMedia media;
    boolean isGone;

    /** Bytes that a strike may have taken. */
    private ByteRanges struck = ByteRanges.EMPTY;

    /** Clear units of recovery writes, which the durable list may still call interrupted. */
    private ByteRanges halfForgotten = ByteRanges.EMPTY;

    /** Some of it is on the list although nothing is wrong with it. */
    private boolean isSuspect;

    Leaf(long pages) {
      super("leaf", List.of());
      this.usedBytes = pages * PAGE;
      this.media = SimMedia.create(name, usedBytes + 2 * LIST_BYTES, random.nextLong());
    }

    private PoisonRegion lists() {
      return new PoisonRegion(
          ByteRange.ofLength(usedBytes, LIST_BYTES),
          ByteRange.ofLength(usedBytes + LIST_BYTES, LIST_BYTES));
    }

    @Override
    void format() throws IOException {
      LeafDevice.format(media, lists());
    }

    @Override
    long sizeBytes() {
      return usedBytes;
    }

    @Override
    DaxDevice open() throws IOException {
      return LeafDevice.open(media, lists(), CLOCK, notices);
    }

    @Override
    ByteRanges up(int child, ByteRanges ranges) {
      throw new IllegalStateException("a leaf has no children");
    }

    @Override
    ByteRange down(int slot, ByteRange range) {
      throw new IllegalStateException("a leaf has no children");
    }

    @Override
    ByteRanges mayBeLost() {
      return struck;
    }

    @Override
    ByteRanges gone() {
      return isGone ? ByteRanges.of(new ByteRange(0, usedBytes)) : ByteRanges.EMPTY;
    }

    @Override
    void replaced(ByteRange range) {
      struck = struck.minus(ByteRanges.of(range).alignInward(LINE_BYTES));
    }

    @Override
    void replacing(ByteRange range) {
      ByteRanges units = ByteRanges.of(range.alignOutward(CLEAR_UNIT_BYTES));
      if (isSuspect || !struck.intersect(units).isEmpty()) {
        halfForgotten = halfForgotten.union(units);
      }
    }

    @Override
    void persisted() {
      halfForgotten = isGone ? halfForgotten : ByteRanges.EMPTY;
    }

    @Override
    void crashed() {
      struck = struck.union(halfForgotten);
      halfForgotten = ByteRanges.EMPTY;
    }

    @Override
    boolean mayRefuse(ByteRange range) {
      return isGone;
    }

    /** Takes bytes that nobody can rebuild; returns all that may be lost by that. */
    ByteRanges lose(FaultKind kind, ByteRange range) throws IOException {
      inject(kind, range);
      return add(range.alignOutward(LINE_BYTES));
    }

    /** As {@link #lose}, of bytes that may be moved away, which a crash may leave half done. */
    ByteRanges loseUnits(FaultKind kind, ByteRange range) throws IOException {
      inject(kind, range);
      return add(range.alignOutward(CLEAR_UNIT_BYTES));
    }

    private ByteRanges add(ByteRange lost) {
      struck = struck.plus(lost);
      return ByteRanges.of(lost);
    }

    /** Takes bytes that somebody above can rebuild. */
    void inject(FaultKind kind, ByteRange range) throws IOException {
      media.injector().inject(FaultSpec.of(kind, range, random.nextLong()));
    }

    void vanish() {
      isGone = true;
      media.setPresence(Presence.GONE);
    }

    /** The same media, for the next {@link #start}. */
    void comeBack(SimMedia same) {
      if (isGone) {
        isSuspect = true;
        crashed(); // the list that it had in memory was not stored
      }
      isGone = false;
      media = same;
      media.setPresence(Presence.PRESENT);
    }
  }

  /** What joins children byte by byte. */
  abstract class Joined extends Node {
    Joined(String kind, List<Node> below) {
      super(kind, below);
    }

    abstract AddressMap map();

    @Override
    long sizeBytes() {
      return map().sizeBytes();
    }

    @Override
    ByteRanges up(int child, ByteRanges ranges) {
      return ByteRanges.of(
          ranges.asList().stream().flatMap(range -> map().toOwn(child, range).stream()).toList());
    }

    @Override
    ByteRange down(int slot, ByteRange range) {
      return map().toChild(slot, range);
    }
  }

  private final class Linear extends Joined {
    private final List<ByteRange> regions = new ArrayList<>();

    Linear(List<Node> below) {
      super("linear", below);
      for (Node child : below) {
        long pages = child.sizeBytes() / PAGE;
        long first = random.nextLong(pages / 3);
        long end = pages - random.nextLong(pages / 3);
        regions.add(new ByteRange(first * PAGE, end * PAGE));
      }
    }

    @Override
    AddressMap map() {
      return new LinearMap(regions);
    }

    @Override
    DaxDevice open() throws IOException {
      List<LinearTarget.Piece> pieces = new ArrayList<>();
      for (int slot = 0; slot < below.size(); slot++) {
        pieces.add(new LinearTarget.Piece(below.get(slot).device(), regions.get(slot)));
      }
      return LinearTarget.open(name, pieces, notices);
    }

    @Override
    void takeBack(int slot, DaxDevice child) throws IOException {
      ((LinearTarget) device()).childReturned(slot, child);
    }
  }

  private final class Striped extends Joined {
    private final long chunkBytes = (1 + random.nextLong(3)) * PAGE;

    Striped(List<Node> below) {
      super("striped", below);
    }

    private List<Long> sizes() {
      return below.stream().map(Node::sizeBytes).toList();
    }

    @Override
    AddressMap map() {
      long used = StripedTarget.sizeBytes(chunkBytes, sizes()) / below.size();
      return new StripeMap(chunkBytes, below.size(), used);
    }

    @Override
    DaxDevice open() throws IOException {
      List<DaxDevice> children = below.stream().map(Node::device).toList();
      return StripedTarget.open(name, chunkBytes, sizes(), children, notices);
    }

    @Override
    void takeBack(int slot, DaxDevice child) throws IOException {
      ((StripedTarget) device()).childReturned(slot, child);
    }
  }

  /** A protected target: one strike anywhere below it is absorbed. */
  final class Guarded extends Node {
    private static final int COLUMNS = 4;
    private final Geometry geometry;
    private boolean isStruck;
    private final WritePath.WriteMode mode =
        random.nextBoolean() ? WritePath.WriteMode.DIRECT : WritePath.WriteMode.STAGED;

    Guarded(Node below) {
      super("guarded", List.of(below));
      long pages = below.sizeBytes() / PAGE;
      long journalPages = 10;
      long rows = Math.max(2, (pages - 2 * journalPages - 2) / COLUMNS);
      this.geometry =
          new Geometry(
              ByteRange.ofLength(0, (2 * (1 + journalPages) + rows * COLUMNS) * PAGE),
              COLUMNS,
              rows,
              1,
              journalPages);
    }

    @Override
    void format() throws IOException {
      formatOn();
    }

    @Override
    void formatStarted() throws IOException {
      ProtectedTarget.format(below.getFirst().device(), geometry);
    }

    @Override
    long sizeBytes() {
      return geometry.volumeBytes();
    }

    @Override
    DaxDevice open() throws IOException {
      return ProtectedTarget.open(below.getFirst().device(), geometry, CLOCK, notices, mode);
    }

    /** Nothing that is lost below is lost here: it is struck once at a time. */
    @Override
    ByteRanges up(int child, ByteRanges ranges) {
      return ByteRanges.EMPTY;
    }

    @Override
    ByteRanges gone() {
      boolean any = !below.getFirst().gone().isEmpty();
      return any ? ByteRanges.of(new ByteRange(0, sizeBytes())) : ByteRanges.EMPTY;
    }

    @Override
    ByteRange down(int slot, ByteRange range) {
      return new ByteRange(0, 0);
    }

    /** True when one more strike below leaves every byte whole; it is taken to follow. */
    boolean absorbs() {
      boolean free = !isStruck;
      isStruck = true;
      return free;
    }

    @Override
    void scrub() throws IOException {
      super.scrub();
      ProtectedTarget target = (ProtectedTarget) device();
      if (target.state() != DeviceState.ONLINE) {
        return;
      }
      try {
        target.scrubBegins();
        for (long row = 0; row < geometry.rows(); row += ProtectedTarget.SCRUB_ROWS) {
          target.scrubRows(row, (int) Math.min(ProtectedTarget.SCRUB_ROWS, geometry.rows() - row));
        }
        target.scrubChecksums(0, target.checksumPages());
        target.scrubJournals();
        target.scrubCompleted();
      } catch (DeviceUnavailableException noticedNow) {
        // Nobody has used it since its media went.
        assertThat(gone().isEmpty()).as(noticedNow.getMessage()).isFalse();
        return;
      }
      // What is behind a good copy is not looked at.
      isStruck &= below.getFirst().all().stream().anyMatch(Cache.class::isInstance);
    }
  }

  /** Bytes are lost where every leg that holds all has lost them. */
  final class Mirror extends Node {
    private static final int CHUNK = 64 * PAGE;
    private final UUID uuid = new UUID(random.nextLong(), random.nextLong());
    private final boolean waits = random.nextInt(3) == 0;
    private final Queue<Runnable> tasks = new ArrayDeque<>();

    /** What of each leg was lost when it was copied from others, by slot. */
    private final List<ByteRanges> copiedLoss = new ArrayList<>();

    /** What of that was stored anew, of which a leg's durable list may not know yet. */
    private final List<ByteRanges> halfForgotten = new ArrayList<>();

    /** Legs that were gone since they were last in use. */
    private final Set<Integer> away = new TreeSet<>();

    Mirror(List<Node> below) {
      super("mirror", below);
      below.forEach(_ -> copiedLoss.add(ByteRanges.EMPTY));
      below.forEach(_ -> halfForgotten.add(ByteRanges.EMPTY));
    }

    private MirroredTarget mirror() {
      return (MirroredTarget) device();
    }

    @Override
    long sizeBytes() {
      return MirroredTarget.dataBytes(
          below.stream().mapToLong(Node::sizeBytes).min().orElseThrow());
    }

    private MirrorLayout layout() {
      return MirrorLayout.of(sizeBytes());
    }

    @Override
    void format() throws IOException {
      formatOn();
    }

    @Override
    void formatStarted() throws IOException {
      MirroredTarget.format(uuid, sizeBytes(), below.stream().map(Node::device).toList());
    }

    @Override
    DaxDevice open() throws IOException {
      tasks.clear();
      away.clear();
      Map<Integer, DaxDevice> legs = new TreeMap<>();
      for (int slot = 0; slot < below.size(); slot++) {
        legs.put(slot, below.get(slot).device());
      }
      Executor background = waits ? tasks::add : Runnable::run;
      return MirroredTarget.open(
          name, uuid, sizeBytes(), legs, MirrorOptions.of(CLOCK, background), notices);
    }

    @Override
    void background() {
      super.background();
      while (!tasks.isEmpty()) {
        tasks.remove().run();
      }
    }

    @Override
    ByteRanges up(int child, ByteRanges ranges) {
      return ranges.intersect(ByteRanges.of(new ByteRange(0, sizeBytes())));
    }

    @Override
    ByteRange down(int slot, ByteRange range) {
      return range;
    }

    /** With one leg in sync there is nothing to be equal: those behind are made so by copying. */
    @Override
    void makeEqual() {
      if (mirror().legs().stream().filter(leg -> leg.state() == LegStatus.State.IN_SYNC).count()
          > 1) {
        background();
      }
    }

    private boolean inSync(int slot) {
      return mirror().legs().stream()
          .anyMatch(leg -> leg.slot() == slot && leg.state() == LegStatus.State.IN_SYNC);
    }

    @Override
    ByteRanges mayBeLost() {
      ByteRanges all = ByteRanges.of(new ByteRange(0, sizeBytes()));
      for (int slot = 0; slot < below.size(); slot++) {
        if (inSync(slot)) {
          all = all.intersect(lostOn(slot));
        }
      }
      return all;
    }

    private ByteRanges lostOn(int slot) {
      ByteRanges lost = up(slot, below.get(slot).mayBeLost()).union(copiedLoss.get(slot));
      // What is told from bad by the granule is lost by the granule.
      int granule = below.get(slot).device().info().granuleBytes();
      return granule <= LINE_BYTES ? lost : lost.alignOutward(granule);
    }

    @Override
    ByteRanges gone() {
      ByteRanges all = ByteRanges.of(new ByteRange(0, sizeBytes()));
      for (int slot = 0; slot < below.size(); slot++) {
        if (inSync(slot)) {
          all = all.intersect(up(slot, below.get(slot).gone()));
        }
      }
      return all;
    }

    @Override
    boolean isExact() {
      return false;
    }

    @Override
    void replaced(ByteRange range) {
      super.replaced(range);
      for (int slot = 0; slot < below.size(); slot++) {
        if (inSync(slot)) {
          ByteRanges stored = copiedLoss.get(slot).intersect(range);
          copiedLoss.set(slot, copiedLoss.get(slot).minus(stored));
          // A verified leg has checked what was stored: that is good whatever a list says.
          if (!below.get(slot).device().info().verified()) {
            halfForgotten.set(slot, halfForgotten.get(slot).union(stored));
          }
        }
      }
    }

    @Override
    void persisted() {
      super.persisted();
      for (int slot = 0; slot < below.size(); slot++) {
        if (below.get(slot).gone().isEmpty()) {
          halfForgotten.set(slot, ByteRanges.EMPTY);
        }
      }
    }

    @Override
    void crashed() {
      super.crashed();
      for (int slot = 0; slot < below.size(); slot++) {
        copiedLoss.set(slot, copiedLoss.get(slot).union(halfForgotten.get(slot)));
        halfForgotten.set(slot, ByteRanges.EMPTY);
      }
    }

    @Override
    ByteRanges unreachable() {
      ByteRanges none = ByteRanges.of(new ByteRange(0, sizeBytes()));
      ByteRanges some = ByteRanges.EMPTY;
      for (int slot = 0; slot < below.size(); slot++) {
        if (inSync(slot)) {
          ByteRanges mine = up(slot, below.get(slot).unreachable());
          none = none.intersect(mine.union(lostOn(slot)));
          some = some.union(mine);
        }
      }
      return gone().union(none.intersect(some));
    }

    @Override
    boolean mayLackNotes() {
      boolean all = true;
      for (int slot = 0; slot < below.size(); slot++) {
        all &= !inSync(slot) || !below.get(slot).gone().isEmpty();
      }
      return all || super.mayLackNotes();
    }

    /**
     * Without any leg that is all there, none can be left behind: a write that one of them cannot
     * take is refused, and so is one whose notes one of them cannot take.
     */
    @Override
    boolean mayRefuse(ByteRange range) {
      boolean refused = gone().overlaps(range);
      for (int slot = 0; slot < below.size(); slot++) {
        if (inSync(slot)) {
          Node leg = below.get(slot);
          if (leg.gone().isEmpty()) {
            return false;
          }
          refused |= leg.mayRefuse(range);
          for (ByteRange notes : layout().notes()) {
            refused |= leg.mayRefuse(notes);
          }
        }
      }
      return refused;
    }

    @Override
    void look() throws IOException {
      super.look();
      ByteRanges now = mayBeLost();
      for (LegStatus leg : mirror().legs()) {
        int slot = leg.slot();
        if (!below.get(slot).gone().isEmpty()) {
          away.add(slot);
        }
        if (leg.state() != LegStatus.State.IN_SYNC) {
          copiedLoss.set(slot, copiedLoss.get(slot).union(now));
          assertThat(away.contains(slot) || leg.state() == LegStatus.State.RESYNCING)
              .as("%s of %s, which was never gone, and %s", leg, name, away)
              .isTrue();
          assertThat(away.isEmpty() && tasks.isEmpty() && leg.state() == LegStatus.State.RESYNCING)
              .as("%s of %s stays behind", leg, name)
              .isFalse();
        }
      }
    }

    @Override
    boolean mayStrike(int slot, ByteRange range) {
      // What is kept twice is struck in one place.
      ByteRange first = ByteRange.ofLength(layout().superblockAt(1), PAGE);
      ByteRange second =
          ByteRange.ofLength(layout().wordsAt(1), (long) layout().bitmapPages() * PAGE);
      return !range.overlaps(first) && !range.overlaps(second);
    }

    @Override
    void letGo(int slot) throws IOException {
      mirror().letGone(slot, "taken away");
      // It may be back, and in sync, before anybody looks: what the others lack, it is not given.
      boolean offline = mirror().state() == DeviceState.OFFLINE;
      ByteRanges now = offline ? ByteRanges.EMPTY : mayBeLost();
      // Without the last leg in sync those that are behind are given up.
      for (LegStatus leg : mirror().legs()) {
        if (leg.state() != LegStatus.State.IN_SYNC) {
          copiedLoss.set(leg.slot(), copiedLoss.get(leg.slot()).union(now));
          away.add(leg.slot());
        }
      }
    }

    /** True when it let that leg go. */
    boolean takeOffline(int slot) throws IOException {
      try {
        mirror().takeOffline(slot);
        away.add(slot);
        return true;
      } catch (MirrorLegException needed) {
        return false;
      }
    }

    @Override
    void takeBack(int slot, DaxDevice child) throws IOException {
      mirror().legReturned(slot, child);
      away.remove(slot);
    }

    @Override
    void scrub() throws IOException {
      super.scrub();
      if (mirror().state() != DeviceState.ONLINE) {
        return;
      }
      for (long at = 0; at < sizeBytes(); at += CHUNK) {
        mirror().compare(new ByteRange(at, Math.min(sizeBytes(), at + CHUNK)));
      }
    }
  }

  /** Bytes are lost where they lie now, and where they were when they could be moved in part. */
  final class Cache extends Node {
    private static final int FAST = 0;
    private static final int ORIGIN = 1;
    private final UUID uuid = new UUID(random.nextLong(), random.nextLong());
    private final int high = random.nextInt(3) * 50;

    /** Lost once, and not yet stored anew for good. */
    private ByteRanges known = ByteRanges.EMPTY;

    private ByteRanges replaced = ByteRanges.EMPTY;
    private NoticeDispatcher fastNotices = new NoticeDispatcher("composed", CLOCK, _ -> {});

    Cache(Node fast, Node origin) {
      super("cache", List.of(fast, origin));
    }

    WriteCachedTarget cache() {
      return (WriteCachedTarget) device();
    }

    @Override
    long sizeBytes() {
      return below.get(ORIGIN).sizeBytes() / PAGE * PAGE;
    }

    @Override
    void format() throws IOException {
      formatOn();
    }

    @Override
    void formatStarted() throws IOException {
      WriteCachedTarget.format(uuid, used(below.get(FAST).device()), sizeBytes());
    }

    /** A cache takes all of its fast device, of which a leaf keeps the end for its lists. */
    private DaxDevice used(DaxDevice fast) throws IOException {
      fastNotices = new NoticeDispatcher("composed", CLOCK, _ -> {});
      ByteRange used = new ByteRange(0, below.get(FAST).sizeBytes());
      return LinearTarget.open(fast.info().name(), fast, used, fastNotices);
    }

    @Override
    void drain() {
      below.forEach(Node::drain);
      fastNotices.drain();
      notices.drain();
    }

    @Override
    DaxDevice open() throws IOException {
      return WriteCachedTarget.open(
          name,
          uuid,
          used(below.get(FAST).device()),
          below.get(ORIGIN).device(),
          sizeBytes(),
          new WriteCacheOptions(Runnable::run, high, high / 2, WriteCacheOptions.Unknown.REFUSE),
          notices);
    }

    private WriteCacheGeometry geometry() {
      return WriteCacheGeometry.plan(below.get(FAST).sizeBytes(), sizeBytes());
    }

    @Override
    ByteRanges up(int child, ByteRanges ranges) {
      if (child == ORIGIN) {
        return ranges.intersect(ByteRanges.of(new ByteRange(0, sizeBytes())));
      }
      WriteCacheCore core = cache().core();
      List<ByteRange> own = new ArrayList<>();
      for (ByteRange range : ranges.intersect(ByteRanges.of(geometry().data())).asList()) {
        int last = geometry().blockAt(range.end() - 1);
        for (int block = geometry().blockAt(range.start()); block <= last; block++) {
          ByteRange place = geometry().block(block);
          if (core != null && WriteCacheIndex.holdsNewest(core.index.state(block))) {
            long page = core.index.page(block) * PAGE;
            own.add(range.intersect(place).shift(page - place.start()));
          }
        }
      }
      return ByteRanges.of(own);
    }

    @Override
    ByteRange down(int slot, ByteRange range) {
      return slot == ORIGIN ? range : new ByteRange(0, 0);
    }

    @Override
    ByteRanges mayBeLost() {
      int granule = device().info().granuleBytes();
      ByteRanges now = super.mayBeLost();
      return known.union(granule <= LINE_BYTES ? now : now.alignOutward(granule));
    }

    @Override
    ByteRanges gone() {
      boolean any = below.stream().anyMatch(child -> !child.gone().isEmpty());
      return any ? ByteRanges.of(new ByteRange(0, sizeBytes())) : ByteRanges.EMPTY;
    }

    @Override
    boolean isExact() {
      return false;
    }

    @Override
    void look() throws IOException {
      super.look();
      known = mayBeLost();
    }

    @Override
    void doubt(ByteRanges own) {
      known = known.union(own.alignOutward(PAGE));
    }

    @Override
    void replaced(ByteRange range) {
      replaced = replaced.plus(range);
    }

    /** What is lost once more since it was stored anew is not good with the next persist. */
    @Override
    ByteRanges lost(int slot, ByteRanges ranges) {
      int granule = device().info().granuleBytes();
      ByteRanges own = up(slot, ranges);
      own = granule <= LINE_BYTES ? own : own.alignOutward(granule);
      replaced = replaced.minus(own);
      return own;
    }

    @Override
    void replacing(ByteRange range) {
      below.get(ORIGIN).replacing(range);
    }

    @Override
    void persisted() {
      super.persisted();
      known = known.minus(replaced);
      replaced.asList().forEach(range -> below.get(ORIGIN).replaced(range));
      replaced = ByteRanges.EMPTY;
    }

    @Override
    boolean mayStrike(int slot, ByteRange range) {
      // What is kept twice is struck in one place.
      return slot != FAST
          || (!range.overlaps(geometry().table(1)) && !range.overlaps(geometry().superblock(1)));
    }

    @Override
    ByteRanges strikeUp(int slot, ByteRange range) {
      return slot == ORIGIN
          ? up(slot, ByteRanges.of(range))
          : ByteRanges.of(new ByteRange(0, sizeBytes()));
    }

    @Override
    void takeBack(int slot, DaxDevice child) throws IOException {
      if (slot == FAST) {
        cache().childReturned(WriteCachedTarget.Slot.FAST, used(child));
      } else {
        cache().childReturned(WriteCachedTarget.Slot.ORIGIN, child);
      }
    }
  }
}
