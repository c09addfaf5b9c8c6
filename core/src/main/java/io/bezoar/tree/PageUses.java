package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;
import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells what pages are for.
 *
 * <p>Invariant: a page is called a node only when a root of the durable commit, or of a hold, leads
 * to it now. What a page says about itself shortens the way there and is never believed; nor is a
 * reference followed that was not reached from a root, because whatever it leads to may be somebody
 * else's page by now.
 *
 * <p>One page that can be read costs one path of its tree. A page that says nothing about itself
 * (data, or struck) and ranges cost a walk over the branches of all trees, which are mostly in the
 * cache; leaves are not read. Used once, under a pin of the commit.
 */
final class PageUses {
  private final DaxDevice device;
  private final NodeStore store;
  private final PageAllocator allocator;
  private final Durable durable;
  private final long begin;
  private final long end;

  /** What is known of single pages. */
  private final Map<Long, PageUse> named = new HashMap<>();

  /** Pages that only holds have, with the holds that are not being released. */
  private final Map<Long, List<Hold>> held = new HashMap<>();

  /** First copies of branches that were walked over. */
  private final Set<Long> walked = new HashSet<>();

  private final List<PageUse> uses = new ArrayList<>();
  private boolean looked;

  /** Set when it cannot be told what only holds have. */
  private @Nullable TreeDamagedException heldUnknown;

  /** For pages {@code [begin, end)}. */
  PageUses(
      DaxDevice device,
      NodeStore store,
      PageAllocator allocator,
      Durable durable,
      long begin,
      long end) {
    this.device = device;
    this.store = store;
    this.allocator = allocator;
    this.durable = durable;
    this.begin = begin;
    this.end = end;
  }

  List<PageUse> find() throws IOException {
    List<Long> slots = durable.root().slots();
    for (int i = 0; i < slots.size(); i++) {
      long page = slots.get(i) / PAGE_BYTES;
      named.put(page, new PageUse.RootSlot(PageIo.pageAt(slots.get(i)), i));
    }
    for (long from = begin; from < end; ) {
      long to = Math.min(end, (from / GROUP_PAGES + 1) * GROUP_PAGES);
      addGroup(from, to);
      from = to;
    }
    return uses;
  }

  /** Adds pages of one group. */
  private void addGroup(long from, long to) throws IOException {
    PageAllocator.Standing[] standings;
    TreeDamagedException unknown = null;
    try {
      standings = allocator.standing(from, to);
    } catch (TreeDamagedException lost) {
      // Nodes are found all the same, those of the lost tree among them.
      standings = new PageAllocator.Standing[(int) (to - from)];
      Arrays.fill(standings, PageAllocator.Standing.COMMITTED);
      unknown = lost;
    }
    for (int i = 0; i < standings.length; ) {
      int next = i + 1;
      while (next < standings.length && standings[next] == standings[i]) {
        next++;
      }
      switch (standings[i]) {
        case FRESH -> add(new PageUse.InUse(bytes(from + i, from + next)));
        case RESTING -> add(new PageUse.Resting(bytes(from + i, from + next)));
        case FREE -> addFree(from + i, from + next);
        case COMMITTED -> addCommitted(from + i, from + next, unknown);
      }
      i = next;
    }
  }

  private static ByteRange bytes(long from, long to) {
    return new ByteRange(from * PAGE_BYTES, to * PAGE_BYTES);
  }

  private static PageUse over(PageUse use, ByteRange range) {
    return switch (use) {
      case PageUse.InUse _ -> new PageUse.InUse(range);
      case PageUse.Free _ -> new PageUse.Free(range);
      case PageUse.Quarantined _ -> new PageUse.Quarantined(range);
      case PageUse.Resting _ -> new PageUse.Resting(range);
      case PageUse.Held(ByteRange _, List<Hold> holds) -> new PageUse.Held(range, holds);
      case PageUse.RootSlot _, PageUse.TreeNode _ -> use;
    };
  }

  /** Adds what comes next; neighbours that are for the same become one. */
  private void add(PageUse use) {
    if (!uses.isEmpty()) {
      PageUse joined = over(uses.getLast(), uses.getLast().range().span(use.range()));
      if (joined.equals(over(use, joined.range()))) {
        uses.set(uses.size() - 1, joined);
        return;
      }
    }
    uses.add(use);
  }

  private void addFree(long from, long to) {
    long at = from;
    for (var bad : device.poison(bytes(from, to))) {
      long first = bad.range().start() / PAGE_BYTES;
      long last = (bad.range().end() + PAGE_BYTES - 1) / PAGE_BYTES;
      if (first > at) {
        add(new PageUse.Free(bytes(at, first)));
      }
      if (last > Math.max(at, first)) {
        add(new PageUse.Quarantined(bytes(Math.max(at, first), last)));
        at = last;
      }
    }
    if (at < to) {
      add(new PageUse.Free(bytes(at, to)));
    }
  }

  private void addCommitted(long from, long to, @Nullable TreeDamagedException unknown)
      throws IOException {
    if (!looked) {
      looked = true;
      if (end - begin > 1 || !named.containsKey(begin)) {
        look();
      }
    }
    for (long page = from; page < to; page++) {
      PageUse use = named.get(page);
      List<Hold> holds = held.get(page);
      if (use != null) {
        add(use);
      } else if (holds != null) {
        add(new PageUse.Held(bytes(page, page + 1), holds));
      } else if (unknown != null || heldUnknown != null) {
        throw unknown != null ? unknown : heldUnknown;
      } else {
        add(new PageUse.InUse(bytes(page, page + 1)));
      }
    }
  }

  /** Finds the nodes among the pages. */
  private void look() throws IOException {
    try {
      findHeld();
    } catch (TreeDamagedException lost) {
      heldUnknown = lost;
    }
    if (end - begin == 1 && (proveWhatItSays() || followHolds())) {
      return;
    }
    if (held.size() < end - begin) {
      for (TreeRoot root : durable.root().trees()) {
        walk(root);
      }
    }
    if (end - begin > 1) {
      followHolds();
    }
  }

  /** Whom the pages belong to that the live trees have no more. */
  private void findHeld() throws IOException {
    TreeRoot root = durable.root().trees().get(SystemTrees.HELD);
    Cursor cursor = new Cursor(device.info().name(), store, () -> root, () -> 0);
    for (HoldLayout.Kept list : durable.holds()) {
      boolean at = cursor.seekFloor(HoldLayout.heldKey(list.commit(), begin));
      if (!at || cursor.keyLong(0) != list.commit()) {
        at = cursor.seek(HoldLayout.heldKey(list.commit(), begin));
      }
      while (at && cursor.keyLong(0) == list.commit() && cursor.keyLong(Long.BYTES) < end) {
        HoldLayout.Held entry = HoldLayout.decodeHeld(cursor.key(), cursor.value());
        List<Hold> holds =
            active()
                .filter(kept -> kept.commit() >= entry.born() && kept.commit() <= list.commit())
                .map(HoldLayout.Kept::hold)
                .toList();
        long to = Math.min(end, entry.start() + entry.count());
        for (long page = Math.max(begin, entry.start()); page < to; page++) {
          held.put(page, holds);
        }
        at = cursor.next();
      }
    }
  }

  /** Those that are taken apart are never followed: part of what they name is somebody else's. */
  private Stream<HoldLayout.Kept> active() {
    return durable.holds().stream().filter(kept -> !kept.releasing());
  }

  /** True when the page is the node that it says it is. */
  private boolean proveWhatItSays() throws IOException {
    byte[] page = store.claimedNode(begin * PAGE_BYTES);
    // The one key of a branch of one entry says nothing about its place.
    int keyed = page == null || NodeLayout.level(page) == 0 ? 0 : 1;
    if (page == null || keyed >= NodeLayout.count(page)) {
      return false;
    }
    byte[] key = NodeLayout.key(page, keyed);
    if (!held.containsKey(begin)) {
      return prove(durable.root().trees(), page, key);
    }
    for (HoldLayout.Kept kept : active().toList()) {
      if (prove(kept.roots(), page, key)) {
        return true;
      }
    }
    return false;
  }

  /** Goes from the root along a key down to the level of a page. */
  private boolean prove(List<TreeRoot> trees, byte[] page, byte[] key) throws IOException {
    int id = NodeLayout.tree(page);
    int level = NodeLayout.level(page);
    if (id < 0 || id >= trees.size() || trees.get(id).height() <= level) {
      return false;
    }
    TreeRoot root = trees.get(id);
    byte[] low = {};
    byte[] high = null;
    Ref ref = root.ref();
    try {
      Node node = root.height() - 1 == level ? null : store.root(root);
      while (node != null) {
        int i = NodeLayout.childIndex(node.page, key);
        low = i > 0 ? NodeLayout.key(node.page, i) : low;
        high = i + 1 < node.count() ? NodeLayout.key(node.page, i + 1) : high;
        ref = NodeLayout.ref(node.page, i);
        node = node.level - 1 == level ? null : store.child(node, i);
      }
    } catch (UnreadableNodeException lost) {
      return false;
    }
    boolean itself =
        ref.generation() == NodeLayout.generation(page)
            && (isAsked(ref.address()) || isAsked(ref.twin()))
            && ref.twinOf(begin * PAGE_BYTES) == NodeLayout.twin(page);
    if (itself) {
      found(root, level, ref, low, high);
    }
    return itself;
  }

  /** Looks through holds for what only they have; true when a page was found. */
  private boolean followHolds() throws IOException {
    int before = named.size();
    if (!held.isEmpty()) {
      for (HoldLayout.Kept kept : active().toList()) {
        for (TreeRoot root : kept.roots()) {
          walk(root);
        }
      }
    }
    return named.size() > before;
  }

  private void walk(TreeRoot root) throws IOException {
    if (root.isEmpty()) {
      return;
    }
    int level = root.height() - 1;
    meet(root, level, root.ref(), new byte[0], null);
    if (level > 0 && walked.add(root.ref().address())) {
      try {
        walkBelow(root, store.root(root), new byte[0], null);
      } catch (UnreadableNodeException lost) {
        return;
      }
    }
  }

  private void walkBelow(TreeRoot root, Node branch, byte[] low, byte @Nullable [] high)
      throws IOException {
    byte[] page = branch.page;
    int count = branch.count();
    for (int i = 0; i < count; i++) {
      boolean deeper = branch.level > 1;
      if (!deeper
          && !isAsked(NodeLayout.refAddress(page, i))
          && !isAsked(NodeLayout.refTwin(page, i))) {
        continue;
      }
      Ref ref = NodeLayout.ref(page, i);
      byte[] from = i == 0 ? low : NodeLayout.key(page, i);
      byte[] to = i + 1 < count ? NodeLayout.key(page, i + 1) : high;
      meet(root, branch.level - 1, ref, from, to);
      if (deeper && walked.add(ref.address())) {
        Node child;
        try {
          child = store.child(branch, i);
        } catch (UnreadableNodeException lost) {
          // What is below it cannot be told.
          continue;
        }
        walkBelow(root, child, from, to);
      }
    }
  }

  private boolean isAsked(long address) {
    return address >= begin * PAGE_BYTES && address < end * PAGE_BYTES;
  }

  private void meet(TreeRoot root, int level, Ref ref, byte[] low, byte @Nullable [] high) {
    if (isAsked(ref.address()) || isAsked(ref.twin())) {
      found(root, level, ref, low, high);
    }
  }

  private void found(TreeRoot root, int level, Ref ref, byte[] low, byte @Nullable [] high) {
    Tree tree = new Tree(root.id(), root.name());
    for (PageUse.Copy copy : PageUse.Copy.values()) {
      long address = copy == PageUse.Copy.FIRST ? ref.address() : ref.twin();
      if (isAsked(address)) {
        long page = address / PAGE_BYTES;
        List<Hold> holds = Objects.requireNonNullElse(held.get(page), List.of());
        named.putIfAbsent(page, new PageUse.TreeNode(tree, level, copy, ref, low, high, holds));
      }
    }
  }
}
