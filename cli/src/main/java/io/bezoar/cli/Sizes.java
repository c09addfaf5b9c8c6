package io.bezoar.cli;

import io.bezoar.pool.SizeText;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes and offsets as people write them ({@link SizeText}), and for people. */
final class Sizes implements ITypeConverter<Long> {
  private static final String UNITS = "KMGTP";

  @Override
  public Long convert(String value) {
    return parse(value);
  }

  static long parse(String text) {
    try {
      return SizeText.parse(text);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }

  /** A count for people: "1 file", "1,000 files". */
  static String count(long count, String one, String many) {
    return String.format(Locale.ROOT, "%,d %s", count, count == 1 ? one : many);
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
