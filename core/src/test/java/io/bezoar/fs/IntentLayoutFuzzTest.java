package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Whatever stands in the log, decoding answers; what it takes for a record is one. */
class IntentLayoutFuzzTest {
  private static final long ID = 0x1234_5678_9abcL;
  private static final long ADDRESS = 7L * 4096 + 128;
  private static final byte[] MAGIC = "BZRINTL1".getBytes(StandardCharsets.US_ASCII);

  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    byte[] lines = Arrays.copyOf(bytes, Math.max(64, (bytes.length + 63) / 64 * 64));
    check(lines);
    seal(lines);
    check(lines);
    // A record around bytes of any kind.
    byte[] data = Arrays.copyOf(bytes, Math.min(bytes.length, IntentLayout.DATA_BYTES_MAX));
    roundTrip(record(new SplittableRandom(1), data));
  }

  @Test
  void shouldAnswerToChangedRecordsUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(2);
    int valid = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] image = image(record(random, new byte[random.nextInt(300)]), frame(random));
      for (int changes = random.nextInt(4); changes > 0; changes--) {
        image[12 + random.nextInt(image.length - 12)] = (byte) random.nextInt(256);
      }
      seal(image);
      if (check(image)) {
        valid++;
      }
    }
    assertThat(valid).isBetween(5_000, 19_999);
  }

  @Test
  void shouldTellEveryChangedBitAndEveryOtherPlace() {
    SplittableRandom random = new SplittableRandom(3);
    byte[] data = new byte[333];
    random.nextBytes(data);
    byte[] image = image(record(random, data), frame(random));
    assertThat(decode(image, ID, ADDRESS)).isInstanceOf(IntentLayout.Valid.class);
    for (int bit = 0; bit < image.length * 8; bit++) {
      image[bit / 8] ^= (byte) (1 << (bit % 8));
      assertThat(decode(image, ID, ADDRESS)).as("bit %s", bit).isEqualTo(nothing());
      image[bit / 8] ^= (byte) (1 << (bit % 8));
    }
    assertThat(decode(image, ID + 1, ADDRESS)).isEqualTo(nothing());
    assertThat(decode(image, ID, ADDRESS + 64)).isEqualTo(nothing());
    byte[] cut = Arrays.copyOf(image, image.length - 64);
    assertThat(decode(cut, ID, ADDRESS)).isEqualTo(nothing());
    image[12] = 2;
    seal(image);
    assertThat(decode(image, ID, ADDRESS)).isEqualTo(new IntentLayout.Newer(2));
  }

  @Test
  void shouldBeginALineWithTheMagicOnlyWhereARecordBegins() {
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 300; i++) {
      byte[] data = new byte[i == 0 ? IntentLayout.DATA_BYTES_MAX : random.nextInt(3000)];
      for (int at = 0; at < data.length; at += 64) {
        System.arraycopy(MAGIC, 0, data, at, Math.min(MAGIC.length, data.length - at));
        if (i == 0) {
          // Every mask that a short look would choose is unfit in some line.
          data[at] ^= (byte) (at / 64);
          data[at + 1] ^= (byte) ((at / 64) >> 8);
        } else if (random.nextInt(4) > 0) {
          data[at] ^= (byte) random.nextInt(4);
        }
      }
      roundTrip(record(random, data));
    }
    // A whole log within the data of a write.
    byte[] inner = image(record(random, new byte[100]), frame(random));
    roundTrip(record(random, inner));
  }

  /** The checksum is that of the record without its own bytes, as the format says. */
  @Test
  void shouldSealAsTheFormatSays() {
    SplittableRandom random = new SplittableRandom(5);
    byte[] image = image(record(random, new byte[70]), frame(random));
    assertThat(image).hasSize(128 + 128).startsWith(MAGIC);
    byte[] sealed = image.clone();
    seal(sealed);
    assertThat(sealed).isEqualTo(image);
  }

  private static void roundTrip(IntentRecord record) {
    IntentLayout.Frame frame = frame(new SplittableRandom(6));
    byte[] image = image(record, frame);
    for (int at = 64; at < image.length; at += 64) {
      assertThat(IntentLayout.beginsRecord(MemorySegment.ofArray(image).asSlice(at))).isFalse();
    }
    IntentLayout.Valid valid = (IntentLayout.Valid) decode(image, ID, ADDRESS);
    assertThat(valid.frame()).isEqualTo(frame);
    assertThat(valid.bytes()).isEqualTo(image.length);
    assertThat(valid.record().data().mismatch(record.data())).isEqualTo(-1);
    assertThat(valid.record().sizeAfter()).isEqualTo(record.sizeAfter());
    assertThat(valid.record().modifiedNanos()).isEqualTo(record.modifiedNanos());
  }

  private static IntentLayout.Nothing nothing() {
    return new IntentLayout.Nothing();
  }

  private static boolean check(byte[] lines) {
    return switch (decode(lines, ID, ADDRESS)) {
      case IntentLayout.Valid valid -> {
        assertThat(valid.bytes()).isLessThanOrEqualTo(lines.length);
        assertThat(valid.frame().persisted()).isLessThan(valid.frame().sequence());
        // What it says can be written again.
        byte[] again = image(valid.record(), valid.frame());
        assertThat(again).hasSize(valid.bytes());
        assertThat(decode(again, ID, ADDRESS)).isInstanceOf(IntentLayout.Valid.class);
        yield true;
      }
      case IntentLayout.Newer newer -> {
        assertThat(newer.version()).isGreaterThan(1);
        yield false;
      }
      case IntentLayout.Nothing _ -> false;
    };
  }

  private static IntentLayout.Found decode(byte[] lines, long id, long address) {
    MemorySegment image = Arena.ofAuto().allocate(lines.length, 64);
    image.copyFrom(MemorySegment.ofArray(lines));
    return IntentLayout.decode(image, id, address);
  }

  private static IntentLayout.Frame frame(SplittableRandom random) {
    long epoch = 1 + random.nextLong(100);
    long sequence = epoch + random.nextLong(100);
    return new IntentLayout.Frame(
        epoch, sequence, random.nextLong(sequence), random.nextInt(100), random.nextInt());
  }

  private static IntentRecord record(SplittableRandom random, byte[] data) {
    long offset = random.nextLong(1L << 40);
    return new IntentRecord(
        2 + random.nextLong(1L << 40),
        1,
        random.nextLong(),
        random.nextLong(),
        offset,
        offset + data.length + random.nextLong(1000),
        random.nextLong(),
        MemorySegment.ofArray(data));
  }

  private static byte[] image(IntentRecord record, IntentLayout.Frame frame) {
    byte[] image = new byte[IntentLayout.bytes(record.data().byteSize())];
    IntentLayout.encode(MemorySegment.ofArray(image), ID, ADDRESS, frame, record);
    return image;
  }

  private static void seal(byte[] image) {
    MemorySegment segment = MemorySegment.ofArray(image);
    int length = image.length < 128 ? 0 : segment.get(ValueLayout.JAVA_INT_UNALIGNED, 64);
    long bytes = length < 0 || length > 65536 ? image.length : IntentLayout.bytes(length);
    int checked = (int) Math.min(image.length, bytes);
    CRC32C crc = new CRC32C();
    crc.update(image, 0, 8);
    crc.update(image, 12, checked - 12);
    segment.set(ValueLayout.JAVA_INT_UNALIGNED, 8, (int) crc.getValue());
  }
}
