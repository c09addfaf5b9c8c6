package io.bezoar.nbd;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A device in memory whose pages can be lost at will, with hooks before each access: the other side
 * of the server's tests. The whole contract that the server relies on, in the simplest form.
 */
final class MemoryDevice implements DaxDevice {

  /** Called before an access with nothing locked; may block, may throw. */
  @FunctionalInterface
  interface Hook {
    Hook NONE = range -> {};

    void before(ByteRange range) throws IOException;
  }

  private final DeviceInfo info;
  private final MemorySegment memory;
  private final TreeSet<Long> lostPages = new TreeSet<>(); // guarded by this
  private final TreeSet<Long> stuckPages = new TreeSet<>(); // guarded by this
  private final AtomicInteger persists = new AtomicInteger();
  private final List<Holder> observers = new CopyOnWriteArrayList<>();

  volatile Hook onRead = Hook.NONE;
  volatile Hook onWrite = Hook.NONE;
  volatile Hook onPersist = Hook.NONE;

  private MemoryDevice(DeviceInfo info) {
    this.info = info;
    this.memory = Arena.ofAuto().allocate(info.sizeBytes(), 4096);
  }

  /** A device that never waits, as memory does. */
  static MemoryDevice fast(long sizeBytes) {
    return new MemoryDevice(
        new DeviceInfo("memory", sizeBytes, Units.PAGE_BYTES, true, true, false, 1));
  }

  /** A device that says it may wait for a disk, and whose persists are dear. */
  static MemoryDevice slow(long sizeBytes) {
    return new MemoryDevice(
        new DeviceInfo("memory", sizeBytes, Units.PAGE_BYTES, true, false, true, 1));
  }

  /** The content, for setting up and for looking at. */
  MemorySegment memory() {
    return memory;
  }

  int persists() {
    return persists.get();
  }

  /** Gives {@code notice} to all who subscribed. */
  void tell(DeviceNotice notice) {
    observers.forEach(observer -> observer.onNotice(notice));
  }

  synchronized void losePage(long page) {
    lostPages.add(page);
  }

  /** Loses a page that no write can bring back. */
  synchronized void losePageForGood(long page) {
    lostPages.add(page);
    stuckPages.add(page);
  }

  synchronized List<Long> lostPages() {
    return List.copyOf(lostPages);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceState state() {
    return DeviceState.ONLINE;
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    ByteRange range = check(offset, dst.byteSize());
    onRead.before(range);
    synchronized (this) {
      Long lost = firstLost(range);
      long good = lost == null ? range.length() : Math.max(0, lost * Units.PAGE_BYTES - offset);
      MemorySegment.copy(memory, offset, dst, 0, good);
      if (lost != null) {
        throw new PoisonedRangeException("memory", page(lost), Cause.TRAP, good, null);
      }
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    ByteRange range = check(offset, src.byteSize());
    onWrite.before(range);
    synchronized (this) {
      Long lost = firstLost(range);
      if (lost != null) {
        throw new PoisonedRangeException("memory", page(lost), Cause.TRAP, 0, null);
      }
      MemorySegment.copy(src, 0, memory, offset, src.byteSize());
    }
  }

  @Override
  public void persist() throws IOException {
    onPersist.before(new ByteRange(0, info.sizeBytes()));
    persists.incrementAndGet();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) {
    return Optional.empty();
  }

  @Override
  public synchronized RecoveryRead recoveryRead(long offset, MemorySegment dst) {
    ByteRange range = check(offset, dst.byteSize());
    List<RecoveryRead.Run> runs = new ArrayList<>();
    dst.fill((byte) 0);
    for (long at = range.start(); at < range.end(); ) {
      long page = at / Units.PAGE_BYTES;
      ByteRange part = page(page).intersect(range);
      if (lostPages.contains(page)) {
        runs.add(new RecoveryRead.Hole(part, Cause.TRAP));
      } else {
        MemorySegment.copy(memory, at, dst, at - offset, part.length());
        runs.add(new RecoveryRead.Verified(part));
      }
      at = part.end();
    }
    return new RecoveryRead(runs);
  }

  @Override
  public synchronized RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) {
    List<ByteRange> cleared = new ArrayList<>();
    List<ByteRange> notCleared = new ArrayList<>();
    for (RecoveryPatch patch : patches) {
      ByteRange all = patch.range();
      for (long at = all.start(); at < all.end(); ) {
        long page = at / Units.PAGE_BYTES;
        ByteRange part = page(page).intersect(all);
        if (stuckPages.contains(page)) {
          notCleared.add(part);
        } else {
          if (lostPages.remove(page)) {
            cleared.add(part);
          }
          MemorySegment.copy(patch.bytes(), at - all.start(), memory, at, part.length());
        }
        at = part.end();
      }
    }
    return new RecoveryWrite(cleared, List.of(), notCleared);
  }

  @Override
  public void retire(ByteRange range) {
    throw new UnsupportedOperationException("no server retires");
  }

  @Override
  public List<ByteRange> release(ByteRange range) {
    throw new UnsupportedOperationException("no server releases");
  }

  @Override
  public int failureDomain(long offset) {
    return 0;
  }

  @Override
  public synchronized List<PoisonEntry> poison(ByteRange range) {
    List<PoisonEntry> entries = new ArrayList<>();
    for (long page : lostPages) {
      if (page(page).overlaps(range)) {
        entries.add(
            new PoisonEntry(page(page).intersect(range), Cause.TRAP, Confidence.EXACT, 1, 1, 1, 1));
      }
    }
    return entries;
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) {
    throw new UnsupportedOperationException("no server reports");
  }

  @Override
  public Claim claim(Holder holder) {
    throw new UnsupportedOperationException("no server claims");
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    observers.add(observer);
    return () -> observers.remove(observer);
  }

  @Override
  public DeviceCounters counters() {
    return new DeviceCounters(0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public void close() {}

  private ByteRange check(long offset, long lengthBytes) {
    Objects.checkFromIndexSize(offset, lengthBytes, info.sizeBytes());
    return ByteRange.ofLength(offset, lengthBytes);
  }

  private @Nullable Long firstLost(ByteRange range) {
    if (lostPages.isEmpty()) {
      return null;
    }
    Long page = lostPages.ceiling(range.start() / Units.PAGE_BYTES);
    return page != null && page(page).overlaps(range) ? page : null;
  }

  private static ByteRange page(long page) {
    return ByteRange.ofLength(page * Units.PAGE_BYTES, Units.PAGE_BYTES);
  }
}
