package io.bezoar.pool;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The volume as front ends get it: every access goes straight through; lost bytes that a recovery
 * write replaces are told of, so that the log knows when a loss ended; and closing is left to the
 * pool.
 *
 * @param volume the device itself
 * @param onReplaced told of every range that was lost and holds new bytes
 */
record ObservedVolume(DaxDevice volume, Consumer<ByteRange> onReplaced) implements DaxDevice {
  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    RecoveryWrite written = volume.recoveryWrite(patches);
    written.cleared().forEach(onReplaced);
    return written;
  }

  @Override
  public DeviceInfo info() {
    return volume.info();
  }

  @Override
  public DeviceState state() {
    return volume.state();
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    volume.read(offset, dst);
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    volume.write(offset, src);
  }

  @Override
  public void persist() throws IOException {
    volume.persist();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    return volume.window(range);
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    return volume.recoveryRead(offset, dst);
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    volume.retire(range);
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    return volume.release(range);
  }

  @Override
  public int failureDomain(long offset) {
    return volume.failureDomain(offset);
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    return volume.poison(range);
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    volume.report(range, cause, confidence);
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return volume.claim(holder);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    return volume.subscribe(range, observer);
  }

  @Override
  public DeviceCounters counters() {
    return volume.counters();
  }

  /** Leaves it to the pool. */
  @Override
  public void close() {
    // The pool closes the volume when it is closed itself.
  }
}
