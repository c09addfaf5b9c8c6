package io.bezoar.nbd;

import java.util.concurrent.atomic.LongAdder;

/** The server's running numbers; see {@link NbdStats} for what they mean. */
final class Counters {
  final LongAdder connections = new LongAdder();
  final LongAdder disconnections = new LongAdder();
  final LongAdder refused = new LongAdder();
  final LongAdder violations = new LongAdder();
  final LongAdder stalled = new LongAdder();
  final LongAdder reads = new LongAdder();
  final LongAdder readBytes = new LongAdder();
  final LongAdder writes = new LongAdder();
  final LongAdder writtenBytes = new LongAdder();
  final LongAdder flushes = new LongAdder();
  final LongAdder errors = new LongAdder();

  NbdStats snapshot() {
    // Ends before beginnings, so that the difference is never negative.
    long ended = disconnections.sum();
    long begun = connections.sum();
    return new NbdStats(
        begun - ended,
        begun,
        refused.sum(),
        violations.sum(),
        stalled.sum(),
        reads.sum(),
        readBytes.sum(),
        writes.sum(),
        writtenBytes.sum(),
        flushes.sum(),
        errors.sum());
  }
}
