package io.bezoar.tree;

import io.bezoar.media.ByteRange;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What pages of the device are for, as of the newest durable commit: {@link Forest#uses}. */
public sealed interface PageUse {
  /** Whole pages of the device, bytes. */
  ByteRange range();

  /**
   * Says which commit is the newest.
   *
   * @param index 0 to 3; two of the four say the same
   */
  record RootSlot(ByteRange range, int index) implements PageUse {}

  /** Which of the two copies of a node. */
  enum Copy {
    /** The one that is read. */
    FIRST,
    /** The one that is read when the first is bad. */
    SECOND
  }

  /**
   * A copy of a node of a tree. Named by what refers to it, so whether its bytes can still be read
   * or not.
   */
  final class TreeNode implements PageUse {
    private final Tree tree;
    private final int level;
    private final Copy copy;
    private final Ref ref;
    private final byte[] low;
    private final byte @Nullable [] high;
    private final List<Hold> holds;

    TreeNode(
        Tree tree,
        int level,
        Copy copy,
        Ref ref,
        byte[] low,
        byte @Nullable [] high,
        List<Hold> holds) {
      this.tree = tree;
      this.level = level;
      this.copy = copy;
      this.ref = ref;
      this.low = low.clone();
      this.high = high == null ? null : high.clone();
      this.holds = List.copyOf(holds);
    }

    @Override
    public ByteRange range() {
      return PageIo.pageAt(copy == Copy.FIRST ? ref.address() : ref.twin());
    }

    /** The tree; its id is less than 3 for those that the forest keeps for itself. */
    public Tree tree() {
      return tree;
    }

    /** Height above the leaves. */
    public int level() {
      return level;
    }

    /** Which of the two copies of the node is here. */
    public Copy copy() {
      return copy;
    }

    /** Where the other copy is. */
    public ByteRange twin() {
      return PageIo.pageAt(copy == Copy.FIRST ? ref.twin() : ref.address());
    }

    /** The commit that wrote the node. */
    public long commit() {
      return ref.commit();
    }

    /** Least key that may be in the node, or below it; empty for the start of the tree. */
    public byte[] low() {
      return low.clone();
    }

    /** Least key above {@link #low} that is not; null for the end of the tree. */
    public byte @Nullable [] high() {
      return high == null ? null : high.clone();
    }

    /** Empty when the newest commit has the node; else the holds that do, oldest first. */
    public List<Hold> holds() {
      return holds;
    }

    @Override
    public String toString() {
      return "node of tree "
          + tree.name()
          + ", level "
          + level
          + ", "
          + copy
          + " copy at "
          + range()
          + ", keys from 0x"
          + HexFormat.of().formatHex(low)
          + (holds.isEmpty() ? "" : ", of " + holds);
    }
  }

  /** Free, and may be handed out at any time. */
  record Free(ByteRange range) implements PageUse {}

  /** Free, and not handed out while the device knows of bad bytes in it. */
  record Quarantined(ByteRange range) implements PageUse {}

  /** Freed; older commits or readers still have it. */
  record Resting(ByteRange range) implements PageUse {}

  /**
   * Only holds have it: data, or a node that cannot be told any more.
   *
   * @param holds those that have it, oldest first; without those that are being released
   */
  record Held(ByteRange range, List<Hold> holds) implements PageUse {
    /** Copies the list. */
    public Held {
      holds = List.copyOf(holds);
    }
  }

  /**
   * Somebody has it: whoever stands above, as data; or a commit to come. Or it is a node below a
   * branch that is lost in both copies, so that nothing refers to it any more.
   */
  record InUse(ByteRange range) implements PageUse {}
}
