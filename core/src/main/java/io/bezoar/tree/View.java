package io.bezoar.tree;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One state of all trees of a forest.
 *
 * <p>Every method that looks into a tree throws {@link TreeDamagedException} when a node on the way
 * is lost in both copies, and {@link io.bezoar.dax.DeviceUnavailableException} when the device, or
 * the part of it that is needed, is not there.
 */
public sealed interface View permits Snapshot, Transaction {
  /** The value of {@code key}, or null when there is none. */
  byte @Nullable [] get(Tree tree, byte[] key) throws IOException;

  /** True when there is an entry for {@code key}. */
  boolean contains(Tree tree, byte[] key) throws IOException;

  /** Goes through a tree in the order of its keys. */
  Cursor cursor(Tree tree);
}
