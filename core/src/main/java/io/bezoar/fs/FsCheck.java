package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.fs.ExtentLayout.OwnerEntry;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.Cursor;
import io.bezoar.tree.ForestReport;
import io.bezoar.tree.Tree;
import io.bezoar.tree.TreeDamagedException;
import io.bezoar.tree.View;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Goes through one state of everything and compares what is there twice.
 *
 * <p>Trees that begin with an inode's number are read side by side, once, in order: what an inode
 * says of itself is compared with what the others have of it. Trees that say the same from two
 * sides are compared by sums of hashes, which do not depend on the order; only when sums differ are
 * their entries sought one by one. So memory does not grow with the number of files, but for 16
 * bytes for each directory. Used once.
 */
final class FsCheck {
  private static final int PROBLEMS_MAX = 1000;

  private final FsCore core;
  private final List<String> problems = new ArrayList<>();
  private long truncated;
  private long files;
  private long directories;
  private long links;
  private long extents;
  private boolean liveSeen;
  private final DirectoryParents parents = new DirectoryParents();

  // Sums of hashes: equal when the trees agree.
  private long namesSum;
  private long linksSum;
  private long extentsSum;
  private long ownersSum;
  private long typesNamed;
  private long typesLinked;

  FsCheck(FsCore core) {
    this.core = core;
  }

  CheckReport run() throws IOException {
    ForestReport forest = core.forest.check(this::pages);
    forest.damage().forEach(lost -> problem("metadata is lost: " + lost.getReason()));
    forest.problems().forEach(this::problem);
    for (ByteRange leak : forest.leaked()) {
      problem("pages in use for nobody: " + leak);
    }
    return new CheckReport(
        forest.commit(),
        files,
        directories,
        links,
        extents,
        forest.nodes(),
        forest.dataPages() * PAGE_BYTES,
        forest.heldPages() * PAGE_BYTES,
        forest.freePages() * PAGE_BYTES,
        forest.badCopies(),
        problems,
        truncated);
  }

  private void problem(String what) {
    if (problems.size() < PROBLEMS_MAX) {
      problems.add(what);
    } else {
      truncated++;
    }
  }

  /** The forest asks whose pages there are: of the live state first, then of each hold. */
  private void pages(View view, Consumer<ByteRange> owned) throws IOException {
    owned.accept(core.log());
    try {
      if (liveSeen) {
        walkOwners(view, owned, false);
      } else {
        liveSeen = true;
        walkOwners(view, owned, true);
        walkInodes(view);
        compare(view);
      }
    } catch (TreeDamagedException lost) {
      // The forest names all that is lost itself; what depends on it cannot be compared.
      problem("not everything could be compared: " + lost.getReason());
    }
  }

  private void walkOwners(View view, Consumer<ByteRange> owned, boolean live) throws IOException {
    Cursor cursor = view.cursor(core.trees.owners());
    OwnerEntry before = new OwnerEntry(-1, 0, 0, 1, 0);
    for (boolean at = cursor.first(); at; at = cursor.next()) {
      OwnerEntry owner = ExtentLayout.owner(cursor.key(), cursor.value());
      boolean shared = owner.start() == before.start();
      if (shared ? owner.count() != before.count() : owner.start() < before.end()) {
        problem("owners of pages overlap: " + before + " and " + owner);
      }
      if (!shared) {
        owned.accept(new ByteRange(owner.start() * PAGE_BYTES, owner.end() * PAGE_BYTES));
      }
      before = owner;
      if (live) {
        ownersSum += hash(owner.inode(), owner.page(), owner.start(), owner.count(), owner.born());
      }
    }
  }

  // Side by side.

  private void walkInodes(View view) throws IOException {
    Cursor inodes = view.cursor(core.trees.inodes());
    Follower names = new Follower(view, core.trees.names());
    Follower parentsOf = new Follower(view, core.trees.links());
    Follower mapped = new Follower(view, core.trees.extents());
    Follower attributes = new Follower(view, core.trees.attributes());
    Follower orphans = new Follower(view, core.trees.orphans());
    for (boolean at = inodes.first(); at; at = inodes.next()) {
      long number = inodes.keyLong(0);
      Inode inode;
      try {
        inode = InodeLayout.decode(number, inodes.value());
      } catch (IllegalArgumentException broken) {
        problem("inode " + number + " cannot be understood: " + broken.getMessage());
        continue;
      }
      long orphan = orphans.of(number, entry -> {});
      boolean nameless = checkLinks(inode, parentsOf, orphan > 0);
      checkEntries(inode, names);
      checkExtents(inode, mapped, orphan > 0 && !nameless);
      checkAttributes(inode, attributes);
      count(inode);
    }
    for (Follower rest : List.of(names, parentsOf, mapped, attributes)) {
      rest.end();
    }
    orphans.end();
    parents.check(number -> problem("directory " + number + " does not hang on the root"));
  }

  private void count(Inode inode) {
    switch (inode.type()) {
      case REGULAR -> files++;
      case DIRECTORY -> directories++;
      case SYMLINK -> links++;
    }
  }

  /** True when it has no name, and is to go. */
  private boolean checkLinks(Inode inode, Follower parentsOf, boolean orphan) throws IOException {
    long type = typeHash(inode.number(), inode.type());
    long count =
        parentsOf.of(
            inode.number(),
            cursor -> {
              long directory = cursor.keyLong(Long.BYTES);
              linksSum += nameHash(directory, inode.number(), parentsOf.tail(2));
              typesLinked += type;
              if (inode.isDirectory()) {
                parents.add(inode.number(), directory);
              }
            });
    if (inode.isDirectory()) {
      long wanted = inode.number() == Inode.ROOT ? 0 : 1;
      if (count != wanted) {
        problem("directory " + inode.number() + " has " + count + " names");
      }
      if (inode.number() == Inode.ROOT) {
        parents.add(Inode.ROOT, Inode.ROOT);
      }
      return false;
    }
    if (count != inode.links()) {
      problem("inode " + inode.number() + " counts " + inode.links() + " names, and has " + count);
    }
    if (count == 0 && !orphan) {
      problem("inode " + inode.number() + " has no name, and is not to be taken apart");
    }
    return count == 0;
  }

  private void checkEntries(Inode inode, Follower names) throws IOException {
    long[] subdirectories = new long[1];
    long count =
        names.of(
            inode.number(),
            cursor -> {
              NameTree.Target target = NameTree.target(cursor.value());
              namesSum += nameHash(inode.number(), target.inode(), names.tail(1));
              typesNamed += typeHash(target.inode(), target.type());
              if (target.type() == FileType.DIRECTORY) {
                subdirectories[0]++;
              }
            });
    if (!inode.isDirectory()) {
      if (count > 0) {
        problem("inode " + inode.number() + " is no directory, and has " + count + " entries");
      }
      return;
    }
    if (count != inode.size() || inode.links() != 2 + subdirectories[0]) {
      problem(
          "directory %d counts %d entries and %d links, and has %d entries, %d of them directories"
              .formatted(inode.number(), inode.size(), inode.links(), count, subdirectories[0]));
    }
  }

  private void checkExtents(Inode inode, Follower mapped, boolean cut) throws IOException {
    long[] state = {0, 0};
    long end = Math.ceilDiv(inode.size(), PAGE_BYTES);
    mapped.of(
        inode.number(),
        cursor -> {
          Extent extent = ExtentLayout.extent(cursor.key(), cursor.value());
          extents++;
          extentsSum +=
              hash(inode.number(), extent.page(), extent.start(), extent.count(), extent.born());
          if (extent.page() < state[0]) {
            problem("extents of inode " + inode.number() + " overlap at page " + extent.page());
          }
          if (extent.isWritten() && extent.end() > end && !cut) {
            problem("inode " + inode.number() + " has data behind its end: " + extent);
          }
          state[0] = extent.end();
          state[1] += extent.count();
        });
    if (state[1] != inode.pages()) {
      problem(
          "inode " + inode.number() + " counts " + inode.pages() + " pages, and has " + state[1]);
    }
    if (state[1] > 0 && inode.type() != FileType.REGULAR) {
      problem("inode " + inode.number() + " is a " + inode.type() + " and has extents");
    }
  }

  private void checkAttributes(Inode inode, Follower attributes) throws IOException {
    long[] target = new long[1];
    attributes.of(
        inode.number(),
        cursor -> {
          if (AttributeTree.isTarget(cursor.key())) {
            target[0] += cursor.valueLength();
          }
        });
    long wanted = inode.type() == FileType.SYMLINK ? inode.size() : 0;
    if (target[0] != wanted) {
      problem(
          "the target of symbolic link "
              + inode.number()
              + " has "
              + target[0]
              + " bytes instead of "
              + wanted);
    }
  }

  // From two sides.

  private void compare(View view) throws IOException {
    if (namesSum != linksSum || typesNamed != typesLinked) {
      compareNames(view);
    }
    if (extentsSum != ownersSum) {
      compareExtents(view);
    }
  }

  private void compareNames(View view) throws IOException {
    Cursor names = view.cursor(core.trees.names());
    for (boolean at = names.first(); at; at = names.next()) {
      byte[] key = names.key();
      NameTree.Target target = NameTree.target(names.value());
      byte[] name = Keys.rest(key, 1);
      long directory = Keys.number(key, 0);
      Inode inode = core.inode(view, target.inode());
      String what = "name " + FileName.stored(name) + " in directory " + directory;
      if (inode == null) {
        problem(what + " stands for inode " + target.inode() + ", which is not there");
      } else if (inode.type() != target.type()) {
        problem(what + " says " + target.type() + ", and the inode " + inode.type());
      }
      if (!view.contains(core.trees.links(), Keys.of(target.inode(), directory, name))) {
        problem(what + " is not known to inode " + target.inode());
      }
    }
    Cursor back = view.cursor(core.trees.links());
    for (boolean at = back.first(); at; at = back.next()) {
      byte[] key = back.key();
      FileName name = FileName.stored(Keys.rest(key, 2));
      NameTree.Target target = core.names.get(view, Keys.number(key, 1), name);
      if (target == null || target.inode() != Keys.number(key, 0)) {
        problem(
            "inode %d says that directory %d names it %s, and it does not"
                .formatted(Keys.number(key, 0), Keys.number(key, 1), name));
      }
    }
  }

  private void compareExtents(View view) throws IOException {
    Cursor forward = view.cursor(core.trees.extents());
    for (boolean at = forward.first(); at; at = forward.next()) {
      Extent extent = ExtentLayout.extent(forward.key(), forward.value());
      byte[] value = view.get(core.trees.owners(), ExtentLayout.ownerKey(extent));
      if (value == null || !java.util.Arrays.equals(value, ExtentLayout.ownerValue(extent))) {
        problem("no owner for " + extent);
      }
    }
    Cursor back = view.cursor(core.trees.owners());
    for (boolean at = back.first(); at; at = back.next()) {
      OwnerEntry owner = ExtentLayout.owner(back.key(), back.value());
      byte[] value = view.get(core.trees.extents(), ExtentLayout.key(owner.inode(), owner.page()));
      Extent extent =
          value == null
              ? null
              : ExtentLayout.extent(ExtentLayout.key(owner.inode(), owner.page()), value);
      if (extent == null || extent.start() != owner.start() || extent.count() != owner.count()) {
        problem("no extent for " + owner);
      }
    }
  }

  // Hashes.

  private static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  private static long hash(long a, long b, long c, long d, long e) {
    return mix(mix(mix(mix(mix(a) + b) + c) + d) + e);
  }

  private static long typeHash(long inode, FileType type) {
    return mix(mix(inode) + type.code());
  }

  private static long nameHash(long directory, long inode, long name) {
    return mix(mix(mix(directory) + inode) + name);
  }

  /** What is to be done with an entry. */
  private interface Entry {
    void at(Cursor cursor);
  }

  /** Goes along with the inodes through a tree whose keys begin with their numbers. */
  private final class Follower {
    private final Tree tree;
    private final Cursor cursor;
    private final byte[] key = new byte[Tree.KEY_BYTES_MAX];
    private boolean at;

    Follower(View view, Tree tree) throws IOException {
      this.tree = tree;
      this.cursor = view.cursor(tree);
      this.at = cursor.first();
    }

    /** Entries of an inode: how many. Those of inodes before it have none. */
    long of(long inode, Entry entry) throws IOException {
      long count = 0;
      while (at) {
        int order = Long.compareUnsigned(cursor.keyLong(0), inode);
        if (order > 0) {
          break;
        }
        if (order < 0) {
          astray();
        } else {
          try {
            entry.at(cursor);
          } catch (IllegalArgumentException broken) {
            problem("tree " + tree.name() + ": " + broken.getMessage());
          }
          count++;
        }
        at = cursor.next();
      }
      return count;
    }

    private void astray() {
      problem(
          "tree "
              + tree.name()
              + " has an entry of inode "
              + cursor.keyLong(0)
              + ", which is not there");
    }

    void end() throws IOException {
      for (; at; at = cursor.next()) {
        astray();
      }
    }

    /** Hash of the key behind its first numbers. */
    long tail(int numbers) {
      int length = cursor.copyKey(key, 0);
      long hash = 0xcbf29ce484222325L;
      for (int i = numbers * Long.BYTES; i < length; i++) {
        hash = (hash ^ key[i]) * 0x100000001b3L;
      }
      return hash;
    }
  }
}
