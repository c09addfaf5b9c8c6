package io.bezoar.fs;

import io.bezoar.media.ByteRange;

/** What some bytes of the device belong to. */
public sealed interface Owner {
  /** The bytes of the device, clipped to what was asked for. */
  ByteRange device();

  /**
   * Content of a file. Shared bytes have several such owners: one for each file and range, and for
   * each snapshot that has them.
   *
   * @param file whose
   * @param range where in it, bytes; may reach beyond its size in the last page
   */
  record Data(ByteRange device, FileId file, ByteRange range) implements Owner {}

  /**
   * A node of a tree, or one of the places that name the trees.
   *
   * @param structure which tree or place, for people
   * @param snapshot {@link FileId#LIVE}, or the snapshot that alone has it
   */
  record Metadata(ByteRange device, String structure, long snapshot) implements Owner {}

  /** Nobody's: can be handed out now or, if it rests, soon. */
  record Free(ByteRange device) implements Owner {}

  /** Nobody's, and known to be bad: not handed out before it is cleared. */
  record Quarantined(ByteRange device) implements Owner {}

  /** In use, and nothing says for what: a leak, or the structure that knows is lost. */
  record Unknown(ByteRange device) implements Owner {}
}
