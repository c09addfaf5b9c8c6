package io.bezoar.fs;

import io.bezoar.tree.Cursor;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.Tree;
import io.bezoar.tree.View;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an inode has besides, cut into pieces of up to {@link Tree#VALUE_BYTES_MAX} bytes.
 *
 * <p>{@code attributes}: inode (u64), kind (u8: 1 target of a symbolic link, 2 extended attribute),
 * name (empty for a target), NUL, number of the piece (u8) to its bytes. An empty value has one
 * empty piece.
 */
final class AttributeTree {
  static final int VALUE_BYTES_MAX = 64 << 10;
  static final int TARGET_BYTES_MAX = 4095;

  private static final int PIECE_BYTES = Tree.VALUE_BYTES_MAX;

  /** What is kept of an inode. */
  private enum Kind {
    TARGET(1),
    EXTENDED(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  private final Tree tree;

  AttributeTree(Trees trees) {
    this.tree = trees.attributes();
  }

  private static byte[] kindPrefix(long inode, Kind kind) {
    return Keys.of(inode, new byte[] {(byte) kind.code});
  }

  /** Everything before the number of the piece. */
  private static byte[] prefix(long inode, Kind kind, byte[] name) {
    byte[] rest = new byte[name.length + 2];
    rest[0] = (byte) kind.code;
    System.arraycopy(name, 0, rest, 1, name.length);
    return Keys.of(inode, rest);
  }

  private static byte[] after(byte[] prefix) {
    byte[] next = prefix.clone();
    for (int i = next.length - 1; i >= 0; i--) {
      next[i]++;
      if (next[i] != 0) {
        break;
      }
    }
    return next;
  }

  /** True for an entry that holds a piece of a symbolic link's target. */
  static boolean isTarget(byte[] key) {
    return key[Long.BYTES] == Kind.TARGET.code;
  }

  private byte @Nullable [] get(View view, byte[] prefix) throws IOException {
    Cursor cursor = view.cursor(tree);
    ByteArrayOutputStream value = new ByteArrayOutputStream();
    boolean found = false;
    for (boolean at = cursor.seek(prefix); at && cursor.keyStartsWith(prefix); at = cursor.next()) {
      value.writeBytes(cursor.value());
      found = true;
    }
    return found ? value.toByteArray() : null;
  }

  private void put(Transaction tx, byte[] prefix, byte[] value) throws IOException {
    tx.deleteRange(tree, prefix, after(prefix));
    int pieces = Math.max(1, (value.length + PIECE_BYTES - 1) / PIECE_BYTES);
    for (int piece = 0; piece < pieces; piece++) {
      byte[] key = Arrays.copyOf(prefix, prefix.length + 1);
      key[prefix.length] = (byte) piece;
      int from = piece * PIECE_BYTES;
      byte[] bytes = Arrays.copyOfRange(value, from, Math.min(value.length, from + PIECE_BYTES));
      tx.put(tree, key, bytes);
    }
  }

  void putTarget(Transaction tx, long inode, byte[] target) throws IOException {
    put(tx, prefix(inode, Kind.TARGET, new byte[0]), target);
  }

  byte @Nullable [] target(View view, long inode) throws IOException {
    return get(view, prefix(inode, Kind.TARGET, new byte[0]));
  }

  byte @Nullable [] extended(View view, long inode, AttributeName name) throws IOException {
    return get(view, prefix(inode, Kind.EXTENDED, name.raw()));
  }

  void putExtended(Transaction tx, long inode, AttributeName name, byte[] value)
      throws IOException {
    put(tx, prefix(inode, Kind.EXTENDED, name.raw()), value);
  }

  /** False when there is none. */
  boolean removeExtended(Transaction tx, long inode, AttributeName name) throws IOException {
    byte[] prefix = prefix(inode, Kind.EXTENDED, name.raw());
    Cursor cursor = tx.cursor(tree);
    if (!cursor.seek(prefix) || !cursor.keyStartsWith(prefix)) {
      return false;
    }
    tx.deleteRange(tree, prefix, after(prefix));
    return true;
  }

  Map<AttributeName, Integer> listExtended(View view, long inode) throws IOException {
    byte[] prefix = kindPrefix(inode, Kind.EXTENDED);
    Map<AttributeName, Integer> lengths = new TreeMap<>();
    Cursor cursor = view.cursor(tree);
    for (boolean at = cursor.seek(prefix); at && cursor.keyStartsWith(prefix); at = cursor.next()) {
      byte[] key = cursor.key();
      AttributeName name =
          AttributeName.stored(Arrays.copyOfRange(key, prefix.length, key.length - 2));
      lengths.merge(name, cursor.valueLength(), Integer::sum);
    }
    return lengths;
  }

  /** Everything of an inode. */
  void removeAll(Transaction tx, long inode) throws IOException {
    byte[] prefix = Keys.of(inode);
    Cursor cursor = tx.cursor(tree);
    if (cursor.seek(prefix) && cursor.keyStartsWith(prefix)) {
      tx.deleteRange(tree, prefix, after(prefix));
    }
  }
}
