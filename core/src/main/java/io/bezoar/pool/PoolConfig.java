package io.bezoar.pool;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * What all labels of a pool say alike: its devices, and how the volume is made of them. Immutable.
 *
 * @param generation grows with every change; of two configs of one pool the greater one is right
 * @param stack how the volume is made
 * @param devices all of them, spares included; by ascending number
 * @param nextNumber the number of the next device; greater than any that was ever used
 */
public record PoolConfig(long generation, Stack stack, List<DeviceEntry> devices, int nextNumber) {

  /** Checks that stack and devices say the same, and copies the list. */
  public PoolConfig {
    devices = List.copyOf(devices);
    if (generation < 0) {
      throw new IllegalArgumentException("generation " + generation);
    }
    if (stack.depth() > Stack.MAX_DEPTH) {
      throw new IllegalArgumentException(
          "the stack has %d levels, at most %d are allowed"
              .formatted(stack.depth(), Stack.MAX_DEPTH));
    }
    checkNumbers(devices, nextNumber);
    checkUse(stack, devices);
    checkReplacements(stack, devices);
    checkIds(stack, devices);
    checkSize(stack);
  }

  private static void checkNumbers(List<DeviceEntry> devices, int nextNumber) {
    int last = -1;
    for (DeviceEntry device : devices) {
      if (device.number() <= last) {
        throw new IllegalArgumentException(
            "device %d is listed after device %d".formatted(device.number(), last));
      }
      last = device.number();
    }
    if (nextNumber <= last) {
      throw new IllegalArgumentException(
          "the next device would have number %d, device %d exists".formatted(nextNumber, last));
    }
  }

  private static void checkUse(Stack stack, List<DeviceEntry> devices) {
    Set<Integer> standing = new HashSet<>();
    for (int number : stack.devices()) {
      if (!standing.add(number)) {
        throw new IllegalArgumentException(
            "device %d stands in the stack more than once".formatted(number));
      }
    }
    for (DeviceEntry device : devices) {
      boolean stands = standing.remove(device.number());
      if (stands != (device.use() == DeviceEntry.Use.MEMBER)) {
        throw new IllegalArgumentException(
            "device %d is a %s, but it %s in the stack"
                .formatted(device.number(), device.use(), stands ? "stands" : "is not"));
      }
    }
    if (!standing.isEmpty()) {
      throw new IllegalArgumentException(
          "devices %s stand in the stack, but are not listed".formatted(standing));
    }
  }

  private static void checkReplacements(Stack stack, List<DeviceEntry> devices) {
    for (DeviceEntry device : devices) {
      if (device.replaces() != DeviceEntry.NONE
          && !stack.mirrorOf(device.number()).equals(stack.mirrorOf(device.replaces()))) {
        throw new IllegalArgumentException(
            "device %d replaces device %d, which is not in its mirror"
                .formatted(device.number(), device.replaces()));
      }
    }
  }

  private static void checkIds(Stack stack, List<DeviceEntry> devices) {
    Set<UUID> ids = new HashSet<>();
    for (DeviceEntry device : devices) {
      if (!ids.add(device.uuid())) {
        throw new IllegalArgumentException("two devices with uuid " + device.uuid());
      }
    }
    boolean hidden =
        stack.below().stream()
            .flatMap(below -> below.mirrors().stream())
            .anyMatch(PoolConfig::isWithoutNotes);
    if (hidden) {
      throw new IllegalArgumentException("a mirror without notes stands alone, not in " + stack);
    }
    ids.clear();
    stack
        .all()
        .forEach(
            layer -> {
              boolean isNew =
                  switch (layer) {
                    case Stack.Mirror mirror -> ids.add(mirror.id());
                    case Stack.Cached cached -> ids.add(cached.id());
                    case Stack.Linear _, Stack.Striped _ -> true;
                  };
              if (!isNew) {
                throw new IllegalArgumentException("two layers with one id: " + layer);
              }
            });
  }

  private static void checkSize(Stack stack) {
    if (isWithoutNotes(stack)) {
      return;
    }
    try {
      if (stack.sizeBytes() <= 0) {
        throw new IllegalArgumentException("nothing is left for the volume of " + stack);
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("the volume is larger than can be told: " + stack, e);
    }
  }

  private static boolean isWithoutNotes(Stack stack) {
    return stack instanceof Stack.Mirror mirror && mirror.dataBytes() == Stack.Mirror.NO_NOTES;
  }

  /** The config of a new pool. */
  public static PoolConfig first(Stack stack, List<DeviceEntry> devices) {
    return new PoolConfig(1, stack, devices, beyond(devices));
  }

  /**
   * What the label of version 1 amounts to: a pool of one device, number 0.
   *
   * @param pool its uuid, which is that of the device and of its mirror, too
   * @param sizeBytes of the device
   * @param redundancy of the device
   */
  public static PoolConfig version1(UUID pool, long sizeBytes, Redundancy redundancy) {
    return new PoolConfig(
        0,
        Stack.Mirror.of(pool, Stack.Mirror.NO_NOTES, 0),
        List.of(
            new DeviceEntry(
                0, pool, "", sizeBytes, redundancy, DeviceEntry.Use.MEMBER, DeviceEntry.NONE)),
        1);
  }

  /**
   * True for a pool that was made before there were mirrors: its one device has no room for their
   * notes, so nothing can be attached to it, and the volume is all of its payload.
   */
  public boolean isVersion1() {
    return isWithoutNotes(stack);
  }

  /** The next generation, with another stack and other devices. */
  public PoolConfig next(Stack newStack, List<DeviceEntry> newDevices) {
    return new PoolConfig(
        generation + 1, newStack, newDevices, Math.max(nextNumber, beyond(newDevices)));
  }

  /**
   * The next generation, with {@code changed} in place of the device of its number.
   *
   * @throws IllegalArgumentException when there is none
   */
  public PoolConfig withDevice(DeviceEntry changed) {
    List<DeviceEntry> newDevices = new ArrayList<>(devices);
    newDevices.set(devices.indexOf(device(changed.number())), changed);
    return next(stack, newDevices);
  }

  /**
   * The next generation, with a spare more.
   *
   * @param spare has {@link #nextNumber}
   */
  public PoolConfig withSpare(DeviceEntry spare) {
    return next(stack, plus(spare));
  }

  /**
   * The next generation, with a leg more in the mirror of {@code beside}.
   *
   * @param added has {@link #nextNumber}
   */
  public PoolConfig withLegBeside(int beside, DeviceEntry added) {
    return next(stack.withLegBeside(beside, added.number()), plus(added));
  }

  /** The next generation, with a spare taking the place of {@code lost}, beside it at first. */
  public PoolConfig withSpareUsed(int spare, int lost) {
    List<DeviceEntry> newDevices = new ArrayList<>(devices);
    newDevices.replaceAll(
        device -> device.number() == spare ? device.withUse(DeviceEntry.Use.MEMBER, lost) : device);
    return next(stack.withLegBeside(lost, spare), newDevices);
  }

  /** The next generation, in which {@code device} replaces no other any more. */
  public PoolConfig withReplaced(int device) {
    return withDevice(device(device).withUse(DeviceEntry.Use.MEMBER, DeviceEntry.NONE));
  }

  /** The next generation, without a device; who was to replace it stays, as a leg more. */
  public PoolConfig without(int gone) {
    Stack newStack = device(gone).use() == DeviceEntry.Use.SPARE ? stack : stack.withoutLeg(gone);
    List<DeviceEntry> newDevices = new ArrayList<>();
    for (DeviceEntry device : devices) {
      if (device.number() != gone) {
        newDevices.add(
            device.replaces() == gone ? device.withUse(device.use(), DeviceEntry.NONE) : device);
      }
    }
    return next(newStack, newDevices);
  }

  private List<DeviceEntry> plus(DeviceEntry added) {
    List<DeviceEntry> newDevices = new ArrayList<>(devices);
    newDevices.add(added);
    return newDevices;
  }

  /** The device with this number; empty when there is none. */
  public Optional<DeviceEntry> find(int number) {
    return devices.stream().filter(device -> device.number() == number).findFirst();
  }

  /**
   * The device with this number.
   *
   * @throws IllegalArgumentException when there is none
   */
  public DeviceEntry device(int number) {
    return find(number)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no device %d among %s"
                        .formatted(number, devices.stream().map(DeviceEntry::number).toList())));
  }

  private static int beyond(List<DeviceEntry> devices) {
    return devices.stream().mapToInt(DeviceEntry::number).max().orElse(-1) + 1;
  }
}
