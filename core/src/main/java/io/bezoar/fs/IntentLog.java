package io.bezoar.fs;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes small writes durable with one persist, before the forest's next commit holds them.
 *
 * <p><b>Invariant.</b> A record whose {@link #persist} returned is replayed, in order, onto every
 * commit from the one that it stands on to the one before that which includes it; or its loss is
 * said. No other bytes are ever replayed: what was appended and not made durable is replayed up to
 * some record, and from there on not at all (or from behind bytes that are said to be lost).
 *
 * <p><b>Threat.</b> A crash keeps any subset of the lines written since the last persist. The
 * region still holds records of earlier laps, and of writes that failed. Pages are lost, and on a
 * device without checksums bytes change silently.
 *
 * <p><b>Protocol.</b> Records lie one behind the other, from line to line. An append writes whole
 * pages: the one that the last record ended in again, from memory, with the same bytes in it and
 * zeroes behind. So a device with checksums per page never has to read, and a crash in the middle
 * of it changes nothing of what was durable. Every record carries its number, the epoch (number of
 * the first record of the lap), the checksum of the record before, and up to where the log was
 * durable; {@link IntentScan} says how they are found again. Numbers only grow, over laps and
 * openings.
 *
 * <p>Once a durable commit includes every record, the next append starts a lap at the region's
 * start, over the old ones: nothing has to be written to empty the log. Then
 *
 * <ul>
 *   <li>if a record of the new lap is found after a crash, its epoch is greater, and the old lap
 *       does not count, wherever its records still lie. A record of it is no continuation of the
 *       new lap: it has neither its epoch, nor the number, nor the checksum of the one before;
 *   <li>if none is found, because the first page was torn, the remains of the old lap count as the
 *       newest. All of them are included in a commit that was durable before the new lap began, and
 *       the forest opens at that or a later one: none is due. Should the forest have to open at an
 *       older one, because two things failed, then those that stand on it are due: they are writes,
 *       in their order, that it has not;
 *   <li>the missing start of the old lap is no damage, because the next record that is found says
 *       which commit covers all those before it.
 * </ul>
 *
 * <p>After a write that failed nobody knows what stands in the region. So the log takes nothing
 * more until a commit covers whatever may be there; then the next lap tries again, around pages
 * that could not be cleared. Lost pages that are written as a whole are cleared.
 *
 * <p>When part of the region is lost while the log holds records that no commit includes, those
 * exist only in memory: the holder of the device, who is told, makes a commit.
 *
 * <p>The region is the log's alone; when it held file data of the same filesystem before, it was
 * zeroed in between.
 *
 * <p>Thread-safe. {@code appending} guards what is to be written and is held during writes; {@code
 * persisting} is held during persists, so that those who wait for it find theirs done. Neither is
 * taken within the other.
 */
final class IntentLog {
  static final long REGION_BYTES_MIN = 64 << 10;

  private static final int BUFFER_BYTES = 64 * PAGE_BYTES;

  /** Takes the records of a replay. */
  @FunctionalInterface
  interface Visitor {
    /** Called in the order in which they were appended, with no lock held. */
    void visit(long sequence, IntentRecord record) throws IOException;
  }

  private final DaxDevice device;
  private final ByteRange region;
  private final long id;
  private final ReentrantLock appending = new ReentrantLock();
  private final ReentrantLock persisting = new ReentrantLock();

  /** Up to which record everything is durable, here or in a commit. */
  private final AtomicLong durable = new AtomicLong();

  /** Up to which record everything was written. Set under {@code appending}. */
  private volatile long written;

  // Guarded by appending.

  /** What was found and not yet replaced by a commit; null after {@link #restart}. */
  private @Nullable IntentScan found;

  /** Pages from {@code bufferAt} on: {@code filled} bytes of records, beginning with a page. */
  private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, PAGE_BYTES);

  private long bufferAt;
  private int filled;
  private long epoch;
  private long next;
  private long covers;
  private int lastCrc;
  private @Nullable Throwable failure;

  /** Pages of the region that could not be cleared. */
  private final BitSet bad = new BitSet();

  private IntentLog(DaxDevice device, ByteRange region, long id, IntentScan found) {
    this.device = device;
    this.region = region;
    this.id = id;
    this.found = found;
    this.next = found.lastSequence() + 1;
    this.written = found.lastSequence();
    begin();
    for (IntentScan.Entry entry : found.entries()) {
      covers = Math.max(covers, entry.frame().covers());
    }
  }

  /**
   * Opens the log and looks at what it holds; writes nothing. Then {@link #replay}, a commit, and
   * {@link #restart}.
   *
   * @param region whole pages, 64 KiB to 64 MiB
   * @param id of the filesystem; no record of another one counts
   * @throws IntentLogNewerException when a later version wrote it
   * @throws io.bezoar.dax.DeviceUnavailableException when the region, or part of it, is not there
   * @throws IllegalArgumentException when the region is none
   */
  static IntentLog open(DaxDevice device, ByteRange region, long id) throws IOException {
    if (region.length() < REGION_BYTES_MIN
        || region.length() > IntentScan.REGION_BYTES_MAX
        || !region.alignOutward(PAGE_BYTES).equals(region)) {
      throw new IllegalArgumentException("not whole pages, 64 KiB to 64 MiB: " + region);
    }
    return new IntentLog(device, region, id, IntentScan.of(device, region, id));
  }

  /**
   * Hands out, in order, what has to be done again on the commit that was opened. Changes nothing;
   * may be called again until {@link #restart}.
   *
   * @param commit the newest one that the forest has
   * @throws IllegalStateException after {@link #restart}
   * @throws IOException from the visitor, or when the device is not there
   */
  IntentReplay replay(long commit, Visitor visitor) throws IOException {
    IntentScan scan = scan();
    List<IntentDamage> damage = new ArrayList<>();
    scan.gaps().stream().filter(g -> g.covers() > commit).forEach(g -> damage.add(g.damage()));
    long replayed = 0;
    long included = 0;
    long unfounded = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(IntentLayout.RECORD_BYTES_MAX, LINE_BYTES);
      for (IntentScan.Entry entry : scan.entries()) {
        Optional<IntentRecord> record = read(entry, memory.asSlice(0, entry.bytes()));
        if (record.isEmpty()) {
          damage.add(struckSince(entry));
        } else if (!record.get().isMissingFrom(commit)) {
          included++;
        } else if (!record.get().isDueOn(commit)) {
          unfounded++;
        } else {
          visitor.visit(entry.sequence(), record.get());
          replayed++;
        }
      }
    }
    return new IntentReplay(replayed, included, unfounded, damage);
  }

  private IntentScan scan() {
    appending.lock();
    try {
      if (found == null) {
        throw new IllegalStateException("the intent log was restarted");
      }
      return found;
    } finally {
      appending.unlock();
    }
  }

  private Optional<IntentRecord> read(IntentScan.Entry entry, MemorySegment memory)
      throws IOException {
    // Whatever is lost of it, its checksum says.
    var _ = IntentScan.read(device, entry.address(), memory);
    return IntentLayout.decode(memory, id, entry.address()) instanceof IntentLayout.Valid valid
            && valid.frame().equals(entry.frame())
            && valid.crc() == entry.crc()
        ? Optional.of(valid.record())
        : Optional.empty();
  }

  private static IntentDamage struckSince(IntentScan.Entry entry) {
    return new IntentDamage(
        new ByteRange(entry.address(), entry.end()),
        IntentDamage.Kind.LOST,
        entry.sequence(),
        entry.sequence() + 1);
  }

  /**
   * What was replayed is in a durable commit now: the log begins to take records.
   *
   * @param commit the newest durable one; at least the greatest that any record found was to be
   *     included in, so that none of them is ever due again
   * @throws IllegalArgumentException when it is less: make one more commit
   */
  void restart(long commit) {
    appending.lock();
    try {
      if (commit < covers) {
        throw new IllegalArgumentException(
            "the intent log has writes for commit " + covers + "; " + commit + " is too early");
      }
      found = null;
      begin();
    } finally {
      appending.unlock();
    }
  }

  /**
   * A commit of the forest became durable. When it includes every record, the next one starts over.
   */
  void durable(long commit) {
    appending.lock();
    try {
      if (found == null && commit >= covers) {
        begin();
      }
    } finally {
      appending.unlock();
    }
  }

  /** A lap in which there is nothing yet. */
  private void begin() {
    durable.accumulateAndGet(next - 1, Math::max);
    epoch = next;
    bufferAt = region.start();
    filled = 0;
    covers = 0;
    lastCrc = 0;
    failure = null;
  }

  /** Bytes left for records and their headers; 0 while the log takes none. */
  long freeBytes() {
    appending.lock();
    try {
      return failure == null ? region.end() - position() : 0;
    } finally {
      appending.unlock();
    }
  }

  private long position() {
    return bufferAt + filled;
  }

  /**
   * Writes records, behind all that were appended before. They are durable once {@link #persist}
   * returned.
   *
   * @param records at least one
   * @return the ticket for {@link #persist}
   * @throws IntentLogFullException when there is no room for all of them; nothing was written
   * @throws IntentLogUnusableException when it cannot be written now; commits do it
   * @throws io.bezoar.dax.DeviceUnavailableException when the device cannot be written
   * @throws IllegalStateException before {@link #restart}
   */
  long append(List<IntentRecord> records) throws IOException {
    appending.lock();
    try {
      if (found != null) {
        throw new IllegalStateException("the intent log was opened and not restarted");
      }
      if (failure != null) {
        throw new IntentLogUnusableException(device.info().name(), covers, failure);
      }
      long[] places = places(records);
      try {
        write(records, places);
      } catch (PoisonedRangeException stuck) {
        failure = stuck;
        throw new IntentLogUnusableException(device.info().name(), covers, stuck);
      } catch (Throwable failed) {
        failure = failed;
        throw failed;
      }
      written = next - 1;
      return written;
    } finally {
      appending.unlock();
    }
  }

  private long[] places(List<IntentRecord> records) throws IntentLogFullException {
    if (records.isEmpty()) {
      throw new IllegalArgumentException("nothing to append");
    }
    long[] places = new long[records.size()];
    long at = position();
    long wanted = 0;
    for (int i = 0; i < places.length; i++) {
      int bytes = IntentLayout.bytes(records.get(i).data().byteSize());
      wanted += bytes;
      places[i] = placeFrom(at, bytes);
      at = places[i] + bytes;
      if (at > region.end()) {
        throw new IntentLogFullException(device.info().name(), wanted, region.end() - position());
      }
    }
    return places;
  }

  /** The first place for so many bytes from {@code at} on, perhaps behind the region. */
  private long placeFrom(long at, int bytes) {
    while (true) {
      int hit = bad.nextSetBit(pageOf(at));
      if (hit < 0 || pageAt(hit) >= at + bytes) {
        return at;
      }
      at = pageAt(bad.nextClearBit(hit));
    }
  }

  private int pageOf(long address) {
    return Math.toIntExact((address - region.start()) / PAGE_BYTES);
  }

  private long pageAt(int page) {
    return region.start() + (long) page * PAGE_BYTES;
  }

  private void write(List<IntentRecord> records, long[] places) throws IOException {
    for (int i = 0; i < places.length; i++) {
      IntentRecord record = records.get(i);
      int bytes = IntentLayout.bytes(record.data().byteSize());
      if (places[i] != position()) {
        flush();
        bufferAt = places[i];
        filled = 0;
      } else if (filled + bytes > BUFFER_BYTES) {
        flush();
      }
      // Before anything is written: it may be there, whatever becomes of this.
      covers = Math.max(covers, record.includedIn());
      IntentLayout.Frame frame =
          new IntentLayout.Frame(epoch, next++, durable.get(), covers, lastCrc);
      MemorySegment place = buffer.asSlice(filled, bytes);
      lastCrc = IntentLayout.encode(place, id, places[i], frame, record);
      filled += bytes;
    }
    flush();
  }

  /** Writes the pages of the buffer, and keeps the one that the last record ended in. */
  private void flush() throws IOException {
    if (filled == 0) {
      return;
    }
    int end = Math.ceilDiv(filled, PAGE_BYTES) * PAGE_BYTES;
    buffer.asSlice(filled, end - filled).fill((byte) 0);
    store(bufferAt, buffer.asSlice(0, end));
    int whole = filled / PAGE_BYTES * PAGE_BYTES;
    MemorySegment.copy(buffer, whole, buffer, 0, end - whole);
    bufferAt += whole;
    filled -= whole;
  }

  private void store(long address, MemorySegment pages) throws IOException {
    try {
      device.write(address, pages);
    } catch (PoisonedRangeException struck) {
      boolean complete = true;
      for (long at = 0; at < pages.byteSize(); at += PAGE_BYTES) {
        if (!storePage(address + at, pages.asSlice(at, PAGE_BYTES))) {
          bad.set(pageOf(address + at));
          complete = false;
        }
      }
      if (!complete) {
        throw struck;
      }
    }
  }

  /** Stores a page, over lost bytes too; false when the media does not take it. */
  private boolean storePage(long address, MemorySegment page) throws IOException {
    try {
      device.write(address, page);
      return true;
    } catch (PoisonedRangeException struck) {
      return device.recoveryWrite(address, page).complete();
    }
  }

  /**
   * Returns when everything up to a ticket is durable. One persist of the device serves everybody
   * who appended before it began.
   *
   * @throws io.bezoar.media.PersistFailedException when the device's persist failed, now or before:
   *     nothing that was not durable by then is
   * @throws IllegalArgumentException for a ticket that was not given out
   */
  void persist(long ticket) throws IOException {
    if (ticket <= durable.get()) {
      return;
    }
    if (ticket > written) {
      throw new IllegalArgumentException("no ticket: " + ticket + " of " + written);
    }
    persisting.lock();
    try {
      if (ticket <= durable.get()) {
        return;
      }
      long through = written;
      device.persist();
      durable.accumulateAndGet(through, Math::max);
    } finally {
      persisting.unlock();
    }
  }
}
