package io.bezoar.bench;

import java.util.Locale;

/** What a measured number counts, and how people like to read it. */
enum Unit {
  /** Time of one operation; less is better. */
  SECONDS("s") {
    @Override
    String format(double value) {
      double size = Math.abs(value);
      if (size < 1e-6) {
        return number(value * 1e9) + " ns";
      }
      if (size < 1e-3) {
        return number(value * 1e6) + " µs";
      }
      return size < 1 ? number(value * 1e3) + " ms" : number(value) + " s";
    }
  },
  /** Throughput. */
  BYTES_PER_SECOND("bytes/s") {
    @Override
    String format(double value) {
      return value < 1e9 ? number(value / 1e6) + " MB/s" : number(value / 1e9) + " GB/s";
    }
  },
  /** Operations in a second. */
  PER_SECOND("1/s") {
    @Override
    String format(double value) {
      return value < 1e4 ? number(value) + "/s" : number(value / 1e3) + "k/s";
    }
  },
  /** Part of a whole. */
  FRACTION("fraction") {
    @Override
    String format(double value) {
      return number(value * 100) + "%";
    }
  },
  /** Memory. */
  BYTES("bytes") {
    @Override
    String format(double value) {
      return value < 1 << 20 ? number(value) + " B" : number(value / (1 << 20)) + " MiB";
    }
  };

  private final String symbol;

  Unit(String symbol) {
    this.symbol = symbol;
  }

  /** As in {@code --json}. */
  String symbol() {
    return symbol;
  }

  abstract String format(double value);

  /** Three digits, no more. */
  private static String number(double value) {
    double size = Math.abs(value);
    String format = size < 10 ? "%.2f" : size < 100 ? "%.1f" : "%.0f";
    return String.format(Locale.ROOT, format, value);
  }
}
