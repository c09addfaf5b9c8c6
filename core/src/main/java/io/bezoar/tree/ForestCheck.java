package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
  private final Map<Long, Long> visited = new HashMap<>();
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
      walk(root, root.height() - 1, root.ref(), new byte[0], null, used);
    }
  }

  private void walk(
      TreeRoot root, int level, Ref ref, byte[] low, byte @Nullable [] high, BitSet used)
      throws IOException {
    if (!visit(root, ref, used)) {
      return;
    }
    NodeStore.Checked checked;
    try {
      checked = store.check(root.id(), level, ref);
    } catch (UnreadableNodeException lost) {
      Tree tree = new Tree(root.id(), root.name());
      damage.add(new TreeDamagedException(device.info().name(), tree, low, high, lost));
      return;
    }
    nodes++;
    if (!checked.firstProblem().isEmpty()) {
      badCopies.add(PageIo.pageAt(ref.address()));
    }
    if (!checked.secondProblem().isEmpty()) {
      badCopies.add(PageIo.pageAt(ref.twin()));
    }
    byte[] page = checked.node().page;
    checkOrder(root, ref, page, low, high);
    int count = NodeLayout.count(page);
    if (level == 0) {
      entries += count;
      return;
    }
    for (int i = 0; i < count; i++) {
      byte[] from = i == 0 ? low : NodeLayout.key(page, i);
      byte[] to = i + 1 < count ? NodeLayout.key(page, i + 1) : high;
      walk(root, level - 1, NodeLayout.ref(page, i), from, to, used);
    }
  }

  /** False when there is nothing more to look at. */
  private boolean visit(TreeRoot root, Ref ref, BitSet used) {
    Long before = visited.putIfAbsent(ref.address(), ref.generation());
    String what = "tree " + root.name() + ": node at " + ref;
    if (before != null) {
      if (!walkingHolds || before != ref.generation()) {
        problem(what + " is reached twice");
        return false;
      }
      // Shared by holds, or with the live trees: what is below it was visited as well.
      if (!live.get((int) (ref.address() / PAGE_BYTES))) {
        used.set((int) (ref.address() / PAGE_BYTES));
        used.set((int) (ref.twin() / PAGE_BYTES));
      }
      return false;
    }
    for (ByteRange copy : PageIo.pagesAt(ref)) {
      if (copy.end() > device.sizeBytes() || copy.start() < 0) {
        problem(what + " lies beyond the device");
        return false;
      }
      int page = (int) (copy.start() / PAGE_BYTES);
      if (used.get(page) || live.get(page)) {
        problem(what + ": page " + page + " has two owners");
      }
      used.set(page);
    }
    if (ref.commit() > durable.commit()) {
      problem(what + " is of a later commit than " + durable.commit());
    }
    return true;
  }

  private void checkOrder(TreeRoot root, Ref ref, byte[] page, byte[] low, byte @Nullable [] high) {
    int first = NodeLayout.level(page) == 0 ? 0 : 1;
    byte[] before = low;
    for (int i = first; i < NodeLayout.count(page); i++) {
      byte[] key = NodeLayout.key(page, i);
      int order = Arrays.compareUnsigned(before, key);
      boolean mayBeLow = i == 0;
      if (order > 0
          || (order == 0 && !mayBeLow)
          || (high != null && Arrays.compareUnsigned(key, high) >= 0)) {
        problem("tree " + root.name() + ": node at " + ref + ": entry " + i + " is out of order");
      }
      before = key;
    }
    if (NodeLayout.count(page) == 0) {
      problem("tree " + root.name() + ": node at " + ref + " is empty");
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
