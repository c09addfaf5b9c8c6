package io.bezoar.health;

import io.bezoar.media.Units;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The event ring as it should stand on every place, in private memory.
 *
 * <p><b>Invariant.</b> The record of sequence {@code s} stands in slot {@code (s - 1) % capacity}.
 * A slot that was damaged wherever it was found keeps its damaged bytes until it is used again,
 * because they say that something was there. Not thread-safe.
 */
final class EventImage {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int RECORD = EventLayout.RECORD_BYTES;

  /** Records in one page. */
  static final int RECORDS_PER_PAGE = PAGE / RECORD;

  private final long salt;
  private final int capacity;
  private final MemorySegment bytes;

  /** The number of the record in each slot; 0 where there is none. */
  private final long[] numbers;

  private final BitSet damaged = new BitSet();

  /**
   * An empty ring.
   *
   * @param capacity in records; whole pages
   */
  EventImage(long salt, int capacity) {
    this.salt = salt;
    this.capacity = capacity;
    this.bytes = Arena.ofAuto().allocate((long) capacity * RECORD, PAGE);
    this.numbers = new long[capacity];
  }

  int capacity() {
    return capacity;
  }

  int pages() {
    return capacity / RECORDS_PER_PAGE;
  }

  /** Page {@code page} of the ring; behind the image there are zeroes. */
  void copyPage(int page, MemorySegment to) {
    if (page < pages()) {
      to.copyFrom(bytes.asSlice((long) page * PAGE, PAGE));
    } else {
      to.fill((byte) 0);
    }
  }

  /**
   * Stores a record in its slot, whatever is there.
   *
   * @return the page that changed
   */
  int put(Event event) {
    int slot = slotOf(event.sequence());
    EventLayout.encode(event, slot(slot), salt, slot);
    numbers[slot] = event.sequence();
    damaged.clear(slot);
    return slot / RECORDS_PER_PAGE;
  }

  /** The event with this number; null when it is not there. */
  @Nullable Event get(long sequence) {
    int slot = slotOf(sequence);
    return EventLayout.decode(slot(slot), salt, slot) instanceof EventLayout.Slot.Valid valid
            && valid.event().sequence() == sequence
        ? valid.event()
        : null;
  }

  /**
   * Takes over what was read from one place and is better than what is here: in each slot the
   * record with the highest number wins, the first that was merged of two with one number. Records
   * that were stored for another capacity find their slots, too.
   *
   * @param ring the place's bytes, of this capacity or another
   * @return the pages of the image that changed
   */
  BitSet merge(MemorySegment ring) {
    BitSet changed = new BitSet();
    int slots = Math.toIntExact(ring.byteSize() / RECORD);
    for (int from = 0; from < slots; from++) {
      MemorySegment record = ring.asSlice((long) from * RECORD, RECORD);
      switch (EventLayout.decode(record, salt, from)) {
        case EventLayout.Slot.Empty _ -> {}
        case EventLayout.Slot.Valid valid -> {
          Event event = valid.event();
          if (event.sequence() > numbers[slotOf(event.sequence())]) {
            changed.set(put(event));
          }
        }
        case EventLayout.Slot.Damaged _ -> {
          if (from < capacity && numbers[from] == 0 && !damaged.get(from)) {
            slot(from).copyFrom(record);
            damaged.set(from);
            changed.set(from / RECORDS_PER_PAGE);
          }
        }
      }
    }
    return changed;
  }

  /** The highest number that was used, as far as the records tell, and at least {@code atLeast}. */
  long newest(long atLeast) {
    long newest = atLeast;
    boolean anyEmpty = false;
    for (int slot = 0; slot < capacity; slot++) {
      newest = Math.max(newest, numbers[slot]);
      anyEmpty |= numbers[slot] == 0 && !damaged.get(slot);
    }
    // Not gone round yet, so a damaged slot behind the newest record is a newer one, torn.
    return anyEmpty && newest <= capacity ? Math.max(newest, damaged.length()) : newest;
  }

  /** What of it fits into a ring of {@code newCapacity}; the newest is {@code newest}. */
  EventImage resized(int newCapacity, long newest) {
    EventImage image = new EventImage(salt, newCapacity);
    long kept = Math.min(capacity, newCapacity);
    for (long sequence = Math.max(1, newest - kept + 1); sequence <= newest; sequence++) {
      Event event = get(sequence);
      if (event != null) {
        image.put(event);
      }
    }
    return image;
  }

  private int slotOf(long sequence) {
    return (int) ((sequence - 1) % capacity);
  }

  private MemorySegment slot(int slot) {
    return bytes.asSlice((long) slot * RECORD, RECORD);
  }
}
