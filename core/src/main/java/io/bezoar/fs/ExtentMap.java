package io.bezoar.fs;

import io.bezoar.fs.ExtentLayout.OwnerEntry;
import io.bezoar.tree.Cursor;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.View;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which pages of the device a file has, and whose a page of the device is.
 *
 * <p><b>Invariant.</b> Extents and owners are the same entries, looked at from both sides. Two
 * owners of a page have all pages of their extents in common: extents that share begin and end at
 * the same pages of the device. So all owners of a page stand side by side, behind one look-up; and
 * a page is free when the last of them goes. Where only a part of an extent is to be changed, it is
 * cut at the part's ends first, for everybody who shares it.
 *
 * <p>Extents of one file that go on in the file and on the device are joined when nobody shares
 * them and no snapshot came between the commits that took their pages. Not a party to locking: used
 * within a transaction, or on an unchanging view.
 */
final class ExtentMap {
  private final Trees trees;

  ExtentMap(Trees trees) {
    this.trees = trees;
  }

  private static Extent at(Cursor cursor) {
    return ExtentLayout.extent(cursor.key(), cursor.value());
  }

  private static OwnerEntry ownerAt(Cursor cursor) {
    return ExtentLayout.owner(cursor.key(), cursor.value());
  }

  /**
   * Extents of a file that have pages in {@code [from, to)}, ascending, whole.
   *
   * @param max how many at most
   */
  List<Extent> find(View view, long inode, long from, long to, int max) throws IOException {
    List<Extent> found = new ArrayList<>();
    if (from >= to) {
      return found;
    }
    Cursor cursor = view.cursor(trees.extents());
    byte[] prefix = Keys.of(inode);
    boolean at = cursor.seekFloor(ExtentLayout.key(inode, from));
    if (!at || !cursor.keyStartsWith(prefix)) {
      at = cursor.seek(ExtentLayout.key(inode, from));
    }
    for (; at && found.size() < max && cursor.keyStartsWith(prefix); at = cursor.next()) {
      Extent extent = at(cursor);
      if (extent.page() >= to) {
        break;
      }
      if (extent.end() > from) {
        found.add(extent);
      }
    }
    return found;
  }

  /** All owners of pages in {@code [from, to)} of the device, ascending, whole. */
  List<OwnerEntry> owners(View view, long from, long to) throws IOException {
    List<OwnerEntry> found = new ArrayList<>();
    Cursor cursor = view.cursor(trees.owners());
    boolean at = seekOwners(cursor, from);
    for (; at; at = cursor.next()) {
      OwnerEntry owner = ownerAt(cursor);
      if (owner.start() >= to) {
        break;
      }
      if (owner.end() > from) {
        found.add(owner);
      }
    }
    return found;
  }

  /** Goes to the first owner of {@code page}, or behind it. */
  private static boolean seekOwners(Cursor cursor, long page) throws IOException {
    // All owners of one run begin at the same page, which is at most this one.
    if (cursor.seekFloor(Keys.of(page, -1L, -1L))) {
      long start = cursor.keyLong(0);
      if (start + ownerAt(cursor).count() > page) {
        return cursor.seek(Keys.of(start));
      }
    }
    return cursor.seek(Keys.of(page));
  }

  /** True when nobody else has these pages. */
  boolean isSole(View view, Extent extent) throws IOException {
    Cursor cursor = view.cursor(trees.owners());
    byte[] start = Keys.of(extent.start());
    return cursor.seek(start)
        && cursor.keyStartsWith(start)
        && !(cursor.next() && cursor.keyStartsWith(start));
  }

  private void put(Transaction tx, Extent extent) throws IOException {
    tx.put(
        trees.extents(),
        ExtentLayout.key(extent.inode(), extent.page()),
        ExtentLayout.value(extent));
    tx.put(trees.owners(), ExtentLayout.ownerKey(extent), ExtentLayout.ownerValue(extent));
  }

  private void remove(Transaction tx, Extent extent) throws IOException {
    tx.delete(trees.extents(), ExtentLayout.key(extent.inode(), extent.page()));
    tx.delete(trees.owners(), ExtentLayout.ownerKey(extent));
  }

  /**
   * Gives a file pages, where it has none.
   *
   * @param newestHold newest commit that a snapshot may keep
   */
  void map(Transaction tx, Extent extent, long newestHold) throws IOException {
    Extent left = before(tx, extent);
    if (left != null && joins(tx, left, extent, newestHold)) {
      put(tx, left.with(left.count() + extent.count(), Math.min(left.born(), extent.born())));
    } else {
      put(tx, extent);
    }
  }

  private @Nullable Extent before(View view, Extent extent) throws IOException {
    if (extent.page() == 0) {
      return null;
    }
    List<Extent> found = find(view, extent.inode(), extent.page() - 1, extent.page(), 1);
    return found.isEmpty() ? null : found.getFirst();
  }

  private boolean joins(View view, Extent left, Extent right, long newestHold) throws IOException {
    boolean bornTogether =
        left.born() == right.born() || Math.min(left.born(), right.born()) > newestHold;
    return left.deviceEnd() == right.start()
        && left.content() == right.content()
        && bornTogether
        && left.count() + right.count() <= Integer.MAX_VALUE
        && isSole(view, left);
  }

  /**
   * Takes pages of the file away, and frees those that nobody else has.
   *
   * @param max extents that are taken away at most, the first ones
   * @return how many pages the file had there
   */
  long unmap(Transaction tx, long inode, long from, long to, int max) throws IOException {
    long pages = 0;
    for (int i = 0; i < max; i++) {
      // Sought anew each time: to cut an extent cuts others, of this file too if it shares them.
      List<Extent> next = find(tx, inode, from, to, 1);
      if (next.isEmpty()) {
        break;
      }
      Extent extent = next.getFirst().within(from, to);
      isolate(tx, next.getFirst(), extent);
      boolean sole = isSole(tx, extent);
      remove(tx, extent);
      if (sole) {
        tx.free(extent.device(), extent.born());
      }
      pages += extent.count();
    }
    return pages;
  }

  /** Cuts {@code whole} at the ends of {@code part}, which lies in it. */
  private void isolate(Transaction tx, Extent whole, Extent part) throws IOException {
    if (part.start() > whole.start()) {
      cut(tx, part.start());
    }
    if (part.deviceEnd() < whole.deviceEnd()) {
      cut(tx, part.deviceEnd());
    }
  }

  /** Cuts the extents of all owners before {@code page} of the device, which lies in them. */
  private void cut(Transaction tx, long page) throws IOException {
    for (OwnerEntry owner : owners(tx, page, page + 1)) {
      long left = page - owner.start();
      if (left == 0) {
        return;
      }
      Extent whole = require(tx, owner);
      put(tx, whole.within(whole.page(), whole.page() + left));
      put(tx, whole.within(whole.page() + left, whole.end()));
    }
  }

  private Extent require(View view, OwnerEntry owner) throws IOException {
    byte[] key = ExtentLayout.key(owner.inode(), owner.page());
    byte[] value = view.get(trees.extents(), key);
    if (value == null) {
      throw new IllegalStateException("the trees disagree: no extent for " + owner);
    }
    return ExtentLayout.extent(key, value);
  }

  /** Space that was taken in advance holds data now, in {@code [from, to)} of one extent. */
  void written(Transaction tx, Extent whole, long from, long to, long newestHold)
      throws IOException {
    Extent part = whole.within(from, to);
    isolate(tx, whole, part);
    remove(tx, part);
    map(tx, part.with(FileExtent.Content.WRITTEN), newestHold);
  }

  /**
   * Lets another file, or another place of the same, share what a file has in {@code [from, to)}.
   * It has nothing there yet.
   *
   * @return how many pages are shared
   */
  long share(Transaction tx, long inode, long from, long to, long toInode, long toPage)
      throws IOException {
    long pages = 0;
    long at = from;
    while (at < to) {
      List<Extent> next = find(tx, inode, at, to, 1);
      if (next.isEmpty()) {
        break;
      }
      Extent whole = next.getFirst();
      Extent part = whole.within(at, to);
      if (whole.isWritten()) {
        isolate(tx, whole, part);
        put(tx, part.of(toInode, toPage + part.page() - from));
        pages += part.count();
      }
      at = part.end();
    }
    return pages;
  }
}
