package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheLayout.Entry;
import io.bezoar.target.WriteCacheLayout.Kind;
import io.bezoar.target.WriteCacheLayout.Superblock;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Any bytes decode to nothing or to what some encode made of them. */
class WriteCacheLayoutFuzzTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int ENTRY = WriteCacheLayout.ENTRY_BYTES;
  private static final long ADDRESS = 5L * PAGE;
  private static final long FORMAT = 77;

  private final MemorySegment page = Arena.ofAuto().allocate(PAGE);

  @FuzzTest(maxDuration = "2m")
  void decode(byte[] bytes) {
    decodeAndEncodeAgain(Arrays.copyOf(bytes, PAGE));
  }

  private void decodeAndEncodeAgain(byte[] bytes) {
    page.copyFrom(MemorySegment.ofArray(bytes));
    WriteCacheLayout.decodeEntry(page, 0, ADDRESS, FORMAT)
        .ifPresent(
            entry -> {
              WriteCacheLayout.encodeEntry(page, 0, ADDRESS, FORMAT, entry);
              assertThat(WriteCacheLayout.decodeEntry(page, 0, ADDRESS, FORMAT)).contains(entry);
            });
    page.copyFrom(MemorySegment.ofArray(bytes));
    WriteCacheLayout.decodeSuperblock(page, ADDRESS)
        .ifPresent(
            superblock -> {
              WriteCacheLayout.encodeSuperblock(page, ADDRESS, superblock);
              assertThat(WriteCacheLayout.decodeSuperblock(page, ADDRESS)).contains(superblock);
            });
  }

  private static Entry random(SplittableRandom random) {
    Kind kind = List.of(Kind.values()).get(random.nextInt(3));
    return new Entry(kind, random.nextLong(1L << 50), random.nextLong(1L << 60), random.nextInt());
  }

  @Test
  void shouldReadBackWhatItWroteAndNothingElse() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 2_000; i++) {
      int at = random.nextInt(128) * ENTRY;
      Entry entry = random(random);
      WriteCacheLayout.encodeEntry(page, at, ADDRESS, FORMAT, entry);
      assertThat(WriteCacheLayout.decodeEntry(page, at, ADDRESS, FORMAT)).contains(entry);
      assertThat(WriteCacheLayout.decodeEntry(page, at, ADDRESS + ENTRY, FORMAT)).isEmpty();
      assertThat(WriteCacheLayout.decodeEntry(page, at, ADDRESS, FORMAT + 1)).isEmpty();
      Superblock superblock =
          new Superblock(
              WriteCacheLayout.VERSION,
              new UUID(random.nextLong(), random.nextLong()),
              random.nextLong(),
              WriteCacheGeometry.plan(PAGE * (4L + random.nextInt(1 << 20)), PAGE * 9L));
      WriteCacheLayout.encodeSuperblock(page, ADDRESS, superblock);
      assertThat(WriteCacheLayout.decodeSuperblock(page, ADDRESS)).contains(superblock);
      assertThat(WriteCacheLayout.decodeSuperblock(page, ADDRESS + PAGE)).isEmpty();
    }
  }

  @Test
  void shouldRefuseEveryFlippedBitAndEveryTear() {
    SplittableRandom random = new SplittableRandom(2);
    WriteCacheLayout.encodeEntry(page, 0, ADDRESS, FORMAT, random(random));
    byte[] older = page.asSlice(0, ENTRY).toArray(ValueLayout.JAVA_BYTE);
    WriteCacheLayout.encodeEntry(page, 0, ADDRESS, FORMAT, random(random));
    byte[] newer = page.asSlice(0, ENTRY).toArray(ValueLayout.JAVA_BYTE);
    for (int bit = 0; bit < ENTRY * 8; bit++) {
      byte[] struck = newer.clone();
      struck[bit / 8] ^= (byte) (1 << bit % 8);
      page.asSlice(0, ENTRY).copyFrom(MemorySegment.ofArray(struck));
      assertThat(WriteCacheLayout.decodeEntry(page, 0, ADDRESS, FORMAT))
          .as("bit %s", bit)
          .isEmpty();
    }
    for (int kept = 1; kept < 15; kept++) {
      byte[] torn = newer.clone();
      for (int word = 0; word < 4; word++) {
        if ((kept >> word & 1) != 0) {
          System.arraycopy(older, word * 8, torn, word * 8, 8);
        }
      }
      page.asSlice(0, ENTRY).copyFrom(MemorySegment.ofArray(torn));
      assertThat(WriteCacheLayout.decodeEntry(page, 0, ADDRESS, FORMAT)).as("%s", kept).isEmpty();
    }
  }

  /** Else a verified device below could not tell an old table page from a new one. */
  @Test
  void shouldChangeTheChecksumOfThePageAroundIt() {
    Entry dirty = new Entry(Kind.DIRTY, 3, 9, 4);
    WriteCacheLayout.encodeEntry(page, 64, ADDRESS, FORMAT, dirty);
    long before = crc();
    WriteCacheLayout.encodeEntry(page, 64, ADDRESS, FORMAT, new Entry(Kind.CLEAN, 3, 9, 4));
    assertThat(crc()).isNotEqualTo(before);
  }

  private long crc() {
    CRC32C crc = new CRC32C();
    crc.update(page.asByteBuffer());
    return crc.getValue();
  }

  @Test
  void shouldFillTheFastDeviceWithoutOverlap() {
    for (long pages = 5; pages < 1_000; pages++) {
      WriteCacheGeometry geometry = WriteCacheGeometry.plan(pages * PAGE, PAGE);
      assertThat(geometry.superblock(0).end()).isEqualTo(geometry.table(0).start());
      assertThat(geometry.table(0).end()).isEqualTo(geometry.data().start());
      assertThat(geometry.data().end()).isLessThanOrEqualTo(geometry.table(1).start());
      assertThat(geometry.table(1).end()).isEqualTo(geometry.superblock(1).start());
      assertThat(geometry.superblock(1).end()).isEqualTo(pages * PAGE);
      // One block more may need another page of each table.
      assertThat(geometry.table(1).start() - geometry.data().end()).isLessThanOrEqualTo(2L * PAGE);
    }
  }
}
