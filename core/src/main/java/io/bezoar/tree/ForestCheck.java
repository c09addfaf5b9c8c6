package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Goes through one durable commit, and compares what is reachable with what is marked as in use.
 * Memory: a few bits for each page of the device, and an entry for each node. Used once.
 */
final class ForestCheck {
  private static final int PROBLEMS_MAX = 1000;

  private final DaxDevice device;
  private final NodeStore store;
  private final Durable durable;
  private final List<Long> slots;
  private final int pages;

  /** Pages of the live trees, of the forest's own, and of data; and those that only holds reach. */
  private final BitSet live = new BitSet();

  private final BitSet data = new BitSet();
  private final BitSet onlyHeld = new BitSet();
  private final Visited visited = new Visited();
  private final List<ByteRange> badCopies = new ArrayList<>();
  private final List<TreeDamagedException> damage = new ArrayList<>();
  private final List<String> problems = new ArrayList<>();
  private final Set<Long> commits = new HashSet<>();
  private boolean walkingHolds;
  private long nodes;
  private long entries;

  ForestCheck(DaxDevice device, NodeStore store, Durable durable, List<Long> slots) {
    this.device = device;
    this.store = store;
    this.durable = durable;
    this.slots = slots;
    this.pages = Math.toIntExact(device.sizeBytes() / PAGE_BYTES);
  }

  ForestReport run(Snapshot view, DataPages owner) throws IOException {
    for (long slot : slots) {
      live.set((int) (slot / PAGE_BYTES));
    }
    for (TreeRoot root : durable.root().trees()) {
      walk(root, live);
    }
    owner.forEach(view, range -> ownedBy(range, data));
    BitSet both = (BitSet) live.clone();
    both.and(data);
    if (!both.isEmpty()) {
      problem("pages " + both + " are both of nodes and of data");
    }
    walkingHolds = true;
    boolean releasing = false;
    for (HoldLayout.Kept kept : durable.holds()) {
      commits.add(kept.commit());
      releasing |= kept.releasing();
      if (!kept.releasing()) {
        walkHold(kept, owner);
      }
    }
    BitSet held = heldPages();
    compareHeld(held, releasing);
    List<ByteRange> leaked = compareSpace(held);
    return new ForestReport(
        durable.commit(),
        nodes,
        entries,
        data.cardinality(),
        held.cardinality(),
        durable.root().freePages(),
        badCopies,
        damage,
        damage.isEmpty() ? leaked : List.of(),
        problems);
  }

  /**
   * Works out what is in use without the tree that says so.
   *
   * @throws TreeDamagedException when anything else than that tree has lost a node: what is below
   *     it would be taken to be free
   */
  Rebuilt rebuild(Snapshot view, DataPages owner) throws IOException {
    for (long slot : slots) {
      live.set((int) (slot / PAGE_BYTES));
    }
    BitSet space = new BitSet();
    walk(durable.root().trees().get(SystemTrees.SPACE), space);
    damage.clear();
    for (TreeRoot root : durable.root().trees()) {
      if (root.id() != SystemTrees.SPACE) {
        walk(root, live);
      }
    }
    owner.forEach(view, range -> ownedBy(range, data));
    durable.holds().forEach(kept -> commits.add(kept.commit()));
    BitSet inUse = heldPages();
    if (!damage.isEmpty()) {
      throw damage.getFirst();
    }
    if (!problems.isEmpty()) {
      throw new IOException(device.info().name() + ": not to be rebuilt: " + problems);
    }
    inUse.or(live);
    inUse.or(data);
    // Pages of the old tree that somebody else has are not its own any more.
    space.andNot(inUse);
    inUse.or(space);
    return Rebuilt.of(durable.commit(), inUse, space, pages);
  }

  private void problem(String what) {
    if (problems.size() < PROBLEMS_MAX) {
      problems.add(what);
    }
  }

  private void ownedBy(ByteRange range, BitSet owned) {
    if (range.start() % PAGE_BYTES != 0
        || range.end() % PAGE_BYTES != 0
        || range.end() > device.sizeBytes()) {
      problem("data at " + range + " is not made of whole pages of the device");
    } else {
      owned.set((int) (range.start() / PAGE_BYTES), (int) (range.end() / PAGE_BYTES));
    }
  }

  private void walkHold(HoldLayout.Kept kept, DataPages owner) throws IOException {
    BitSet reached = new BitSet();
    for (TreeRoot root : kept.roots()) {
      walk(root, reached);
    }
    Snapshot view =
        new Snapshot(device.info().name(), store, kept.roots(), kept.commit(), () -> {});
    owner.forEach(view, range -> ownedBy(range, reached));
    reached.andNot(live);
    reached.andNot(data);
    onlyHeld.or(reached);
  }

  private void walk(TreeRoot root, BitSet used) throws IOException {
    if (!root.isEmpty()) {
      byte[] @Nullable [] bounds = {{}, null};
      walk(root, root.height() - 1, List.of(root.ref()), bounds, used);
    }
  }

  /**
   * Goes through neighbours on one level, and what is below them.
   *
   * @param bounds the least key of each, and what the keys of the last one are below
   */
  private void walk(
      TreeRoot root, int level, List<Ref> refs, byte[] @Nullable [] bounds, BitSet used)
      throws IOException {
    boolean[] wanted = new boolean[refs.size()];
    List<Ref> looked = new ArrayList<>();
    for (int i = 0; i < wanted.length; i++) {
      wanted[i] = visit(root, refs.get(i), used);
      if (wanted[i]) {
        looked.add(refs.get(i));
      }
    }
    Iterator<NodeStore.Checked> checked = store.check(root.id(), level, looked).iterator();
    for (int i = 0; i < wanted.length; i++) {
      if (wanted[i]) {
        byte[] low = Objects.requireNonNull(bounds[i]);
        seen(root, level, checked.next(), low, bounds[i + 1], used);
      }
    }
  }

  private void seen(
      TreeRoot root,
      int level,
      NodeStore.Checked checked,
      byte[] low,
      byte @Nullable [] high,
      BitSet used)
      throws IOException {
    UnreadableNodeException lost = checked.lost();
    Node node = checked.node();
    if (lost != null) {
      Tree tree = new Tree(root.id(), root.name());
      damage.add(new TreeDamagedException(device.info().name(), tree, low, high, lost));
    }
    if (node == null) {
      return;
    }
    nodes++;
    Ref ref = checked.ref();
    if (!checked.firstProblem().isEmpty()) {
      badCopies.add(PageIo.pageAt(ref.address()));
    }
    if (!checked.secondProblem().isEmpty()) {
      badCopies.add(PageIo.pageAt(ref.twin()));
    }
    byte[] page = node.page;
    checkOrder(root, ref, page, low, high);
    int count = NodeLayout.count(page);
    if (level == 0) {
      entries += count;
      return;
    }
    List<Ref> below = new ArrayList<>(count);
    byte[] @Nullable [] bounds = new byte[count + 1][];
    for (int i = 0; i < count; i++) {
      below.add(NodeLayout.ref(page, i));
      bounds[i] = i == 0 ? low : NodeLayout.key(page, i);
    }
    bounds[count] = high;
    walk(root, level - 1, below, bounds, used);
  }

  /** False when there is nothing more to look at. */
  private boolean visit(TreeRoot root, Ref ref, BitSet used) {
    long size = device.sizeBytes();
    for (long copy : new long[] {ref.address(), ref.twin()}) {
      if (copy < 0 || copy > size - PAGE_BYTES || copy % PAGE_BYTES != 0) {
        problem(root, ref, "lies beyond the device");
        return false;
      }
    }
    int page = (int) (ref.address() / PAGE_BYTES);
    int twin = (int) (ref.twin() / PAGE_BYTES);
    long before = visited.put(ref.address(), ref.generation());
    if (before != Visited.NOT_YET) {
      if (!walkingHolds || before != ref.generation()) {
        problem(root, ref, "is reached twice");
        return false;
      }
      // Shared by holds, or with the live trees: what is below it was visited as well.
      if (!live.get(page)) {
        used.set(page);
        used.set(twin);
      }
      return false;
    }
    if (used.get(page) || live.get(page) || used.get(twin) || live.get(twin) || page == twin) {
      problem(root, ref, "has a page with two owners");
    }
    used.set(page);
    used.set(twin);
    if (ref.commit() > durable.commit()) {
      problem(root, ref, "is of a later commit than " + durable.commit());
    }
    return true;
  }

  private void problem(TreeRoot root, Ref ref, String what) {
    problem("tree " + root.name() + ": node at " + ref + " " + what);
  }

  private void checkOrder(TreeRoot root, Ref ref, byte[] page, byte[] low, byte @Nullable [] high) {
    int count = NodeLayout.count(page);
    int first = NodeLayout.level(page) == 0 ? 0 : 1;
    for (int i = first; i < count; i++) {
      boolean inOrder =
          i == first
              ? i == 0
                  ? NodeLayout.compareKey(page, i, low) >= 0
                  : NodeLayout.compareKey(page, i, low) > 0
              : NodeLayout.compareKeys(page, i - 1, i) < 0;
      if (!inOrder
          || (i == count - 1 && high != null && NodeLayout.compareKey(page, i, high) >= 0)) {
        problem(root, ref, "has entry " + i + " out of order");
      }
    }
    if (count == 0) {
      problem(root, ref, "is empty");
    }
  }

  private BitSet heldPages() throws IOException {
    BitSet held = new BitSet();
    TreeRoot root = durable.root().trees().get(SystemTrees.HELD);
    Cursor cursor = new Cursor(device.info().name(), store, () -> root, () -> 0);
    try {
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        HoldLayout.Held entry = HoldLayout.decodeHeld(cursor.key(), cursor.value());
        if (!commits.contains(entry.list())) {
          problem("pages at " + entry.start() + " are held by no hold: " + entry.list());
        }
        int start = Math.toIntExact(entry.start());
        int end = Math.toIntExact(entry.start() + entry.count());
        if (held.get(start, end).cardinality() > 0) {
          problem("pages at " + entry.start() + " are held twice");
        }
        held.set(start, end);
      }
    } catch (TreeDamagedException known) {
      // The walk named it.
      return held;
    }
    return held;
  }

  private void compareHeld(BitSet held, boolean releasing) {
    BitSet missing = (BitSet) onlyHeld.clone();
    missing.andNot(held);
    if (!missing.isEmpty()) {
      problem("pages " + missing + " are reached by a hold, and not kept for it");
    }
    BitSet needless = (BitSet) held.clone();
    needless.andNot(onlyHeld);
    if (!releasing && damage.isEmpty() && !needless.isEmpty()) {
      problem("pages " + needless + " are kept for a hold that does not reach them");
    }
  }

  /** The pages that are in use for nobody. */
  private List<ByteRange> compareSpace(BitSet held) throws IOException {
    BitSet expected = (BitSet) live.clone();
    expected.or(data);
    if (expected.intersects(held)) {
      problem("pages are both live and kept for a hold");
    }
    expected.or(held);
    BitSet marked = new BitSet();
    TreeRoot space = durable.root().trees().get(SystemTrees.SPACE);
    Cursor cursor = new Cursor(device.info().name(), store, () -> space, () -> 0);
    try {
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        int group = SpaceLayout.group(cursor.key());
        BitSet bits = BitSet.valueOf(SpaceLayout.decode(cursor.value()));
        int base = group * SpaceLayout.GROUP_PAGES;
        bits.stream().forEach(bit -> marked.set(base + bit));
      }
    } catch (TreeDamagedException known) {
      // The walk named it; without it nothing can be compared.
      return List.of();
    }
    if (pages - marked.cardinality() != durable.root().freePages()) {
      problem(
          "the root counts "
              + durable.root().freePages()
              + " free pages, and there are "
              + (pages - marked.cardinality()));
    }
    BitSet missing = (BitSet) expected.clone();
    missing.andNot(marked);
    if (!missing.isEmpty()) {
      problem("pages " + missing + " are in use, and marked as free");
    }
    marked.andNot(expected);
    List<ByteRange> leaked = new ArrayList<>();
    for (int from = marked.nextSetBit(0); from >= 0; ) {
      int to = marked.nextClearBit(from);
      leaked.add(new ByteRange((long) from * PAGE_BYTES, (long) to * PAGE_BYTES));
      from = marked.nextSetBit(to);
    }
    return leaked;
  }
}
