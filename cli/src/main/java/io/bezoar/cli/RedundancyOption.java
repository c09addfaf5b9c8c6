package io.bezoar.cli;

import io.bezoar.guard.sidecar.Redundancy;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The {@code --parity K/N} option of sidecars: K parity columns of N in all. */
final class RedundancyOption implements ITypeConverter<Redundancy> {
  private static final Pattern PATTERN = Pattern.compile("(\\d{1,4})/(\\d{1,4})");

  @Override
  public Redundancy convert(String value) {
    Matcher matcher = PATTERN.matcher(value.strip());
    if (!matcher.matches()) {
      throw new TypeConversionException(
          "'" + value + "' is no parity: write K/N, K parity columns of N in all, as 2/64 or 8/40");
    }
    try {
      return new Redundancy(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException("'" + value + "': " + e.getMessage());
    }
  }
}
