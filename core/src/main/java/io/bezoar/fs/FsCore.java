package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.media.ByteRange;
import io.bezoar.media.VmaBudget;
import io.bezoar.tree.Forest;
import io.bezoar.tree.ForestFullException;
import io.bezoar.tree.Hold;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.TreeDamagedException;
import io.bezoar.tree.View;
import java.io.IOException;
import java.nio.file.NotDirectoryException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What all parts of a filesystem stand on: its forest, its trees, and the one boundary at which
 * what a forest cannot do becomes what a file cannot do.
 *
 * <p>Whoever looks, looks at one state ({@link #look}); whoever changes, changes everything in one
 * transaction ({@link #change}). No lock of an inode is taken within a transaction: inode comes
 * before writer. Thread-safe.
 */
final class FsCore {
  private static final int PATHS_MAX = 1000;
  private static final int DEPTH_MAX = 4096;
  private static final int NUMBERS_AHEAD = 4096;

  final DaxDevice device;
  final Forest forest;
  final Trees trees;
  final NameTree names;
  final ExtentMap extents;
  final AttributeTree attributes;
  final FileMappings mappings;
  private final OpenInodes open;
  private final InstantSource clock;
  private final MetaLayout.Superblock superblock;

  /** Guarded by the right to write. */
  private long nextInode;

  /** Newest commit that a snapshot may keep; written with the right to write. */
  private volatile long newestHold;

  private volatile boolean onlyRead;
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Looks at one state. */
  interface Look<T> {
    T at(View view) throws IOException;
  }

  /** Changes everything or nothing. */
  interface Change<T> {
    T in(Transaction tx) throws IOException;
  }

  /** As {@link Change}, without a result. */
  interface Edit {
    void in(Transaction tx) throws IOException;
  }

  /**
   * What a change led to.
   *
   * @param ticket to wait for with {@link Forest#persist(long)}
   */
  record Done<T>(T result, long ticket) {}

  FsCore(
      DaxDevice device,
      Forest forest,
      Trees trees,
      MetaLayout.Superblock superblock,
      OpenInodes open,
      InstantSource clock,
      VmaBudget vmas)
      throws IOException {
    this.device = device;
    this.forest = forest;
    this.trees = trees;
    this.superblock = superblock;
    this.open = open;
    this.clock = clock;
    this.names = new NameTree(trees);
    this.extents = new ExtentMap(trees);
    this.attributes = new AttributeTree(trees);
    this.mappings = new FileMappings(this, vmas);
    this.newestHold = forest.holds().stream().mapToLong(Hold::commit).max().orElse(0);
    try (Snapshot view = forest.snapshot()) {
      byte[] limit = view.get(trees.meta(), MetaLayout.NUMBERS);
      this.nextInode = limit == null ? Inode.FIRST : MetaLayout.number(limit);
    }
  }

  MetaLayout.Superblock superblock() {
    return superblock;
  }

  /**
   * A number that no file ever had. The tree {@code meta} says from where on there are such, and is
   * told of many at a time.
   */
  long newInode(Transaction tx) throws IOException {
    byte[] limit = tx.get(trees.meta(), MetaLayout.NUMBERS);
    if (limit == null || MetaLayout.number(limit) <= nextInode) {
      tx.put(trees.meta(), MetaLayout.NUMBERS, MetaLayout.number(nextInode + NUMBERS_AHEAD));
    }
    return nextInode++;
  }

  long now() {
    return nanos(clock);
  }

  /** Nanoseconds since 1970. */
  static long nanos(InstantSource clock) {
    Instant now = clock.instant();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  long newestHold() {
    return newestHold;
  }

  /** Keeps the state that a transaction leaves. */
  void hold(Transaction tx, String name) {
    tx.hold(name);
    newestHold = tx.commitNumber();
  }

  /** It was opened for reading: what was not done again by then is not to be written over. */
  void onlyRead() {
    onlyRead = true;
  }

  boolean isWritable() {
    return !onlyRead && takesWrites();
  }

  private boolean takesWrites() {
    return device.state() == DeviceState.ONLINE || device.state() == DeviceState.PARTIAL;
  }

  /**
   * From now on nothing is to be read or changed by those who have files open: what is read may
   * soon be somebody else's. False when it was closed before.
   */
  boolean beginClosing() {
    return closed.compareAndSet(false, true);
  }

  boolean isOpen() {
    return !closed.get();
  }

  void checkOpen() {
    if (!isOpen()) {
      throw new IllegalStateException("the filesystem on " + device.info().name() + " is closed");
    }
  }

  // Looking.

  /** Looks at the state that a file is in. */
  <T> T look(FileId file, Look<T> look) throws IOException {
    try (Snapshot view = open(file)) {
      return lookAt(view, file, look);
    }
  }

  /** Looks at a state that is kept open. */
  <T> T lookAt(View view, FileId file, Look<T> look) throws IOException {
    try {
      return look.at(view);
    } catch (TreeDamagedException lost) {
      throw new FilesystemDamagedException(describe(file), lost);
    }
  }

  /** The state that a file is in; to be closed. */
  Snapshot open(FileId file) throws IOException {
    if (!file.isSnapshot()) {
      return forest.snapshot();
    }
    Optional<Hold> hold = hold(file.snapshot());
    if (hold.isEmpty()) {
      throw gone(file);
    }
    try {
      return forest.open(hold.get());
    } catch (IllegalArgumentException released) {
      throw gone(file);
    }
  }

  Optional<Hold> hold(long commit) {
    return forest.holds().stream().filter(hold -> hold.commit() == commit).findFirst();
  }

  @Nullable Inode inode(View view, long number) throws IOException {
    byte[] value = view.get(trees.inodes(), Keys.of(number));
    return value == null ? null : InodeLayout.decode(number, value);
  }

  /** The inode; one without a name is there for those who have it open. */
  Inode require(View view, FileId file) throws IOException {
    Inode inode = inode(view, file.inode());
    boolean nameless =
        inode != null && inode.links() == 0 && !file.isSnapshot() && !open.isOpen(file.inode());
    if (inode == null || nameless) {
      throw gone(file);
    }
    return inode;
  }

  Inode requireDirectory(View view, FileId directory) throws IOException {
    Inode inode = require(view, directory);
    if (!inode.isDirectory()) {
      throw new NotDirectoryException(describe(directory));
    }
    return inode;
  }

  InvalidFileException gone(FileId file) {
    return new InvalidFileException(text(file), InvalidFileException.Problem.GONE);
  }

  // Changing.

  /** Changes everything that {@code change} does, or nothing. */
  <T> Done<T> change(FileId about, Purpose purpose, Change<T> change) throws IOException {
    requireWritable(about);
    try {
      try {
        return changeOnce(purpose, change);
      } catch (ForestFullException full) {
        // Nothing was done; perhaps commits give back what was freed.
        if (!forest.relieve()) {
          throw full;
        }
        return changeOnce(purpose, change);
      }
    } catch (ForestFullException full) {
      throw new FilesystemFullException(describe(about), full);
    } catch (TreeDamagedException lost) {
      throw new FilesystemDamagedException(describe(about), lost);
    }
  }

  private <T> Done<T> changeOnce(Purpose purpose, Change<T> change) throws IOException {
    try (Transaction tx = forest.begin(purpose)) {
      T result = change.in(tx);
      return new Done<>(result, tx.apply());
    }
  }

  /** A change that results in nothing but the ticket to wait for. */
  long edit(FileId about, Purpose purpose, Edit edit) throws IOException {
    return change(
            about,
            purpose,
            tx -> {
              edit.in(tx);
              return Boolean.TRUE;
            })
        .ticket();
  }

  void requireWritable(FileId file) throws FilesystemReadOnlyException {
    if (file.isSnapshot() || file.equals(FileId.SNAPSHOTS)) {
      throw new FilesystemReadOnlyException(
          describe(file), "it belongs to a snapshot, and those never change");
    }
    if (onlyRead && takesWrites()) {
      throw new FilesystemReadOnlyException(
          describe(file), "it was opened when the volume took no writes: open it again");
    }
    if (!isWritable()) {
      throw new FilesystemReadOnlyException(
          describe(file), "the volume is " + device.state() + " and takes no writes");
    }
  }

  void put(Transaction tx, Inode inode) throws IOException {
    tx.put(trees.inodes(), Keys.of(inode.number()), InodeLayout.encode(inode));
  }

  // Paths.

  /** All paths of a file in its state. */
  List<String> paths(View view, FileId file) throws IOException {
    String root = rootPath(file);
    if (file.inode() == Inode.ROOT) {
      return List.of(root.isEmpty() ? "/" : root);
    }
    List<String> paths = new ArrayList<>();
    for (NameTree.Link link : names.links(view, file.inode(), PATHS_MAX)) {
      String directory = directoryPath(view, link.directory());
      if (directory != null) {
        paths.add(root + directory + "/" + link.name());
      }
    }
    paths.sort(Comparator.naturalOrder());
    return paths;
  }

  private String rootPath(FileId file) {
    if (!file.isSnapshot()) {
      return "";
    }
    String name = hold(file.snapshot()).map(Hold::name).orElse("#" + file.snapshot());
    return "/" + Snapshots.DIRECTORY + "/" + name;
  }

  /** Without the slash at the end; empty for the root; null when it hangs in the air. */
  private @Nullable String directoryPath(View view, long directory) throws IOException {
    StringBuilder path = new StringBuilder();
    long at = directory;
    for (int depth = 0; at != Inode.ROOT; depth++) {
      List<NameTree.Link> links = names.links(view, at, 1);
      if (links.isEmpty() || depth == DEPTH_MAX) {
        return null;
      }
      path.insert(0, "/" + links.getFirst().name());
      at = links.getFirst().directory();
    }
    return path.toString();
  }

  /** A path of a file, or what else can be said, for messages. */
  String describe(FileId file) {
    if (file.equals(FileId.SNAPSHOTS)) {
      return "/" + Snapshots.DIRECTORY;
    }
    try (Snapshot view = open(file)) {
      List<String> paths = paths(view, file);
      return paths.isEmpty() ? text(file) : paths.getFirst();
    } catch (IOException | RuntimeException unknown) {
      // A message is being made of something worse.
      return text(file);
    }
  }

  String describe(FileId directory, FileName name) {
    String path = describe(directory);
    return path.endsWith("/") ? path + name : path + "/" + name;
  }

  private static String text(FileId file) {
    return file.isSnapshot()
        ? "inode " + file.inode() + " of snapshot " + file.snapshot()
        : "inode " + file.inode();
  }

  /** Where the intent log lies. */
  ByteRange log() {
    return superblock.log();
  }
}
