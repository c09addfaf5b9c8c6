package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes one commit: gives every new node its two places, brings the forest's own trees up to date,
 * and stores everything but the root slots.
 *
 * <p><b>The egg and the hen.</b> The tree that says which pages are in use is stored in pages
 * itself: to store it changes it. It converges because its values have one fixed size and its keys
 * are never taken away: a pass sets and clears the bits of what earlier passes placed and freed,
 * and then only nodes that no earlier pass touched need a place. There are finitely many of those,
 * each pass but the last places one at least, and as pages are handed out first fit, the second
 * pass rarely finds one. Places are given before contents are final; contents are stored last.
 *
 * <p>Used once.
 */
final class Committer implements TreeEdit.Changes {
  /** Most entries of a released hold that one commit takes apart. */
  static final int PRUNED_MAX = 256;

  private final DaxDevice device;
  private final NodeStore store;
  private final PageAllocator allocator;
  private final Gathering gathering;
  private final Durable base;

  /** Commits of the holds that somebody reads. */
  private final Set<Long> open;

  private final HoldLayout.@Nullable Kept newestHold;
  private final TreeEdit edit;
  private final List<TreeRoot> roots;
  private List<HoldLayout.Kept> holds;

  private final List<Node> written = new ArrayList<>();

  /** Nodes of the forest's own trees that have no place yet. */
  private final Set<Node> made = new LinkedHashSet<>();

  private Extents allocated = new Extents();
  private Extents freed = new Extents();
  final Extents allAllocated = new Extents();
  final Extents allFreed = new Extents();
  private long freePages;

  Committer(
      DaxDevice device,
      NodeStore store,
      PageAllocator allocator,
      long owner,
      Gathering gathering,
      Durable base,
      Set<Long> open) {
    this.device = device;
    this.store = store;
    this.allocator = allocator;
    this.gathering = gathering;
    this.base = base;
    this.open = open;
    this.newestHold = newestHold(gathering.commit);
    this.edit = new TreeEdit(store, owner, gathering.commit, this);
    this.roots = new ArrayList<>(gathering.roots);
    for (int i = 0; i < SystemTrees.COUNT; i++) {
      roots.set(i, base.root().trees().get(i));
    }
    this.holds = new ArrayList<>(base.holds());
    this.freePages = base.root().freePages();
  }

  /** Stores all nodes; what is returned is durable once the device and a root slot are. */
  Durable run() throws IOException {
    gathering.allocated.forEach((start, count, born) -> allocated.add(start, count, born));
    placeTrees();
    gathering.freed.forEach(this::free);
    for (Node node : gathering.replaced) {
      Ref ref = node.placed;
      if (ref != null) {
        freeNode(ref);
      }
    }
    changeHolds();
    placeMade();
    startSpaceAnew();
    do {
      updateSpace();
      placeMade();
    } while (!allocated.isEmpty() || !freed.isEmpty());
    for (Node node : written) {
      node.nameKids();
    }
    store.write(written);
    List<TreeRoot> settled = roots.stream().map(TreeRoot::placed).toList();
    ForestLayout.Root before = base.root();
    return new Durable(
        new ForestLayout.Root(
            before.forest(),
            gathering.commit,
            before.sizeBytes(),
            freePages,
            before.slots(),
            settled),
        List.copyOf(holds));
  }

  /** When the old tree of what is in use is lost: what was worked out takes its place. */
  private void startSpaceAnew() throws IOException {
    Rebuilt rebuilt = gathering.rebuilt;
    if (rebuilt == null) {
      return;
    }
    freePages = rebuilt.freePages();
    TreeRoot space = roots.get(SystemTrees.SPACE).emptied();
    for (Map.Entry<Integer, long[]> group : rebuilt.groups().entrySet()) {
      byte[] key = SpaceLayout.key(group.getKey());
      space = edit.put(space, key, SpaceLayout.encode(group.getValue()));
    }
    roots.set(SystemTrees.SPACE, space);
    rebuilt.oldPages().forEach(freed::add);
    placeMade();
  }

  private void placeTrees() throws IOException {
    for (int i = SystemTrees.COUNT; i < roots.size(); i++) {
      Node node = roots.get(i).node();
      if (node != null) {
        placeAll(node);
      }
    }
  }

  /** Children first, so that neighbours in the tree become neighbours on the device. */
  private void placeAll(Node node) throws IOException {
    if (node.placed != null) {
      return;
    }
    if (node.level > 0) {
      for (int i = 0; i < node.count(); i++) {
        Node kid = node.kid(i);
        if (kid != null) {
          placeAll(kid);
        }
      }
    }
    place(node);
  }

  private void place(Node node) throws IOException {
    node.placed = place(device, allocator, gathering, allocated);
    written.add(node);
  }

  /** Two pages for one node. */
  static Ref place(
      DaxDevice device, PageAllocator allocator, Gathering gathering, Extents allocated)
      throws IOException {
    long first = allocator.takePage(PageAllocator.Home.FIRST_COPY, -1);
    if (first >= 0) {
      allocated.add(first, 1, gathering.commit);
      int domain = device.info().failureDomains() > 1 ? domainOf(device, first) : -1;
      long second = allocator.takePage(PageAllocator.Home.SECOND_COPY, domain);
      if (second >= 0) {
        allocated.add(second, 1, gathering.commit);
        return new Ref(first * PAGE_BYTES, second * PAGE_BYTES, gathering.nextGeneration());
      }
    }
    throw new ForestFullException(device.info().name(), 2L * PAGE_BYTES, 0);
  }

  private static int domainOf(DaxDevice device, long page) {
    return device.failureDomain(page * PAGE_BYTES);
  }

  private void placeMade() throws IOException {
    for (Node node : made) {
      place(node);
    }
    made.clear();
  }

  private void free(long start, long count, long born) throws IOException {
    if (newestHold != null && born <= newestHold.commit()) {
      keep(newestHold.commit(), start, count, born);
    } else {
      freed.add(start, count, born);
    }
  }

  private void keep(long list, long start, long count, long born) throws IOException {
    roots.set(
        SystemTrees.HELD,
        edit.put(
            roots.get(SystemTrees.HELD),
            HoldLayout.heldKey(list, start),
            HoldLayout.heldValue(count, born)));
  }

  private void freeNode(Ref ref) throws IOException {
    free(ref.address() / PAGE_BYTES, 1, ref.commit());
    free(ref.twin() / PAGE_BYTES, 1, ref.commit());
  }

  private void changeHolds() throws IOException {
    for (long commit : gathering.releases) {
      for (int i = 0; i < holds.size(); i++) {
        HoldLayout.Kept kept = holds.get(i);
        if (kept.commit() == commit) {
          storeHold(kept.released());
          holds.set(i, kept.released());
        }
      }
    }
    String name = gathering.hold;
    if (name != null) {
      List<TreeRoot> kept = new ArrayList<>(SystemTrees.empty());
      for (int i = SystemTrees.COUNT; i < roots.size(); i++) {
        kept.add(roots.get(i).placed());
      }
      HoldLayout.Kept hold = new HoldLayout.Kept(gathering.commit, name, false, List.copyOf(kept));
      storeHold(hold);
      holds.add(hold);
    }
    if (gathering.pruned > 0) {
      prune();
    }
  }

  private void storeHold(HoldLayout.Kept hold) throws IOException {
    roots.set(
        SystemTrees.HOLDS,
        edit.put(
            roots.get(SystemTrees.HOLDS),
            HoldLayout.holdKey(hold.commit()),
            HoldLayout.encode(hold)));
  }

  /**
   * Takes entries of the oldest released hold apart; with the last one goes the hold. One that is
   * released by this very commit waits for the next: until this one is durable it can be opened.
   */
  private void prune() throws IOException {
    HoldLayout.Kept going =
        base.holds().stream().filter(kept -> !keepsPages(kept)).findFirst().orElse(null);
    if (going == null) {
      return;
    }
    HoldLayout.Kept older = newestHold(going.commit());
    List<HoldLayout.Held> batch = heldBy(going.commit());
    for (HoldLayout.Held held : batch) {
      roots.set(
          SystemTrees.HELD,
          edit.delete(roots.get(SystemTrees.HELD), HoldLayout.heldKey(held.list(), held.start())));
      if (older != null && held.born() <= older.commit()) {
        keep(older.commit(), held.start(), held.count(), held.born());
      } else {
        freed.add(held.start(), held.count(), held.born());
      }
    }
    if (batch.size() < gathering.pruned) {
      roots.set(
          SystemTrees.HOLDS,
          edit.delete(roots.get(SystemTrees.HOLDS), HoldLayout.holdKey(going.commit())));
      holds = new ArrayList<>(holds.stream().filter(h -> h.commit() != going.commit()).toList());
    }
  }

  private boolean keepsPages(HoldLayout.Kept kept) {
    return !kept.releasing() || open.contains(kept.commit());
  }

  /** The newest hold that keeps its pages, and an older commit than {@code before}. */
  private HoldLayout.@Nullable Kept newestHold(long before) {
    HoldLayout.Kept newest = null;
    for (HoldLayout.Kept kept : base.holds()) {
      if (keepsPages(kept) && kept.commit() < before) {
        newest = kept;
      }
    }
    return newest;
  }

  private List<HoldLayout.Held> heldBy(long list) throws IOException {
    List<HoldLayout.Held> batch = new ArrayList<>();
    TreeRoot root = roots.get(SystemTrees.HELD);
    Cursor cursor = new Cursor(device.info().name(), store, () -> root, () -> 0);
    boolean at = cursor.seek(HoldLayout.heldKey(list, 0));
    while (at && batch.size() < gathering.pruned && cursor.keyLong(0) == list) {
      batch.add(HoldLayout.decodeHeld(cursor.key(), cursor.value()));
      at = cursor.next();
    }
    return batch;
  }

  /** Sets and clears the bits of what was placed and freed since the last pass. */
  private void updateSpace() throws IOException {
    Extents set = allocated;
    Extents clear = freed;
    allocated = new Extents();
    freed = new Extents();
    allAllocated.addAll(set);
    allFreed.addAll(clear);
    Map<Integer, long[]> groups = new TreeMap<>();
    set.forEach((start, count, born) -> freePages -= flip(groups, start, count, true));
    clear.forEach((start, count, born) -> freePages += flip(groups, start, count, false));
    for (Map.Entry<Integer, long[]> group : groups.entrySet()) {
      roots.set(
          SystemTrees.SPACE,
          edit.put(
              roots.get(SystemTrees.SPACE),
              SpaceLayout.key(group.getKey()),
              SpaceLayout.encode(group.getValue())));
    }
  }

  private long flip(Map<Integer, long[]> groups, long start, long count, boolean use)
      throws IOException {
    for (long at = start; at < start + count; ) {
      int group = SpaceLayout.groupOf(at);
      long to = Math.min(start + count, (group + 1L) * SpaceLayout.GROUP_PAGES);
      long[] bits = groups.get(group);
      if (bits == null) {
        bits = spaceOf(store, roots.get(SystemTrees.SPACE), group);
        groups.put(group, bits);
      }
      int last = (int) ((to - 1) % SpaceLayout.GROUP_PAGES) >>> 6;
      for (int word = (int) (at % SpaceLayout.GROUP_PAGES) >>> 6; word <= last; word++) {
        long mask = SpaceLayout.maskOf(word, at, to);
        if ((bits[word] & mask) != (use ? 0 : mask)) {
          throw new IllegalStateException(
              device.info().name()
                  + ": of the pages "
                  + at
                  + " to "
                  + to
                  + " one is "
                  + (use ? "used twice" : "freed twice"));
        }
        bits[word] ^= mask;
      }
      at = to;
    }
    return count;
  }

  static long[] spaceOf(NodeStore store, TreeRoot space, int group) throws IOException {
    byte[] key = SpaceLayout.key(group);
    byte[] value = TreeReads.get(store, space, key);
    return value == null ? new long[SpaceLayout.WORDS] : SpaceLayout.decode(value);
  }

  // The forest's own trees: holds do not keep them.

  @Override
  public void made(Node node) {
    made.add(node);
  }

  @Override
  public void replaced(Node node) {
    Ref ref = node.placed;
    if (ref != null) {
      dropped(ref);
    } else {
      made.remove(node);
    }
  }

  @Override
  public void dropped(Ref ref) {
    freed.add(ref.address() / PAGE_BYTES, 1, ref.commit());
    freed.add(ref.twin() / PAGE_BYTES, 1, ref.commit());
  }

  @Override
  public void unread(UnreadableNodeException branch) {
    throw new IllegalStateException("the forest's own trees are never dropped");
  }
}
