package io.bezoar.guard.salvage;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Any text is a map or is refused; a map that was read means the same when written and read. */
class RescueMapFuzzTest {
  @FuzzTest(maxDuration = "2m")
  void read(byte[] text) throws IOException {
    readAndWriteAgain(new String(text, StandardCharsets.ISO_8859_1));
  }

  @Test
  void shouldStandRandomDamage() throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    String alphabet = "0123456789abcdefxX#?*/-+FG \t\n\r\u0000é";
    for (int i = 0; i < 5_000; i++) {
      StringBuilder text = new StringBuilder("0x10 ? 1\n");
      long at = random.nextInt(3) * 512L;
      for (int blocks = random.nextInt(6); blocks > 0; blocks--) {
        long size = random.nextLong(1L << random.nextInt(1, 40));
        char status = "?*/-+".charAt(random.nextInt(5));
        text.append(at).append(' ').append(size).append(' ').append(status).append('\n');
        at += size;
      }
      for (int edits = random.nextInt(4); edits > 0; edits--) {
        char struck = alphabet.charAt(random.nextInt(alphabet.length()));
        text.setCharAt(random.nextInt(text.length()), struck);
      }
      readAndWriteAgain(text.toString());
    }
  }

  private static void readAndWriteAgain(String text) throws IOException {
    RescueMap map;
    try {
      map = RescueMapFormat.read("fuzz", new StringReader(text));
    } catch (RescueMapException refused) {
      assertThat(refused.line()).isPositive();
      return;
    }
    StringBuilder out = new StringBuilder();
    RescueMapFormat.write(map, List.of(text), out);
    RescueMap again = RescueMapFormat.read("again", new StringReader(out.toString()));
    assertThat(again.blocks()).isEqualTo(map.blocks());
    assertThat(again.point()).isEqualTo(map.point());
    long sum = 0;
    for (RescueStatus status : RescueStatus.values()) {
      sum += again.bytes(status);
    }
    assertThat(sum).isEqualTo(again.extent().length());
  }
}
