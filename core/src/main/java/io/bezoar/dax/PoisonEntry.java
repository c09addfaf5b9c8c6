package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.util.List;

/**
 * One range of a device whose content cannot be trusted.
 *
 * @param range the bad bytes, aligned to 64-byte lines, in the device's address space
 * @param cause how it was last found
 * @param confidence whether every byte of it is known to be bad
 * @param firstSeenMillis wall clock of the first report, milliseconds since 1970
 * @param lastSeenMillis wall clock of the latest report
 * @param count the most reports that any byte of the range has had, saturating
 * @param sequence number of the latest report in this device's order of reports; a repair forgets
 *     only up to the sequence number it saw, so that a new strike during the repair is kept
 */
public record PoisonEntry(
    ByteRange range,
    Cause cause,
    Confidence confidence,
    long firstSeenMillis,
    long lastSeenMillis,
    long count,
    long sequence) {

  /** The same about other bytes: a part of them, or what they are elsewhere. */
  public PoisonEntry withRange(ByteRange other) {
    return new PoisonEntry(
        other, cause, confidence, firstSeenMillis, lastSeenMillis, count, sequence);
  }

  /** True when every byte of it is known to be bad. */
  public boolean isExact() {
    return confidence == Confidence.EXACT;
  }

  /** The bytes of those that are exact. */
  public static ByteRanges exact(List<PoisonEntry> entries) {
    return entries.isEmpty()
        ? ByteRanges.EMPTY
        : ByteRanges.of(
            entries.stream().filter(PoisonEntry::isExact).map(PoisonEntry::range).toList());
  }
}
