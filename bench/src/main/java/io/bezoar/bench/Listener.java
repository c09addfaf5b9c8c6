package io.bezoar.bench;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.List;

/** Holds a device and keeps what it is told. Thread-safe. */
final class Listener implements Holder {
  // All guarded by this.
  private final List<ByteRange> struck = new ArrayList<>();
  private final List<Severity> severities = new ArrayList<>();
  private int notices;
  private long firstNanos;

  @Override
  public String holderName() {
    return "bench";
  }

  @Override
  public synchronized void onNotice(DeviceNotice notice) {
    if (notices++ == 0) {
      firstNanos = System.nanoTime();
    }
    if (notice instanceof DeviceNotice.Failure failure) {
      struck.addAll(failure.ranges());
      severities.add(failure.severity());
    }
  }

  synchronized int notices() {
    return notices;
  }

  /** When the first one came, as {@link System#nanoTime} has it. */
  synchronized long firstNanos() {
    return firstNanos;
  }

  /** Everything that failures were told of; more than failed, where many were. */
  synchronized ByteRanges struck() {
    return ByteRanges.of(struck);
  }

  synchronized boolean toldOf(Severity severity) {
    return severities.contains(severity);
  }
}
