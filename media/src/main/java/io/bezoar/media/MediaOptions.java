package io.bezoar.media;

/**
 * How to open media.
 *
 * @param access what for
 * @param choice how the bytes are to be reached
 * @param drills whether faults may be injected
 */
public record MediaOptions(Access access, MediaChoice choice, Drills drills) {
  /** Read and write, reached as the path suggests, no drills. */
  public static final MediaOptions READ_WRITE =
      new MediaOptions(Access.READ_WRITE, MediaChoice.AUTO, Drills.OFF);

  /** Read only, reached as the path suggests, no drills. */
  public static final MediaOptions READ_ONLY =
      new MediaOptions(Access.READ_ONLY, MediaChoice.AUTO, Drills.OFF);
}
