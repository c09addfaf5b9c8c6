package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
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
 * it is applied, everybody sees its result. A commit takes all that has been applied, gives new
 * nodes their places ({@link Committer}), stores them, persists, writes one pair of root slots,
 * persists. Transactions go on meanwhile; those that are applied share the next commit. The first
 * transaction after opening is preceded by an empty commit, because pages that the newest commit
 * freed are still in reach of the older root.
 *
 * <p><b>Locks.</b> {@code committing} → the right to write ({@code writer}, held by an open
 * transaction) → {@link PageAllocator} → the device; {@link Pins} and {@link OpenHolds} are
 * innermost. Readers take one of those to open and close a snapshot, and nothing to read.
 * Thread-safe; but a thread that has a transaction open only reads until it has ended it: a commit
 * waits for that end.
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
  private final Pins pins = new Pins();
  private final OpenHolds openHolds = new OpenHolds();
  private final Room room;
  private final AtomicLong owners = new AtomicLong();
  private final ReentrantLock committing = new ReentrantLock();
  private final Semaphore writer = new Semaphore(1);
  private final CommitQueue queue;
  private final @Nullable String skipped;

  /** Guarded by committing. */
  private int currentPair;

  private volatile boolean settled;
  private volatile Durable durable;

  /** User trees as the last applied transaction left them. */
  private volatile List<TreeRoot> applied;

  /** Guarded by writer. */
  private Gathering gathering;

  /** What a commit that runs now took. */
  private volatile @Nullable Gathering inFlight;

  /** What is in use, while the tree that says so is made anew. */
  private volatile @Nullable Rebuilt rebuilding;

  private volatile long appliedTicket;
  private volatile long durableTicket;
  private volatile @Nullable Throwable failed;
  private volatile boolean closed;

  /** Why a commit is made. */
  private enum Reason {
    /** For what was applied, if anything. */
    CHANGES,
    /** For its own sake: so that pages rest no longer. */
    FLIP,
    /** To take released holds apart. */
    PRUNE,
    /** To make the tree of what is in use anew. */
    REBUILD
  }

  private Forest(
      DaxDevice device,
      ForestOptions options,
      PageIo io,
      RootSlots slots,
      int currentPair,
      Durable durable,
      long firstCommit,
      @Nullable String skipped) {
    this.device = device;
    this.options = options;
    this.slots = slots;
    this.currentPair = currentPair;
    this.durable = durable;
    this.skipped = skipped;
    this.cache = new NodeCache(options.cacheBytes());
    this.store =
        new NodeStore(device, durable.root().forest(), io, cache, options.executor(), this::pin);
    this.allocator = new PageAllocator(device, this::committedGroup, durable.root().freePages());
    this.room = new Room(device, allocator);
    this.queue =
        new CommitQueue(
            options.executor(),
            new CommitQueue.Commits() {
              @Override
              public void commit() throws IOException {
                makeCommit(Reason.CHANGES);
              }

              @Override
              public long durableTicket() {
                return durableTicket;
              }
            });
    this.applied = durable.root().trees();
    this.gathering = new Gathering(firstCommit, applied, 0);
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
        new Forest(
            device,
            ForestOptions.with(Runnable::run),
            io,
            slots,
            1,
            new Durable(nothing, List.of()),
            1,
            null)) {
      forest.settled = true;
      for (long slot : slots.addresses()) {
        forest.allocator.takeAt(slot / PAGE_BYTES);
        forest.gathering.allocated.add(slot / PAGE_BYTES, 1, 1);
      }
      forest.makeCommit(Reason.CHANGES);
      forest.makeCommit(Reason.FLIP);
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
            new Durable(found.root(), List.of()),
            found.newestCommit() + 3,
            found.skipped());
    try {
      List<HoldLayout.Kept> holds = ForestOpening.holds(device, forest.store, found.root());
      forest.durable = new Durable(found.root(), holds);
    } catch (TreeDamagedException lost) {
      // What is held is not known, so nothing may be freed: good for reading.
      forest.failed = lost;
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
    return durable.commit();
  }

  /**
   * Number of the newest durable commit that changed anything: the first transaction after opening
   * makes a commit that does not.
   */
  public long changingCommit() {
    long newest = 0;
    for (TreeRoot root : durable.root().trees()) {
      newest = root.isEmpty() ? newest : Math.max(newest, root.ref().commit());
    }
    return newest;
  }

  /** Why an older commit was opened than there once was, if so. */
  public Optional<String> skipped() {
    return Optional.ofNullable(skipped);
  }

  /** Figures about a forest. */
  public ForestStatus status() {
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
    return applied.stream()
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
    checkOpen();
    Pins.Pinned<List<TreeRoot>> pinned =
        pins.pin(() -> new Pins.Pinned<>(durable.commit(), applied));
    return snapshot(pinned.state(), pinned.commit(), pinned.commit());
  }

  private Snapshot snapshot(List<TreeRoot> roots, long commit, long pinned) {
    return new Snapshot(name(), store, roots, commit, () -> pins.unpin(pinned));
  }

  private NodeStore.Pin pin() {
    long commit = pins.pin(() -> new Pins.Pinned<>(durable.commit(), durable)).commit();
    return new NodeStore.Pin() {
      @Override
      public long durableCommit() {
        return commit;
      }

      @Override
      public void close() {
        pins.unpin(commit);
      }
    };
  }

  /** All holds that have not been released and are durable, oldest first. */
  public List<Hold> holds() {
    return active().map(HoldLayout.Kept::hold).toList();
  }

  private Stream<HoldLayout.Kept> active() {
    return durable.holds().stream().filter(kept -> !kept.releasing());
  }

  /**
   * The state that a hold keeps. It may be open as long as it takes: nothing but the hold's own
   * pages is kept for it. A hold that is released meanwhile is kept until it is closed.
   *
   * @throws IllegalArgumentException when there is no such hold
   */
  public Snapshot open(Hold hold) {
    checkOpen();
    HoldLayout.Kept kept = openHolds.open(hold, () -> durable.holds());
    if (kept == null) {
      throw new IllegalArgumentException("no such hold: " + hold);
    }
    long commit = kept.commit();
    return new Snapshot(name(), store, kept.roots(), commit, () -> openHolds.close(commit));
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
    settle();
    for (int relieved = 0; ; ) {
      boolean full;
      writer.acquireUninterruptibly();
      boolean handed = false;
      try {
        checkUsable();
        // A hold keeps exactly one state, so nothing may be added to it.
        full = gathering.hold != null || gathering.dirtyNodes * PAGE_BYTES >= dirtyBytes();
        if (!full && (relieved == RELIEVED_MAX || !isTight())) {
          gathering.roots = gathering.roots.stream().map(TreeRoot::settled).toList();
          handed = true;
          return new Transaction(this, gathering, purpose, owners.incrementAndGet());
        }
      } finally {
        if (!handed) {
          writer.release();
        }
      }
      if (full) {
        makeCommit(Reason.CHANGES);
      } else {
        relieved++;
        rest();
      }
    }
  }

  /** Makes commits so that freed pages can be used again. */
  private void rest() throws IOException {
    makeCommit(Reason.CHANGES);
    if (allocator.restingPages() > 0) {
      makeCommit(Reason.FLIP);
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
    settle();
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
    reuse();
    return allocator.available() > before;
  }

  /** True when there is little room now, and more could be had. Called with the right to write. */
  private boolean isTight() {
    reuse();
    return room.pagesFor(gathering, durable) < 2 * room.reservePages()
        && (allocator.restingPages() > 0
            || allocator.quarantinedPages() > 0
            || gathering.changes(durable.root().trees()));
  }

  /** An empty commit in the other pair of slots, before any page is handed out. */
  private void settle() throws IOException {
    if (settled) {
      return;
    }
    committing.lock();
    try {
      if (settled) {
        return;
      }
      checkUsable();
      ForestLayout.Root root = durable.root();
      for (int slot : slots.differing(currentPair, root)) {
        slots.replace(slot, root);
      }
      ForestLayout.Root next =
          new ForestLayout.Root(
              root.forest(),
              gathering.commit - 1,
              root.sizeBytes(),
              root.freePages(),
              root.slots(),
              root.trees());
      slots.write(1 - currentPair, next);
      currentPair = 1 - currentPair;
      durable = new Durable(next, durable.holds());
      settled = true;
    } catch (IOException | RuntimeException e) {
      failed = e;
      throw e;
    } finally {
      committing.unlock();
    }
  }

  /** What an open transaction may need must be there before it does anything. */
  void requireRoom(Transaction transaction, Purpose purpose, long nodes, long dataPages)
      throws ForestFullException {
    room.require(transaction, purpose, 2 * nodes + dataPages, durable);
  }

  ForestFullException full(Purpose purpose, long pages) {
    return room.full(purpose, pages);
  }

  /** Takes over what a transaction leaves, and gives the right to write back. */
  long applied(Transaction transaction) {
    try {
      Gathering to = gathering;
      to.allocated.addAll(transaction.allocated());
      to.freed.addAll(transaction.freed);
      to.replaced.addAll(transaction.replaced);
      to.groups.or(transaction.groups);
      to.releases.addAll(transaction.releases);
      transaction.dataFreed().within(0, Long.MAX_VALUE, to.dataFreed::add);
      to.dirtyNodes += transaction.dirtyNodes;
      to.olderFreed += transaction.olderFreed;
      to.hold = transaction.hold;
      to.roots = List.copyOf(transaction.roots());
      to.ticket++;
      applied = to.roots;
      appliedTicket = to.ticket;
      return to.ticket;
    } finally {
      writer.release();
    }
  }

  void aborted(Transaction transaction) {
    try {
      allocator.giveBack(transaction.allocated());
    } finally {
      writer.release();
    }
  }

  /** True when one of these data pages was freed by a transaction that is not durable yet. */
  boolean isBeingFreed(long start, long end) {
    Gathering running = inFlight;
    return gathering.dataFreed.overlaps(start, end)
        || (running != null && running.dataFreed.overlaps(start, end));
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
    Gathering running = inFlight;
    if (name.getBytes(StandardCharsets.UTF_8).length > HoldLayout.NAME_BYTES_MAX
        || (running != null && name.equals(running.hold))
        || active().anyMatch(kept -> kept.name().equals(name))) {
      throw new IllegalArgumentException("no hold " + name + ": the name is taken or too long");
    }
  }

  void checkHold(Hold hold) {
    if (active().noneMatch(kept -> kept.hold().equals(hold))) {
      throw new IllegalArgumentException("no such hold: " + hold);
    }
  }

  // Durability.

  /** Makes everything durable that was applied before. */
  public void persist() throws IOException {
    persist(appliedTicket);
  }

  /**
   * Makes everything durable up to a transaction. Many callers share one commit.
   *
   * @param ticket what {@link Transaction#apply} returned
   * @throws ForestFailedException when a commit failed; what was durable before is not affected
   */
  public void persist(long ticket) throws IOException {
    while (durableTicket < ticket) {
      makeCommit(Reason.CHANGES);
    }
  }

  /** What the last {@link Transaction#apply} returned. */
  public long appliedTicket() {
    return appliedTicket;
  }

  /**
   * True when a commit has made everything durable up to a transaction; says nothing about later
   * ones. Waits for nothing.
   *
   * @param ticket what {@link Transaction#apply} returned
   */
  public boolean isDurable(long ticket) {
    return durableTicket >= ticket;
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
    settle();
    if (!canPrune()) {
      makeCommit(Reason.CHANGES);
    }
    if (canPrune()) {
      makeCommit(Reason.PRUNE);
    }
    return canPrune();
  }

  private boolean canPrune() {
    Set<Long> open = openHolds.commits();
    return durable.holds().stream()
        .anyMatch(kept -> kept.releasing() && !open.contains(kept.commit()));
  }

  private void makeCommit(Reason reason) throws IOException {
    committing.lock();
    try {
      checkUsable();
      Gathering taken = take(reason);
      if (taken == null) {
        return;
      }
      try {
        commit(taken);
      } catch (IOException | RuntimeException | Error e) {
        failed = e;
        throw e;
      } finally {
        inFlight = null;
        room.promise(0);
      }
    } finally {
      committing.unlock();
    }
    if (writer.tryAcquire()) {
      // Lets go of nodes in memory that have their places now.
      gathering.roots = gathering.roots.stream().map(TreeRoot::settled).toList();
      applied = gathering.roots;
      writer.release();
    }
  }

  private @Nullable Gathering take(Reason reason) throws ForestFullException {
    writer.acquireUninterruptibly();
    try {
      Gathering taken = gathering;
      if (reason == Reason.CHANGES && !taken.changes(durable.root().trees())) {
        durableTicket = taken.ticket;
        return null;
      }
      long left = room.pagesFor(taken, durable);
      if (reason == Reason.REBUILD) {
        long needed = 2 * room.spaceNodesMax();
        if (needed > left) {
          throw new ForestFullException(name(), needed * PAGE_BYTES, left * PAGE_BYTES);
        }
        taken.rebuilt = rebuilding;
      }
      room.promise(allocator.available() - left);
      inFlight = taken;
      if (reason == Reason.PRUNE) {
        // Each entry may take two paths of the tree of held pages, besides what is promised.
        taken.pruned = Math.clamp((left - 16) / 12, 1, Committer.PRUNED_MAX);
      }
      gathering = new Gathering(taken.commit + 1, taken.roots, taken.ticket);
      return taken;
    } finally {
      writer.release();
    }
  }

  /** Nodes → persist → root slots → persist → known to all. */
  private void commit(Gathering taken) throws IOException {
    Committer committer =
        new Committer(
            device,
            store,
            allocator,
            owners.incrementAndGet(),
            taken,
            durable,
            openHolds.commits());
    Durable next = committer.run();
    device.persist();
    slots.write(1 - currentPair, next.root());
    currentPair = 1 - currentPair;
    allocator.committed(
        next.commit(), committer.allAllocated, committer.allFreed, () -> durable = next);
    durableTicket = taken.ticket;
    reuse();
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
    settle();
    for (int tries = 0; tries < REBUILD_TRIES_MAX; tries++) {
      Pins.Pinned<Durable> pinned = pins.pin(() -> new Pins.Pinned<>(durable.commit(), durable));
      Rebuilt found;
      try (Snapshot view =
          snapshot(pinned.state().root().trees(), pinned.commit(), pinned.commit())) {
        found =
            new ForestCheck(device, store, pinned.state(), slots.addresses()).rebuild(view, data);
      }
      if (rebuild(found)) {
        return;
      }
    }
    throw new IllegalStateException(
        name() + ": commits came in between " + REBUILD_TRIES_MAX + " times: let none be made");
  }

  /** False when a commit came in between. */
  private boolean rebuild(Rebuilt found) throws IOException {
    committing.lock();
    try {
      checkUsable();
      if (durable.commit() != found.commit()) {
        return false;
      }
      // What the other root reaches of the old tree may be unknown, and is taken to be free.
      try {
        slots.write(1 - currentPair, durable.root());
      } catch (IOException | RuntimeException e) {
        failed = e;
        throw e;
      }
      rebuilding = found;
      allocator.readAnew(found.freePages());
      makeCommit(Reason.REBUILD);
      return true;
    } finally {
      rebuilding = null;
      committing.unlock();
    }
  }

  /** Pages that commit M freed are out of reach once M + 1 is durable and no older pin is left. */
  private void reuse() {
    long oldest = pins.oldest();
    allocator.reuse(Math.min(durable.commit(), oldest == Long.MAX_VALUE ? oldest : oldest + 1));
  }

  private long[] committedGroup(int group) throws IOException {
    Rebuilt instead = rebuilding;
    if (instead != null) {
      return instead.group(group);
    }
    TreeRoot space = durable.root().trees().get(SystemTrees.SPACE);
    try {
      return Committer.spaceOf(store, space, group);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(name(), store, space, SpaceLayout.key(group), lost);
    }
  }

  /**
   * Goes through everything: both copies of every node past every cache, order, separators, levels,
   * generations, holds, and which pages are in use. Bad copies are rewritten. Beside a writer it
   * sees the newest durable commit.
   *
   * @param data which pages belong to whoever stands above, in that commit
   */
  public ForestReport check(DataPages data) throws IOException {
    checkOpen();
    if (device.state() == DeviceState.ONLINE && failed == null) {
      settle();
      healSlots();
    }
    Pins.Pinned<Durable> pinned = pins.pin(() -> new Pins.Pinned<>(durable.commit(), durable));
    Snapshot view = snapshot(pinned.state().root().trees(), pinned.commit(), pinned.commit());
    try (view) {
      return new ForestCheck(device, store, pinned.state(), slots.addresses()).run(view, data);
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
    checkOpen();
    ByteRange pages = range.alignOutward(PAGE_BYTES);
    Objects.checkFromToIndex(pages.start(), pages.end(), device.sizeBytes());
    long begin = pages.start() / PAGE_BYTES;
    long end = pages.end() / PAGE_BYTES;
    List<PageUse> uses;
    int tries = 0;
    Pins.Pinned<Durable> pinned;
    do {
      pinned = pins.pin(() -> new Pins.Pinned<>(durable.commit(), durable));
      try {
        uses = new PageUses(device, store, allocator, pinned.state(), begin, end).find();
      } finally {
        pins.unpin(pinned.commit());
      }
      tries++;
    } while (durable.commit() != pinned.commit() && tries < USES_TRIES_MAX);
    return uses;
  }

  private void healSlots() throws IOException {
    committing.lock();
    try {
      for (int slot : slots.differing(currentPair, durable.root())) {
        slots.replace(slot, durable.root());
      }
    } finally {
      committing.unlock();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the forest on " + name() + " is closed");
    }
  }

  private void checkUsable() throws IOException {
    checkOpen();
    Throwable why = failed;
    if (why != null) {
      throw new ForestFailedException(name(), why);
    }
    DeviceState state = device.state();
    if (state != DeviceState.ONLINE && state != DeviceState.PARTIAL) {
      throw new DeviceUnavailableException(
          name(), state, "the forest takes no changes: its device is " + state, null);
    }
  }

  /**
   * Makes everything durable that was applied. The device stays open. Transactions and snapshots
   * are to be closed before. Idempotent.
   */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    try {
      if (failed == null && durableTicket < appliedTicket) {
        persist();
      }
    } finally {
      closed = true;
    }
  }
}
