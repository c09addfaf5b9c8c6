package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.media.Units;
import io.bezoar.pool.LabelLayout.Copy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class LabelLayoutTest {
  private final MemorySegment page = Arena.ofAuto().allocate(Units.PAGE_BYTES);

  @Test
  void shouldSayWhatWasWritten() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 500; i++) {
      PoolLabel label = Labels.random(random);
      LabelLayout.encode(label, 4096L * i, page);
      assertThat(LabelLayout.decode(page, 4096L * i)).isEqualTo(new Copy.Valid(label));
    }
  }

  @Test
  void shouldNoticeEveryChangedBit() {
    LabelLayout.encode(Labels.random(new SplittableRandom(6)), 0, page);
    for (int bit = 0; bit < 4096 * 8; bit++) {
      flip(bit);
      Copy copy = LabelLayout.decode(page, 0);
      if (bit < 64) {
        assertThat(copy).isInstanceOf(Copy.Foreign.class);
      } else {
        assertThat(copy).isInstanceOf(Copy.Damaged.class);
      }
      flip(bit);
    }
  }

  @Test
  void shouldKnowItsOwnPlace() {
    LabelLayout.encode(Labels.random(new SplittableRandom(7)), 8192, page);
    assertThat(LabelLayout.decode(page, 0)).isInstanceOf(Copy.Damaged.class);
  }

  @Test
  void shouldTellANewerVersionFromDamage() {
    LabelLayout.encode(Labels.random(new SplittableRandom(8)), 0, page);
    page.set(ValueLayout.JAVA_INT_UNALIGNED, 8, LabelLayout.VERSION + 1);
    assertThat(LabelLayout.decode(page, 0)).isInstanceOf(Copy.Damaged.class);
    seal(page);
    assertThat(LabelLayout.decode(page, 0)).isEqualTo(new Copy.Newer(LabelLayout.VERSION + 1));
  }

  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    page.fill((byte) 0);
    int length = Math.min(bytes.length, Units.PAGE_BYTES);
    MemorySegment.copy(bytes, 0, page, ValueLayout.JAVA_BYTE, 0, length);
    assertThat(LabelLayout.decode(page, 0)).isNotNull();
    LabelLayout.encode(Labels.random(new SplittableRandom(9)), 0, page);
    MemorySegment.copy(
        bytes, 0, page, ValueLayout.JAVA_BYTE, 16, Math.min(bytes.length, Units.PAGE_BYTES - 16));
    seal(page);
    assertThat(LabelLayout.decode(page, 0)).isNotNull();
  }

  @Test
  void shouldAnswerToRandomFieldsUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(10);
    int valid = 0;
    for (int i = 0; i < 20_000; i++) {
      PoolLabel label = Labels.random(random);
      LabelLayout.encode(label, 0, page);
      int changes = 1 + random.nextInt(4);
      for (int change = 0; change < changes; change++) {
        int at = 24 + random.nextInt(random.nextBoolean() ? 240 : 600);
        page.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt(256));
      }
      seal(page);
      if (LabelLayout.decode(page, 0) instanceof Copy.Valid copy) {
        valid++;
        PoolLabel read = copy.label();
        LabelLayout.encode(read, 0, page);
        assertThat(LabelLayout.decode(page, 0)).isEqualTo(new Copy.Valid(read));
      }
    }
    assertThat(valid).isPositive();
  }

  private void flip(int bit) {
    byte old = page.get(ValueLayout.JAVA_BYTE, bit / 8);
    page.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (old ^ (1 << (bit % 8))));
  }

  /** Makes the checksum of a changed label right. */
  static void seal(MemorySegment page) {
    page.set(ValueLayout.JAVA_INT_UNALIGNED, 12, 0);
    CRC32C crc = new CRC32C();
    crc.update(page.toArray(ValueLayout.JAVA_BYTE));
    page.set(ValueLayout.JAVA_INT_UNALIGNED, 12, (int) crc.getValue());
  }
}
