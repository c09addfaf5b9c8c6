package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The four root slots: 0 and 1 are one pair, 2 and 3 the other. A commit writes one pair, the next
 * commit the other, so the commit before is whole while a commit is written.
 *
 * <p>Where the slots are stands in each of them. To find one of them, four places are looked at
 * that follow from the size of the device alone; where those of a pair would lie in one failure
 * domain (chunks of a stripe, say), the second one is moved on by a power of two.
 */
final class RootSlots {
  /** How far a slot may be moved on from its place: up to 2^15 pages. */
  private static final int MOVES = 16;

  private final DaxDevice device;
  private final PageIo io;
  private final List<Long> addresses;

  private RootSlots(DaxDevice device, PageIo io, List<Long> addresses) {
    this.device = device;
    this.io = io;
    this.addresses = addresses;
  }

  /** What was found: intact roots with the number of their slot, newest first. */
  record Scan(RootSlots slots, List<InSlot> found) {
    /** A root and the slot that holds it. */
    record InSlot(int slot, ForestLayout.Root root) {}
  }

  /** The slots that a root names. */
  static RootSlots at(DaxDevice device, PageIo io, ForestLayout.Root root) {
    return new RootSlots(device, io, List.copyOf(root.slots()));
  }

  List<Long> addresses() {
    return addresses;
  }

  private static long base(long sizeBytes, int slot) {
    // The pairs are 0 with 2/4, and 1/4 with 3/4 of the device.
    long quarter = sizeBytes / PAGE_BYTES / 4;
    int position = slot < 2 ? 2 * slot : 2 * (slot - 2) + 1;
    return quarter * position * PAGE_BYTES;
  }

  private static List<Long> candidates(long sizeBytes, int slot) {
    long base = base(sizeBytes, slot);
    long limit = slot == 3 ? sizeBytes : base + sizeBytes / 4 - PAGE_BYTES;
    List<Long> places = new ArrayList<>(List.of(base));
    for (int move = 0; move < MOVES; move++) {
      long moved = base + ((long) PAGE_BYTES << move);
      if (moved + PAGE_BYTES <= limit) {
        places.add(moved);
      }
    }
    return places;
  }

  /** Chooses places for a new forest; whatever looks like a slot of an older one is wiped. */
  static RootSlots choose(DaxDevice device, PageIo io) throws IOException {
    long size = device.sizeBytes();
    List<Long> chosen = new ArrayList<>();
    for (int slot = 0; slot < ForestLayout.SLOTS; slot++) {
      List<Long> places = candidates(size, slot);
      long place = places.getFirst();
      if (slot % 2 == 1) {
        int partner = device.failureDomain(chosen.get(slot - 1));
        for (long candidate : places) {
          if (device.failureDomain(candidate) != partner) {
            place = candidate;
            break;
          }
        }
      }
      chosen.add(place);
    }
    for (int slot = 0; slot < ForestLayout.SLOTS; slot++) {
      for (long place : candidates(size, slot)) {
        if (!(read(io, place) instanceof ForestLayout.Slot.Foreign)) {
          io.replace(place, new byte[PAGE_BYTES]);
        }
      }
    }
    return new RootSlots(device, io, List.copyOf(chosen));
  }

  private static ForestLayout.Slot read(PageIo io, long address) throws IOException {
    try {
      return ForestLayout.decode(io.read(address), address);
    } catch (PoisonedRangeException struck) {
      return new ForestLayout.Slot.Damaged();
    }
  }

  /**
   * Looks for the roots of a forest.
   *
   * @throws ForestFormatException when there is none that this version can use
   * @throws DeviceUnavailableException when too much of the device is unavailable to tell
   */
  static Scan find(DaxDevice device, PageIo io) throws IOException {
    long size = device.sizeBytes();
    boolean damaged = false;
    DeviceUnavailableException absent = null;
    for (int move = -1; move < MOVES; move++) {
      for (int slot = 0; slot < ForestLayout.SLOTS; slot++) {
        List<Long> places = candidates(size, slot);
        if (move + 1 >= places.size()) {
          continue;
        }
        try {
          switch (read(io, places.get(move + 1))) {
            case ForestLayout.Slot.Valid valid -> {
              return scan(device, io, valid.root());
            }
            case ForestLayout.Slot.Newer newer ->
                throw new ForestFormatException(
                    device.info().name(),
                    ForestFormatException.Found.NEWER,
                    "the forest has format version "
                        + newer.version()
                        + "; this program knows up to "
                        + ForestLayout.VERSION
                        + ": open it with the later version");
            case ForestLayout.Slot.Damaged _ -> damaged = true;
            case ForestLayout.Slot.Foreign _ -> {}
          }
        } catch (DeviceUnavailableException notThere) {
          absent = notThere;
        }
      }
    }
    if (absent != null) {
      throw absent;
    }
    throw new ForestFormatException(
        device.info().name(),
        damaged ? ForestFormatException.Found.DAMAGED : ForestFormatException.Found.NOTHING,
        damaged
            ? "there are root slots of a forest, and none of them is intact: salvage is needed"
            : "there is no forest on this device: format it first");
  }

  private static Scan scan(DaxDevice device, PageIo io, ForestLayout.Root first)
      throws IOException {
    if (first.sizeBytes() != device.sizeBytes()) {
      throw new ForestFormatException(
          device.info().name(),
          ForestFormatException.Found.OTHER_SIZE,
          "the forest was made for "
              + first.sizeBytes()
              + " bytes, and the device has "
              + device.sizeBytes());
    }
    RootSlots slots = new RootSlots(device, io, List.copyOf(first.slots()));
    List<Scan.InSlot> found = new ArrayList<>();
    List<DeviceUnavailableException> absent = new ArrayList<>();
    for (int slot = 0; slot < ForestLayout.SLOTS; slot++) {
      try {
        if (read(io, slots.addresses.get(slot)) instanceof ForestLayout.Slot.Valid(var root)
            && root.forest() == first.forest()) {
          found.add(new Scan.InSlot(slot, root));
        }
      } catch (DeviceUnavailableException notThere) {
        absent.add(notThere);
      }
    }
    if (absent.size() > 1) {
      // Both slots of the newest commit may be among them: not to be taken for an older one.
      throw absent.getFirst();
    }
    found.sort(Comparator.comparingLong((Scan.InSlot in) -> -in.root().commit()));
    return new Scan(slots, found);
  }

  /** The slots of {@code pair} that do not hold {@code root}. */
  List<Integer> differing(int pair, ForestLayout.Root root) throws IOException {
    List<Integer> differing = new ArrayList<>();
    for (int slot : slotsOf(pair)) {
      if (!(read(io, addresses.get(slot)) instanceof ForestLayout.Slot.Valid(var there)
          && there.equals(root))) {
        differing.add(slot);
      }
    }
    return differing;
  }

  /**
   * Writes a root into a pair, and makes it durable.
   *
   * @return how many of the two slots hold it
   * @throws PoisonedRangeException when the media takes it in neither
   */
  int write(int pair, ForestLayout.Root root) throws IOException {
    int[] pairSlots = slotsOf(pair);
    int stored = 0;
    PoisonedRangeException refusal = null;
    for (int slot : pairSlots) {
      long address = addresses.get(slot);
      byte[] page = ForestLayout.encode(root, address);
      if (io.write(new long[] {address}, index -> page).isEmpty()) {
        stored++;
      } else {
        refusal =
            new PoisonedRangeException(
                device.info().name(), PageIo.pageAt(address), Cause.IO_ERROR, 0, null);
      }
    }
    if (stored == 0 && refusal != null) {
      throw refusal;
    }
    device.persist();
    return stored;
  }

  /** Writes a root into one slot, durably, whatever is there; false when the media refuses. */
  boolean replace(int slot, ForestLayout.Root root) throws IOException {
    long address = addresses.get(slot);
    return io.replace(address, ForestLayout.encode(root, address));
  }

  static int pairOf(int slot) {
    return slot / 2;
  }

  private static int[] slotsOf(int pair) {
    return IntStream.of(2 * pair, 2 * pair + 1).toArray();
  }
}
