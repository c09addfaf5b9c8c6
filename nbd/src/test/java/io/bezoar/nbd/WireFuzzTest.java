package io.bezoar.nbd;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that say anything at all; {@link WireHarness} says what must hold.
 *
 * <p>Two ways: every build runs a number of mutated conversations from a seed, and the corpus of
 * the fuzzer; {@code JAZZER_FUZZ=1 mvn -pl nbd -am test -Dtest=WireFuzzTest -Djazzer.hooks=true}
 * looks for more.
 */
class WireFuzzTest {
  private static final int ROUNDS = 1500;

  @FuzzTest(maxDuration = "5m")
  void handshake(byte[] client) {
    new WireHarness().playHandshake(client);
  }

  @FuzzTest(maxDuration = "5m")
  void transmission(byte[] client) {
    new WireHarness().playTransmission(client, ReplyStyle.STRUCTURED);
    new WireHarness().playTransmission(client, ReplyStyle.SIMPLE);
  }

  @Test
  @Timeout(120)
  void shouldStandMutatedConversations() {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    for (int round = 0; round < ROUNDS; round++) {
      Random random = new Random(seed + round);
      byte[] haggling = mutate(Conversations.handshake(random), random);
      byte[] requests = mutate(Conversations.transmission(random), random);
      ReplyStyle style = random.nextBoolean() ? ReplyStyle.SIMPLE : ReplyStyle.STRUCTURED;
      try {
        new WireHarness().playHandshake(haggling);
        new WireHarness().playTransmission(requests, style);
      } catch (Throwable found) {
        throw new AssertionError(
            "round "
                + round
                + "; replay: mvn -pl nbd -am test -Dtest=WireFuzzTest -Dbezoar.seed="
                + (seed + round),
            found);
      }
    }
  }

  private static byte[] mutate(byte[] bytes, Random random) {
    byte[] result = bytes.clone();
    int mutations = random.nextInt(4);
    for (int i = 0; i < mutations && result.length > 0; i++) {
      int at = random.nextInt(result.length);
      switch (random.nextInt(5)) {
        case 0 -> result[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> result[at] = (byte) random.nextInt();
        case 2 -> result = Arrays.copyOf(result, at);
        case 3 -> {
          byte[] extra = new byte[1 + random.nextInt(40)];
          random.nextBytes(extra);
          result =
              ByteBuffer.allocate(result.length + extra.length)
                  .put(result, 0, at)
                  .put(extra)
                  .put(result, at, result.length - at)
                  .array();
        }
        default -> Arrays.fill(result, at, Math.min(result.length, at + 4), (byte) 0xff);
      }
    }
    return result;
  }
}
