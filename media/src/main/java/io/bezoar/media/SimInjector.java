package io.bezoar.media;

import static io.bezoar.media.Units.LINE_BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;

/** Strikes a {@link SimMedia}: wrong bytes are on its media at once, refusals outlive crashes. */
final class SimInjector implements FaultInjector {
  private final SimImage image;
  private final SimFaults faults;
  private final ReentrantLock lock;
  private final long sizeBytes;

  SimInjector(SimImage image, SimFaults faults, ReentrantLock lock, long sizeBytes) {
    this.image = image;
    this.faults = faults;
    this.lock = lock;
    this.sizeBytes = sizeBytes;
  }

  @Override
  public ByteRange inject(FaultSpec fault) {
    ByteRange range = fault.range();
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes);
    if (range.isEmpty()) {
      throw new IllegalArgumentException("a fault strikes at least one byte: " + range);
    }
    lock.lock();
    try {
      if (fault.kind().refuses()) {
        ByteRange granules = range.alignOutward(LINE_BYTES);
        faults.arm(new FaultSpec(fault.kind(), granules, fault.stuck(), fault.seed()));
        return granules;
      }
      byte[] wrong = wrongBytes(fault, current(range));
      image.strike(range.start(), nativeCopy(wrong));
      return range;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<FaultSpec> armed() {
    return faults.all();
  }

  @Override
  public void disarm(ByteRange range) {
    lock.lock();
    try {
      faults.disarm(range.alignOutward(LINE_BYTES));
    } finally {
      lock.unlock();
    }
  }

  /** Other bytes than {@code now} for the fault's range. */
  private byte[] wrongBytes(FaultSpec fault, byte[] now) {
    SplittableRandom random = new SplittableRandom(fault.seed());
    byte[] wrong =
        switch (fault.kind()) {
          case FLIP -> now.clone();
          case STALE -> image.previous(fault.range());
          case TORN -> torn(fault.range(), now, random);
          case MISDIRECT -> elsewhere(fault.range(), random);
          case POISON, EIO -> throw new AssertionError("refuses: " + fault);
        };
    if (Arrays.equals(wrong, now)) {
      wrong[random.nextInt(wrong.length)] ^= (byte) (1 << random.nextInt(8));
    }
    return wrong;
  }

  private byte[] torn(ByteRange range, byte[] now, SplittableRandom random) {
    byte[] old = image.previous(range);
    byte[] mixed = now.clone();
    int unit = range.length() < 2 * Units.SECTOR_BYTES ? LINE_BYTES : Units.SECTOR_BYTES;
    int units = Math.ceilDiv(now.length, unit);
    int first = random.nextInt(units);
    for (int i = 0; i < units; i++) {
      if (i == first || random.nextBoolean()) {
        int from = i * unit;
        System.arraycopy(old, from, mixed, from, Math.min(unit, now.length - from));
      }
    }
    return mixed;
  }

  private byte[] elsewhere(ByteRange range, SplittableRandom random) {
    long places = (sizeBytes - range.length()) / LINE_BYTES + 1;
    return current(ByteRange.ofLength(random.nextLong(places) * LINE_BYTES, range.length()));
  }

  private byte[] current(ByteRange range) {
    return image.slice(range).toArray(ValueLayout.JAVA_BYTE);
  }

  private static MemorySegment nativeCopy(byte[] bytes) {
    return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }
}
