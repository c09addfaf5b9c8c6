package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.guard.sidecar.SidecarLayout.RepairNote;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Any bytes decode to nothing or to what some encode made of them. */
class SidecarLayoutFuzzTest {
  private static final UUID ID = new UUID(0x1234, 0x5678);
  private static final SidecarLayout LAYOUT =
      new SidecarLayout(SidecarGeometry.of(3000L * PAGE_BYTES - 5, Redundancy.DEFAULT));

  private final MemorySegment page = Arena.ofAuto().allocate(PAGE_BYTES, Long.BYTES);

  @FuzzTest(maxDuration = "2m")
  void decode(byte[] bytes) {
    decodeAndEncodeAgain(Arrays.copyOf(bytes, PAGE_BYTES));
  }

  @Test
  void shouldReadBackWhatItWrote() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 500; i++) {
      SidecarHeader header = randomHeader(random);
      long address = random.nextLong(1L << 40);
      SidecarLayout.encodeHeader(page, address, header);
      assertThat(SidecarLayout.decodeHeader(page, address)).contains(header);
      assertThat(SidecarLayout.decodeHeader(page, address + 1)).isEmpty();
      assertThat(SidecarLayout.isNewer(page, address)).isFalse();
      assertThat(SidecarLayout.hasMagic(page)).isTrue();

      RepairNote note = randomNote(random);
      LAYOUT.encodeNote(page, note, ID);
      assertThat(LAYOUT.decodeNote(page, ID)).contains(note);
      assertThat(LAYOUT.decodeNote(page, new UUID(0x1234, 0x5679))).isEmpty();

      for (Copy copy : Copy.values()) {
        long block = random.nextLong(LAYOUT.blocks());
        SidecarLayout.setEntry(page, 7, i);
        LAYOUT.sealBlock(page, copy, block, ID);
        assertThat(LAYOUT.isBlock(page, copy, block, ID)).isTrue();
        assertThat(SidecarLayout.entry(page, 7)).isEqualTo(i);
        assertThat(LAYOUT.isBlock(page, copy, (block + 1) % LAYOUT.blocks(), ID)).isFalse();
        assertThat(LAYOUT.isBlock(page, copy, block, new UUID(1, 2))).isFalse();
        Copy other = copy == Copy.HEAD ? Copy.TAIL : Copy.HEAD;
        assertThat(LAYOUT.isBlock(page, other, block, ID)).isFalse();
      }
    }
  }

  @Test
  void shouldRefuseEveryFlippedBit() {
    SidecarLayout.encodeHeader(page, 0, randomHeader(new SplittableRandom(2)));
    byte[] header = page.toArray(ValueLayout.JAVA_BYTE);
    for (int bit = 0; bit < SidecarLayout.HEADER_BYTES * 8; bit++) {
      flip(header, bit);
      assertThat(SidecarLayout.decodeHeader(page, 0)).as("bit %d", bit).isEmpty();
    }
    RepairNote note = randomNote(new SplittableRandom(3));
    LAYOUT.encodeNote(page, note, ID);
    byte[] noted = page.toArray(ValueLayout.JAVA_BYTE);
    for (int bit = 0; bit < SidecarLayout.noteBytes(note) * 8; bit++) {
      flip(noted, bit);
      assertThat(LAYOUT.decodeNote(page, ID)).as("bit %d", bit).isEmpty();
    }
    LAYOUT.sealBlock(page, Copy.TAIL, 1, ID);
    byte[] block = page.toArray(ValueLayout.JAVA_BYTE);
    for (int bit = 0; bit < LAYOUT.blockRange(Copy.TAIL, 1).length() * 8; bit += 3) {
      flip(block, bit);
      assertThat(LAYOUT.isBlock(page, Copy.TAIL, 1, ID)).as("bit %d", bit).isFalse();
    }
  }

  private void flip(byte[] good, int bit) {
    byte[] struck = good.clone();
    struck[bit / 8] ^= (byte) (1 << (bit % 8));
    page.copyFrom(MemorySegment.ofArray(struck));
  }

  @Test
  void shouldStandRandomPages() {
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 3_000; i++) {
      if (random.nextBoolean()) {
        SidecarLayout.encodeHeader(page, 0, randomHeader(random));
      } else {
        LAYOUT.encodeNote(page, randomNote(random), ID);
      }
      byte[] bytes = page.toArray(ValueLayout.JAVA_BYTE);
      for (int n = random.nextInt(6); n > 0; n--) {
        bytes[random.nextInt(random.nextBoolean() ? 96 : PAGE_BYTES)] = (byte) random.nextInt();
      }
      decodeAndEncodeAgain(bytes);
    }
  }

  private void decodeAndEncodeAgain(byte[] bytes) {
    page.copyFrom(MemorySegment.ofArray(bytes));
    SidecarLayout.isNewer(page, 0);
    SidecarLayout.decodeHeader(page, 0)
        .ifPresent(
            header -> {
              assertThat(new SidecarLayout(header.geometry()).sizeBytes()).isPositive();
              SidecarLayout.encodeHeader(page, 0, header);
              assertThat(SidecarLayout.decodeHeader(page, 0)).contains(header);
            });
    page.copyFrom(MemorySegment.ofArray(bytes));
    LAYOUT
        .decodeNote(page, ID)
        .ifPresent(
            note -> {
              LAYOUT.encodeNote(page, note, ID);
              assertThat(LAYOUT.decodeNote(page, ID)).contains(note);
            });
    page.copyFrom(MemorySegment.ofArray(bytes));
    LAYOUT.isBlock(page, Copy.HEAD, 0, ID);
  }

  private static SidecarHeader randomHeader(SplittableRandom random) {
    int parity = 1 + random.nextInt(Redundancy.PARITY_MAX);
    int columns = parity + 1 + random.nextInt(Redundancy.COLUMNS_MAX - parity);
    Redundancy asked = new Redundancy(parity, columns);
    long size = random.nextInt(5) == 0 ? 0 : random.nextLong(1L << random.nextInt(1, 56));
    return new SidecarHeader(
        new UUID(random.nextLong(), random.nextLong()),
        random.nextLong(1L << 44),
        random.nextLong(),
        asked,
        SidecarGeometry.of(size, asked));
  }

  private static RepairNote randomNote(SplittableRandom random) {
    List<ByteRange> ranges = new ArrayList<>();
    long at = 0;
    for (int i = random.nextInt(200); i >= 0; i--) {
      at += 1 + random.nextLong(1L << 30);
      ranges.add(ByteRange.ofLength(at, 1 + random.nextLong(1L << 20)));
      at = ranges.getLast().end();
    }
    return new RepairNote(random.nextLong(1L << 44), ByteRanges.of(ranges));
  }
}
