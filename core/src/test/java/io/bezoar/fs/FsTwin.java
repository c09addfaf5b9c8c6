package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A filesystem and its model, that do everything together: what one refuses the other refuses, for
 * a reason that fits, and after each operation they agree about all that it touched.
 */
final class FsTwin {
  /** The power is off, and the operation may have happened. */
  static final class Cut extends Exception {
    private static final long serialVersionUID = 1L;

    Cut(Throwable cause) {
      super(cause);
    }
  }

  /** What the filesystem does. */
  @FunctionalInterface
  interface Real<T> {
    T run() throws IOException;
  }

  /** Whether an operation may say that the device is full. */
  private enum Space {
    MAY_BE_FULL,
    NEVER_FULL
  }

  final FsRig rig;
  final FsModel model;
  private final Map<Long, ArrayDeque<OpenFile>> handles = new HashMap<>();
  private final ArrayDeque<String> log = new ArrayDeque<>();

  /** Operations that found the device full. */
  int fullCount;

  private boolean blind;
  private boolean releasing;
  private boolean damaged;

  private FsTwin(FsRig rig, FsState found) {
    this.rig = rig;
    this.model = new FsModel(found);
  }

  /** Takes what is there for right. */
  static FsTwin of(FsRig rig) throws IOException {
    return new FsTwin(rig, FsObserver.observe(rig.fs));
  }

  FsState now() {
    return model.now();
  }

  /** The newest operations, for a failure's message. */
  String history() {
    return String.join("\n  ", log);
  }

  static String kindOf(Throwable failure) {
    return switch (failure) {
      case FilesystemFullException _ -> "FULL";
      case InvalidFileException invalid -> FsState.kind(invalid.problem());
      default -> failure.getClass().getSimpleName();
    };
  }

  static boolean isPowerCut(Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof SimMedia.PowerCutException) {
        return true;
      }
    }
    return false;
  }

  // Doing things.

  private <T> Optional<T> both(String what, UnaryOperator<FsState> change, Real<T> real)
      throws IOException, Cut {
    return both(what, Space.MAY_BE_FULL, change, real);
  }

  /** The result; nothing when both refused, or the device is full. */
  private <T> Optional<T> both(
      String what, Space space, UnaryOperator<FsState> change, Real<T> real)
      throws IOException, Cut {
    log.add(what);
    if (log.size() > 40) {
      log.remove();
    }
    FsState before = now();
    Set<String> refusals = Set.of();
    try {
      model.begins(change.apply(before));
    } catch (FsState.Refused refused) {
      refusals = refused.kinds();
    }
    T result;
    try {
      result = real.run();
    } catch (IOException | RuntimeException failure) {
      if (isPowerCut(failure)) {
        throw new Cut(failure);
      }
      if (refusals.isEmpty()) {
        model.refused();
      }
      if (damaged && failure instanceof FilesystemDamagedException) {
        return Optional.empty();
      }
      boolean full = space == Space.MAY_BE_FULL && failure instanceof FilesystemFullException;
      if (!full && !refusals.contains(kindOf(failure))) {
        throw new AssertionError(what + " failed; expected " + refusals + " of it", failure);
      }
      fullCount += full ? 1 : 0;
      return Optional.empty();
    }
    if (!refusals.isEmpty()) {
      throw new AssertionError(what + " was done; expected one of " + refusals);
    }
    return Optional.of(result);
  }

  /** True while snapshots keep what is deleted: then deleting may need more than it gives back. */
  private boolean kept() {
    return releasing || !now().snapshots().isEmpty();
  }

  private Space relief() {
    return kept() ? Space.MAY_BE_FULL : Space.NEVER_FULL;
  }

  private boolean done(String what, UnaryOperator<FsState> change, RealAction real)
      throws IOException, Cut {
    return done(what, Space.MAY_BE_FULL, change, real);
  }

  private boolean done(String what, Space space, UnaryOperator<FsState> change, RealAction real)
      throws IOException, Cut {
    rig.clock.advance();
    FsState before = now();
    boolean done =
        both(
                what,
                space,
                change,
                () -> {
                  real.run();
                  return true;
                })
            .isPresent();
    compareChanged(before);
    return done;
  }

  /** What the filesystem does, without a result. */
  @FunctionalInterface
  private interface RealAction {
    void run() throws IOException;
  }

  private long time() {
    return rig.clock.nanos();
  }

  private static FileId id(long inode) {
    return FileId.live(inode);
  }

  // Directories.

  /** The new inode; nothing when it was refused. */
  Optional<Long> create(long directory, FileName name, FileType type, byte[] target, NewFile how)
      throws IOException, Cut {
    rig.clock.advance();
    Optional<FileId> made =
        both(
            "create " + type + " " + directory + "/" + show(name),
            state -> state.create(directory, name, type, target, how, time()),
            () ->
                type == FileType.SYMLINK
                    ? rig.fs.symlink(id(directory), name, target, how)
                    : rig.fs.create(id(directory), name, type, how));
    if (made.isEmpty()) {
      return Optional.empty();
    }
    assertThat(made.get().isSnapshot()).isFalse();
    long inode = made.get().inode();
    assertThat(now().find(inode)).as("inode %s is used twice", inode).isNull();
    if (damaged) {
      model.correct(now().resolve(inode, -1));
      return Optional.of(inode);
    }
    looking(
        () -> {
          Attributes attributes = rig.fs.attributes(made.get());
          model.correct(now().resolve(inode, attributes.generation()));
        });
    compare(inode);
    compare(directory);
    return Optional.of(inode);
  }

  Optional<Long> create(long directory, FileName name, FileType type) throws IOException, Cut {
    byte[] target = type == FileType.SYMLINK ? new byte[] {'x'} : new byte[0];
    return create(directory, name, type, target, NewFile.standard(type));
  }

  boolean link(long inode, long directory, FileName name) throws IOException, Cut {
    return done(
        "link " + inode + " as " + directory + "/" + show(name),
        state -> state.link(inode, directory, name, time()),
        () -> rig.fs.link(id(inode), id(directory), name));
  }

  boolean unlink(long directory, FileName name) throws IOException, Cut {
    return done(
        "unlink " + directory + "/" + show(name),
        relief(),
        state -> state.unlink(directory, name, time()),
        () -> rig.fs.unlink(id(directory), name));
  }

  boolean rmdir(long directory, FileName name) throws IOException, Cut {
    return done(
        "rmdir " + directory + "/" + show(name),
        relief(),
        state -> state.rmdir(directory, name, time()),
        () -> rig.fs.rmdir(id(directory), name));
  }

  boolean rename(
      long directory, FileName name, long to, FileName toName, Filesystem.Replace replace)
      throws IOException, Cut {
    return done(
        "rename " + directory + "/" + show(name) + " to " + to + "/" + show(toName) + " " + replace,
        state -> state.rename(directory, name, to, toName, replace, time()),
        () -> rig.fs.rename(id(directory), name, id(to), toName, replace));
  }

  // Files by number.

  boolean setAttributes(long inode, AttributeChange change) throws IOException, Cut {
    return done(
        "attributes of " + inode,
        state -> state.attributes(inode, change, time()),
        () -> rig.fs.setAttributes(id(inode), change));
  }

  boolean setExtended(long inode, AttributeName name, byte[] value) throws IOException, Cut {
    return done(
        "set extended " + show(name) + " of " + inode + ", " + value.length + " bytes",
        state -> state.change(inode, node -> node.extended.put(name, value), time()),
        () -> rig.fs.setExtended(id(inode), name, value));
  }

  boolean removeExtended(long inode, AttributeName name) throws IOException, Cut {
    FsNode node = now().find(inode);
    boolean there = node != null && node.extended.containsKey(name);
    return done(
        "remove extended " + show(name) + " of " + inode,
        state -> state.removeExtended(inode, name, time()),
        () -> assertThat(rig.fs.removeExtended(id(inode), name)).isEqualTo(there));
  }

  // Open files.

  boolean open(long inode) throws IOException, Cut {
    Optional<OpenFile> file =
        both("open " + inode, state -> state.open(inode), () -> rig.fs.open(id(inode)));
    file.ifPresent(one -> handles.computeIfAbsent(inode, _ -> new ArrayDeque<>()).add(one));
    return file.isPresent();
  }

  boolean close(long inode) throws IOException, Cut {
    OpenFile file = Objects.requireNonNull(handles.get(inode)).remove();
    return done("close " + inode, Space.NEVER_FULL, state -> state.close(inode), file::close);
  }

  private OpenFile handle(long inode) {
    return Objects.requireNonNull(handles.get(inode)).element();
  }

  boolean write(long inode, long offset, byte[] bytes) throws IOException, Cut {
    try (Arena arena = Arena.ofConfined()) {
      return done(
          "write " + inode + " at " + offset + ", " + bytes.length + " bytes",
          state -> state.write(inode, offset, bytes, time()),
          () -> handle(inode).write(offset, FsObserver.segment(arena, bytes)));
    }
  }

  boolean append(long inode, byte[] bytes) throws IOException, Cut {
    long end = now().node(inode).size();
    try (Arena arena = Arena.ofConfined()) {
      return done(
          "append to " + inode + ", " + bytes.length + " bytes",
          state -> state.write(inode, end, bytes, time()),
          () -> assertThat(handle(inode).append(FsObserver.segment(arena, bytes))).isEqualTo(end));
    }
  }

  boolean truncate(long inode, long size) throws IOException, Cut {
    return done(
        "truncate " + inode + " to " + size,
        size == 0 ? relief() : Space.MAY_BE_FULL,
        state -> state.truncate(inode, size, time()),
        () -> handle(inode).truncate(size));
  }

  boolean allocate(long inode, ByteRange range) throws IOException, Cut {
    return done(
        "allocate " + range + " of " + inode,
        state -> state.change(inode, _ -> {}, time()),
        () -> handle(inode).allocate(range));
  }

  boolean punch(long inode, ByteRange range) throws IOException, Cut {
    return done(
        "punch " + range + " of " + inode,
        state -> state.punch(inode, range, time()),
        () -> handle(inode).punch(range));
  }

  boolean reflink(long from, ByteRange range, long to, long offset) throws IOException, Cut {
    return done(
        "reflink " + range + " of " + from + " to " + to + " at " + offset,
        state -> state.share(from, range, to, offset, time()),
        () -> rig.fs.reflink(handle(from), range, handle(to), offset));
  }

  // Snapshots, and what is durable.

  boolean snapshot(FileName name) throws IOException, Cut {
    rig.clock.advance();
    boolean made =
        both(
                "snapshot " + name,
                state -> state.snapshot(name),
                () -> {
                  SnapshotInfo info = rig.fs.snapshot(name);
                  assertThat(info.name()).isEqualTo(name.toString());
                  assertThat(info.createdNanos()).isEqualTo(time());
                  assertThat(rig.fs.snapshots()).endsWith(info);
                  return info;
                })
            .isPresent();
    if (made) {
      model.durable();
    }
    return made;
  }

  boolean deleteSnapshot(FileName name) throws IOException, Cut {
    releasing = true;
    return done(
        "delete snapshot " + name,
        Space.NEVER_FULL,
        state -> state.deleteSnapshot(name.toString()),
        () -> rig.fs.deleteSnapshot(name));
  }

  /** A snapshot takes no changes, of whatever kind. */
  void refuseInSnapshot(String snapshot, FileName name, int kind) throws IOException, Cut {
    UnaryOperator<FsState> refused =
        state -> {
          throw new FsState.Refused(Set.of("FilesystemReadOnlyException"));
        };
    done(
        "change " + kind + " of snapshot " + snapshot, refused, () -> change(snapshot, name, kind));
  }

  private void change(String snapshot, FileName name, int kind) throws IOException {
    Filesystem fs = rig.fs;
    FileId root = fs.lookup(FileId.SNAPSHOTS, FileName.of(snapshot)).orElseThrow().id();
    NewFile how = NewFile.standard(FileType.DIRECTORY);
    switch (kind) {
      case 0 -> fs.create(root, name, FileType.DIRECTORY, how);
      case 1 -> fs.symlink(root, name, new byte[] {'x'}, how);
      case 2 -> fs.unlink(root, name);
      case 3 -> fs.rmdir(root, name);
      case 4 -> fs.rename(root, name, root, name, Filesystem.Replace.REPLACE);
      case 5 -> fs.setAttributes(root, AttributeChange.NONE.withMode(0));
      case 6 -> fs.setExtended(root, AttributeName.stored(name.raw()), new byte[1]);
      default -> fs.removeExtended(root, AttributeName.stored(name.raw()));
    }
  }

  void sync() throws IOException, Cut {
    if (done("sync", Space.NEVER_FULL, state -> state, rig.fs::sync)) {
      model.durable();
    }
  }

  void sync(long inode) throws IOException, Cut {
    model.syncBegins(inode);
    if (done("sync " + inode, Space.NEVER_FULL, state -> state, handle(inode)::sync)) {
      model.synced(inode);
    }
  }

  void tick() throws IOException, Cut {
    if (done("tick", Space.NEVER_FULL, state -> state, rig.fs::tick)) {
      model.durable();
    }
  }

  /** Does everything that waits in the background. */
  void settle() throws IOException, Cut {
    tick();
    looking(rig::settle);
    releasing = false;
  }

  /** Closes everything, and opens it again. */
  void reopen() throws IOException, Cut {
    for (long inode : List.copyOf(handles.keySet())) {
      while (!Objects.requireNonNull(handles.get(inode)).isEmpty()) {
        close(inode);
      }
      handles.remove(inode);
    }
    done("reopen", Space.NEVER_FULL, state -> state, rig::reopen);
    model.durable();
  }

  /** The power is back: what is there must be allowed, and is right from now on. */
  void reopenOn(SimMedia survivors) throws IOException {
    handles.clear();
    rig.reopenOn(survivors);
    FsState found = FsObserver.observe(rig.fs);
    String why = model.whyNotAfterCrash(found);
    if (why != null) {
      throw new AssertionError(why);
    }
    model.continueFrom(found);
  }

  // Comparing.

  /** Operations. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException, Cut;
  }

  /** From now on anything may be refused because metadata is lost, and nothing is looked at. */
  void mayBeDamaged() {
    damaged = true;
    blind = true;
  }

  /** Does things to files that cannot be read as a whole. */
  void withoutLooking(Work work) throws IOException, Cut {
    blind = true;
    try {
      work.run();
    } finally {
      blind = false;
    }
  }

  /** All that an operation touched. */
  private void compareChanged(FsState before) throws IOException, Cut {
    if (blind) {
      return;
    }
    for (long inode : now().changedSince(before)) {
      compare(inode);
    }
    for (long inode : before.nodes().keySet()) {
      if (now().find(inode) == null) {
        looking(() -> compareGone(inode));
      }
    }
  }

  /** Looking may repair what it meets, and so meet a power cut. */
  private static void looking(RealAction action) throws IOException, Cut {
    try {
      action.run();
    } catch (IOException | RuntimeException failure) {
      if (isPowerCut(failure)) {
        throw new Cut(failure);
      }
      throw failure;
    }
  }

  private void compareGone(long inode) throws IOException {
    try {
      rig.fs.attributes(id(inode));
    } catch (InvalidFileException gone) {
      assertThat(gone.problem()).isEqualTo(InvalidFileException.Problem.GONE);
      return;
    }
    throw new AssertionError("inode " + inode + " should be gone");
  }

  private void compare(long inode) throws IOException, Cut {
    looking(
        () -> {
          FsNode want = now().node(inode);
          FsNode found = observe(inode, want);
          String difference = FsDiff.attributes(want, found, List.of());
          if (difference == null && !want.entries.equals(found.entries)) {
            difference = "entries " + want.entries + " but found " + found.entries;
          }
          if (difference != null) {
            throw new AssertionError("inode " + inode + ": " + difference);
          }
          if (want.links > 0) {
            List<String> paths = rig.fs.paths(id(inode)).stream().sorted().toList();
            assertThat(paths).isEqualTo(now().paths(inode));
          }
        });
  }

  /** By name, or what nothing but a handle leads to by the handle. */
  private FsNode observe(long inode, FsNode want) throws IOException {
    if (want.links > 0) {
      return FsObserver.node(rig.fs, id(inode));
    }
    OpenFile file = handle(inode);
    FsNode found = FsObserver.of(file.attributes());
    found.content = FsObserver.content(file);
    found.extended.putAll(want.extended);
    return found;
  }

  /** Everything is as the model says. */
  void compareAll() throws IOException {
    String difference = FsDiff.between(now(), FsObserver.observe(rig.fs), FsDiff.AS_EXPECTED);
    if (difference != null) {
      throw new AssertionError(difference);
    }
    for (Map.Entry<Long, FsNode> entry : now().nodes().entrySet()) {
      if (entry.getValue().links == 0) {
        FsNode found = observe(entry.getKey(), entry.getValue());
        assertThat(FsDiff.attributes(entry.getValue(), found, List.of())).isNull();
      }
    }
  }

  /** A range, through holes and all; the range may reach behind the end. */
  void compareRead(long inode, long offset, int length) throws IOException {
    byte[] want = now().node(inode).content.read(offset, length);
    assertThat(FsObserver.read(handle(inode), offset, length))
        .as("inode %s at %s", inode, offset)
        .isEqualTo(want);
  }

  private static String show(@Nullable Object name) {
    String text = String.valueOf(name);
    return text.length() > 12 ? text.substring(0, 12) + "…" : text;
  }
}
