package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * A range of bytes that may go bad in part, and says which part: media with what is known to be bad
 * about it and who holds it (a leaf), or a target made of other devices.
 *
 * <p>Errors are state here, not exceptions that got away. Every implementation passes one contract
 * test. Offsets and ranges are bytes of this device's own address space, half-open; an access
 * outside {@code [0, size)} throws {@link IndexOutOfBoundsException} before anything happens.
 * Buffers are private native memory (see {@link io.bezoar.media.Media}).
 *
 * <p>Three things are kept apart: <em>lost</em> bytes ({@link PoisonedRangeException}), a device
 * that is not there or read-only ({@link DeviceUnavailableException}: absence is not damage), and a
 * persist that failed ({@link io.bezoar.media.PersistFailedException}, sticky).
 *
 * <p>Thread-safe. A healthy access costs one volatile load and the poll barrier over the plain
 * copy. Concurrent writes to overlapping bytes leave each granule with one or the other. Notices
 * are delivered with no lock held, on another thread than the one that met the failure.
 */
public interface DaxDevice extends AutoCloseable {

  /** What this device is. */
  DeviceInfo info();

  /** Size in bytes. */
  default long sizeBytes() {
    return info().sizeBytes();
  }

  /** Whether the device as a whole can be used now. */
  DeviceState state();

  /**
   * What cannot be reached now because a device is not there: ascending and disjoint. Not lost;
   * served again once it is back. Empty for a device that is there.
   */
  default List<ByteRange> unavailable() {
    return switch (state()) {
      case ONLINE, READ_ONLY, HUNG -> List.of();
      // A device that can be in PARTIAL says which parts by overriding this.
      case PARTIAL, OFFLINE, FOREIGN -> List.of(new ByteRange(0, sizeBytes()));
    };
  }

  /**
   * Fills {@code dst} from {@code offset}, healing underneath where redundancy serves.
   *
   * @throws PoisonedRangeException when bytes are lost; carries the exact good prefix, which is in
   *     {@code dst}
   * @throws DeviceUnavailableException when the device, or part of what is to be read, is offline
   *     or foreign
   */
  void read(long offset, MemorySegment dst) throws IOException;

  /**
   * Stores {@code src}; durable after the next successful {@link #persist}.
   *
   * @throws PoisonedRangeException when it touches lost bytes: the caller may not know that they
   *     are lost, so only a recovery write replaces them; nothing was stored, unless it is this
   *     write that met the fault on a device without checksums: then bytes before it may be
   * @throws DeviceUnavailableException when the device is not writable
   */
  void write(long offset, MemorySegment src) throws IOException;

  /**
   * Makes every write and recovery write that returned before this call durable.
   *
   * @throws io.bezoar.media.PersistFailedException now and on every later call once it failed
   */
  void persist() throws IOException;

  /**
   * A raw, read-only view of {@code range} when it is contiguous on one media that can be mapped;
   * unverified after this call returns. On verified devices the range is verified once, now.
   *
   * @throws PoisonedRangeException when part of it is lost
   */
  Optional<MemorySegment> window(ByteRange range) throws IOException;

  /**
   * Reads everything that can be read, past every cache. Never throws for lost bytes: they become
   * holes, and good granules beside them are brought out. Bytes that are lost because a checksum
   * over them does not match, but that can be read, are brought out as unverified.
   *
   * @throws DeviceUnavailableException when all of the device is unavailable
   */
  RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException;

  /**
   * Clears the poison under each patch, stores the new bytes durably, verifies them by reading back
   * and forgets the poison: one step of which no reader sees a half. Good bytes that share a clear
   * unit with a patch keep their content. Any alignment. Over healthy bytes an ordinary durable
   * write. Patches must not overlap. A crash or a new strike within leaves the range poisoned,
   * never silently wrong; other patches are unaffected by one that cannot be cleared.
   */
  RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException;

  /** As {@link #recoveryWrite(List)} for one patch. */
  default RecoveryWrite recoveryWrite(long offset, MemorySegment src) throws IOException {
    return recoveryWrite(List.of(new RecoveryPatch(offset, src)));
  }

  /**
   * The holder has moved its data away from {@code range} and needs its bytes no more: they become
   * undefined, reads of them are refused as lost, and redundancy stops depending on them. Whole
   * pages. Durable when it returns.
   */
  void retire(ByteRange range) throws IOException;

  /**
   * The holder wants {@code range} (whole pages) back in use: what is poisoned or retired in it is
   * cleared, set to zeroes, verified and forgotten.
   *
   * @return the parts that could not be cleared; they stay refused
   */
  List<ByteRange> release(ByteRange range) throws IOException;

  /**
   * Which independently failing part of the storage holds {@code offset}: copies of one thing that
   * must not die together are put where this number differs. At least 0 and less than {@link
   * DeviceInfo#failureDomains}.
   */
  int failureDomain(long offset);

  /**
   * What is known to be bad within {@code range}, ascending, clipped to it: on a leaf its poison
   * list, on a target its own losses. What a target can still serve is not bad to those who use it;
   * that it is degraded stands in {@link #counters} and in notices.
   */
  List<PoisonEntry> poison(ByteRange range);

  /**
   * Somebody above saw {@code range} fail. The report goes down to the lowest device, is recorded
   * there, and only then comes up as a notice; a device with redundancy heals it on the way. Does
   * not wait for notices to be delivered.
   */
  void report(ByteRange range, Cause cause, Confidence confidence) throws IOException;

  /**
   * Makes {@code holder} the one holder of this device.
   *
   * @throws DeviceClaimedException when there is one already
   */
  Claim claim(Holder holder) throws DeviceClaimedException;

  /**
   * Tells {@code observer} of notices that touch {@code range} (all of them for the whole device),
   * after the holder has been told. Close the result to stop.
   */
  AutoCloseable subscribe(ByteRange range, Holder observer);

  /** What went wrong so far. */
  DeviceCounters counters();

  /** Persists and releases everything. Idempotent. */
  @Override
  void close() throws IOException;
}
