package io.bezoar.target;

import java.nio.file.FileSystemException;

/**
 * Legs of one mirror went on without each other: each holds writes that the other has not. Nothing
 * was written. Which one is right has to be told, with {@link MirrorOptions#prefer(int)}; the other
 * is then made equal to it.
 */
public final class MirrorConflictException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final int firstSlot;
  private final int secondSlot;

  MirrorConflictException(String mirror, int firstSlot, int secondSlot, String found) {
    super(
        mirror,
        null,
        "legs "
            + firstSlot
            + " and "
            + secondSlot
            + " went on alone, each with writes that the other has not: "
            + found
            + "; no content was changed; say which leg is right, and the other is made equal to it");
    this.firstSlot = firstSlot;
    this.secondSlot = secondSlot;
  }

  /** One of the legs. */
  public int firstSlot() {
    return firstSlot;
  }

  /** The other one. */
  public int secondSlot() {
    return secondSlot;
  }
}
