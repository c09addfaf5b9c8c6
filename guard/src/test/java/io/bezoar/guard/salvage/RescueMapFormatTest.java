package io.bezoar.guard.salvage;

import static io.bezoar.guard.salvage.RescueStatus.BAD;
import static io.bezoar.guard.salvage.RescueStatus.RESCUED;
import static io.bezoar.guard.salvage.RescueStatus.UNSCRAPED;
import static io.bezoar.guard.salvage.RescueStatus.UNTRIED;
import static io.bezoar.guard.salvage.RescueStatus.UNTRIMMED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RescueMapFormatTest {
  private static RescueMap read(String text) throws IOException {
    return RescueMapFormat.read("m.map", new StringReader(text));
  }

  private static String text(RescueMap map, String... remarks) throws IOException {
    StringBuilder out = new StringBuilder();
    RescueMapFormat.write(map, List.of(remarks), out);
    return out.toString();
  }

  private static RescueBlock block(long start, long end, RescueStatus status) {
    return new RescueBlock(new ByteRange(start, end), status);
  }

  /** The example of the ddrescue manual. */
  @Test
  void shouldReadTheManualsExample() throws IOException {
    RescueMap map =
        read(
            """
            # Mapfile. Created by GNU ddrescue version 1.27
            # Command line: ddrescue -d -c18 /dev/fd0 fdimage mapfile
            # current_pos  current_status  current_pass
            0x00120000     ?               1
            #      pos        size  status
            0x00000000  0x00117000  +
            0x00117000  0x00000200  -
            0x00117200  0x00001000  /
            0x00118200  0x00007E00  *
            0x00120000  0x00048000  ?
            """);
    assertThat(map.point()).isEqualTo(new RescuePoint(0x120000, RescuePhase.COPYING, 1));
    assertThat(map.blocks())
        .containsExactly(
            block(0, 0x117000, RESCUED),
            block(0x117000, 0x117200, BAD),
            block(0x117200, 0x118200, UNSCRAPED),
            block(0x118200, 0x120000, UNTRIMMED),
            block(0x120000, 0x168000, UNTRIED));
    RescueMap again = read(text(map));
    assertThat(again.blocks()).isEqualTo(map.blocks());
    assertThat(again.point()).isEqualTo(map.point());
  }

  @Test
  void shouldReadEverythingThatTheManualAllows() throws IOException {
    RescueMap map =
        read(
            "\n  # indented\r\n 010\t- 12 # where\r\n512 0x200 -\t#bad\n02000 512 -\n1536 0 +\n"
                + "0X600 10 +");
    assertThat(map.point()).isEqualTo(new RescuePoint(8, RescuePhase.RETRYING, 12));
    assertThat(map.blocks()).containsExactly(block(512, 1536, BAD), block(1536, 1546, RESCUED));
    assertThat(read("0 +").blocks()).isEmpty();
    assertThat(read("0 F 1").point().phase()).isEqualTo(RescuePhase.FILLING);
    assertThat(read("0 ? 1\n0 0x7fffffffffffffff ?").bytes(UNTRIED)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void shouldWriteWhatDdrescueWritesOfNothing() throws IOException {
    assertThat(text(RescueMap.untried(0), "remark\nand more"))
        .isEqualTo(
            """
            # Mapfile. Created by Bezoar
            # remark?and more
            # current_pos  current_status  current_pass
            0x00000000     ?               1
            #      pos        size  status
            0x00000000  0x00000000  ?
            """);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | 1",
        "'# only a remark' | 2",
        "'0' | 1",
        "'0 ? 1 2' | 1",
        "'0 ! 1' | 1",
        "'0 ? 0' | 1",
        "'0 ? 0x1' | 1",
        "'-1 ? 1' | 1",
        "'+1 ? 1' | 1",
        "'0x-1 ? 1' | 1",
        "'09 ? 1' | 1",
        "'9223372036854775808 ? 1' | 1",
        "'0 ? 1;0 10' | 2",
        "'0 ? 1;0 10 F' | 2",
        "'0 ? 1;0 10 ??' | 2",
        "'0 ? 1;0 10 + +' | 2",
        "'0 ? 1;0 10 +;20 10 +' | 3",
        "'0 ? 1;0 10 +;5 10 +' | 3",
        "'0 ? 1;10 0x7fffffffffffffff +' | 2",
        "'0 ? 1;0#1 10 +' | 2"
      })
  void shouldRefuseWhatIsNotAMap(String text, int line) {
    assertThatThrownBy(() -> read(text.replace(';', '\n')))
        .isInstanceOfSatisfying(
            RescueMapException.class,
            e -> {
              assertThat(e.line()).isEqualTo(line);
              assertThat(e.getMessage()).contains("m.map", "line " + line, "restore it");
            });
  }

  @Test
  void shouldRefuseALineWithoutEnd() {
    assertThatThrownBy(() -> read("#" + " ".repeat(70_000) + "\n0 ? 1"))
        .isInstanceOf(RescueMapException.class)
        .hasMessageContaining("too long");
  }
}
