package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.health.EventLayout.Slot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class EventLayoutTest {
  private final MemorySegment slot = Arena.ofAuto().allocate(EventLayout.RECORD_BYTES);

  @Test
  void shouldTellWhatWasRecorded() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 1; i <= 2000; i++) {
      Event event = Events.random(random, i);
      EventLayout.encode(event, slot, 99, i);
      assertThat(EventLayout.decode(slot, 99, i)).isEqualTo(new Slot.Valid(cut(event)));
    }
  }

  @Test
  void shouldTellAnEmptySlotFromADamagedOne() {
    assertThat(EventLayout.decode(slot, 1, 1)).isInstanceOf(Slot.Empty.class);
    slot.set(ValueLayout.JAVA_BYTE, 127, (byte) 1);
    assertThat(EventLayout.decode(slot, 1, 1)).isInstanceOf(Slot.Damaged.class);
  }

  @Test
  void shouldNoticeEveryChangedBit() {
    EventLayout.encode(Events.random(new SplittableRandom(3), 5), slot, 1, 4);
    for (int bit = 0; bit < EventLayout.RECORD_BYTES * 8; bit++) {
      flip(bit);
      assertThat(EventLayout.decode(slot, 1, 4)).isInstanceOf(Slot.Damaged.class);
      flip(bit);
    }
    assertThat(EventLayout.decode(slot, 1, 4)).isInstanceOf(Slot.Valid.class);
  }

  @Test
  void shouldRefuseRecordsOfOtherPoolsAndOtherSlots() {
    EventLayout.encode(Events.random(new SplittableRandom(4), 5), slot, 1, 4);
    assertThat(EventLayout.decode(slot, 2, 4)).isInstanceOf(Slot.Damaged.class);
    assertThat(EventLayout.decode(slot, 1, 5)).isInstanceOf(Slot.Damaged.class);
  }

  @Test
  void shouldCutDetailsBetweenCharacters() {
    String umlauts = "ü".repeat(40);
    String kept = EventLayout.cut(umlauts);
    assertThat(kept.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(EventLayout.DETAIL_BYTES);
    assertThat(umlauts).startsWith(kept);
    assertThat(EventLayout.cut("short")).isEqualTo("short");
  }

  private static Event cut(Event event) {
    return switch (event) {
      case Event.StateChange e ->
          new Event.StateChange(
              e.sequence(), e.at(), e.device(), e.state(), EventLayout.cut(e.detail()));
      case Event.Device e ->
          new Event.Device(e.sequence(), e.at(), e.device(), e.step(), EventLayout.cut(e.detail()));
      case Event.Lifecycle e ->
          new Event.Lifecycle(e.sequence(), e.at(), e.step(), EventLayout.cut(e.detail()));
      default -> event;
    };
  }

  private void flip(int bit) {
    byte old = slot.get(ValueLayout.JAVA_BYTE, bit / 8);
    slot.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ 1 << bit % 8));
  }

  @Test
  void shouldKeepMillisecondsOfTime() {
    Instant at = Instant.ofEpochMilli(1_700_000_000_123L);
    EventLayout.encode(new Event.Lifecycle(1, at, Event.Step.OPENED, ""), slot, 0, 0);
    assertThat(EventLayout.decode(slot, 0, 0))
        .isEqualTo(new Slot.Valid(new Event.Lifecycle(1, at, Event.Step.OPENED, "")));
  }
}
