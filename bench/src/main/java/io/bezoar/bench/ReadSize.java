package io.bezoar.bench;

import io.bezoar.media.Units;

/** How much rows 1 and 2 read at once, and how much longer than a plain read that may take. */
enum ReadSize {
  PAGE("4 KiB", Units.PAGE_BYTES, 1_000, 1.9),
  MEBIBYTE("1 MiB", 1 << 20, 10, 1.45);

  final String label;
  final int bytes;
  private final int reads;
  final double limit;

  ReadSize(String label, int bytes, int reads, double limit) {
    this.label = label;
    this.bytes = bytes;
    this.reads = reads;
    this.limit = limit;
  }

  /** How many make a sample, so that none is of a place that was read lately. */
  int reads(Walk walk) {
    return Math.max(1, Math.min(reads, walk.places() / 4));
  }
}
