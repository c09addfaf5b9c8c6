package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ranges of children, one after the other, as one device: device-mapper's "linear". Of one child,
 * it is a range of it as a device of its own.
 *
 * <p><b>Invariant.</b> The bytes of slot 0 come first, then those of slot 1, and so on; what
 * becomes of them on the children becomes of them here ({@link SpanningTarget}).
 *
 * <p>Thread-safe.
 */
public final class LinearTarget extends SpanningTarget {

  /**
   * A piece of the device: one slot.
   *
   * @param child whose bytes they are; null when it is missing
   * @param region whole pages of it, not empty
   */
  public record Piece(@Nullable DaxDevice child, ByteRange region) {}

  private LinearTarget(
      String name,
      List<ByteRange> regions,
      List<@Nullable DaxDevice> children,
      NoticeDispatcher notices) {
    super(name, new LinearMap(regions), children, notices);
  }

  /**
   * Takes a range of one child.
   *
   * @param name stands in messages
   * @param child is closed with this device
   * @param region whole pages of the child
   * @param notices carries what this device tells
   * @throws DeviceClaimedException when the child has another holder
   */
  public static LinearTarget open(
      String name, DaxDevice child, ByteRange region, NoticeDispatcher notices)
      throws DeviceClaimedException {
    return open(name, List.of(new Piece(child, region)), notices);
  }

  /**
   * Joins pieces. Missing children do not keep it from being opened: their ranges are unavailable
   * until {@link #childReturned}.
   *
   * @param name stands in messages
   * @param pieces in order; the children are closed with this device
   * @param notices carries what this device tells
   * @throws DeviceClaimedException when a child has another holder; then none is claimed
   * @throws IllegalArgumentException when a region is not whole pages of its child
   */
  public static LinearTarget open(String name, List<Piece> pieces, NoticeDispatcher notices)
      throws DeviceClaimedException {
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException(name + ": a device of nothing");
    }
    List<ByteRange> regions = new ArrayList<>();
    List<@Nullable DaxDevice> children = new ArrayList<>();
    for (Piece piece : pieces) {
      ByteRange region = piece.region();
      if (region.isEmpty() || !region.equals(region.alignOutward(Units.PAGE_BYTES))) {
        throw new IllegalArgumentException(name + ": region " + region + " is not whole pages");
      }
      regions.add(region);
      children.add(piece.child());
    }
    LinearTarget target = new LinearTarget(name, regions, children, notices);
    target.claimChildren();
    return target;
  }
}
