package io.bezoar.fs;

import io.bezoar.tree.Cursor;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.View;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Names of directories, in both directions.
 *
 * <p>{@code names}: directory (u64), name to {inode u64, type u8}. {@code links}: inode (u64),
 * directory (u64), name to nothing. Invariant: every entry of one has its counterpart in the other.
 */
final class NameTree {
  private static final int BYTES = Long.BYTES + 1;
  private static final byte[] NOTHING = {};
  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** What a name stands for. */
  record Target(long inode, FileType type) {}

  /** One name of an inode. */
  record Link(long directory, FileName name) {}

  private final Trees trees;

  NameTree(Trees trees) {
    this.trees = trees;
  }

  static byte[] value(long inode, FileType type) {
    byte[] value = new byte[BYTES];
    I64.set(value, 0, inode);
    value[Long.BYTES] = (byte) type.code();
    return value;
  }

  /**
   * What an entry says.
   *
   * @throws IllegalArgumentException when it says nothing
   */
  static Target target(byte[] value) {
    if (value.length != BYTES) {
      throw new IllegalArgumentException("not a name: " + Arrays.toString(value));
    }
    return new Target((long) I64.get(value, 0), FileType.ofCode(value[Long.BYTES]));
  }

  @Nullable Target get(View view, long directory, FileName name) throws IOException {
    byte[] value = view.get(trees.names(), Keys.of(directory, name.raw()));
    return value == null ? null : target(value);
  }

  void add(Transaction tx, long directory, FileName name, Target target) throws IOException {
    tx.put(trees.names(), Keys.of(directory, name.raw()), value(target.inode(), target.type()));
    tx.put(trees.links(), Keys.of(target.inode(), directory, name.raw()), NOTHING);
  }

  void remove(Transaction tx, long directory, FileName name, Target target) throws IOException {
    tx.delete(trees.names(), Keys.of(directory, name.raw()));
    tx.delete(trees.links(), Keys.of(target.inode(), directory, name.raw()));
  }

  boolean isEmpty(View view, long directory) throws IOException {
    byte[] prefix = Keys.of(directory);
    Cursor cursor = view.cursor(trees.names());
    return !cursor.seek(prefix) || !cursor.keyStartsWith(prefix);
  }

  /** Entries behind a name, or from the start. */
  List<DirectoryEntry> list(View view, FileId directory, @Nullable FileName after, int max)
      throws IOException {
    byte[] prefix = Keys.of(directory.inode());
    byte[] from = after == null ? prefix : Keys.of(directory.inode(), after.raw());
    Cursor cursor = view.cursor(trees.names());
    List<DirectoryEntry> entries = new ArrayList<>();
    boolean at = cursor.seek(from);
    if (at && after != null && cursor.compareKey(from) == 0) {
      at = cursor.next();
    }
    for (; at && entries.size() < max && cursor.keyStartsWith(prefix); at = cursor.next()) {
      Target target = target(cursor.value());
      entries.add(
          new DirectoryEntry(
              FileName.stored(Keys.rest(cursor.key(), 1)),
              target.type(),
              directory.of(target.inode())));
    }
    return entries;
  }

  /** Names of an inode, {@code max} at most. */
  List<Link> links(View view, long inode, int max) throws IOException {
    byte[] prefix = Keys.of(inode);
    Cursor cursor = view.cursor(trees.links());
    List<Link> links = new ArrayList<>();
    boolean at = cursor.seek(prefix);
    for (; at && links.size() < max && cursor.keyStartsWith(prefix); at = cursor.next()) {
      byte[] key = cursor.key();
      links.add(new Link(Keys.number(key, 1), FileName.stored(Keys.rest(key, 2))));
    }
    return links;
  }

  /** The directory that a directory is in; the root is in itself; null for one that is gone. */
  @Nullable Long parent(View view, long directory) throws IOException {
    if (directory == Inode.ROOT) {
      return Inode.ROOT;
    }
    List<Link> links = links(view, directory, 1);
    return links.isEmpty() ? null : links.getFirst().directory();
  }
}
