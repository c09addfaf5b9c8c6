package io.bezoar.media;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongPredicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Media in private memory that fails on demand and always in the same way.
 *
 * <p>Threat model: everything that the rules allow real media to do. Between two persists any
 * subset of the written 64-byte lines reaches the media ({@link #crash}); a persist may fail, and
 * then some lines never arrive although reads still show them; lines and whole writes trap, fail,
 * rot, are lost, torn or land elsewhere; a clear that a power cut interrupts leaves either the
 * fault or noise. Everything follows from the seed and the order of calls.
 *
 * <p>Protocol: reads take no lock. Each write, persist and reinitialise first announces itself as a
 * {@link Step}, with no lock held, so that a test can strike or cut the power between any two; then
 * it runs under one lock. After a power cut every call throws {@link PowerCutException} until
 * {@link #crash} has made the media that the next boot finds.
 */
public final class SimMedia implements Media {
  /** What changes media, one at a time. */
  public enum Step {
    /** A write. */
    WRITE,
    /** A persist. */
    PERSIST,
    /** A reinitialise. */
    REINITIALISE
  }

  /** Called before each step, with no lock held; may strike, or throw in place of the step. */
  @FunctionalInterface
  public interface StepListener {
    /** {@code range} is what the step will touch. */
    void before(Step step, ByteRange range) throws IOException;
  }

  /** What may become of a single write, without an error. */
  public enum WriteFault {
    /** Nothing is stored. */
    DROP,
    /** Nothing reaches the media, though reads show the bytes until the cache is dropped. */
    DROP_BEHIND_CACHE,
    /** Only some sectors (lines, if it is shorter than two sectors) are stored. */
    TEAR
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final MediaInfo info;
  private final SimImage image;
  private final SimFaults faults = new SimFaults();
  // All guarded by lock, except where volatile.
  private final SplittableRandom random;
  private final SimWriteFaults stores;
  private final List<FaultSpec> clearedUnpersisted = new ArrayList<>();
  private boolean failNextPersist;
  private boolean persistFailed;
  private long stepCount;
  private long cutBeforeStep = Long.MAX_VALUE;
  private volatile StepListener listener = (step, range) -> {};
  private volatile Presence presence = Presence.PRESENT;
  private volatile boolean powerCut;

  private SimMedia(MediaInfo info, SimImage image, SplittableRandom random) {
    this.info = info;
    this.image = image;
    this.random = random;
    this.stores = new SimWriteFaults(image, random);
  }

  /** Zeroed media of {@code sizeBytes} (whole pages) that clears poison a sector at a time. */
  public static SimMedia create(String name, long sizeBytes, long seed) {
    return create(name, sizeBytes, Units.SECTOR_BYTES, seed);
  }

  /** As {@link #create(String, long, long)}, clearing {@code clearUnitBytes} at a time. */
  public static SimMedia create(String name, long sizeBytes, int clearUnitBytes, long seed) {
    if (sizeBytes <= 0 || sizeBytes % PAGE_BYTES != 0) {
      throw new IllegalArgumentException("not a positive number of whole pages: " + sizeBytes);
    }
    if (clearUnitBytes % LINE_BYTES != 0 || sizeBytes % clearUnitBytes != 0) {
      throw new IllegalArgumentException("not a unit of whole lines: " + clearUnitBytes);
    }
    MediaInfo info =
        new MediaInfo(
            name,
            MediaKind.SIMULATED,
            sizeBytes,
            LINE_BYTES,
            clearUnitBytes,
            Persistence.SIMULATED,
            false,
            true);
    return new SimMedia(info, new SimImage(sizeBytes), new SplittableRandom(seed));
  }

  @Override
  public MediaInfo info() {
    return info;
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    ByteRange range = checkAccess(offset, dst);
    FaultSpec refused = firstRefused(range);
    image.read(offset, refused == null ? dst : dst.asSlice(0, prefix(refused, range)));
    throwIf(refused, range);
  }

  @Override
  public void readPastCache(long offset, MemorySegment dst) throws IOException {
    ByteRange range = checkAccess(offset, dst);
    if (!image.anyLost()) {
      read(offset, dst);
      return;
    }
    lock.lock();
    try {
      FaultSpec refused = firstRefused(range);
      image.readBehindCache(offset, refused == null ? dst : dst.asSlice(0, prefix(refused, range)));
      throwIf(refused, range);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    ByteRange range = checkAccess(offset, src);
    beforeStep(Step.WRITE, range);
    lock.lock();
    try {
      checkWritable();
      FaultSpec refused = cureByRewrite(range);
      long storable = refused == null ? range.length() : refused.range().start() - offset;
      stores.store(offset, src.asSlice(0, Math.max(0, storable)));
      if (refused != null) {
        throw fault(refused, range);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void persist() throws IOException {
    checkUsable();
    beforeStep(Step.PERSIST, new ByteRange(0, sizeBytes()));
    lock.lock();
    try {
      checkWritable();
      if (failNextPersist) {
        persistFailed = true;
        image.failPersist(random);
        checkWritable();
      }
      image.persist();
      clearedUnpersisted.clear();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public List<ByteRange> probe(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes());
    checkUsable();
    ByteRange granules = range.alignOutward(LINE_BYTES);
    return ByteRanges.of(faults.in(granules).stream().map(FaultSpec::range).toList()).asList();
  }

  @Override
  public void reinitialise(long offset, MemorySegment src) throws IOException {
    ByteRange range = checkAccess(offset, src);
    if (!range.alignOutward(info.clearUnitBytes()).equals(range)) {
      throw new IllegalArgumentException("not whole clear units: " + range);
    }
    beforeStep(Step.REINITIALISE, range);
    lock.lock();
    try {
      checkWritable();
      List<FaultSpec> cleared = faults.in(range);
      Optional<FaultSpec> stuck = cleared.stream().filter(FaultSpec::stuck).findFirst();
      long end =
          stuck.isEmpty()
              ? range.end()
              : stuck.get().range().alignOutward(info.clearUnitBytes()).start();
      faults.disarm(new ByteRange(offset, end));
      stores.store(offset, src.asSlice(0, end - offset));
      for (FaultSpec fault : cleared) {
        if (fault.range().start() < end) {
          clearedUnpersisted.add(fault);
          image.scrambleOnMedia(fault.range(), random);
        }
      }
      if (stuck.isPresent()) {
        throw fault(stuck.get(), range);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * A view of the simulation's memory. Loads cannot trap here, so a range with a fault in force is
   * refused now, and a fault that strikes later does not show through the view.
   */
  @Override
  public MediaStamp stamp() {
    throw new UnsupportedOperationException(info.name() + " is a simulation: it has no times");
  }

  @Override
  public Window map() {
    throw new UnsupportedOperationException(info.name() + " is a simulation: nothing is mapped");
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes());
    checkUsable();
    throwIf(firstRefused(range), range);
    return Optional.of(image.slice(range).asReadOnly());
  }

  @Override
  public Presence presence() {
    return presence;
  }

  @Override
  public FaultInjector injector() {
    return new SimInjector(image, faults, lock, info.sizeBytes());
  }

  @Override
  public void close() {
    presence = Presence.GONE;
  }

  // What only a simulation can do.

  /** The media that the next boot finds when a random subset of unpersisted lines survives. */
  public SimMedia crash(RandomGenerator chance) {
    return crash(lineOffset -> chance.nextBoolean());
  }

  /**
   * The media that the next boot finds. This one is gone.
   *
   * @param survives asked once for each unpersisted line, by its offset, whether it reached media;
   *     also asked whether a fault that was cleared but not persisted stays cleared
   */
  public SimMedia crash(LongPredicate survives) {
    lock.lock();
    try {
      SimMedia next = new SimMedia(info, image.crash(survives), random.split());
      faults.all().forEach(next.faults::arm);
      for (FaultSpec cleared : clearedUnpersisted) {
        if (!survives.test(cleared.range().start()) && faults.firstIn(cleared.range()) == null) {
          next.faults.arm(cleared);
        }
      }
      powerCut = true;
      return next;
    } finally {
      lock.unlock();
    }
  }

  /**
   * As after closing and opening the file again: the cache lives on, the failed persist does not.
   */
  public SimMedia reopen() {
    lock.lock();
    try {
      presence = Presence.GONE;
      SimMedia next = new SimMedia(info, image, random.split());
      faults.all().forEach(next.faults::arm);
      next.clearedUnpersisted.addAll(clearedUnpersisted);
      return next;
    } finally {
      lock.unlock();
    }
  }

  /** Sets who is told of each step; null for nobody. */
  public void onStep(@Nullable StepListener listener) {
    this.listener = listener == null ? (step, range) -> {} : listener;
  }

  /** Steps taken so far. */
  public long stepCount() {
    lock.lock();
    try {
      return stepCount;
    } finally {
      lock.unlock();
    }
  }

  /** Cuts the power instead of the step with this number, counted from 1 at creation. */
  public void cutPowerBeforeStep(long stepNumber) {
    lock.lock();
    try {
      cutBeforeStep = stepNumber;
    } finally {
      lock.unlock();
    }
  }

  /** The next write or reinitialise that touches {@code range} goes wrong without an error. */
  public void armNextWrite(ByteRange range, WriteFault fault) {
    lock.lock();
    try {
      stores.arm(range, fault);
    } finally {
      lock.unlock();
    }
  }

  /** The next write or reinitialise that touches {@code range} is stored at {@code toOffset}. */
  public void misdirectNextWrite(ByteRange range, long toOffset) {
    lock.lock();
    try {
      stores.armMisdirect(range, toOffset, sizeBytes());
    } finally {
      lock.unlock();
    }
  }

  /** The next persist fails: half of the unpersisted lines never reach the media. */
  public void failNextPersist() {
    lock.lock();
    try {
      failNextPersist = true;
    } finally {
      lock.unlock();
    }
  }

  /** Drops the cache: reads stop showing what will never reach the media. */
  public void dropCache() {
    lock.lock();
    try {
      image.dropCache();
    } finally {
      lock.unlock();
    }
  }

  /** From now on the media answers as absent, or as there again. */
  public void setPresence(Presence presence) {
    this.presence = presence;
  }

  /** Number of lines that a crash may lose now. */
  public int unpersistedLines() {
    lock.lock();
    try {
      return image.dirtyLineCount();
    } finally {
      lock.unlock();
    }
  }

  private void beforeStep(Step step, ByteRange range) throws IOException {
    lock.lock();
    try {
      stepCount++;
      if (stepCount >= cutBeforeStep) {
        powerCut = true;
      }
    } finally {
      lock.unlock();
    }
    checkUsable();
    listener.before(step, range);
  }

  /** Ends the I/O-error faults that a write of {@code range} cures; the first that it does not. */
  private @Nullable FaultSpec cureByRewrite(ByteRange range) {
    for (FaultSpec fault : faults.in(range.alignOutward(LINE_BYTES))) {
      boolean cured =
          fault.kind() == FaultKind.EIO && !fault.stuck() && range.contains(fault.range());
      if (!cured) {
        return fault;
      }
      faults.disarm(fault.range());
    }
    return null;
  }

  private @Nullable FaultSpec firstRefused(ByteRange range) {
    return faults.isEmpty() ? null : faults.firstIn(range);
  }

  private void throwIf(@Nullable FaultSpec refused, ByteRange access) throws MediaFaultException {
    if (refused != null) {
      throw fault(refused, access);
    }
  }

  private MediaFaultException fault(FaultSpec fault, ByteRange access) {
    return new MediaFaultException(
        info.name(),
        fault.range().alignOutward(LINE_BYTES),
        SimFaults.causeOf(fault),
        prefix(fault, access));
  }

  private static long prefix(FaultSpec fault, ByteRange access) {
    return Math.max(0, fault.range().start() - access.start());
  }

  private ByteRange checkAccess(long offset, MemorySegment buffer) throws IOException {
    Objects.checkFromIndexSize(offset, buffer.byteSize(), sizeBytes());
    Media.requirePrivateNative(buffer);
    checkUsable();
    return ByteRange.ofLength(offset, buffer.byteSize());
  }

  private void checkUsable() throws MediaUnavailableException {
    if (powerCut) {
      throw new PowerCutException(info.name());
    }
    Presence now = presence;
    if (now != Presence.PRESENT) {
      throw new MediaUnavailableException(info.name(), now, "the simulation was made absent");
    }
  }

  private void checkWritable() throws IOException {
    checkUsable();
    if (persistFailed) {
      throw new PersistFailedException(info.name(), "simulated", null);
    }
  }

  /** The power is off: the test goes on with {@link SimMedia#crash}. */
  public static final class PowerCutException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PowerCutException(String name) {
      super(name + ": the power is off");
    }
  }
}
