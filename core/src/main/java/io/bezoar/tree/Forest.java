package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.Commits.Reason;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Several copy-on-write B+trees on one device, which change together by one atomic root flip; and
 * the pages of that device, for their nodes and for data of whoever stands above.
 *
 * <p><b>Threat.</b> The power may go at any store, with any subset of unpersisted lines kept. Any
 * page may be lost, rot, or hold what belongs to another time or place. The device may be full.
 *
 * <p><b>Invariant.</b> The newest root whose slot is intact names, directly or not, every node of
 * its commit, by both places and generation; none of those pages is written again before two later
 * commits are durable, nor while a reader or a hold can reach it. So a crash leaves the last
 * durable commit or a later one, and a node that is not the expected one is known as such.
 *
 * <p><b>Protocol.</b> One {@link Transaction} at a time changes trees in memory, by copying; when
 * it is applied, everybody sees its result ({@link Applied}). A commit takes all that has been
 * applied and makes it durable ({@link Commits}). Transactions go on meanwhile; those that are
 * applied share the next commit.
 *
 * <p><b>Locks.</b> That of {@link Commits} → the right to write of {@link Applied}, held by an open
 * transaction → {@link PageAllocator} → the device; those of {@link Readers} are innermost. Readers
 * take one of those to open and close a snapshot, and nothing to read. Thread-safe; but a thread
 * that has a transaction open only reads until it has ended it: a commit waits for that end.
 */
public final class Forest implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Forest.class.getName());
  private static final long PAGES_MIN = 256;

  /** How often a transaction's beginning makes room before it goes on without. */
  private static final int RELIEVED_MAX = 2;

  /** How often commits may come in between before a rebuild gives up. */
  private static final int REBUILD_TRIES_MAX = 8;

  /** How often it is told anew what pages are for when a commit came in between. */
  private static final int USES_TRIES_MAX = 4;

  private final DaxDevice device;
  private final ForestOptions options;
  private final RootSlots slots;
  private final NodeCache cache;
  private final NodeStore store;
  private final PageAllocator allocator;
  private final Room room;
  private final Readers readers;
  private final Applied applied;
  private final Commits commits;
  private final CommitQueue queue;
  private final @Nullable String skipped;

  private Forest(
      DaxDevice device,
      ForestOptions options,
      PageIo io,
      RootSlots slots,
      int currentPair,
      ForestLayout.Root root,
      long firstCommit,
      @Nullable String skipped) {
    this.device = device;
    this.options = options;
    this.slots = slots;
    this.skipped = skipped;
    this.cache = new NodeCache(options.cacheBytes());
    this.readers = new Readers(new Durable(root, List.of()));
    this.store =
        new NodeStore(device, root.forest(), io, cache, options.executor(), readers::pinNodes);
    CommittedSpace space = new CommittedSpace(name(), store, readers);
    this.allocator = new PageAllocator(device, space, root.freePages());
    this.room = new Room(device, allocator);
    this.applied = new Applied(firstCommit, root.trees());
    this.commits =
        new Commits(device, store, slots, currentPair, allocator, space, room, readers, applied);
    this.queue = new CommitQueue(options.executor(), commits);
  }

  /**
   * Makes the whole of a device a forest without trees. What was on it is gone.
   *
   * @param id tells this forest from every other: random
   * @throws IllegalArgumentException when the device has less than 1 MiB
   */
  public static void format(DaxDevice device, long id) throws IOException {
    long pages = device.sizeBytes() / PAGE_BYTES;
    if (pages < PAGES_MIN) {
      throw new IllegalArgumentException(
          "a forest needs " + PAGES_MIN * PAGE_BYTES + " bytes, and has " + device.sizeBytes());
    }
    PageIo io = new PageIo(device);
    RootSlots slots = RootSlots.choose(device, io);
    device.persist();
    ForestLayout.Root nothing =
        new ForestLayout.Root(
            id, 0, device.sizeBytes(), pages, slots.addresses(), SystemTrees.empty());
    try (Forest forest =
        new Forest(device, ForestOptions.with(Runnable::run), io, slots, 1, nothing, 1, null)) {
      forest.commits.settled();
      for (long slot : slots.addresses()) {
        forest.allocator.takeAt(slot / PAGE_BYTES);
        forest.applied.gathering().allocated.add(slot / PAGE_BYTES, 1, 1);
      }
      forest.commits.make(Reason.CHANGES);
      forest.commits.make(Reason.FLIP);
    }
  }

  /**
   * Opens the forest of a device at its newest commit whose trees have a readable root node. Reads
   * a few pages, whatever the size; writes nothing. When it cannot be told which states are held,
   * the forest can only be read ({@link ForestFailedException}).
   *
   * @throws ForestFormatException when there is no forest that this version can open
   * @throws DeviceUnavailableException when the device is not there
   */
  public static Forest open(DaxDevice device, ForestOptions options) throws IOException {
    ForestOpening found = ForestOpening.of(device);
    Forest forest =
        new Forest(
            device,
            options,
            found.io(),
            found.slots(),
            found.pair(),
            found.root(),
            found.newestCommit() + 3,
            found.skipped());
    try {
      List<HoldLayout.Kept> holds = ForestOpening.holds(device, forest.store, found.root());
      forest.readers.durable(new Durable(found.root(), holds));
    } catch (TreeDamagedException lost) {
      // What is held is not known, so nothing may be freed: good for reading.
      forest.commits.fail(lost);
    }
    return forest;
  }

  String name() {
    return device.info().name();
  }

  DaxDevice device() {
    return device;
  }

  NodeStore store() {
    return store;
  }

  PageAllocator allocator() {
    return allocator;
  }

  long dirtyBytes() {
    return options.dirtyBytes();
  }

  /** Number of the newest durable commit. */
  public long durableCommit() {
    return readers.durable().commit();
  }

  /**
   * Number of the newest durable commit that changed a tree: the first transaction after opening
   * makes a commit that does not, and those that only take released holds apart do not either.
   */
  public long changingCommit() {
    long newest = 0;
    List<TreeRoot> roots = readers.durable().root().trees();
    // The forest's own trees change for its own sake, too.
    for (TreeRoot root : roots.subList(SystemTrees.COUNT, roots.size())) {
      newest = root.isEmpty() ? newest : Math.max(newest, root.ref().commit());
    }
    return newest;
  }

  /** False once something failed for which nothing may change any more. */
  public boolean isUsable() {
    return !commits.hasFailed();
  }

  /** Why an older commit was opened than there once was, if so. */
  public Optional<String> skipped() {
    return Optional.ofNullable(skipped);
  }

  /** Figures about a forest. */
  public ForestStatus status() {
    Durable durable = readers.durable();
    return new ForestStatus(
        durable.commit(),
        device.sizeBytes() / PAGE_BYTES,
        durable.root().freePages(),
        allocator.available(),
        allocator.restingPages(),
        allocator.quarantinedPages(),
        room.reservePages(),
        store.reads.sum(),
        store.repaired.sum(),
        store.unrepaired.sum(),
        cache.size(),
        cache.capacity());
  }

  // Trees and readers.

  /** All trees that have been made, oldest first. */
  public List<Tree> trees() {
    return applied.roots().stream()
        .skip(SystemTrees.COUNT)
        .map(root -> new Tree(root.id(), root.name()))
        .toList();
  }

  /** The tree of this name. */
  public Optional<Tree> tree(String name) {
    return trees().stream().filter(tree -> tree.name().equals(name)).findFirst();
  }

  /** The state that the last applied transaction left; durable or not yet. */
  public Snapshot snapshot() {
    commits.checkOpen();
    // Pinned first: what was applied reaches nothing that was not in reach by then.
    Durable pinned = readers.pin();
    return snapshot(applied.roots(), pinned);
  }

  private Snapshot snapshot(List<TreeRoot> roots, Durable pinned) {
    long commit = pinned.commit();
    return new Snapshot(name(), store, roots, commit, () -> readers.unpin(commit));
  }

  /** All holds that have not been released and are durable, oldest first. */
  public List<Hold> holds() {
    return readers.holds().map(HoldLayout.Kept::hold).toList();
  }

  /**
   * The state that a hold keeps. It may be open as long as it takes: nothing but the hold's own
   * pages is kept for it. A hold that is released meanwhile is kept until it is closed.
   *
   * @throws IllegalArgumentException when there is no such hold
   */
  public Snapshot open(Hold hold) {
    commits.checkOpen();
    HoldLayout.Kept kept = readers.open(hold);
    if (kept == null) {
      throw new IllegalArgumentException("no such hold: " + hold);
    }
    return new Snapshot(name(), store, kept.roots(), kept.commit(), () -> readers.close(kept));
  }

  // Writing.

  /**
   * Begins a transaction; waits until there is no other, of this thread neither. Where there is
   * little room it makes commits first, so that what was freed can be used again.
   *
   * @throws ForestFailedException when an earlier commit failed
   * @throws DeviceUnavailableException when the device takes no writes
   */
  public Transaction begin(Purpose purpose) throws IOException {
    commits.settle();
    for (int relieved = 0; ; ) {
      boolean full;
      applied.acquire();
      boolean handed = false;
      try {
        commits.checkBegin();
        Gathering gathering = applied.gathering();
        // A hold keeps exactly one state, so nothing may be added to it.
        full = gathering.hold != null || gathering.dirtyNodes * PAGE_BYTES >= dirtyBytes();
        if (!full && (relieved == RELIEVED_MAX || !isTight(gathering))) {
          applied.settleRoots();
          handed = true;
          return new Transaction(this, gathering, purpose, applied.newOwner());
        }
      } finally {
        if (!handed) {
          applied.release();
        }
      }
      if (full) {
        commits.make(Reason.CHANGES);
      } else {
        relieved++;
        rest();
      }
    }
  }

  /** Makes commits so that freed pages can be used again. */
  private void rest() throws IOException {
    commits.make(Reason.CHANGES);
    if (allocator.restingPages() > 0) {
      commits.make(Reason.FLIP);
    }
    allocator.releaseCleared();
  }

  /**
   * Makes room, as far as commits can: what was freed, but rests, and what holds had that were
   * released. For whoever was told that there is none; a transaction of this thread is to be ended
   * before.
   *
   * @return true when there is more room than before
   * @throws ForestFailedException when a commit failed
   */
  public boolean relieve() throws IOException {
    long before = allocator.available();
    commits.settle();
    try {
      while (prune()) {
        // Each time it is a durable commit.
      }
    } catch (ForestFullException noRoom) {
      // Then commits alone have to do.
      LOG.log(System.Logger.Level.DEBUG, "no room to take released holds apart", noRoom);
    }
    for (int i = 0; i < RELIEVED_MAX && allocator.restingPages() > 0; i++) {
      rest();
    }
    allocator.reuse(readers.reusable());
    return allocator.available() > before;
  }

  /** True when there is little room now, and more could be had. Called with the right to write. */
  private boolean isTight(Gathering gathering) {
    allocator.reuse(readers.reusable());
    Durable durable = readers.durable();
    return room.pagesFor(gathering, durable) < 2 * room.reservePages()
        && (allocator.restingPages() > 0
            || allocator.quarantinedPages() > 0
            || gathering.changes(durable.root().trees()));
  }

  /** What an open transaction may need must be there before it does anything. */
  void requireRoom(Transaction transaction, Purpose purpose, long nodes, long dataPages)
      throws ForestFullException {
    room.require(transaction, purpose, 2 * nodes + dataPages, readers.durable());
  }

  ForestFullException full(Purpose purpose, long pages) {
    return room.full(purpose, pages);
  }

  /** Takes over what a transaction leaves, and gives the right to write back. */
  long applied(Transaction transaction) {
    return applied.add(transaction);
  }

  void aborted(Transaction transaction) {
    try {
      allocator.giveBack(transaction.allocated());
    } finally {
      applied.release();
    }
  }

  /** True when one of these data pages was freed by a transaction that is not durable yet. */
  boolean isBeingFreed(long start, long end) {
    return applied.isBeingFreed(start, end);
  }

  void checkNewTree(List<TreeRoot> roots, String name) {
    int length = name.getBytes(StandardCharsets.UTF_8).length;
    if (length > ForestLayout.NAME_BYTES_MAX
        || roots.size() >= ForestLayout.TREES_MAX
        || roots.stream().anyMatch(root -> root.name().equals(name))) {
      throw new IllegalArgumentException(
          "no tree " + name + ": the name is taken or too long, or there are too many trees");
    }
  }

  void checkNewHold(String name) {
    if (name.getBytes(StandardCharsets.UTF_8).length > HoldLayout.NAME_BYTES_MAX
        || applied.isBeingHeld(name)
        || readers.holds().anyMatch(kept -> kept.name().equals(name))) {
      throw new IllegalArgumentException("no hold " + name + ": the name is taken or too long");
    }
  }

  void checkHold(Hold hold) {
    if (readers.holds().noneMatch(kept -> kept.hold().equals(hold))) {
      throw new IllegalArgumentException("no such hold: " + hold);
    }
  }

  // Durability.

  /** Makes everything durable that was applied before. */
  public void persist() throws IOException {
    persist(applied.ticket());
  }

  /**
   * Makes everything durable up to a transaction. Many callers share one commit.
   *
   * @param ticket what {@link Transaction#apply} returned
   * @throws ForestFailedException when a commit failed; what was durable before is not affected
   */
  public void persist(long ticket) throws IOException {
    commits.persist(ticket);
  }

  /** What the last {@link Transaction#apply} returned. */
  public long appliedTicket() {
    return applied.ticket();
  }

  /**
   * True when a commit has made everything durable up to a transaction; says nothing about later
   * ones. Waits for nothing.
   *
   * @param ticket what {@link Transaction#apply} returned
   */
  public boolean isDurable(long ticket) {
    return commits.durableTicket() >= ticket;
  }

  CompletableFuture<Void> commitLater(long ticket) {
    return queue.commitLater(ticket);
  }

  /**
   * Takes released holds apart, a little: call it in the background until it says that there is
   * nothing left to do. One durable commit each time. Holds that somebody has open are left alone:
   * call it again once they are closed.
   *
   * @return true when there is more that can be done now
   */
  public boolean prune() throws IOException {
    commits.settle();
    if (!readers.canPrune()) {
      commits.make(Reason.CHANGES);
    }
    if (readers.canPrune()) {
      commits.make(Reason.PRUNE);
    }
    return readers.canPrune();
  }

  /**
   * Makes the tree that says which pages are in use anew, from everything that is in use: for when
   * both copies of a node of it are lost ({@link TreeDamagedException} when pages are asked for, in
   * a tree of the name "space"). Includes what was applied, is durable when it returns, and finds
   * what was in use for nobody. When a commit has failed for that loss, open the forest again
   * first.
   *
   * @param data which pages belong to whoever stands above
   * @throws TreeDamagedException when another tree has lost a node, too: replace that first
   * @throws ForestFullException when there is no room for the new tree
   * @throws IllegalStateException when commits came in between again and again
   */
  public void rebuildSpace(DataPages data) throws IOException {
    commits.settle();
    for (int tries = 0; tries < REBUILD_TRIES_MAX; tries++) {
      Durable pinned = readers.pin();
      Rebuilt found;
      try (Snapshot view = snapshot(pinned.root().trees(), pinned)) {
        found = new ForestCheck(device, store, pinned, slots.addresses()).rebuild(view, data);
      }
      if (commits.rebuild(found)) {
        return;
      }
    }
    throw new IllegalStateException(
        name() + ": commits came in between " + REBUILD_TRIES_MAX + " times: let none be made");
  }

  /**
   * Goes through everything: both copies of every node past every cache, order, separators, levels,
   * generations, holds, and which pages are in use. Bad copies are rewritten. Beside a writer it
   * sees the newest durable commit.
   *
   * @param data which pages belong to whoever stands above, in that commit
   */
  public ForestReport check(DataPages data) throws IOException {
    commits.checkOpen();
    if (device.state() == DeviceState.ONLINE && !commits.hasFailed()) {
      commits.settle();
      commits.healSlots();
    }
    Durable pinned = readers.pin();
    try (Snapshot view = snapshot(pinned.root().trees(), pinned)) {
      return new ForestCheck(device, store, pinned, slots.addresses()).run(view, data);
    }
  }

  /**
   * What a page is for; see {@link #uses}.
   *
   * @param offset a byte of it
   */
  public PageUse use(long offset) throws IOException {
    long within = Objects.checkIndex(offset, device.sizeBytes());
    return uses(PageIo.pageAt(within / PAGE_BYTES * PAGE_BYTES)).getFirst();
  }

  /**
   * What pages are for, as of the newest durable commit: also when their bytes cannot be read any
   * more. What a page says about itself is never trusted. Beside a writer it may be the commit
   * before.
   *
   * @param range bytes of the device; widened to whole pages
   * @return ascending, without gaps; neighbours that are for the same joined
   * @throws TreeDamagedException when it cannot be told of a page whether it is free, or whether
   *     only holds have it, because that part of the forest's own trees is lost
   * @throws DeviceUnavailableException when part of the device that is needed is not there
   */
  public List<PageUse> uses(ByteRange range) throws IOException {
    commits.checkOpen();
    ByteRange pages = range.alignOutward(PAGE_BYTES);
    Objects.checkFromToIndex(pages.start(), pages.end(), device.sizeBytes());
    long begin = pages.start() / PAGE_BYTES;
    long end = pages.end() / PAGE_BYTES;
    List<PageUse> uses;
    int tries = 0;
    Durable pinned;
    do {
      pinned = readers.pin();
      try {
        uses = new PageUses(device, store, allocator, pinned, begin, end).find();
      } finally {
        readers.unpin(pinned.commit());
      }
      tries++;
    } while (readers.durable().commit() != pinned.commit() && tries < USES_TRIES_MAX);
    return uses;
  }

  /**
   * Makes everything durable that was applied. The device stays open. Transactions and snapshots
   * are to be closed before; a transaction that is open is waited for. Idempotent.
   *
   * @throws ForestFailedException when something was applied that a commit failed to make durable
   */
  @Override
  public void close() throws IOException {
    commits.close();
  }
}
