package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whatever stands in place of a config, decoding answers; what it answers can be stored again. */
class ConfigLayoutFuzzTest {
  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    check(bytes);
  }

  @Test
  void shouldAnswerToChangedBytes() {
    int valid = 0;
    for (long seed = 1; seed <= 400; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      byte[] bytes = ConfigLayout.encode(Configs.random(random));
      for (int i = 0; i < 100; i++) {
        byte[] changed = bytes.clone();
        for (int change = random.nextInt(4); change >= 0; change--) {
          // Small values are codes and counts, and mean more than others.
          int bound = random.nextBoolean() ? 5 : 256;
          changed[random.nextInt(bytes.length)] = (byte) random.nextInt(bound);
        }
        valid += check(changed) ? 1 : 0;
      }
    }
    assertThat(valid).isPositive();
  }

  @Test
  void shouldRefuseAStackThatIsDeeperThanAny() {
    byte[] bytes = new byte[3000];
    bytes[8] = 1;
    for (int at = 14; at + 2 < bytes.length; at += 3) {
      bytes[at] = 2;
      bytes[at + 1] = 1;
    }
    assertThat(check(bytes)).isFalse();
  }

  private static boolean check(byte[] bytes) {
    PoolConfig config;
    try {
      config = ConfigLayout.decode(bytes);
    } catch (IllegalArgumentException expected) {
      return false;
    }
    assertThat(ConfigLayout.decode(ConfigLayout.encode(config))).isEqualTo(config);
    return true;
  }
}
