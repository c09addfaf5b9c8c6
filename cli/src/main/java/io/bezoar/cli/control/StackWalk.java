package io.bezoar.cli.control;

import io.bezoar.pool.StackStatus;
import io.bezoar.target.LegStatus;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds things in the tree of a pool's stack. */
final class StackWalk {
  private StackWalk() {}

  /**
   * One leg of a mirror.
   *
   * @param node what it is
   * @param status how it does; null when its mirror does not know it
   */
  record Leg(StackStatus node, @Nullable LegStatus status) {
    boolean is(LegStatus.State state) {
      LegStatus how = status;
      return how != null && how.state() == state;
    }

    /** The device, or the first one of what stands here in place of one. */
    StackStatus.Device device() {
      StackStatus first = node;
      while (!(first instanceof StackStatus.Device device)) {
        first = first.children().getFirst();
      }
      return device;
    }
  }

  /** The legs of one mirror, in order. */
  static List<Leg> legs(StackStatus.Mirror mirror) {
    List<Leg> legs = new ArrayList<>();
    for (int i = 0; i < mirror.children().size(); i++) {
      StackStatus child = mirror.children().get(i);
      if (child instanceof StackStatus.Device device) {
        legs.add(new Leg(device, device.leg()));
      } else {
        legs.add(new Leg(child, i < mirror.legs().size() ? mirror.legs().get(i) : null));
      }
    }
    return legs;
  }

  /** How many legs hold everything. */
  static long inSync(StackStatus.Mirror mirror) {
    return legs(mirror).stream().filter(leg -> leg.is(LegStatus.State.IN_SYNC)).count();
  }

  /** The legs of all mirrors in the stack, from the top down. */
  static List<Leg> allLegs(StackStatus node) {
    List<Leg> legs = new ArrayList<>();
    if (node instanceof StackStatus.Mirror mirror) {
      legs.addAll(legs(mirror));
    }
    node.children().forEach(child -> legs.addAll(allLegs(child)));
    return legs;
  }
}
