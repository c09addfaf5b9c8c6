package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SizeTextTest {
  @Test
  void shouldWriteExactlyAndShortly() {
    assertThat(SizeText.exact(0)).isEqualTo("0");
    assertThat(SizeText.exact(4096)).isEqualTo("4K");
    assertThat(SizeText.exact(4097)).isEqualTo("4097");
    assertThat(SizeText.exact(1L << 40)).isEqualTo("1T");
    assertThat(SizeText.exact(1L << 62)).isEqualTo("4096P");
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 1000; i++) {
      long bytes = random.nextLong(1L << 62) >> random.nextInt(62) << random.nextInt(10);
      if (bytes >= 0) {
        assertThat(SizeText.parse(SizeText.exact(bytes))).isEqualTo(bytes);
      }
    }
  }
}
