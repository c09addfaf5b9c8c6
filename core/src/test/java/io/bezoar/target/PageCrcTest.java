package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.Units;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageCrcTest {
  /** What lets a scrub compare parity by hash. */
  @Test
  void hashOfTheXorShouldBeTheXorOfTheHashes() {
    Random random = new Random(1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(Units.PAGE_BYTES);
      byte[] all = new byte[Units.PAGE_BYTES];
      int hashes = 0;
      assertThat(PageCrc.of(page)).isZero();
      for (int pages = 1; pages <= 33; pages++) {
        byte[] one = new byte[Units.PAGE_BYTES];
        random.nextBytes(one);
        hashes ^= PageCrc.of(page.copyFrom(MemorySegment.ofArray(one)));
        for (int i = 0; i < one.length; i++) {
          all[i] ^= one[i];
        }
        assertThat(PageCrc.of(page.copyFrom(MemorySegment.ofArray(all))))
            .as("of %d pages", pages)
            .isEqualTo(hashes);
      }
    }
  }
}
