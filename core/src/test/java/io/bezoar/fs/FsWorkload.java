package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Up to three operations on a small prepared tree, each with something that makes it durable or
 * not: the bounded workloads that find nearly all crash bugs that are ever reported (Mohan and
 * others, "Finding Crash-Consistency Bugs with Bounded Black-Box Crash Testing", OSDI 2018).
 *
 * @param warm whether the files were synced before
 * @param steps what is done
 */
record FsWorkload(boolean warm, List<Step> steps) {
  private static final int PAGE = FsRig.PAGE;

  /** What follows an operation. */
  enum Durability {
    NOTHING,
    SYNC,
    SYNC_FILE,
    SYNC_OTHER_FILE,
    TICK
  }

  /**
   * One operation, and what follows.
   *
   * @param operation what
   * @param durability what makes it durable
   */
  record Step(Operation operation, Durability durability) {}

  /** What is done. */
  @SuppressWarnings("ImmutableEnumChecker") // actions keep nothing
  enum Operation {
    CREATE("/n", s -> s.create("/n", FileType.REGULAR)),
    CREATE_BELOW("/d/n", s -> s.create("/d/n", FileType.REGULAR)),
    MKDIR("/d/m", s -> s.create("/d/m", FileType.DIRECTORY)),
    SYMLINK("/s", s -> s.create("/s", FileType.SYMLINK)),
    LINK("/d/x", s -> s.link("/d/x", "/k")),
    LINK_BELOW("/a", s -> s.link("/a", "/e/k")),
    UNLINK("/a", s -> s.unlink("/a")),
    UNLINK_OPEN(
        "/b",
        s -> {
          s.opened("/b");
          s.unlink("/b");
        }),
    UNLINK_ONE_NAME("/d/x", s -> s.unlink("/x")),
    RMDIR("/e", s -> s.rmdir("/e")),
    RMDIR_FULL("/d", s -> s.rmdir("/d")),
    RENAME("/a2", s -> s.rename("/a", "/a2")),
    RENAME_OVER("/b", s -> s.rename("/a", "/b")),
    RENAME_INTO("/d/a", s -> s.rename("/a", "/d/a")),
    RENAME_OUT_OVER("/a", s -> s.rename("/d/y", "/a")),
    RENAME_DIRECTORY("/e/d", s -> s.rename("/d", "/e/d")),
    RENAME_DIRECTORY_OVER("/e", s -> s.rename("/d", "/e")),
    RENAME_BACK("/a", s -> s.rename("/b", "/a")),
    MODE("/a", s -> s.attributes("/a", AttributeChange.NONE.withMode(0123))),
    TIMES("/b", s -> s.attributes("/b", AttributeChange.NONE.withModified(5).withAccessed(6))),
    SET_EXTENDED("/a", s -> s.extended("/a", 3000)),
    REPLACE_EXTENDED("/b", s -> s.extended("/b", 30)),
    REMOVE_EXTENDED("/b", s -> s.removeExtended("/b")),
    APPEND("/a", s -> s.append("/a", 5000)),
    APPEND_LITTLE("/a", s -> s.append("/a", 10)),
    APPEND_TWICE(
        "/b",
        s -> {
          s.append("/b", 100);
          s.append("/b", PAGE);
        }),
    OVERWRITE("/a", s -> s.write("/a", 0, PAGE)),
    OVERWRITE_MIDDLE("/a", s -> s.write("/a", PAGE - 1, 2)),
    OVERWRITE_MUCH("/a", s -> s.write("/a", 100, 40_000)),
    WRITE_BEHIND_END("/b", s -> s.write("/b", 100_000, 100)),
    WRITE_BELOW("/d/y", s -> s.write("/d/y", 0, 6000)),
    WRITE_SHARED("/r", s -> s.write("/r", PAGE, PAGE)),
    TRUNCATE("/a", s -> s.truncate("/a", PAGE + 1)),
    TRUNCATE_ALL("/a", s -> s.truncate("/a", 0)),
    GROW("/b", s -> s.truncate("/b", 50_000)),
    ALLOCATE("/b", s -> s.allocate("/b", new ByteRange(0, 10L * PAGE))),
    ALLOCATE_AND_WRITE(
        "/b",
        s -> {
          s.allocate("/b", new ByteRange(2L * PAGE, 6L * PAGE));
          s.write("/b", 3L * PAGE, PAGE);
        }),
    PUNCH("/a", s -> s.punch("/a", new ByteRange(PAGE, 2L * PAGE))),
    PUNCH_ODD("/a", s -> s.punch("/a", new ByteRange(100, 2L * PAGE + 100))),
    REFLINK("/b", s -> s.reflink("/a", new ByteRange(0, 2L * PAGE), "/b", 0)),
    REFLINK_ITSELF("/a", s -> s.reflink("/a", new ByteRange(0, PAGE), "/a", 2L * PAGE)),
    UNLINK_SHARED("/r", s -> s.unlink("/r")),
    SNAPSHOT("/a", s -> s.twin.snapshot(FileName.of("new"))),
    DELETE_SNAPSHOT("/a", s -> s.twin.deleteSnapshot(FileName.of("old")));

    /** The file that it is about. */
    private final String path;

    private final Action action;

    Operation(String path, Action action) {
      this.path = path;
      this.action = action;
    }
  }

  @FunctionalInterface
  private interface Action {
    void run(Scene scene) throws IOException, FsTwin.Cut;
  }

  static FsWorkload random(SplittableRandom random, int length) {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      steps.add(
          new Step(
              Operation.values()[random.nextInt(Operation.values().length)],
              Durability.values()[random.nextInt(Durability.values().length)]));
    }
    return new FsWorkload(random.nextBoolean(), List.copyOf(steps));
  }

  /** The tree that workloads begin with, durable. */
  static FsTwin prepare(FsRig rig) throws IOException, FsTwin.Cut {
    FsTwin twin = FsTwin.of(rig);
    Scene scene = new Scene(twin);
    for (String file : List.of("/a", "/b", "/r")) {
      scene.create(file, FileType.REGULAR);
    }
    scene.create("/d", FileType.DIRECTORY);
    scene.create("/e", FileType.DIRECTORY);
    scene.create("/d/x", FileType.REGULAR);
    scene.create("/d/y", FileType.REGULAR);
    scene.link("/d/x", "/x");
    scene.write("/a", 0, 3 * PAGE + 100);
    scene.write("/b", 0, PAGE);
    scene.write("/d/y", 0, 100);
    scene.reflink("/a", new ByteRange(0, 3L * PAGE), "/r", 0);
    scene.extended("/b", 10);
    twin.snapshot(FileName.of("old"));
    scene.write("/a", 2L * PAGE, PAGE);
    twin.reopen();
    return twin;
  }

  void run(FsTwin twin) throws IOException, FsTwin.Cut {
    Scene scene = new Scene(twin);
    if (warm) {
      // Who synced a file once gets the next ones through the intent log.
      scene.sync("/a");
      scene.sync("/b");
      scene.sync("/d/y");
    }
    for (Step step : steps) {
      step.operation().action.run(scene);
      switch (step.durability()) {
        case NOTHING -> {}
        case SYNC -> twin.sync();
        case SYNC_FILE -> scene.sync(step.operation().path);
        case SYNC_OTHER_FILE -> scene.sync("/d/y");
        case TICK -> twin.tick();
      }
    }
  }

  /** Operations on paths; what is not there is left out. */
  private static final class Scene {
    private final FsTwin twin;

    Scene(FsTwin twin) {
      this.twin = twin;
    }

    private static FileName name(String path) throws IOException {
      return FileName.of(path.substring(path.lastIndexOf('/') + 1));
    }

    private @Nullable Long find(String path) throws IOException {
      long at = FsState.ROOT;
      for (String name : path.substring(1).split("/", -1)) {
        if (name.isEmpty()) {
          continue;
        }
        Long next = twin.now().node(at).entries.get(FileName.of(name));
        if (next == null) {
          return null;
        }
        at = next;
      }
      return at;
    }

    /** The directory that a path ends in; the root when there is none. */
    private long directory(String path) throws IOException {
      Long found = find(path.substring(0, path.lastIndexOf('/') + 1));
      return found == null || !twin.now().node(found).isDirectory() ? FsState.ROOT : found;
    }

    /** The file, opened; null when there is none. */
    private @Nullable Long opened(String path) throws IOException, FsTwin.Cut {
      Long inode = find(path);
      if (inode == null || twin.now().node(inode).type != FileType.REGULAR) {
        return null;
      }
      if (!twin.now().isOpen(inode)) {
        twin.open(inode);
      }
      return inode;
    }

    private void create(String path, FileType type) throws IOException, FsTwin.Cut {
      twin.create(directory(path), name(path), type);
    }

    private void link(String path, String to) throws IOException, FsTwin.Cut {
      Long inode = find(path);
      if (inode != null) {
        twin.link(inode, directory(to), name(to));
      }
    }

    private void unlink(String path) throws IOException, FsTwin.Cut {
      twin.unlink(directory(path), name(path));
    }

    private void rmdir(String path) throws IOException, FsTwin.Cut {
      twin.rmdir(directory(path), name(path));
    }

    private void rename(String path, String to) throws IOException, FsTwin.Cut {
      twin.rename(directory(path), name(path), directory(to), name(to), Filesystem.Replace.REPLACE);
    }

    private void attributes(String path, AttributeChange change) throws IOException, FsTwin.Cut {
      Long inode = find(path);
      if (inode != null) {
        twin.setAttributes(inode, change);
      }
    }

    private void extended(String path, int length) throws IOException, FsTwin.Cut {
      Long inode = find(path);
      if (inode != null) {
        twin.setExtended(inode, AttributeName.of("user.x"), bytes(length));
      }
    }

    private void removeExtended(String path) throws IOException, FsTwin.Cut {
      Long inode = find(path);
      if (inode != null) {
        twin.removeExtended(inode, AttributeName.of("user.x"));
      }
    }

    /** Different bytes each time. */
    private byte[] bytes(int length) {
      byte[] bytes = new byte[length];
      Arrays.fill(bytes, (byte) (1 + (twin.rig.clock.nanos() >>> 20) % 251));
      return bytes;
    }

    private void append(String path, int length) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.append(inode, bytes(length));
      }
    }

    private void write(String path, long offset, int length) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.write(inode, offset, bytes(length));
      }
    }

    private void truncate(String path, long size) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.truncate(inode, size);
      }
    }

    private void allocate(String path, ByteRange range) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.allocate(inode, range);
      }
    }

    private void punch(String path, ByteRange range) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.punch(inode, range);
      }
    }

    private void reflink(String path, ByteRange range, String to, long offset)
        throws IOException, FsTwin.Cut {
      Long from = opened(path);
      Long into = opened(to);
      if (from != null && into != null && twin.now().node(from).size() >= range.end()) {
        twin.reflink(Objects.requireNonNull(from), range, Objects.requireNonNull(into), offset);
      }
    }

    private void sync(String path) throws IOException, FsTwin.Cut {
      Long inode = opened(path);
      if (inode != null) {
        twin.sync(inode);
      }
    }
  }
}
