package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code bezoar bad inject --plain}. */
class PlainStrikesTest {
  private static final int SIZE = 100 * 4096 + 77;

  private final Cli cli = new Cli();
  private final byte[] content = new byte[SIZE];

  @TempDir private Path folder = Path.of("/none");
  private Path file = folder;

  @BeforeEach
  void write() throws IOException {
    new SplittableRandom(1).nextBytes(content);
    file = Files.write(folder.resolve("plain.dat"), content);
  }

  private int inject(String... options) {
    List<String> words = new java.util.ArrayList<>(List.of("bad", "inject", file.toString()));
    words.add("--plain");
    words.addAll(List.of(options));
    return cli.run(words.toArray(String[]::new));
  }

  @Test
  void shouldDamageExactlyWhatItSays() throws IOException {
    FileTime before = Files.getLastModifiedTime(file);
    assertThat(inject("--kind", "flip", "--count", "9", "--seed", "3", "--json")).isZero();
    List<JsonNode> said = cli.json();
    assertThat(said).hasSize(10);
    byte[] now = Files.readAllBytes(file);
    for (JsonNode strike : said.subList(1, 10)) {
      int start = strike.path("media").path("start").asInt();
      int end = strike.path("media").path("end").asInt();
      assertThat(java.util.Arrays.mismatch(now, start, end, content, start, end)).isNotNegative();
      System.arraycopy(content, start, now, start, end - start);
    }
    assertThat(now).isEqualTo(content);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(before);
  }

  @Test
  void shouldStrikeOnePlaceSoThatItCannotBeRead() throws IOException {
    assertThat(inject("--kind", "poison", "--at", "8K")).isZero();
    assertThat(cli.out())
        .contains("1 strikes", "poison    file 0x2000+4096")
        .doesNotContain("parity");
    try (Media media = MediaFiles.open(file, MediaOptions.READ_ONLY);
        Arena arena = Arena.ofConfined()) {
      MediaFaultException fault =
          Assertions.catchThrowableOfType(
              MediaFaultException.class, () -> media.read(0, arena.allocate(SIZE)));
      assertThat(fault.range()).isEqualTo(new ByteRange(0x2000, 0x3000));
    }
  }

  @Test
  void shouldRefuseWhatCannotBeStruck() throws IOException {
    assertThat(inject("--kind", "flip", "--at", "1G")).isEqualTo(Exit.REFUSED);
    assertThat(inject("--kind", "flip", "--count", "102")).isEqualTo(Exit.REFUSED);
    assertThat(inject("--kind", "flip", "--overlap")).isEqualTo(Exit.USAGE);
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
  }
}
