package io.bezoar.bench;

/** Runs the measurements and prints them as one table. */
public final class Main {
  private Main() {}

  /**
   * Runs the measurements.
   *
   * @param args none yet
   */
  public static void main(String[] args) {
    System.out.println("no benchmarks yet");
  }
}
