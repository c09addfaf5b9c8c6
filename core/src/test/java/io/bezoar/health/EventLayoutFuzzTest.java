package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Whatever stands in a slot, decoding answers; what it answers can be recorded again. */
class EventLayoutFuzzTest {
  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slot = arena.allocate(EventLayout.RECORD_BYTES);
      int length = Math.min(bytes.length, EventLayout.RECORD_BYTES);
      MemorySegment.copy(bytes, 0, slot, ValueLayout.JAVA_BYTE, 0, length);
      check(slot);
      seal(slot);
      check(slot);
    }
  }

  @Test
  void shouldAnswerToRandomBytesUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(17);
    MemorySegment slot = Arena.ofAuto().allocate(EventLayout.RECORD_BYTES);
    byte[] bytes = new byte[EventLayout.RECORD_BYTES];
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(bytes);
      bytes[24] = (byte) random.nextInt(8);
      bytes[25] = (byte) random.nextInt(8);
      bytes[15] = (byte) random.nextInt(2);
      MemorySegment.copy(bytes, 0, slot, ValueLayout.JAVA_BYTE, 0, bytes.length);
      seal(slot);
      check(slot);
    }
  }

  private static void check(MemorySegment slot) {
    if (EventLayout.decode(slot, 7, 3) instanceof EventLayout.Slot.Valid valid) {
      MemorySegment again = Arena.ofAuto().allocate(EventLayout.RECORD_BYTES);
      EventLayout.encode(valid.event(), again, 7, 3);
      assertThat(EventLayout.decode(again, 7, 3)).isEqualTo(valid);
    }
  }

  /** Gives the slot the magic and the checksum that get its content looked at. */
  private static void seal(MemorySegment slot) {
    slot.set(ValueLayout.JAVA_INT_UNALIGNED, 0, 'B' | 'Z' << 8 | 'E' << 16 | 'V' << 24);
    CRC32C crc = new CRC32C();
    crc.update(slot.asSlice(8).toArray(ValueLayout.JAVA_BYTE));
    byte[] place = new byte[16];
    place[0] = 7;
    place[8] = 3;
    crc.update(place);
    slot.set(ValueLayout.JAVA_INT_UNALIGNED, 4, (int) crc.getValue());
  }
}
