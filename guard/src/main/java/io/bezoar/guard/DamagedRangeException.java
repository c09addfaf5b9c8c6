package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;

/**
 * Bytes of a file are lost: they cannot be read, or are not those that were written, and nothing
 * that was asked could repair them. The rest of the file is served.
 *
 * <p>An {@link java.io.IOException}, because engines route those to one shard, one log folder or
 * one file, where an {@link InternalError} takes the node down.
 */
public final class DamagedRangeException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  @SuppressWarnings("serial") // List.copyOf makes lists that can be serialized
  private final List<ByteRange> ranges;

  private final long goodPrefixBytes;
  private final String nextStep;

  /**
   * Creates the exception.
   *
   * @param file the damaged file
   * @param ranges what of it is lost, ascending and disjoint, in bytes from its start
   * @param goodPrefixBytes how many bytes from the start of the access are good
   * @param nextStep what to do about it, as the end of a sentence
   */
  public DamagedRangeException(
      Path file, List<ByteRange> ranges, long goodPrefixBytes, String nextStep) {
    super(file.toString(), null, "bytes " + list(ranges) + " are lost: " + nextStep);
    this.ranges = List.copyOf(ranges);
    this.goodPrefixBytes = goodPrefixBytes;
    this.nextStep = nextStep;
  }

  private static String list(List<ByteRange> ranges) {
    String first = ranges.isEmpty() ? "" : ranges.getFirst().toString();
    return ranges.size() < 2 ? first : first + " and " + (ranges.size() - 1) + " more ranges";
  }

  /** What is lost, ascending and disjoint, half-open, in bytes from the start of the file. */
  public List<ByteRange> ranges() {
    return ranges;
  }

  /** The end of the message. */
  String nextStep() {
    return nextStep;
  }

  /** Good bytes counted from the start of the access that failed; 0 where nothing was copied. */
  public long goodPrefixBytes() {
    return goodPrefixBytes;
  }
}
