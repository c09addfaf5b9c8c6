package io.bezoar.media;

/**
 * What the self-test of the guarded copy found in this JVM.
 *
 * @param planted loads and stores that were made to meet a real fault
 * @param caught those whose error arrived inside the guard
 * @param escaped those whose error arrived anywhere else
 * @param missed those that were answered as if nothing had happened
 * @param wrongPrefixes salvages that did not bring out exactly the bytes before the fault
 * @param wrongCopies copies of healthy pages that were reported bad or held other bytes
 * @param durationNanos how long the test took
 * @param detail one sentence for people
 */
public record GuardReport(
    int planted,
    int caught,
    int escaped,
    int missed,
    int wrongPrefixes,
    int wrongCopies,
    long durationNanos,
    String detail) {

  /** True when mapped media may be used. */
  public boolean sound() {
    return planted > 0 && caught == planted && wrongPrefixes == 0 && wrongCopies == 0;
  }
}
