package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.dax.PoisonListLayout.EntryPage;
import io.bezoar.dax.PoisonListLayout.Header;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Any bytes decode to nothing or to what some encode made of them. */
class PoisonListLayoutFuzzTest {
  private static final long ADDRESS = 7L * PAGE_BYTES;

  private final MemorySegment page = Arena.ofAuto().allocate(PAGE_BYTES);

  @FuzzTest(maxDuration = "2m")
  void decode(byte[] bytes) {
    decodeAndEncodeAgain(Arrays.copyOf(bytes, PAGE_BYTES));
  }

  @Test
  void shouldReadBackWhatItWrote() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 500; i++) {
      List<PoisonEntry> entries = randomEntries(random);
      long mark = PoisonListLayout.encodeEntries(page, ADDRESS, 3, i, entries);
      assertThat(PoisonListLayout.decodeEntries(page, ADDRESS, 3))
          .contains(new EntryPage(i, entries, mark));
      assertThat(PoisonListLayout.decodeEntries(page, ADDRESS, 4)).isEmpty();
      assertThat(PoisonListLayout.decodeEntries(page, ADDRESS + PAGE_BYTES, 3)).isEmpty();
      assertThat(PoisonListLayout.decodeHeader(page, ADDRESS)).isEmpty();
      Header header = new Header(random.nextLong(), random.nextLong(), random.nextLong());
      PoisonListLayout.encodeHeader(page, ADDRESS, header);
      assertThat(PoisonListLayout.decodeHeader(page, ADDRESS)).contains(header);
      assertThat(PoisonListLayout.isNewer(page, ADDRESS)).isFalse();
    }
  }

  @Test
  void shouldKeepExtremesWithinTheirBits() {
    PoisonEntry extreme =
        new PoisonEntry(
            new ByteRange(0, 1L << 50),
            Cause.RETIRED,
            Confidence.SUSPECT,
            -5,
            Long.MAX_VALUE,
            Long.MAX_VALUE,
            Long.MAX_VALUE);
    PoisonListLayout.encodeEntries(page, ADDRESS, 0, 1, List.of(extreme));
    PoisonEntry back =
        PoisonListLayout.decodeEntries(page, ADDRESS, 0).orElseThrow().entries().getFirst();
    assertThat(back.range()).isEqualTo(extreme.range());
    assertThat(back.cause()).isEqualTo(Cause.RETIRED);
    assertThat(back.confidence()).isEqualTo(Confidence.SUSPECT);
    assertThat(back.firstSeenMillis()).isZero();
    assertThat(back.count()).isEqualTo((1 << 20) - 1);
    assertThat(back.sequence()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void shouldRefuseEveryFlippedBit() {
    List<PoisonEntry> entries = randomEntries(new SplittableRandom(2));
    PoisonListLayout.encodeEntries(page, ADDRESS, 3, 9, entries);
    byte[] good = page.toArray(ValueLayout.JAVA_BYTE);
    for (int bit = 0; bit < PAGE_BYTES * 8; bit += 5) {
      byte[] struck = good.clone();
      struck[bit / 8] ^= (byte) (1 << bit % 8);
      page.copyFrom(MemorySegment.ofArray(struck));
      assertThat(PoisonListLayout.decodeEntries(page, ADDRESS, 3)).as("bit %d", bit).isEmpty();
    }
  }

  @Test
  void shouldStandRandomPages() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 2_000; i++) {
      byte[] bytes = new byte[PAGE_BYTES];
      PoisonListLayout.encodeEntries(page, ADDRESS, 3, 9, randomEntries(random));
      MemorySegment.ofArray(bytes).copyFrom(page);
      for (int n = random.nextInt(6); n > 0; n--) {
        bytes[random.nextInt(random.nextBoolean() ? 64 : PAGE_BYTES)] = (byte) random.nextInt();
      }
      decodeAndEncodeAgain(bytes);
    }
  }

  private void decodeAndEncodeAgain(byte[] bytes) {
    page.copyFrom(MemorySegment.ofArray(bytes));
    PoisonListLayout.isNewer(page, ADDRESS);
    PoisonListLayout.decodeHeader(page, ADDRESS)
        .ifPresent(
            header -> {
              PoisonListLayout.encodeHeader(page, ADDRESS, header);
              assertThat(PoisonListLayout.decodeHeader(page, ADDRESS)).contains(header);
            });
    page.copyFrom(MemorySegment.ofArray(bytes));
    PoisonListLayout.decodeEntries(page, ADDRESS, 3)
        .ifPresent(
            found -> {
              PoisonListLayout.encodeEntries(page, ADDRESS, 3, found.generation(), found.entries());
              assertThat(PoisonListLayout.decodeEntries(page, ADDRESS, 3).orElseThrow().entries())
                  .isEqualTo(found.entries());
            });
  }

  private static List<PoisonEntry> randomEntries(SplittableRandom random) {
    List<PoisonEntry> entries = new ArrayList<>();
    long at = 0;
    for (int i = random.nextInt(PoisonListLayout.ENTRIES_PER_PAGE + 1); i > 0; i--) {
      at += random.nextLong(1L << 30) * LINE_BYTES;
      long end = at + (1 + random.nextLong(1L << 20)) * LINE_BYTES;
      entries.add(
          new PoisonEntry(
              new ByteRange(at, end),
              Cause.ofCode(1 + random.nextInt(Cause.values().length)),
              random.nextBoolean() ? Confidence.EXACT : Confidence.SUSPECT,
              random.nextLong(1L << 44),
              random.nextLong(1L << 44),
              random.nextLong(1L << 20),
              random.nextLong(1L << 60)));
      at = end;
    }
    return entries;
  }
}
