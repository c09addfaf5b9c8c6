package io.bezoar.bench;

/** Takes results that nobody wants, so that the compiler cannot leave out the work. */
final class Sink {
  /** The last result; volatile, so that every one has to be worked out. */
  static volatile long last;

  private Sink() {}
}
