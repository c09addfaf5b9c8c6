package io.bezoar.fs;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.bezoar.fs.InvalidFileException.Problem;
import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a filesystem holds at one moment, in plain collections, immutable. Each change
 * gives another state, or throws {@link Refused} with all errors that fit: a filesystem may find
 * any of them first.
 */
final class FsState {
  /** Nothing is done, for one of these reasons. */
  static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Set<String> kinds;

    Refused(Set<String> kinds) {
      super(kinds.toString());
      this.kinds = kinds;
    }

    /** What {@link FsTwin#kindOf} may say. */
    Set<String> kinds() {
      return kinds;
    }
  }

  static final long ROOT = FileId.ROOT.inode();

  /** The inode of what is made in the moment: nobody knows its number yet. */
  static final long PROVISIONAL = -1;

  private static final FileName SNAPSHOTS = FileName.stored(".snapshots".getBytes(UTF_8));

  private final Map<Long, FsNode> nodes;

  /** How often files are open. */
  private final Map<Long, Integer> open;

  private final Map<String, FsState> snapshots;

  private FsState(
      Map<Long, FsNode> nodes, Map<Long, Integer> open, Map<String, FsState> snapshots) {
    this.nodes = nodes;
    this.open = open;
    this.snapshots = snapshots;
  }

  static FsState empty(FsNode root) {
    FsState state = new FsState(new HashMap<>(), new HashMap<>(), new LinkedHashMap<>());
    state.nodes.put(ROOT, root);
    return state;
  }

  private FsState copy() {
    return new FsState(new HashMap<>(nodes), new HashMap<>(open), new LinkedHashMap<>(snapshots));
  }

  // Looking.

  FsNode node(long inode) {
    return Objects.requireNonNull(nodes.get(inode), () -> "no inode " + inode);
  }

  @Nullable FsNode find(long inode) {
    return nodes.get(inode);
  }

  /** What a name that is there stands for. */
  long inode(long directory, FileName name) {
    return Objects.requireNonNull(node(directory).entries.get(name));
  }

  Map<Long, FsNode> nodes() {
    return nodes;
  }

  Map<String, FsState> snapshots() {
    return snapshots;
  }

  boolean isOpen(long inode) {
    return open.containsKey(inode);
  }

  List<Long> inodes(FileType type) {
    return nodes.entrySet().stream()
        .filter(entry -> entry.getValue().type == type)
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }

  long pages() {
    return nodes.values().stream().mapToLong(node -> node.content.pageCount()).sum();
  }

  /** All paths, ascending. */
  List<String> paths(long inode) {
    List<String> found = new ArrayList<>();
    collectPaths("", ROOT, inode, found);
    found.sort(null);
    return found;
  }

  private void collectPaths(String prefix, long directory, long inode, List<String> found) {
    if (directory == inode) {
      found.add(prefix.isEmpty() ? "/" : prefix);
      return;
    }
    node(directory)
        .entries
        .forEach(
            (name, child) -> {
              if (node(child).isDirectory()) {
                collectPaths(prefix + "/" + name, child, inode, found);
              } else if (child == inode) {
                found.add(prefix + "/" + name);
              }
            });
  }

  /** True when {@code below} is {@code directory} or somewhere below it. */
  boolean isWithin(long below, long directory) {
    for (long at = below; ; at = node(at).parent) {
      if (at == directory) {
        return true;
      }
      if (at == ROOT) {
        return false;
      }
    }
  }

  // Errors.

  private final class Checks {
    final Set<String> kinds = new TreeSet<>();

    void problem(Problem problem) {
      kinds.add(kind(problem));
    }

    @Nullable FsNode directory(long inode) {
      FsNode node = nodes.get(inode);
      if (node == null) {
        gone();
      } else if (!node.isDirectory()) {
        kinds.add("NotDirectoryException");
        return null;
      }
      return node;
    }

    void gone() {
      problem(Problem.GONE);
    }

    void reserved(long directory, FileName name) {
      if (directory == ROOT && name.equals(SNAPSHOTS)) {
        problem(Problem.RESERVED);
      }
    }

    void free(long directory, FileName name) {
      FsNode node = directory(directory);
      if (node != null && node.entries.containsKey(name)) {
        kinds.add("FileAlreadyExistsException");
      }
      reserved(directory, name);
    }

    @Nullable FsNode entry(long directory, FileName name) {
      FsNode node = directory(directory);
      reserved(directory, name);
      if (node == null) {
        return null;
      }
      Long inode = node.entries.get(name);
      if (inode == null) {
        kinds.add("NoSuchFileException");
        return null;
      }
      return node(inode);
    }

    void orThrow() {
      if (!kinds.isEmpty()) {
        throw new Refused(kinds);
      }
    }
  }

  static String kind(Problem problem) {
    return "InvalidFileException " + problem;
  }

  // Changes of directories.

  FsState create(
      long directory, FileName name, FileType type, byte[] target, NewFile how, long now) {
    Checks checks = new Checks();
    checks.free(directory, name);
    checks.orThrow();
    FsState next = copy();
    FsNode made = new FsNode(type);
    made.mode = how.mode();
    made.uid = how.uid();
    made.gid = how.gid();
    made.target = target;
    made.accessed = now;
    made.modified = now;
    made.changed = now;
    made.created = now;
    made.links = 1;
    next.edit(directory, parent -> parent.entries.put(name, PROVISIONAL));
    next.touch(directory, now);
    if (type == FileType.DIRECTORY) {
      made.links = 2;
      made.parent = directory;
      next.edit(directory, parent -> parent.links++);
    }
    next.nodes.put(PROVISIONAL, made);
    return next;
  }

  /** What was made has a number now. */
  FsState resolve(long inode, long generation) {
    FsState next = copy();
    FsNode made = Objects.requireNonNull(next.nodes.remove(PROVISIONAL)).copy();
    made.generation = generation;
    next.nodes.put(inode, made);
    for (long directory : inodes(FileType.DIRECTORY)) {
      for (Map.Entry<FileName, Long> entry : node(directory).entries.entrySet()) {
        if (entry.getValue() == PROVISIONAL) {
          next.edit(directory, parent -> parent.entries.put(entry.getKey(), inode));
        }
      }
    }
    return next;
  }

  FsState link(long inode, long directory, FileName name, long now) {
    Checks checks = new Checks();
    FsNode node = find(inode);
    if (node == null || node.links == 0) {
      checks.gone();
    } else if (node.isDirectory()) {
      checks.problem(Problem.NO_LINKS_TO_DIRECTORIES);
    }
    checks.free(directory, name);
    checks.orThrow();
    FsState next = copy();
    next.edit(directory, parent -> parent.entries.put(name, inode));
    next.touch(directory, now);
    next.edit(
        inode,
        file -> {
          file.links++;
          file.changed = now;
        });
    return next;
  }

  FsState unlink(long directory, FileName name, long now) {
    Checks checks = new Checks();
    FsNode node = checks.entry(directory, name);
    if (node != null && node.isDirectory()) {
      checks.problem(Problem.IS_DIRECTORY);
    }
    checks.orThrow();
    FsState next = copy();
    next.remove(directory, name, now);
    next.touch(directory, now);
    return next;
  }

  FsState rmdir(long directory, FileName name, long now) {
    Checks checks = new Checks();
    FsNode node = checks.entry(directory, name);
    if (node != null && !node.isDirectory()) {
      checks.kinds.add("NotDirectoryException");
    }
    if (node != null && !node.entries.isEmpty()) {
      checks.kinds.add("DirectoryNotEmptyException");
    }
    checks.orThrow();
    FsState next = copy();
    next.remove(directory, name, now);
    next.touch(directory, now);
    return next;
  }

  FsState rename(
      long directory,
      FileName name,
      long toDirectory,
      FileName toName,
      Filesystem.Replace replace,
      long now) {
    Checks checks = new Checks();
    FsNode moved = checks.entry(directory, name);
    FsNode to = checks.directory(toDirectory);
    checks.reserved(toDirectory, toName);
    Long replacedInode = to == null ? null : to.entries.get(toName);
    if (moved != null && to != null) {
      long inode = inode(directory, name);
      if (moved.isDirectory() && isWithin(/* below= */ toDirectory, /* directory= */ inode)) {
        checks.problem(Problem.INTO_ITSELF);
      }
      if (replacedInode != null) {
        checkReplaced(checks, inode, replacedInode, replace);
      }
      checks.orThrow();
      if (replacedInode != null && replacedInode == inode) {
        return this;
      }
      return renamed(directory, name, toDirectory, toName, now);
    }
    checks.orThrow();
    throw new AssertionError();
  }

  private void checkReplaced(
      Checks checks, long inode, long replacedInode, Filesystem.Replace replace) {
    FsNode moved = node(inode);
    FsNode replaced = node(replacedInode);
    if (replace == Filesystem.Replace.REFUSE) {
      checks.kinds.add("FileAlreadyExistsException");
    }
    if (inode == replacedInode) {
      return;
    }
    if (moved.isDirectory() && !replaced.isDirectory()) {
      checks.kinds.add("NotDirectoryException");
    }
    if (!moved.isDirectory() && replaced.isDirectory()) {
      checks.problem(Problem.IS_DIRECTORY);
    }
    if (replaced.isDirectory() && !replaced.entries.isEmpty()) {
      checks.kinds.add("DirectoryNotEmptyException");
    }
  }

  private FsState renamed(
      long directory, FileName name, long toDirectory, FileName toName, long now) {
    FsState next = copy();
    long inode = inode(directory, name);
    if (node(toDirectory).entries.containsKey(toName)) {
      next.remove(toDirectory, toName, now);
    }
    next.edit(directory, from -> from.entries.remove(name));
    next.edit(toDirectory, to -> to.entries.put(toName, inode));
    if (node(inode).isDirectory()) {
      next.edit(directory, from -> from.links--);
      next.edit(toDirectory, to -> to.links++);
      next.edit(inode, moved -> moved.parent = toDirectory);
    }
    next.edit(inode, moved -> moved.changed = now);
    next.touch(directory, now);
    next.touch(toDirectory, now);
    return next;
  }

  /** Takes a name away, in a state that is being made. */
  private void remove(long directory, FileName name, long now) {
    long inode = inode(directory, name);
    edit(directory, parent -> parent.entries.remove(name));
    if (node(inode).isDirectory()) {
      edit(directory, parent -> parent.links--);
      nodes.remove(inode);
      return;
    }
    edit(
        inode,
        file -> {
          file.links--;
          file.changed = now;
        });
    forgetIfGone(inode);
  }

  private void forgetIfGone(long inode) {
    if (node(inode).links == 0 && !isOpen(inode)) {
      nodes.remove(inode);
    }
  }

  // Changes of files.

  FsState change(long inode, Consumer<FsNode> edit, long now) {
    Checks checks = new Checks();
    if (find(inode) == null) {
      checks.gone();
    }
    checks.orThrow();
    FsState next = copy();
    next.edit(inode, edit);
    next.edit(inode, node -> node.changed = now);
    return next;
  }

  FsState attributes(long inode, AttributeChange change, long now) {
    return change(
        inode,
        node -> {
          node.mode = or(change.mode(), node.mode);
          node.uid = or(change.uid(), node.uid);
          node.gid = or(change.gid(), node.gid);
          node.accessed = or(change.accessedNanos(), node.accessed);
          node.modified = or(change.modifiedNanos(), node.modified);
          node.created = or(change.createdNanos(), node.created);
        },
        now);
  }

  private static <T> T or(@Nullable T changed, T kept) {
    return changed == null ? kept : changed;
  }

  FsState removeExtended(long inode, AttributeName name, long now) {
    FsNode node = find(inode);
    if (node != null && !node.extended.containsKey(name)) {
      return this;
    }
    return change(inode, changed -> changed.extended.remove(name), now);
  }

  FsState open(long inode) {
    Checks checks = new Checks();
    FsNode node = find(inode);
    if (node == null) {
      checks.gone();
    } else if (node.isDirectory()) {
      checks.problem(Problem.IS_DIRECTORY);
    } else if (node.type == FileType.SYMLINK) {
      checks.problem(Problem.NOT_A_FILE);
    }
    checks.orThrow();
    FsState next = copy();
    next.open.merge(inode, 1, Integer::sum);
    return next;
  }

  FsState close(long inode) {
    FsState next = copy();
    next.open.computeIfPresent(inode, (_, count) -> count == 1 ? null : count - 1);
    next.forgetIfGone(inode);
    return next;
  }

  /** As after everybody who had files open is gone. */
  FsState closeAll() {
    FsState next = copy();
    next.open.clear();
    List.copyOf(next.nodes.keySet()).forEach(next::forgetIfGone);
    return next;
  }

  FsState write(long inode, long offset, byte[] bytes, long now) {
    return bytes.length == 0 ? this : content(inode, content -> content.write(offset, bytes), now);
  }

  FsState truncate(long inode, long size, long now) {
    return content(inode, content -> content.truncate(size), now);
  }

  FsState punch(long inode, ByteRange range, long now) {
    return content(inode, content -> content.zero(range), now);
  }

  FsState share(long from, ByteRange range, long to, long offset, long now) {
    FsContent source = node(from).content;
    return content(to, content -> content.share(source, range, offset), now);
  }

  private FsState content(long inode, UnaryOperator<FsContent> change, long now) {
    return change(
        inode,
        file -> {
          file.content = change.apply(file.content);
          file.modified = now;
        },
        now);
  }

  // Snapshots.

  FsState snapshot(FileName fileName) {
    String name = fileName.toString();
    Checks checks = new Checks();
    if (snapshots.containsKey(name)) {
      checks.kinds.add("FileAlreadyExistsException");
    }
    if (!UTF_8.newEncoder().canEncode(name)) {
      checks.kinds.add("FileSystemException");
    }
    checks.orThrow();
    FsState next = copy();
    next.snapshots.put(name, new FsState(nodes, Map.of(), Map.of()).closeAll());
    return next;
  }

  FsState withSnapshot(String name, FsState content) {
    FsState next = copy();
    next.snapshots.put(name, content);
    return next;
  }

  FsState deleteSnapshot(String name) {
    if (!snapshots.containsKey(name)) {
      throw new Refused(Set.of("NoSuchFileException"));
    }
    FsState next = copy();
    next.snapshots.remove(name);
    return next;
  }

  // Making a state.

  private void edit(long inode, Consumer<FsNode> change) {
    FsNode node = node(inode).copy();
    change.accept(node);
    nodes.put(inode, node);
  }

  private void touch(long directory, long now) {
    edit(
        directory,
        node -> {
          node.modified = now;
          node.changed = now;
        });
  }

  /** What two states do not have in common. */
  Collection<Long> changedSince(FsState before) {
    Set<Long> changed = new TreeSet<>();
    nodes.forEach(
        (inode, node) -> {
          if (before.nodes.get(inode) != node) {
            changed.add(inode);
          }
        });
    return changed;
  }
}
