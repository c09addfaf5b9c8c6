package io.bezoar.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes and offsets as people write them: 4096, 64K, 64M, 1G, 1.5GiB, 0x1000; powers of 1024. */
final class Sizes implements ITypeConverter<Long> {
  private static final Pattern PATTERN =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGTP]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);
  private static final String UNITS = "KMGTP";

  @Override
  public Long convert(String value) {
    return parse(value);
  }

  static long parse(String text) {
    String trimmed = text.strip();
    try {
      if (trimmed.toLowerCase(Locale.ROOT).startsWith("0x")) {
        return Long.parseUnsignedLong(trimmed.substring(2), 16) & Long.MAX_VALUE;
      }
      Matcher matcher = PATTERN.matcher(trimmed);
      if (matcher.matches()) {
        String unit = matcher.group(2).toUpperCase(Locale.ROOT);
        int power = unit.isEmpty() ? 0 : UNITS.indexOf(unit) + 1;
        return new BigDecimal(matcher.group(1))
            .multiply(BigDecimal.valueOf(1L << (10 * power)))
            .longValueExact();
      }
    } catch (ArithmeticException | NumberFormatException e) {
      throw problem(text);
    }
    throw problem(text);
  }

  private static TypeConversionException problem(String text) {
    return new TypeConversionException(
        "'" + text + "' is not a size: write bytes, or 64K, 64M, 1G, 1.5GiB, 0x1000");
  }

  /** A size for people: "1 GiB", "990.2 MiB". */
  static String text(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    int power = Math.min(UNITS.length(), (63 - Long.numberOfLeadingZeros(bytes)) / 10);
    double scaled = bytes / (double) (1L << (10 * power));
    String number =
        scaled == Math.rint(scaled)
            ? Long.toString((long) scaled)
            : String.format(Locale.ROOT, "%.1f", scaled);
    return number + " " + UNITS.charAt(power - 1) + "iB";
  }
}
