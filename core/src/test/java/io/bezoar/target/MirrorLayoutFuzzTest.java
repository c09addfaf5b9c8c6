package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Whatever stands in a superblock, decoding answers; and no damaged word passes. */
class MirrorLayoutFuzzTest {
  private static final int PAGE = MirrorRig.PAGE;
  private static final MirrorLayout LAYOUT = MirrorLayout.of(96L * PAGE);
  private static final long ADDRESS = LAYOUT.superblockAt(0);
  private static final UUID LEG = new UUID(3, 4);

  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = valid(arena);
      int length = Math.min(bytes.length, PAGE);
      MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, length);
      check(page);
      seal(page);
      check(page);
    }
  }

  @Test
  void shouldAnswerToRandomBytesUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(19);
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < 20_000; i++) {
        MemorySegment page = valid(arena);
        for (int n = random.nextInt(1, 6); n > 0; n--) {
          page.set(ValueLayout.JAVA_BYTE, random.nextInt(8, 340), (byte) random.nextInt(8));
        }
        seal(page);
        check(page);
      }
    }
  }

  @Test
  void shouldKnowItsOwnAndNoDamagedOne() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = valid(arena);
      assertThat(MirrorLayout.decodeSuperblock(page, ADDRESS))
          .hasValue(new MirrorLayout.Superblock(1, table(), LAYOUT.dataBytes()));
      assertThat(MirrorLayout.decodeSuperblock(page, ADDRESS + PAGE)).isEmpty();
      for (int at = 0; at < PAGE; at++) {
        byte before = page.get(ValueLayout.JAVA_BYTE, at);
        page.set(ValueLayout.JAVA_BYTE, at, (byte) (before ^ 1));
        assertThat(MirrorLayout.decodeSuperblock(page, ADDRESS)).as("byte %s", at).isEmpty();
        page.set(ValueLayout.JAVA_BYTE, at, before);
      }
    }
  }

  @Test
  void shouldKnowAWordInItsPlaceOnItsLegOnly() {
    long word = LAYOUT.encodeWord(MirrorRig.MIRROR, LEG, 0, 1, 0x1234);
    assertThat(MirrorLayout.wordBits(word)).isEqualTo(0x1234);
    assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, LEG, 0, 1, word)).isTrue();
    assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, LEG, 0, 2, word)).isFalse();
    assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, LEG, 1, 1, word)).isFalse();
    assertThat(LAYOUT.checksWord(LEG, LEG, 0, 1, word)).isFalse();
    assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, MirrorRig.MIRROR, 0, 1, word)).isFalse();
    for (int bit = 0; bit < Long.SIZE; bit++) {
      assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, LEG, 0, 1, word ^ 1L << bit)).isFalse();
    }
    assertThat(LAYOUT.checksWord(MirrorRig.MIRROR, LEG, 0, 1, 0)).isFalse();
  }

  @Test
  void shouldFitWhatItPromisesForEverySize() {
    for (long pages : new long[] {1, 5, 64, 65, 4096, 1 << 18, 1L << 22, 1L << 28, 1L << 32}) {
      long data = MirroredTarget.dataBytes(pages * PAGE);
      if (data > 0) {
        MirrorLayout layout = MirrorLayout.of(data);
        assertThat(layout.legBytes()).isLessThanOrEqualTo(pages * PAGE);
        assertThat(Long.bitCount(layout.regionBytes())).isEqualTo(1);
        assertThat((long) layout.regions() * layout.regionBytes()).isGreaterThanOrEqualTo(data);
        assertThat(layout.wordsAt(0) + (long) layout.bitmapPages() * PAGE)
            .isLessThanOrEqualTo(layout.wordsAt(1));
      }
    }
    assertThat(MirroredTarget.dataBytes(1L << 40)).isGreaterThan((1L << 40) - (3 << 20));
  }

  private static MirrorTable table() {
    return MirrorTable.first(MirrorRig.MIRROR, List.of(MirrorRig.MIRROR, LEG), 77)
        .with(7, new MirrorTable.Member(LEG, MirrorTable.State.OUT, 5), 78);
  }

  private static MemorySegment valid(Arena arena) {
    MemorySegment page = arena.allocate(PAGE, PAGE);
    LAYOUT.encodeSuperblock(page, 0, 1, table());
    return page;
  }

  private static void check(MemorySegment page) {
    MirrorLayout.decodeSuperblock(page, ADDRESS)
        .ifPresent(
            block -> {
              MirrorLayout layout = MirrorLayout.of(block.dataBytes());
              MemorySegment again = Arena.ofAuto().allocate(PAGE);
              layout.encodeSuperblock(again, 0, block.slot(), block.table());
              assertThat(MirrorLayout.decodeSuperblock(again, layout.superblockAt(0)))
                  .hasValue(block);
            });
  }

  /** Gives the page the checksum that gets its content looked at. */
  private static void seal(MemorySegment page) {
    CRC32C crc = new CRC32C();
    byte[] bytes = page.toArray(ValueLayout.JAVA_BYTE);
    crc.update(bytes, 0, 72);
    crc.update(bytes, 76, PAGE - 76);
    page.set(ValueLayout.JAVA_INT_UNALIGNED, 72, (int) crc.getValue());
  }
}
