package io.bezoar.pool;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: 4096, 64K, 64M, 1G, 1.5GiB, 0x1000; powers of 1024. */
public final class SizeText {
  /** Sizes to show to somebody whose own was not understood. */
  public static final String EXAMPLES = "bytes, or 64K, 64M, 1G, 1.5GiB, 0x1000";

  private static final Pattern PATTERN =
      Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([KMGTP]?)(?:I?B)?", Pattern.CASE_INSENSITIVE);
  private static final String UNITS = "KMGTP";

  private SizeText() {}

  /**
   * The bytes that {@code text} stands for.
   *
   * @throws IllegalArgumentException when it is not a size, or not a whole number of bytes
   */
  public static long parse(String text) {
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

  private static IllegalArgumentException problem(String text) {
    return new IllegalArgumentException("'" + text + "' is not a size: write " + EXAMPLES);
  }

  /** The shortest text that {@link #parse} takes for exactly {@code bytes}: 4096 as 4K. */
  public static String exact(long bytes) {
    int power = bytes == 0 ? 0 : Math.min(UNITS.length(), Long.numberOfTrailingZeros(bytes) / 10);
    return power == 0
        ? Long.toString(bytes)
        : (bytes >> (10 * power)) + UNITS.substring(power - 1, power);
  }
}
