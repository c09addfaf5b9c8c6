package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.TypeConversionException;

class OptionsTest {
  @Test
  void shouldReadSizesAsPeopleWriteThem() throws Exception {
    assertThat(Sizes.parse("4096")).isEqualTo(4096);
    assertThat(Sizes.parse("64M")).isEqualTo(64L << 20);
    assertThat(Sizes.parse("1G")).isEqualTo(1L << 30);
    assertThat(Sizes.parse("1GiB")).isEqualTo(1L << 30);
    assertThat(Sizes.parse("1 gb")).isEqualTo(1L << 30);
    assertThat(Sizes.parse("1.5K")).isEqualTo(1536);
    assertThat(Sizes.parse("0x1000")).isEqualTo(4096);
    for (String wrong : new String[] {"", "G", "-1", "1X", "1.3", "99999999999P", "0x", "1e3"}) {
      assertThatThrownBy(() -> Sizes.parse(wrong))
          .as(wrong)
          .isInstanceOf(TypeConversionException.class);
    }
  }

  @Test
  void shouldWriteSizesForPeople() {
    assertThat(Sizes.text(0)).isEqualTo("0 B");
    assertThat(Sizes.text(1023)).isEqualTo("1023 B");
    assertThat(Sizes.text(4096)).isEqualTo("4 KiB");
    assertThat(Sizes.text(1L << 30)).isEqualTo("1 GiB");
    assertThat(Sizes.text((1L << 30) - 1)).isEqualTo("1024.0 MiB");
    assertThat(Sizes.text(Long.MAX_VALUE)).isEqualTo("8192 PiB");
  }

  @Test
  void shouldReadSpansOfTime() throws Exception {
    Durations durations = new Durations();
    assertThat(durations.convert("30s")).isEqualTo(Duration.ofSeconds(30));
    assertThat(durations.convert("1h30m")).isEqualTo(Duration.ofMinutes(90));
    assertThat(durations.convert("2D")).isEqualTo(Duration.ofDays(2));
    for (String wrong : new String[] {"", "1", "h", "-1h", "1y"}) {
      assertThatThrownBy(() -> durations.convert(wrong))
          .isInstanceOf(TypeConversionException.class);
    }
    assertThat(Durations.ago(Duration.ofDays(3))).isEqualTo("3 days ago");
    assertThat(Durations.ago(Duration.ofSeconds(-5))).isEqualTo("0 s ago");
  }

  @Test
  void shouldReadRanges() throws Exception {
    ByteRangeOption option = new ByteRangeOption();
    assertThat(option.convert("64M-128M"))
        .isEqualTo(new ByteRangeOption.Value(64L << 20, 128L << 20));
    assertThat(option.convert("4K+1")).isEqualTo(new ByteRangeOption.Value(4096, 4097));
    for (String wrong : new String[] {"", "5", "5-5", "9-3", "-3", "a-b"}) {
      assertThatThrownBy(() -> option.convert(wrong)).isInstanceOf(TypeConversionException.class);
    }
  }

  @Test
  void shouldFindTheBytesOfArguments() {
    byte[] line = "java\0-cp\0x\0ls\0\0a\u00ff\0".getBytes(StandardCharsets.ISO_8859_1);
    assertThat(RawArguments.of(new String[] {"ls", "", "a\ufffd"}, line))
        .containsExactly("ls", "", "a\udcff");
    assertThat(RawArguments.of(new String[] {"\ufffd"}, new byte[0])).containsExactly("\ufffd");
  }

  @Test
  void shouldQuoteForTheShell() {
    assertThat(Shell.quote("/data/a.pool")).isEqualTo("/data/a.pool");
    assertThat(Shell.quote("it's here")).isEqualTo("'it'\\''s here'");
    assertThat(Shell.nbdUri("/tmp/a b.nbd")).isEqualTo("nbd+unix:///?socket=/tmp/a%20b.nbd");
  }
}
