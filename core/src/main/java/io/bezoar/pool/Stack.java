package io.bezoar.pool;

import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * How a pool's volume is made of its devices. Every device stands in a mirror, mostly of one leg,
 * so that another can be attached to it. Immutable; every change makes a new one.
 */
public sealed interface Stack {
  /** No stack is deeper: a mirror of devices is one level, what is made of it one more. */
  int MAX_DEPTH = 8;

  /**
   * The same bytes on every leg.
   *
   * @param id of this mirror and no other; stays the same while legs come and go
   * @param dataBytes its size, whole pages; or {@link #NO_NOTES}
   * @param legs by slot, from 0 to {@link #MAX_LEGS} - 1; at least one
   */
  record Mirror(UUID id, long dataBytes, SortedMap<Integer, Leg> legs) implements Stack {
    /** Most legs of one mirror. */
    public static final int MAX_LEGS = 8;

    /**
     * In place of {@link #dataBytes}: the one device of a pool that was made before there were
     * mirrors. All of it is data, and there is no room for a mirror's notes.
     */
    public static final long NO_NOTES = -1;

    /** Checks and copies. */
    public Mirror {
      if (legs.isEmpty() || legs.firstKey() < 0 || legs.lastKey() >= MAX_LEGS) {
        throw new IllegalArgumentException(
            "a mirror has 1 to %d legs in slots from 0, not %s".formatted(MAX_LEGS, legs.keySet()));
      }
      boolean alone =
          legs.size() == 1 && legs.firstKey() == 0 && legs.get(0) instanceof Leg.OfDevice;
      if (dataBytes == NO_NOTES ? !alone : dataBytes <= 0 || dataBytes % Units.PAGE_BYTES != 0) {
        throw new IllegalArgumentException("a mirror of " + dataBytes + " bytes on " + legs);
      }
      legs = Collections.unmodifiableSortedMap(new TreeMap<>(legs));
    }

    /** A mirror of one device, in slot 0. */
    public static Mirror of(UUID id, long dataBytes, int device) {
      return new Mirror(id, dataBytes, new TreeMap<>(Map.of(0, new Leg.OfDevice(device))));
    }

    /** The slot of {@code device}; empty when it is no leg of this mirror. */
    public Optional<Integer> slotOf(int device) {
      return legs.entrySet().stream()
          .filter(leg -> leg.getValue().equals(new Leg.OfDevice(device)))
          .map(Map.Entry::getKey)
          .findFirst();
    }

    private Mirror withLegs(SortedMap<Integer, Leg> newLegs) {
      return new Mirror(id, dataBytes, newLegs);
    }
  }

  /**
   * One part after the other.
   *
   * @param parts in their order; at least one
   */
  record Linear(List<Stack> parts) implements Stack {
    /** Checks and copies. */
    public Linear {
      parts = checked("a linear", parts);
    }
  }

  /**
   * Chunks dealt out to the parts in turn. Of each part as many whole chunks are used as the
   * smallest has.
   *
   * @param chunkBytes whole pages
   * @param parts in their order; at least one
   */
  record Striped(long chunkBytes, List<Stack> parts) implements Stack {
    /** Checks and copies. */
    public Striped {
      parts = checked("a stripe", parts);
      if (chunkBytes <= 0 || chunkBytes % Units.PAGE_BYTES != 0) {
        throw new IllegalArgumentException(
            "chunks of %d bytes are not whole pages of %d".formatted(chunkBytes, Units.PAGE_BYTES));
      }
    }
  }

  /**
   * A fast stack that takes the writes for a slow one.
   *
   * @param id of this cache and no other
   * @param fast holds what was not written back yet
   * @param origin holds the rest, and says how large the whole is
   */
  record Cached(UUID id, Stack fast, Stack origin) implements Stack {}

  /** One leg of a mirror. */
  sealed interface Leg {
    /**
     * A device.
     *
     * @param number its {@link DeviceEntry#number}
     */
    record OfDevice(int number) implements Leg {}

    /**
     * Devices, made into one.
     *
     * @param stack how
     */
    record OfStack(Stack stack) implements Leg {}
  }

  private static List<Stack> checked(String kind, List<Stack> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException(kind + " without parts");
    }
    return List.copyOf(parts);
  }

  /** The stacks that this one is made of, one level down. */
  default List<Stack> below() {
    return switch (this) {
      case Mirror mirror -> {
        List<Stack> stacks = new ArrayList<>();
        for (Leg leg : mirror.legs().values()) {
          if (leg instanceof Leg.OfStack(Stack stack)) {
            stacks.add(stack);
          }
        }
        yield stacks;
      }
      case Linear linear -> linear.parts();
      case Striped striped -> striped.parts();
      case Cached cached -> List.of(cached.fast(), cached.origin());
    };
  }

  /** This stack and everything it is made of, from the top down, in order of appearance. */
  default Stream<Stack> all() {
    return Stream.concat(Stream.of(this), below().stream().flatMap(Stack::all));
  }

  /** All mirrors in it, from the top down, in order of appearance. */
  default List<Mirror> mirrors() {
    return all().filter(Mirror.class::isInstance).map(Mirror.class::cast).toList();
  }

  /** The mirror that {@code device} is a leg of; empty when the device is not in this stack. */
  default Optional<Mirror> mirrorOf(int device) {
    return mirrors().stream().filter(mirror -> mirror.slotOf(device).isPresent()).findFirst();
  }

  /** The numbers of its devices, in order of appearance. */
  default List<Integer> devices() {
    List<Integer> numbers = new ArrayList<>();
    addDevices(this, numbers);
    return List.copyOf(numbers);
  }

  private static void addDevices(Stack stack, List<Integer> numbers) {
    if (stack instanceof Mirror mirror) {
      for (Leg leg : mirror.legs().values()) {
        switch (leg) {
          case Leg.OfDevice(int number) -> numbers.add(number);
          case Leg.OfStack(Stack below) -> addDevices(below, numbers);
        }
      }
    } else {
      stack.below().forEach(below -> addDevices(below, numbers));
    }
  }

  /** How many levels it has, from 1. */
  default int depth() {
    return 1 + below().stream().mapToInt(Stack::depth).max().orElse(0);
  }

  /**
   * Its size as a volume.
   *
   * @throws IllegalStateException for a pool made before mirrors ({@link PoolConfig#isVersion1}):
   *     its size is that of its payload, which is not part of the stack
   */
  default long sizeBytes() {
    return switch (this) {
      case Mirror mirror -> {
        if (mirror.dataBytes() == Mirror.NO_NOTES) {
          throw new IllegalStateException("made before mirrors: the size is that of its payload");
        }
        yield mirror.dataBytes();
      }
      case Linear linear ->
          linear.parts().stream().mapToLong(Stack::sizeBytes).reduce(0, Math::addExact);
      case Striped striped -> {
        long chunk = striped.chunkBytes();
        long least = striped.parts().stream().mapToLong(Stack::sizeBytes).min().orElseThrow();
        yield Math.multiplyExact(least / chunk * chunk, striped.parts().size());
      }
      case Cached cached -> cached.origin().sizeBytes();
    };
  }

  /** This stack with every mirror replaced by what {@code change} makes of it, from below. */
  private Stack withMirrors(UnaryOperator<Mirror> change) {
    return switch (this) {
      case Mirror mirror -> {
        SortedMap<Integer, Leg> legs = new TreeMap<>();
        mirror
            .legs()
            .forEach(
                (slot, leg) ->
                    legs.put(
                        slot,
                        leg instanceof Leg.OfStack(Stack below)
                            ? new Leg.OfStack(below.withMirrors(change))
                            : leg));
        yield change.apply(mirror.withLegs(legs));
      }
      case Linear linear ->
          new Linear(linear.parts().stream().map(part -> part.withMirrors(change)).toList());
      case Striped striped ->
          new Striped(
              striped.chunkBytes(),
              striped.parts().stream().map(part -> part.withMirrors(change)).toList());
      case Cached cached ->
          new Cached(
              cached.id(), cached.fast().withMirrors(change), cached.origin().withMirrors(change));
    };
  }

  /**
   * This stack with {@code added} as one more leg of the mirror of {@code device}, in its lowest
   * free slot.
   *
   * @throws IllegalArgumentException when {@code device} is not in the stack, {@code added} already
   *     is, or the mirror has no free slot or no room for notes
   */
  default Stack withLegBeside(int device, int added) {
    Mirror beside = requireMirrorOf(device);
    if (mirrorOf(added).isPresent()) {
      throw new IllegalArgumentException("device " + added + " is in the stack already");
    }
    if (beside.dataBytes() == Mirror.NO_NOTES) {
      throw new IllegalArgumentException(
          "device %d was made before mirrors and has no room for their notes".formatted(device));
    }
    int slot = 0;
    while (beside.legs().containsKey(slot)) {
      slot++;
    }
    SortedMap<Integer, Leg> legs = new TreeMap<>(beside.legs());
    legs.put(slot, new Leg.OfDevice(added));
    return withLegsOf(beside, legs);
  }

  /**
   * This stack without the leg {@code device}.
   *
   * @throws IllegalArgumentException when it is not in the stack, or the only leg of its mirror
   */
  default Stack withoutLeg(int device) {
    Mirror mirror = requireMirrorOf(device);
    if (mirror.legs().size() == 1) {
      throw new IllegalArgumentException(
          "device %d is the only leg of its mirror: its bytes are nowhere else".formatted(device));
    }
    SortedMap<Integer, Leg> legs = new TreeMap<>(mirror.legs());
    legs.remove(mirror.slotOf(device).orElseThrow());
    return withLegsOf(mirror, legs);
  }

  private Mirror requireMirrorOf(int device) {
    return mirrorOf(device)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "device %d is not in the stack of %s".formatted(device, devices())));
  }

  private Stack withLegsOf(Mirror changed, SortedMap<Integer, Leg> legs) {
    return withMirrors(
        mirror -> mirror.id().equals(changed.id()) ? changed.withLegs(legs) : mirror);
  }
}
