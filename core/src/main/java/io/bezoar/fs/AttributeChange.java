package io.bezoar.fs;

import org.jspecify.annotations.Nullable;

/**
 * Attributes to be set, as one step; null leaves one as it is. Times are nanoseconds since 1970
 * UTC.
 *
 * @param mode permission bits, {@code 07777}
 * @param uid owner
 * @param gid group
 * @param accessedNanos when it was last read
 * @param modifiedNanos when the content last changed
 * @param createdNanos when it was made
 */
public record AttributeChange(
    @Nullable Integer mode,
    @Nullable Integer uid,
    @Nullable Integer gid,
    @Nullable Long accessedNanos,
    @Nullable Long modifiedNanos,
    @Nullable Long createdNanos) {
  /**
   * Checks the mode.
   *
   * @throws IllegalArgumentException when it has other bits than permissions
   */
  public AttributeChange {
    if (mode != null) {
      NewFile.checkMode(mode);
    }
  }

  /** Changes nothing. */
  public static final AttributeChange NONE =
      new AttributeChange(null, null, null, null, null, null);

  /** Also sets the permission bits. */
  public AttributeChange withMode(int newMode) {
    return new AttributeChange(newMode, uid, gid, accessedNanos, modifiedNanos, createdNanos);
  }

  /** Also sets owner and group. */
  public AttributeChange withOwner(int newUid, int newGid) {
    return new AttributeChange(mode, newUid, newGid, accessedNanos, modifiedNanos, createdNanos);
  }

  /** Also sets the time of the last access. */
  public AttributeChange withAccessed(long nanos) {
    return new AttributeChange(mode, uid, gid, nanos, modifiedNanos, createdNanos);
  }

  /** Also sets the time of the last modification. */
  public AttributeChange withModified(long nanos) {
    return new AttributeChange(mode, uid, gid, accessedNanos, nanos, createdNanos);
  }

  /** Also sets the time of creation. */
  public AttributeChange withCreated(long nanos) {
    return new AttributeChange(mode, uid, gid, accessedNanos, modifiedNanos, nanos);
  }
}
