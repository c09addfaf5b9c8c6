package io.bezoar.health;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One event on media: 128 bytes, two lines, little-endian.
 *
 * <pre>
 *   0  u32  magic "BZEV"
 *   4  u32  CRC32C over bytes 8..128, then the log's salt and the slot's number (8 bytes each)
 *   8  u64  sequence
 *  16  i64  wall clock, milliseconds since 1970
 *  24  u8   kind, then three codes that depend on it
 *  28  u32  number of the device + 1; 0: none, or not known
 *  32  5 x i64, which depend on the kind
 *  72  u8   length of the detail
 *  73  55 bytes of detail, UTF-8, zeroes behind it
 * </pre>
 *
 * <p>The salt comes from the pool's identity and the slot is the record's own address, so a record
 * of another pool, or one that was written to the wrong slot, fails its checksum. A slot of zeroes
 * was never written. Everything else that does not decode is damaged: it is counted, never guessed.
 */
public final class EventLayout {
  /** Bytes of one record. */
  public static final int RECORD_BYTES = 128;

  /** Most bytes of an event's detail that are kept. */
  public static final int DETAIL_BYTES = 55;

  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int MAGIC = 'B' | 'Z' << 8 | 'E' << 16 | 'V' << 24;
  private static final long CRC = 4;
  private static final long CHECKED = 8;
  private static final long SEQUENCE = 8;
  private static final long AT = 16;
  private static final long KIND = 24;
  private static final long DEVICE_PLUS_ONE = 28;
  private static final long VALUES = 32;
  private static final int VALUE_COUNT = 5;
  private static final long DETAIL_LENGTH = 72;
  private static final long DETAIL = 73;

  private static final int FAILURE = 1;
  private static final int STATE = 2;
  private static final int LIFECYCLE = 3;
  private static final int SCRUB = 4;
  private static final int REPLACED = 5;
  private static final int DEVICE = 6;

  /** What one slot of the ring holds. */
  sealed interface Slot {
    /** Never written. */
    record Empty() implements Slot {}

    /** A record that says what it said when it was written. */
    record Valid(Event event) implements Slot {}

    /** Something else. */
    record Damaged() implements Slot {}
  }

  private static final ByteRange NO_BYTES = new ByteRange(0, 0);
  private static final Slot EMPTY = new Slot.Empty();
  private static final Slot DAMAGED = new Slot.Damaged();

  private EventLayout() {}

  /** The text as a record can hold it: cut at a character, not inside one. */
  static String cut(String detail) {
    byte[] bytes = detail.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= DETAIL_BYTES) {
      return detail;
    }
    int end = DETAIL_BYTES;
    while (end > 0 && (bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** Writes {@code event} into the {@link #RECORD_BYTES} bytes of {@code slot}. */
  static void encode(Event event, MemorySegment slot, long salt, long slotNumber) {
    slot.fill((byte) 0);
    slot.set(I32, 0, MAGIC);
    slot.set(I64, SEQUENCE, event.sequence());
    slot.set(I64, AT, event.at().toEpochMilli());
    switch (event) {
      case Event.Failure e -> {
        codes(slot, FAILURE, e.outcome().code(), e.cause().code(), e.role().code());
        device(slot, e.device());
        range(slot, 0, e.volume());
        range(slot, 2, e.media());
      }
      case Event.StateChange e -> {
        codes(slot, STATE, stateCode(e.state()), 0, 0);
        device(slot, e.device());
        detail(slot, e.detail());
      }
      case Event.Lifecycle e -> {
        codes(slot, LIFECYCLE, e.step().code(), 0, 0);
        detail(slot, e.detail());
      }
      case Event.Scrub e -> {
        codes(slot, SCRUB, e.phase().code(), 0, 0);
        value(slot, 0, e.totals().checkedBytes());
        value(slot, 1, e.totals().foundRanges());
        value(slot, 2, e.totals().repairedBytes());
        value(slot, 3, e.totals().degradedBytes());
        value(slot, 4, e.totals().lostBytes());
      }
      case Event.Replaced e -> {
        codes(slot, REPLACED, e.how().code(), 0, 0);
        range(slot, 0, e.volume());
      }
      case Event.Device e -> {
        codes(slot, DEVICE, e.step().code(), 0, 0);
        device(slot, e.device());
        detail(slot, e.detail());
      }
    }
    slot.set(I32, CRC, checksum(slot, salt, slotNumber));
  }

  /** Reads a slot. Never throws, whatever the bytes are. */
  static Slot decode(MemorySegment slot, long salt, long slotNumber) {
    if (isZero(slot)) {
      return EMPTY;
    }
    if (slot.get(I32, 0) != MAGIC || slot.get(I32, CRC) != checksum(slot, salt, slotNumber)) {
      return DAMAGED;
    }
    try {
      return new Slot.Valid(decodeChecked(slot));
    } catch (IllegalArgumentException | DateTimeException e) {
      // A code of a version to come, say. The record is intact, but it cannot be told.
      return DAMAGED;
    }
  }

  private static Event decodeChecked(MemorySegment slot) {
    long sequence = slot.get(I64, SEQUENCE);
    if (sequence < 1) {
      throw new IllegalArgumentException("sequence " + sequence);
    }
    int device = slot.get(I32, DEVICE_PLUS_ONE) - 1;
    Instant at = Instant.ofEpochMilli(slot.get(I64, AT));
    int code = code(slot, 1);
    return switch (code(slot, 0)) {
      case FAILURE ->
          new Event.Failure(
              sequence,
              at,
              Severity.ofCode(code),
              Cause.ofCode(code(slot, 2)),
              Role.ofCode(code(slot, 3)),
              device,
              range(slot, 0),
              range(slot, 2));
      case STATE -> new Event.StateChange(sequence, at, device, stateOf(code), detail(slot));
      case LIFECYCLE -> new Event.Lifecycle(sequence, at, Event.Step.ofCode(code), detail(slot));
      case SCRUB ->
          new Event.Scrub(
              sequence,
              at,
              Event.Phase.ofCode(code),
              new ScrubTotals(
                  value(slot, 0), value(slot, 1), value(slot, 2), value(slot, 3), value(slot, 4)));
      case REPLACED ->
          new Event.Replaced(
              sequence,
              at,
              Objects.requireNonNullElse(range(slot, 0), NO_BYTES),
              Event.Replacement.ofCode(code));
      case DEVICE ->
          new Event.Device(sequence, at, device, Event.DeviceStep.ofCode(code), detail(slot));
      default -> throw new IllegalArgumentException("unknown kind " + code(slot, 0));
    };
  }

  private static int stateCode(DeviceState state) {
    return switch (state) {
      case ONLINE -> 1;
      case READ_ONLY -> 2;
      case HUNG -> 3;
      case OFFLINE -> 4;
      case FOREIGN -> 5;
      case PARTIAL -> 6;
    };
  }

  private static DeviceState stateOf(int code) {
    for (DeviceState state : DeviceState.values()) {
      if (stateCode(state) == code) {
        return state;
      }
    }
    throw new IllegalArgumentException("unknown state code " + code);
  }

  private static void codes(MemorySegment slot, int kind, int a, int b, int c) {
    slot.set(ValueLayout.JAVA_BYTE, KIND, (byte) kind);
    slot.set(ValueLayout.JAVA_BYTE, KIND + 1, (byte) a);
    slot.set(ValueLayout.JAVA_BYTE, KIND + 2, (byte) b);
    slot.set(ValueLayout.JAVA_BYTE, KIND + 3, (byte) c);
  }

  private static int code(MemorySegment slot, int index) {
    return slot.get(ValueLayout.JAVA_BYTE, KIND + index) & 0xFF;
  }

  private static void device(MemorySegment slot, int number) {
    slot.set(I32, DEVICE_PLUS_ONE, number + 1);
  }

  private static void value(MemorySegment slot, int index, long value) {
    slot.set(I64, VALUES + 8L * index, value);
  }

  private static long value(MemorySegment slot, int index) {
    if (index >= VALUE_COUNT) {
      throw new IndexOutOfBoundsException(index);
    }
    return slot.get(I64, VALUES + 8L * index);
  }

  /** A range as start and length; an unknown one has length -1. */
  private static void range(MemorySegment slot, int index, @Nullable ByteRange range) {
    value(slot, index, range == null ? 0 : range.start());
    value(slot, index + 1, range == null ? -1 : range.length());
  }

  private static @Nullable ByteRange range(MemorySegment slot, int index) {
    long lengthBytes = value(slot, index + 1);
    if (lengthBytes < 0) {
      return null;
    }
    long start = value(slot, index);
    if (start < 0 || start > Long.MAX_VALUE - lengthBytes) {
      throw new IllegalArgumentException("not a range: " + start + " + " + lengthBytes);
    }
    return ByteRange.ofLength(start, lengthBytes);
  }

  private static void detail(MemorySegment slot, String detail) {
    byte[] bytes = cut(detail).getBytes(StandardCharsets.UTF_8);
    slot.set(ValueLayout.JAVA_BYTE, DETAIL_LENGTH, (byte) bytes.length);
    MemorySegment.copy(bytes, 0, slot, ValueLayout.JAVA_BYTE, DETAIL, bytes.length);
  }

  private static String detail(MemorySegment slot) {
    int length = slot.get(ValueLayout.JAVA_BYTE, DETAIL_LENGTH) & 0xFF;
    if (length > DETAIL_BYTES) {
      throw new IllegalArgumentException("detail of " + length + " bytes");
    }
    byte[] bytes = slot.asSlice(DETAIL, length).toArray(ValueLayout.JAVA_BYTE);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("detail is not UTF-8", e);
    }
  }

  private static boolean isZero(MemorySegment slot) {
    for (long at = 0; at < RECORD_BYTES; at += 8) {
      if (slot.get(I64, at) != 0) {
        return false;
      }
    }
    return true;
  }

  private static int checksum(MemorySegment slot, long salt, long slotNumber) {
    CRC32C crc = new CRC32C();
    // The ring's image is private memory; a mapped segment must never reach CRC32C.
    crc.update(slot.asSlice(CHECKED, RECORD_BYTES - CHECKED).toArray(ValueLayout.JAVA_BYTE));
    byte[] place = new byte[16];
    MemorySegment placeSegment = MemorySegment.ofArray(place);
    placeSegment.set(I64, 0, salt);
    placeSegment.set(I64, 8, slotNumber);
    crc.update(place);
    return (int) crc.getValue();
  }
}
