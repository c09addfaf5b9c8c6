package io.bezoar.dax;

import java.util.concurrent.atomic.LongAdder;

/** Counts what went wrong on a device on media. Only slow paths count. */
final class Tally {
  final LongAdder readFaults = new LongAdder();
  final LongAdder checksumErrors = new LongAdder();
  final LongAdder redundancyErrors = new LongAdder();
  final LongAdder repairedBytes = new LongAdder();
  final LongAdder persistFailures = new LongAdder();

  DeviceCounters counters(long degradedBytes, long lostBytes) {
    return new DeviceCounters(
        readFaults.sum(),
        checksumErrors.sum(),
        redundancyErrors.sum(),
        repairedBytes.sum(),
        degradedBytes,
        lostBytes,
        persistFailures.sum());
  }
}
