package io.bezoar.target;

import static io.bezoar.media.Units.LINE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
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
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
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
          (composer, depth, _) -> composer.new Guarded(composer.node(depth - 1, 100)));

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

    /** Own bytes were stored anew, by a recovery write that says it is complete. */
    abstract void replaced(ByteRange range);

    /** A recovery write of own bytes begins. */
    abstract void replacing(ByteRange range);

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
    }

    final DaxDevice device() {
      if (device == null) {
        throw new IllegalStateException(name + " was not started");
      }
      return device;
    }

    final void drain() {
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

    /** Takes bytes that nobody can rebuild. */
    void lose(FaultKind kind, ByteRange range) throws IOException {
      inject(kind, range);
      struck = struck.plus(range.alignOutward(LINE_BYTES));
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
    void replaced(ByteRange range) {
      for (int slot = 0; slot < below.size(); slot++) {
        below.get(slot).replaced(map().toChild(slot, range));
      }
    }

    @Override
    void replacing(ByteRange range) {
      for (int slot = 0; slot < below.size(); slot++) {
        below.get(slot).replacing(map().toChild(slot, range));
      }
    }

    abstract void childReturned(int slot, DaxDevice child) throws IOException;
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
    void childReturned(int slot, DaxDevice child) throws IOException {
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
    void childReturned(int slot, DaxDevice child) throws IOException {
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
      super.format();
      below.getFirst().start();
      try (DaxDevice child = below.getFirst().device()) {
        ProtectedTarget.format(child, geometry);
      }
      reopenLeaves();
    }

    private void reopenLeaves() {
      for (Path path : paths()) {
        path.leaf().comeBack(path.leaf().media.reopen());
      }
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
    void replaced(ByteRange range) {}

    @Override
    void replacing(ByteRange range) {}

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
      target.scrubBegins();
      for (long row = 0; row < geometry.rows(); row += ProtectedTarget.SCRUB_ROWS) {
        target.scrubRows(row, (int) Math.min(ProtectedTarget.SCRUB_ROWS, geometry.rows() - row));
      }
      target.scrubChecksums(0, target.checksumPages());
      target.scrubJournals();
      target.scrubCompleted();
      isStruck = false;
    }
  }
}
