package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.MediaOpenException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ConfigLayoutTest {
  @Test
  void shouldSayWhatWasWritten() {
    for (long seed = 1; seed <= 2000; seed++) {
      PoolConfig config = Configs.random(new SplittableRandom(seed));
      assertThat(ConfigLayout.decode(ConfigLayout.encode(config)))
          .as("seed " + seed)
          .isEqualTo(config);
    }
  }

  @Test
  void shouldRefuseWhatIsCutOrTooLong() {
    byte[] bytes = ConfigLayout.encode(Configs.random(new SplittableRandom(3)));
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> ConfigLayout.decode(cut))
          .as("%d of %d bytes", length, bytes.length)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> ConfigLayout.decode(Arrays.copyOf(bytes, bytes.length + 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldKeepTheBytesOfTheFormat() {
    // A change of these bytes is a change of the format.
    PoolConfig config =
        PoolConfig.first(
            new Stack.Striped(
                65536,
                List.of(
                    Stack.Mirror.of(new UUID(1, 2), 8192 * 16, 0),
                    Stack.Mirror.of(new UUID(3, 4), 8192 * 16, 1))),
            List.of(entry(0, "a"), entry(1, "é")));
    assertThat(HexFormat.of().formatHex(ConfigLayout.encode(config)))
        .isEqualTo(
            "010000000000000002000000"
                + "0200"
                + "0000000000000000"
                + "07000000000000000000000000000000"
                + "0000100000000000"
                + "1f000100"
                + "01"
                + "0100"
                + "61"
                + "0100000000000000"
                + "07000000000000000100000000000000"
                + "0000100000000000"
                + "1f000100"
                + "01"
                + "0200"
                + "c3a9"
                + "03"
                + "0000010000000000"
                + "0200"
                + "01"
                + "01000000000000000200000000000000"
                + "0000020000000000"
                + "01"
                + "00"
                + "01"
                + "00000000"
                + "01"
                + "03000000000000000400000000000000"
                + "0000020000000000"
                + "01"
                + "00"
                + "01"
                + "01000000");
  }

  private static DeviceEntry entry(int number, String path) {
    return new DeviceEntry(
        number,
        new UUID(7, number),
        path,
        1 << 20,
        Redundancy.DEFAULT,
        DeviceEntry.Use.MEMBER,
        DeviceEntry.NONE);
  }

  /** What docs/format.md says of how many devices a label has room for. */
  @Test
  void shouldHaveRoomForAsManyDevicesAsTheDocumentationSays() throws Exception {
    assertThat(devicesThatFit(1, 20)).isEqualTo(40);
    assertThat(devicesThatFit(2, 20)).isEqualTo(47);
    assertThat(devicesThatFit(1, 60)).isEqualTo(28);
    assertThat(devicesThatFit(2, 60)).isEqualTo(31);
    assertThatThrownBy(() -> LabelLayout.requireRoom("a.img", striped(42, 1, 20)))
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> {
              assertThat(e.openReason()).isEqualTo(MediaOpenException.Reason.BAD_GEOMETRY);
              assertThat(e)
                  .hasMessageContaining("95 bytes too long")
                  .hasMessageContaining("shorter");
            });
  }

  private static int devicesThatFit(int legs, int pathBytes) {
    int fit = 0;
    while (ConfigLayout.encode(striped(fit + 1, legs, pathBytes)).length
        <= LabelLayout.MAX_CONFIG_BYTES) {
      fit++;
    }
    return fit;
  }

  /** A stripe of mirrors, the last one of fewer legs when need be. */
  private static PoolConfig striped(int count, int legs, int pathBytes) {
    SplittableRandom random = new SplittableRandom(1);
    List<DeviceEntry> devices = new ArrayList<>();
    List<Stack> parts = new ArrayList<>();
    Stack stack = null;
    for (int number = 0; number < count; number++) {
      devices.add(
          new DeviceEntry(
              number,
              Configs.uuid(random),
              "p".repeat(pathBytes),
              1 << 20,
              Redundancy.DEFAULT,
              DeviceEntry.Use.MEMBER,
              DeviceEntry.NONE));
      if (number % legs == 0) {
        stack = Stack.Mirror.of(Configs.uuid(random), 1 << 19, number);
        parts.add(stack);
      } else {
        parts.set(parts.size() - 1, parts.getLast().withLegBeside(number - 1, number));
      }
    }
    return PoolConfig.first(new Stack.Striped(65536, parts), devices);
  }
}
