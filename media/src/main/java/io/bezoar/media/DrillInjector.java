package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Deliberate faults on one open file.
 *
 * <p><b>Protocol.</b> A refusing fault is recorded in the {@link DrillList}, then published, then
 * put in force on the mapping; a cure goes the other way, and its record follows at the next
 * persist. So a crash in between leaves at most a fault that is armed once more, never one that was
 * announced and forgotten. All changes happen under the media's fault lock; reads of the list take
 * none.
 */
final class DrillInjector implements FaultInjector {
  /** Each isolated bad page splits a mapping in three, and the JVM dies at vm.max_map_count. */
  static final int FAULTS_MAX = 12_000;

  private static final int CHUNK_BYTES = 1 << 20;
  private static final int MISDIRECT_TRIES = 8;

  /** What the faults act upon. */
  interface Bench {
    /** Makes mappings of {@code changed} obey {@code now}. */
    void enforce(ArmedFaults now, ByteRange changed) throws IOException;

    /** What bytes are changed through. */
    Stores stores() throws IOException;

    /** Makes bytes that were changed by system call durable. */
    void makeDurable() throws IOException;
  }

  private final String name;
  private final long sizeBytes;
  private final int granuleBytes;
  private final Descriptor file;
  private final DrillList list;
  private final ReentrantLock lock;
  private final Bench bench;

  /** Written under {@link #lock}. */
  private volatile ArmedFaults armed;

  /** True while the list on disk names faults that were cured. Written under {@link #lock}. */
  private volatile boolean cureUnrecorded;

  DrillInjector(
      MediaInfo info,
      Descriptor file,
      DrillList list,
      ArmedFaults armed,
      ReentrantLock lock,
      Bench bench) {
    this.name = info.name();
    this.sizeBytes = info.sizeBytes();
    this.granuleBytes = info.granuleBytes();
    this.file = file;
    this.list = list;
    this.lock = lock;
    this.bench = bench;
    this.armed = armed;
  }

  /** The faults in force. One volatile load. */
  ArmedFaults now() {
    return armed;
  }

  @Override
  public ByteRange inject(FaultSpec fault) throws IOException {
    Objects.checkFromToIndex(fault.range().start(), fault.range().end(), sizeBytes);
    if (fault.range().isEmpty()) {
      throw new IllegalArgumentException("an empty range cannot be struck: " + fault.range());
    }
    lock.lock();
    try {
      return fault.kind().refuses() ? refuse(fault) : corrupt(fault);
    } finally {
      lock.unlock();
    }
  }

  private ByteRange refuse(FaultSpec fault) throws IOException {
    ByteRange range = fault.range().alignOutward(granuleBytes, sizeBytes);
    ArmedFaults before = armed;
    ArmedFaults after =
        before.with(new FaultSpec(fault.kind(), range, fault.stuck(), fault.seed()));
    if (after.faults().size() > FAULTS_MAX) {
      throw new FileSystemException(
          name, null, "more than " + FAULTS_MAX + " injected faults: cure some before the next");
    }
    list.save(after);
    try {
      armed = after;
      bench.enforce(after, range);
    } catch (IOException | RuntimeException e) {
      armed = before;
      list.save(before);
      throw e;
    }
    return range;
  }

  /** Rot leaves no trace in the file's times, so neither does this. */
  private ByteRange corrupt(FaultSpec fault) throws IOException {
    try (Stores stores = bench.stores()) {
      ModifiedTime before = MediaFiles.stat(Path.of(name), file).modified();
      ByteRange struck = corrupt(fault, stores.file);
      bench.makeDurable();
      check(before.putBackOn(stores.file), 0);
      check(stores.finish(), 0);
      return struck;
    }
  }

  private ByteRange corrupt(FaultSpec fault, Descriptor stores) throws IOException {
    ByteRange range = fault.range();
    if (fault.kind() == FaultKind.FLIP) {
      long bit = WrongBytes.flippedBit(range.length(), fault.seed());
      byte[] one = readRaw(range.start() + bit / 8, 1);
      one[0] ^= (byte) (1 << (bit % 8));
      writeRaw(stores, range.start() + bit / 8, one);
    } else {
      for (long at = range.start(); at < range.end(); at += CHUNK_BYTES) {
        int length = (int) Math.min(CHUNK_BYTES, range.end() - at);
        writeRaw(stores, at, wrong(fault.kind(), at, length, fault.seed() + at - range.start()));
      }
    }
    return range;
  }

  private byte[] wrong(FaultKind kind, long offset, int length, long seed) throws IOException {
    byte[] current = readRaw(offset, length);
    return switch (kind) {
      case STALE -> WrongBytes.stale(current, seed);
      case TORN -> WrongBytes.torn(current, seed);
      case MISDIRECT -> WrongBytes.misdirected(current, elsewhere(current, seed), seed);
      case FLIP, POISON, EIO ->
          throw new IllegalArgumentException("not a change of bytes: " + kind);
    };
  }

  /** What stands at some other place of the media, where one can be found that differs. */
  private byte[] elsewhere(byte[] current, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    byte[] other = current;
    for (int i = 0; i < MISDIRECT_TRIES && Arrays.equals(other, current); i++) {
      long place = random.nextLong(sizeBytes - current.length + 1) / Units.PAGE_BYTES;
      other = readRaw(place * Units.PAGE_BYTES, current.length);
    }
    return other;
  }

  /** What the file holds, under any fault. */
  private byte[] readRaw(long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(length);
      check(file.pread(offset, buffer), length);
      return buffer.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private void writeRaw(Descriptor stores, long offset, byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      check(stores.pwrite(offset, buffer), bytes.length);
    }
  }

  private void check(long result, int length) throws IOException {
    if (result != length) {
      String why = result < 0 ? Errno.text((int) -result) : "only " + result + " bytes";
      throw new FileSystemException(name, null, "cannot inject the fault: " + why);
    }
  }

  @Override
  public List<FaultSpec> armed() {
    return armed.faults();
  }

  @Override
  public void disarm(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes);
    lock.lock();
    try {
      cure(range.alignOutward(granuleBytes, sizeBytes));
      recordCures();
    } finally {
      lock.unlock();
    }
  }

  /** True when a fault that no rewrite clears lies in {@code range}. */
  boolean stuckWithin(ByteRange range) {
    return armed.within(range).stream().anyMatch(FaultSpec::stuck);
  }

  /** Ends the faults within {@code range}, which is in whole granules. Under the fault lock. */
  void cure(ByteRange range) throws IOException {
    ArmedFaults before = armed;
    if (before.first(range) == null) {
      return;
    }
    ArmedFaults after = before.without(range);
    cureUnrecorded = true;
    armed = after;
    bench.enforce(after, range);
  }

  /** Brings the durable list up to date. One volatile load when nothing was cured. */
  void recordCures() throws IOException {
    if (!cureUnrecorded) {
      return;
    }
    lock.lock();
    try {
      if (cureUnrecorded) {
        list.save(armed);
        cureUnrecorded = false;
      }
    } finally {
      lock.unlock();
    }
  }
}
