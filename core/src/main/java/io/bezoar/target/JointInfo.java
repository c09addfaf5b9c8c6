package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a target says of itself that has each of its bytes on one of several children.
 *
 * <p>Those that are there speak for those that are missing. One that comes later and keeps less
 * than was said is refused ({@link #requireKept}): whoever relied on it may have done so already.
 *
 * @param info of the target
 * @param firstDomains failure domain of the target that is domain 0 of each child, and after those
 *     of the last
 */
record JointInfo(DeviceInfo info, List<Integer> firstDomains) {

  /**
   * Joins.
   *
   * @param children of each slot; null for one that is missing
   */
  static JointInfo of(String name, AddressMap map, List<? extends @Nullable DaxDevice> children) {
    List<DeviceInfo> below = new ArrayList<>();
    List<Integer> firstDomains = new ArrayList<>(List.of(0));
    for (int slot = 0; slot < children.size(); slot++) {
      DaxDevice child = children.get(slot);
      int domains = 1;
      if (child != null) {
        requireSize(name, slot, child, map.used(slot));
        below.add(child.info());
        domains = child.info().failureDomains();
      }
      firstDomains.add(firstDomains.getLast() + domains);
    }
    DeviceInfo info =
        new DeviceInfo(
            name,
            map.sizeBytes(),
            below.stream().mapToInt(DeviceInfo::granuleBytes).max().orElse(Units.PAGE_BYTES),
            !below.isEmpty() && below.stream().allMatch(DeviceInfo::verified),
            !below.isEmpty() && below.stream().allMatch(DeviceInfo::persistCheap),
            below.isEmpty() || below.stream().anyMatch(DeviceInfo::blocking),
            firstDomains.getLast());
    return new JointInfo(info, List.copyOf(firstDomains));
  }

  /** Own number of a child's failure domain: the same while the target is open. */
  int failureDomain(int slot, int ofChild) {
    return Math.min(firstDomains.get(slot) + ofChild, firstDomains.get(slot + 1) - 1);
  }

  /** A child that comes later must be able to keep what was said before. */
  void requireKept(int slot, DaxDevice child, ByteRange used) {
    requireSize(info.name(), slot, child, used);
    DeviceInfo is = child.info();
    if (is.granuleBytes() > info.granuleBytes() || (info.verified() && !is.verified())) {
      throw new IllegalArgumentException(
          info + " promises more than " + is + " can keep: open it anew with this child");
    }
  }

  private static void requireSize(String name, int slot, DaxDevice child, ByteRange used) {
    if (child.sizeBytes() < used.end()) {
      throw new IllegalArgumentException(
          name
              + ", slot "
              + slot
              + ": "
              + child.info().name()
              + " has "
              + child.sizeBytes()
              + " bytes, and "
              + used
              + " of it is used");
    }
  }
}
