package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * The new bytes of one recovery write: in bounds, disjoint, ascending, none empty.
 *
 * @param list the patches
 */
public record Patches(List<RecoveryPatch> list) {
  /**
   * Checks and sorts what a caller handed in.
   *
   * @throws IndexOutOfBoundsException when one reaches out of the device
   * @throws IllegalArgumentException when two overlap
   */
  public static Patches check(List<RecoveryPatch> patches, long sizeBytes) {
    patches.forEach(p -> Objects.checkFromIndexSize(p.offset(), p.bytes().byteSize(), sizeBytes));
    List<RecoveryPatch> sorted =
        patches.stream()
            .filter(p -> p.bytes().byteSize() > 0)
            .sorted(Comparator.comparingLong(RecoveryPatch::offset))
            .toList();
    for (int i = 1; i < sorted.size(); i++) {
      if (sorted.get(i - 1).range().overlaps(sorted.get(i).range())) {
        throw new IllegalArgumentException(
            "patches overlap: " + sorted.get(i - 1).range() + " and " + sorted.get(i).range());
      }
    }
    return new Patches(sorted);
  }

  /**
   * Checks a range to retire or release.
   *
   * @throws IndexOutOfBoundsException when it reaches out of the device
   * @throws IllegalArgumentException when it is not made of whole pages
   */
  public static void checkPages(ByteRange range, long sizeBytes) {
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes);
    if (!range.alignOutward(Units.PAGE_BYTES).equals(range)) {
      throw new IllegalArgumentException("not whole pages: " + range);
    }
  }

  /** The bytes of {@code range}, which lies in {@code patch}. */
  static MemorySegment bytesOf(RecoveryPatch patch, ByteRange range) {
    return patch.bytes().asSlice(range.start() - patch.offset(), range.length());
  }

  /** Copies over {@code image}, which stands for {@code range}, what patches say about it. */
  void overlay(ByteRange range, MemorySegment image) {
    for (RecoveryPatch patch : list) {
      ByteRange shared = patch.range().intersect(range);
      if (!shared.isEmpty()) {
        MemorySegment.copy(
            patch.bytes(),
            shared.start() - patch.offset(),
            image,
            shared.start() - range.start(),
            shared.length());
      }
    }
  }
}
