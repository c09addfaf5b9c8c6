package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A change of any number of trees that happens as a whole or not at all.
 *
 * <p>Only one is open at a time in a forest, so keep it short, and close it: whoever wants the next
 * one waits. It sees its own changes; nobody else does before it is applied. An operation that
 * throws has done nothing, unless the transaction says afterwards that it can only be aborted. Used
 * by one thread at a time, which need not be the same.
 */
public final class Transaction implements View, AutoCloseable {
  /** Says to {@link #allocate(long, long)} that any place will do. */
  public static final long NO_GOAL = -1;

  private enum State {
    OPEN,
    BROKEN,
    ENDED
  }

  private final Forest forest;
  private final NodeStore store;
  private final PageAllocator allocator;
  private final Gathering gathering;
  private final Purpose purpose;
  private final long owner;
  private final TreeEdit edit;
  private final List<TreeRoot> roots;

  /** Pages that this transaction got and has; nobody else has seen them. */
  private final ExtentSet allocated = new ExtentSet();

  final Extents freed = new Extents();
  final List<Node> replaced = new ArrayList<>();
  final BitSet groups = new BitSet();
  final List<Long> releases = new ArrayList<>();
  private final ExtentSet dataFreed = new ExtentSet();
  @Nullable String hold;

  /** Runs of pages freed that a hold may have. */
  long olderFreed;

  /** Nodes in memory without a place, less those of others that were replaced. */
  long dirtyNodes;

  /** Nodes that this transaction has in memory; decides when it is stored in part. */
  private long ownNodes;

  private long nodesGone;
  private final List<ByteRange> unread = new ArrayList<>();
  private State state = State.OPEN;
  private long version;

  Transaction(Forest forest, Gathering gathering, Purpose purpose, long owner) {
    this.forest = forest;
    this.store = forest.store();
    this.allocator = forest.allocator();
    this.gathering = gathering;
    this.purpose = purpose;
    this.owner = owner;
    this.edit = new TreeEdit(store, owner, gathering.commit, new Tally());
    this.roots = new ArrayList<>(gathering.roots);
  }

  Gathering gathering() {
    return gathering;
  }

  List<TreeRoot> roots() {
    return roots;
  }

  /** The number of the commit that this will be part of. */
  public long commitNumber() {
    return gathering.commit;
  }

  @Override
  public byte @Nullable [] get(Tree tree, byte[] key) throws IOException {
    TreeRoot root = root(tree);
    try {
      return TreeReads.get(store, root, key);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(forest.name(), store, root, key, lost);
    }
  }

  @Override
  public boolean contains(Tree tree, byte[] key) throws IOException {
    TreeRoot root = root(tree);
    try {
      return TreeReads.contains(store, root, key);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(forest.name(), store, root, key, lost);
    }
  }

  /** Goes through a tree as it is now; to be sought again after a change of any tree. */
  @Override
  public Cursor cursor(Tree tree) {
    root(tree);
    return new Cursor(forest.name(), store, () -> root(tree), () -> version);
  }

  private TreeRoot root(Tree tree) {
    checkOpen();
    if (tree.id() < SystemTrees.COUNT || tree.id() >= roots.size()) {
      throw new IllegalArgumentException("no tree of this forest: " + tree);
    }
    return roots.get(tree.id());
  }

  private void setRoot(TreeRoot root) {
    roots.set(root.id(), root);
    version++;
  }

  /**
   * Makes a tree.
   *
   * @throws IllegalArgumentException when there is one of this name, or the name has more than 32
   *     bytes of UTF-8, or there are 24 already
   */
  public Tree createTree(String name) {
    checkOpen();
    forest.checkNewTree(roots, name);
    TreeRoot root = TreeRoot.empty(roots.size(), name);
    roots.add(root);
    return new Tree(root.id(), name);
  }

  /**
   * Sets the value of a key.
   *
   * @throws IllegalArgumentException when key or value is longer than a {@link Tree} takes
   * @throws ForestFullException when there is no room
   */
  public void put(Tree tree, byte[] key, byte[] value) throws IOException {
    if (key.length > Tree.KEY_BYTES_MAX || value.length > Tree.VALUE_BYTES_MAX) {
      throw new IllegalArgumentException(
          "key of " + key.length + " and value of " + value.length + " bytes are too long");
    }
    TreeRoot root = root(tree);
    // Every level may be copied and split, and the root get one above it.
    requireRoom(2L * root.height() + 1, 0);
    change(root, key, () -> edit.put(root, key, value));
  }

  /**
   * Takes an entry out.
   *
   * @return false when there was none
   * @throws ForestFullException when there is no room for the copies that this takes
   */
  public boolean delete(Tree tree, byte[] key) throws IOException {
    TreeRoot root = root(tree);
    requireRoom(2L * root.height(), 0);
    return change(root, key, () -> edit.delete(root, key));
  }

  /**
   * Takes out all entries from {@code from} (empty: the first one) to before {@code to} (null: to
   * the end). Nodes that lie wholly in the range are not read, but for branches; so a range that a
   * {@link TreeDamagedException} names can be taken out.
   *
   * @throws TreeDamagedException when a node that lies in the range only in part is lost; then the
   *     transaction can only be aborted
   */
  public RangeDelete deleteRange(Tree tree, byte[] from, byte @Nullable [] to) throws IOException {
    TreeRoot root = root(tree);
    requireRoom(4L * root.height(), 0);
    nodesGone = 0;
    unread.clear();
    byte[] low = from.length == 0 ? null : from;
    long before = nodesGone;
    state = State.BROKEN;
    TreeRoot next;
    try {
      next = edit.deleteRange(root, low, to);
    } catch (UnreadableNodeException lost) {
      IOException atFrom = TreeReads.damageOnPath(forest.name(), store, root, from, lost);
      throw atFrom != null || to == null
          ? Objects.requireNonNullElse(atFrom, lost)
          : TreeReads.damage(forest.name(), store, root, to, lost);
    }
    state = State.OPEN;
    setRoot(next);
    storeIfLarge();
    return new RangeDelete(nodesGone - before, unread);
  }

  private interface Change {
    TreeRoot run() throws IOException;
  }

  private boolean change(TreeRoot root, byte[] key, Change change) throws IOException {
    TreeRoot next;
    try {
      next = change.run();
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(forest.name(), store, root, key, lost);
    }
    if (!edit.changed()) {
      return false;
    }
    setRoot(next);
    storeIfLarge();
    return true;
  }

  /**
   * Fills a tree that is empty with entries in ascending order: nodes are filled to the brim and
   * stored as they come, so memory does not grow with what is loaded. Nothing else may be done with
   * the transaction before the load is finished.
   */
  public BulkLoad load(Tree tree) throws IOException {
    TreeRoot root = root(tree);
    if (!root.isEmpty()) {
      throw new IllegalStateException("tree " + tree.name() + " is not empty");
    }
    return new BulkLoad(this, root);
  }

  /** Ends a load. */
  void loaded(TreeRoot root) {
    setRoot(root);
  }

  /**
   * Takes pages for data, as few runs as there can be. They belong to the caller once this
   * transaction is applied; their content is the caller's to write, before that.
   *
   * @param pages how many, at least 1
   * @return whole pages of the device, bytes
   * @throws ForestFullException when there are not that many; none is taken then
   */
  public List<ByteRange> allocate(long pages) throws IOException {
    return allocate(pages, NO_GOAL);
  }

  /**
   * As {@link #allocate(long)}, from a certain place on as far as it is free: for files that grow.
   * Where it is not free, what is taken elsewhere gets some room to grow, which is left alone while
   * there are other pages; so files that grow in turns do not lie page by page between each other.
   *
   * @param pages how many, at least 1
   * @param goal where the first run shall begin, a page of the device, bytes: the end of what the
   *     file has; {@link #NO_GOAL} for anywhere
   * @return whole pages of the device, bytes; the first run begins at {@code goal} when that page
   *     was free
   * @throws ForestFullException when there are not that many; none is taken then
   * @throws IllegalArgumentException when {@code goal} is neither a page of the device nor its end
   */
  public List<ByteRange> allocate(long pages, long goal) throws IOException {
    checkOpen();
    boolean sought = goal != NO_GOAL;
    if (pages < 1
        || (sought && (goal < 0 || goal % PAGE_BYTES != 0 || goal > forest.device().sizeBytes()))) {
      throw new IllegalArgumentException("not to be had: " + pages + " pages at byte " + goal);
    }
    requireRoom(0, pages);
    long goalPage = goal / PAGE_BYTES;
    Extents taken = new Extents();
    try {
      long there = sought ? allocator.takeFrom(goalPage, pages) : 0;
      if (there > 0) {
        taken.add(goalPage, there, gathering.commit);
      }
      while (taken.pages() < pages) {
        long[] run = allocator.takeRun(pages - taken.pages());
        if (run == null) {
          throw forest.full(purpose, pages);
        }
        taken.add(run[0], run[1], gathering.commit);
      }
      if (there < pages && sought) {
        allocator.leaveGap(taken.end(), goalPage + there);
      }
    } catch (IOException | RuntimeException e) {
      allocator.giveBack(taken);
      throw e;
    }
    taken.forEach(this::allocated);
    List<ByteRange> runs = new ArrayList<>();
    taken.forEach(
        (start, count, born) ->
            runs.add(new ByteRange(start * PAGE_BYTES, (start + count) * PAGE_BYTES)));
    return runs;
  }

  /**
   * Gives pages of data back. They are used again when no commit that can still be reached, no
   * reader and no hold has them.
   *
   * @param pages whole pages, all from {@link #allocate}
   * @param allocatedBy the {@link #commitNumber} of the transaction that allocated them, so that it
   *     is known which holds have them; 0 when that is not known: then the newest hold is taken to;
   *     {@link Long#MAX_VALUE} for pages that no hold has
   * @throws IllegalArgumentException when they are not all in use
   */
  public void free(ByteRange pages, long allocatedBy) throws IOException {
    checkOpen();
    long start = pages.start() / PAGE_BYTES;
    long end = pages.end() / PAGE_BYTES;
    boolean whole = pages.start() % PAGE_BYTES == 0 && pages.end() % PAGE_BYTES == 0;
    if (!whole
        || pages.isEmpty()
        || dataFreed.overlaps(start, end)
        || forest.isBeingFreed(start, end)
        || !allocator.inUse(start, end)) {
      throw new IllegalArgumentException("not pages in use: " + pages);
    }
    dataFreed.add(start, end);
    freed(start, end - start, allocatedBy);
  }

  ExtentSet dataFreed() {
    return dataFreed;
  }

  /**
   * Keeps the state that this transaction leaves, until it is released. At most one hold for each
   * transaction. Takes no time and no space; what is freed afterwards and the hold has stays.
   *
   * @throws IllegalArgumentException when there is a hold of this name, or the name has more than
   *     {@link Hold#NAME_BYTES_MAX} bytes
   */
  public void hold(String name) {
    checkOpen();
    forest.checkNewHold(name);
    if (hold != null) {
      throw new IllegalStateException("this transaction makes a hold already: " + hold);
    }
    hold = name;
  }

  /**
   * Ends a hold: once that is durable, nobody can open it any more. Its pages come back as {@link
   * Forest#prune} goes on, when whoever has it open has closed it.
   *
   * @throws IllegalArgumentException when there is no such hold
   */
  public void release(Hold released) {
    checkOpen();
    forest.checkHold(released);
    if (!releases.contains(released.commit())) {
      releases.add(released.commit());
    }
  }

  /**
   * Makes the changes visible to all, and ends the transaction. They are durable with the next
   * {@link Forest#persist}.
   *
   * @return a number to wait for with {@link Forest#persist(long)}
   */
  public long apply() {
    checkOpen();
    state = State.ENDED;
    return forest.applied(this);
  }

  /**
   * Makes the changes visible to all, ends the transaction, and makes it durable, together with
   * what else there is by then.
   *
   * @return completes when it is durable; or exceptionally, with why it is not
   */
  public CompletableFuture<Void> commit() {
    return forest.commitLater(apply());
  }

  /** Ends the transaction, of which nothing is left. */
  public void abort() {
    if (state != State.ENDED) {
      state = State.ENDED;
      forest.aborted(this);
    }
  }

  /** Aborts, unless it was applied or committed. */
  @Override
  public void close() {
    abort();
  }

  private void checkOpen() {
    switch (state) {
      case OPEN -> {}
      case BROKEN ->
          throw new IllegalStateException("an operation failed half-way: abort the transaction");
      case ENDED -> throw new IllegalStateException("the transaction has ended");
    }
  }

  /** Looks before anything is done whether there is room for the worst. */
  void requireRoom(long nodes, long dataPages) throws IOException {
    forest.requireRoom(this, purpose, nodes, dataPages);
  }

  /** A place for a node that is stored before the commit. */
  Ref place() throws IOException {
    Extents taken = new Extents();
    try {
      return Committer.place(forest.device(), allocator, gathering, taken);
    } finally {
      // If only the first of two: to be given back with the rest.
      taken.forEach(this::allocated);
    }
  }

  void storeNodes(List<Node> nodes) throws IOException {
    store.write(nodes);
  }

  Node newNode(int tree, int level) {
    return Node.dirty(NodeLayout.empty(tree, level), owner, gathering.commit);
  }

  private void storeIfLarge() throws IOException {
    if (ownNodes * PAGE_BYTES < forest.dirtyBytes()) {
      return;
    }
    state = State.BROKEN;
    List<Node> stored = new ArrayList<>();
    for (int i = SystemTrees.COUNT; i < roots.size(); i++) {
      Node top = roots.get(i).node();
      if (top != null && top.owner == owner) {
        storeBelow(top, stored);
      }
    }
    store.write(stored);
    ownNodes -= stored.size();
    dirtyNodes -= stored.size();
    version++;
    state = State.OPEN;
  }

  /** Gives nodes of this transaction below {@code node} a place, and lets go of them. */
  private void storeBelow(Node node, List<Node> stored) throws IOException {
    if (node.level == 0) {
      return;
    }
    for (int i = 0; i < node.count(); i++) {
      Node kid = node.kid(i);
      if (kid != null && kid.owner == owner) {
        storeBelow(kid, stored);
        if (kid.kidsStored()) {
          kid.nameKids();
          Ref ref = place();
          kid.placed = ref;
          stored.add(kid);
          NodeLayout.setRef(node.page, i, ref);
          node.setKid(i, null);
        }
      }
    }
  }

  /** The pages that this transaction got and has. */
  Extents allocated() {
    Extents pages = new Extents();
    allocated.within(
        0, Long.MAX_VALUE, (start, end) -> pages.add(start, end - start, gathering.commit));
    return pages;
  }

  private void allocated(long start, long count, long born) {
    allocated.add(start, start + count);
    groups.set(SpaceLayout.groupOf(start), SpaceLayout.groupOf(start + count - 1) + 1);
  }

  private void freed(long start, long count, long born) {
    freed.add(start, count, born);
    if (born < gathering.commit) {
      olderFreed++;
    }
    groups.set(SpaceLayout.groupOf(start), SpaceLayout.groupOf(start + count - 1) + 1);
  }

  /** Keeps account of nodes. */
  private final class Tally implements TreeEdit.Changes {
    @Override
    public void made(Node node) {
      dirtyNodes++;
      ownNodes++;
    }

    @Override
    public void replaced(Node node) {
      nodesGone++;
      Ref ref = node.placed;
      if (ref != null) {
        free(ref);
      } else if (node.commit == gathering.commit) {
        // Never to be stored.
        dirtyNodes--;
        if (node.owner == owner) {
          ownNodes--;
        }
      } else {
        replaced.add(node);
      }
    }

    @Override
    public void dropped(Ref ref) {
      nodesGone++;
      free(ref);
    }

    @Override
    public void unread(UnreadableNodeException branch) {
      unread.addAll(PageIo.pagesAt(branch.ref()));
    }

    private void free(Ref ref) {
      freePage(ref.address() / PAGE_BYTES, ref);
      freePage(ref.twin() / PAGE_BYTES, ref);
    }

    /** A page of a node that was stored before its commit, and is not wanted, is free at once. */
    private void freePage(long page, Ref ref) {
      if (allocated.contains(page, page + 1)) {
        allocated.remove(page, page + 1);
        Extents unseen = new Extents();
        unseen.add(page, 1, ref.commit());
        allocator.giveBack(unseen);
      } else {
        freed(page, 1, ref.commit());
      }
    }
  }
}
