package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.media.Units;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chunks of equal size, taken from each child in turn, as one device: device-mapper's "striped". A
 * long access keeps all children busy.
 *
 * <p><b>Invariant.</b> Chunk {@code n} of the device is chunk {@code n / children} of the child in
 * slot {@code n % children}. Each child gives equally many whole chunks, so what a larger one has
 * besides is not used. What becomes of chunks on the children becomes of them here ({@link
 * SpanningTarget}).
 *
 * <p>Thread-safe.
 */
public final class StripedTarget extends SpanningTarget {
  private StripedTarget(
      String name,
      StripeMap map,
      List<? extends @Nullable DaxDevice> children,
      NoticeDispatcher notices) {
    super(name, map, children, notices);
  }

  /**
   * The size of a stripe of children of such sizes.
   *
   * @param chunkBytes whole pages
   * @throws IllegalArgumentException when a child is smaller than a chunk
   */
  public static long sizeBytes(long chunkBytes, List<Long> childBytes) {
    return map(chunkBytes, childBytes).sizeBytes();
  }

  /**
   * Joins children. Missing ones do not keep it from being opened: their ranges are unavailable
   * until {@link #childReturned}.
   *
   * @param name stands in messages
   * @param chunkBytes whole pages
   * @param childBytes the size of each child when the stripe was made, there or not
   * @param children as many; null for one that is missing; closed with this device
   * @param notices carries what this device tells
   * @throws DeviceClaimedException when a child has another holder; then none is claimed
   * @throws IllegalArgumentException when a child is smaller than what is used of it
   */
  public static StripedTarget open(
      String name,
      long chunkBytes,
      List<Long> childBytes,
      List<? extends @Nullable DaxDevice> children,
      NoticeDispatcher notices)
      throws DeviceClaimedException {
    if (childBytes.size() != children.size()) {
      throw new IllegalArgumentException(
          name + ": " + childBytes.size() + " sizes of " + children.size() + " children");
    }
    StripedTarget target = new StripedTarget(name, map(chunkBytes, childBytes), children, notices);
    target.claimChildren();
    return target;
  }

  private static StripeMap map(long chunkBytes, List<Long> childBytes) {
    if (chunkBytes <= 0 || chunkBytes % Units.PAGE_BYTES != 0 || childBytes.isEmpty()) {
      throw new IllegalArgumentException(
          "chunks of " + chunkBytes + " bytes on " + childBytes.size() + " devices");
    }
    long smallest = childBytes.stream().mapToLong(Long::longValue).min().orElseThrow();
    if (smallest < chunkBytes) {
      throw new IllegalArgumentException(
          "a device of " + smallest + " bytes holds no chunk of " + chunkBytes);
    }
    return new StripeMap(chunkBytes, childBytes.size(), smallest / chunkBytes * chunkBytes);
  }
}
