package io.bezoar.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * The {@code --parity} option.
 *
 * @param columns columns in all, one of them parity; 0 for none
 */
record Parity(int columns) {
  static final Parity DEFAULT = new Parity(32);

  /** Reads {@code N} or {@code none}. */
  static final class Converter implements ITypeConverter<Parity> {
    @Override
    public Parity convert(String text) {
      if (text.equalsIgnoreCase("none")) {
        return new Parity(0);
      }
      try {
        int columns = Integer.parseInt(text);
        if (columns >= 2 && columns <= 256) {
          return new Parity(columns);
        }
      } catch (NumberFormatException e) {
        throw problem(text);
      }
      throw problem(text);
    }

    private static TypeConversionException problem(String text) {
      return new TypeConversionException(
          "'" + text + "' is no parity: write none, or the number of columns from 2 to 256");
    }
  }
}
