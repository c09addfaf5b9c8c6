package io.bezoar.tree;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Both copies of a node are lost, and with them all entries of one range of keys. Everything else
 * of the forest works on.
 *
 * <p>To replace what is lost: {@link Transaction#deleteRange} from {@link #low} to {@link #high} in
 * a transaction with {@link Purpose#RELIEF}, and put what can be had from elsewhere.
 */
public final class TreeDamagedException extends ForestException {
  private static final long serialVersionUID = 1L;

  private final Tree tree;
  private final byte[] low;
  private final byte @Nullable [] high;
  private final int level;
  private final ByteRange copy;
  private final ByteRange twin;

  TreeDamagedException(
      String device,
      Tree tree,
      byte[] low,
      byte @Nullable [] high,
      UnreadableNodeException unreadable) {
    super(
        device,
        "tree "
            + tree.name()
            + ": keys from "
            + show(low)
            + " to "
            + (high == null ? "the end" : show(high))
            + " are lost with both copies of a node of level "
            + unreadable.level()
            + " at "
            + copiesOf(unreadable)
            + ": "
            + unreadable.getMessage()
            + "; other keys are not affected: rebuild and replace this range",
        unreadable);
    this.tree = tree;
    this.low = low.clone();
    this.high = high == null ? null : high.clone();
    this.level = unreadable.level();
    this.copy = copiesOf(unreadable).getFirst();
    this.twin = copiesOf(unreadable).getLast();
  }

  private static List<ByteRange> copiesOf(UnreadableNodeException unreadable) {
    Ref ref = unreadable.ref();
    return List.of(
        ByteRange.ofLength(ref.address(), Units.PAGE_BYTES),
        ByteRange.ofLength(ref.twin(), Units.PAGE_BYTES));
  }

  private static String show(byte[] key) {
    return key.length == 0 ? "the start" : "0x" + HexFormat.of().formatHex(key);
  }

  /** The tree that lost entries. */
  public Tree tree() {
    return tree;
  }

  /** Least key that may be lost; empty for the start of the tree. */
  public byte[] low() {
    return low.clone();
  }

  /** Least key above {@link #low} that is not lost with this node; null for the end of the tree. */
  public byte @Nullable [] high() {
    return high == null ? null : high.clone();
  }

  /** Height of the lost node above the leaves. */
  public int level() {
    return level;
  }

  /** Where the two copies of the node are on the device, bytes. */
  public List<ByteRange> copies() {
    return List.of(copy, twin);
  }
}
