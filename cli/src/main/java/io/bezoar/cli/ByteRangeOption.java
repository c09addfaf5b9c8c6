package io.bezoar.cli;

import io.bezoar.media.ByteRange;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A range of the volume as people write it: {@code START-END} or {@code START+LENGTH}. */
final class ByteRangeOption implements ITypeConverter<ByteRangeOption.Value> {
  /** Bytes {@code [start, end)}. */
  record Value(long start, long end) {
    ByteRange range() {
      return new ByteRange(start, end);
    }
  }

  @Override
  public Value convert(String text) {
    int plus = text.indexOf('+');
    int minus = text.indexOf('-');
    int at = plus > 0 ? plus : minus;
    if (at <= 0) {
      throw new TypeConversionException(
          "'" + text + "' is not a range: write START-END or START+LENGTH, as in 64M-128M");
    }
    long start = Sizes.parse(text.substring(0, at));
    long second = Sizes.parse(text.substring(at + 1));
    long end = at == plus ? start + second : second;
    if (end <= start) {
      throw new TypeConversionException("'" + text + "' holds no byte");
    }
    return new Value(start, end);
  }
}
