package io.bezoar.tree;

/** There is no forest on the device that this version can open. Nothing was written. */
public final class ForestFormatException extends ForestException {
  private static final long serialVersionUID = 1L;

  /** What was found. */
  public enum Found {
    /** Nothing that looks like a forest. */
    NOTHING,
    /** Root slots, none of which is intact. */
    DAMAGED,
    /** A forest of a later version. */
    NEWER,
    /** A forest that was made for a device of another size. */
    OTHER_SIZE
  }

  private final Found found;

  ForestFormatException(String device, Found found, String reason) {
    super(device, reason, null);
    this.found = found;
  }

  /** What was found. */
  public Found found() {
    return found;
  }
}
