package io.bezoar.fs;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * One write to one file that was made durable before the forest was.
 *
 * @param includedIn number of the forest's commit that will hold this write: it is done again only
 *     on an older one
 * @param base newest durable commit when it was logged: it is done again only on that or a later
 *     one, since on anything older the file may be another
 * @param inode the file
 * @param inodeGeneration which of the files that had this number
 * @param offset where in the file, in bytes
 * @param sizeAfter size of the file after the write, in bytes; at least the end of the data
 * @param modifiedNanos time of the write, nanoseconds since 1970
 * @param data at most 64 KiB, in any kind of memory; read only while it is appended. One that a
 *     replay hands out is native memory, read-only, and good until the visit returns
 */
record IntentRecord(
    long includedIn,
    long base,
    long inode,
    long inodeGeneration,
    long offset,
    long sizeAfter,
    long modifiedNanos,
    MemorySegment data) {

  /**
   * Checks what can be checked.
   *
   * @throws IllegalArgumentException when the data is too long, ends behind {@code sizeAfter}, or a
   *     number is negative that cannot be
   */
  IntentRecord {
    Objects.requireNonNull(data, "data");
    if (data.byteSize() > IntentLayout.DATA_BYTES_MAX) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes; at most " + IntentLayout.DATA_BYTES_MAX);
    }
    if (base < 0 || includedIn <= base) {
      throw new IllegalArgumentException(
          "cannot be included in commit " + includedIn + " and stand on commit " + base);
    }
    if (offset < 0
        || sizeAfter < 0
        || (data.byteSize() > 0 && offset > sizeAfter - data.byteSize())) {
      throw new IllegalArgumentException(
          data.byteSize() + " bytes at " + offset + " of a file of " + sizeAfter);
    }
  }

  /** True when {@code commit} does not hold this write, and is one that it can be done on. */
  boolean isDueOn(long commit) {
    return isMissingFrom(commit) && base <= commit;
  }

  /** True when {@code commit} was made without this write. */
  boolean isMissingFrom(long commit) {
    return commit < includedIn;
  }
}
