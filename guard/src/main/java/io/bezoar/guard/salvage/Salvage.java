package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Presence;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings everything that can be read of a source into a destination, good places first.
 *
 * <p><b>Invariant.</b> Where the saved map says rescued, the destination durably holds the source's
 * bytes; nothing is ever written there again. Where it says anything else, the destination holds
 * what it held before, or bytes of the source. Bytes that were not read are never made up.
 *
 * <p><b>Threat.</b> Reads of the source fail, in part or for a time; reading near a bad place may
 * make it worse, so that what is far from it comes first. The source or the process may be gone at
 * any moment; the destination may be full or lose what was not persisted.
 *
 * <p><b>Protocol.</b> Read, store, mark, one piece after the other; every now and then persist the
 * destination, and only then save the map, which so lags behind what was done and never runs ahead.
 * A persist that fails ends the work without another save. What has no bytes any more (a source
 * that was cut, or does not answer) is left as it was: absent is not bad.
 *
 * <p>The phases are those of GNU ddrescue: copying in large pieces (forward and back, skipping away
 * from bad places, then all that was skipped), scraping around bad places in small pieces, and
 * retrying single granules with the direction reversed each time. Trimming has no phase of its own,
 * because media names the first bad granule of a read that failed.
 *
 * <p>One thread runs it, once.
 */
public final class Salvage {
  private static final long TELL_EVERY_NANOS = 100_000_000;

  /** Saving takes at most one part in so many of the time. */
  private static final long SAVE_SHARE = 20;

  /** More passes than anybody has made: a map that says so begins with the first one again. */
  private static final int RETRY_PASS_MAX = 1 << 20;

  private final Media source;
  private final Reading reading;
  private final Media destination;
  private final RescueMap map;
  private final RescueMapStore store;
  private final SalvageOptions options;
  private final Pieces pieces;
  private final LongSupplier nanoTime;
  private final Consumer<? super SalvageProgress> listener;
  private final BooleanSupplier stop;
  private final long end;
  private final RateMeter meter;
  private final long pendingBeyond;

  private long lastToldNanos;
  private long nextSaveNanos;
  private @Nullable MediaUnavailableException absence;
  private @Nullable MediaUnavailableException doubt;
  private boolean stopped;

  /**
   * Prepares a rescue; nothing is read or written yet.
   *
   * @param source what is read
   * @param reading how it is read
   * @param destination what is written, at the same offsets; at least as large as the source
   * @param map what was done before; speaks of every byte of the source, and maybe of more that the
   *     source had once; changes as the rescue goes on
   * @param store keeps the map
   * @param listener is told of the progress, a few times a second, by the thread that runs
   * @param stop is asked between reads whether to end now
   * @throws IllegalArgumentException when the destination or the map is too short
   */
  public Salvage(
      Media source,
      Reading reading,
      Media destination,
      RescueMap map,
      RescueMapStore store,
      SalvageOptions options,
      Consumer<? super SalvageProgress> listener,
      BooleanSupplier stop) {
    this(
        source,
        reading,
        destination,
        map,
        store,
        options,
        listener,
        stop,
        Pieces.DEFAULT,
        System::nanoTime);
  }

  Salvage(
      Media source,
      Reading reading,
      Media destination,
      RescueMap map,
      RescueMapStore store,
      SalvageOptions options,
      Consumer<? super SalvageProgress> listener,
      BooleanSupplier stop,
      Pieces pieces,
      LongSupplier nanoTime) {
    this.source = source;
    this.reading = reading;
    this.destination = destination;
    this.map = map;
    this.store = store;
    this.options = options;
    this.listener = listener;
    this.stop = stop;
    this.pieces = pieces;
    this.nanoTime = nanoTime;
    this.end = source.sizeBytes();
    if (destination.sizeBytes() < end) {
      throw new IllegalArgumentException(
          "a destination of " + destination.sizeBytes() + " bytes for a source of " + end);
    }
    if (!map.extent().contains(new ByteRange(0, end))) {
      throw new IllegalArgumentException(
          "a map of " + map.extent() + " for a source of " + end + " bytes");
    }
    this.lastToldNanos = nanoTime.getAsLong();
    this.nextSaveNanos = lastToldNanos + options.saveEvery().toNanos();
    this.meter = new RateMeter(lastToldNanos, map.bytes(RescueStatus.RESCUED));
    this.pendingBeyond = pendingBytes(map, new ByteRange(end, map.extent().end()));
  }

  /** Of a range, what is neither rescued nor known to be bad. */
  private static long pendingBytes(RescueMap map, ByteRange range) {
    long sum = 0;
    for (RescueStatus status : RescueStatus.values()) {
      if (isPending(status)) {
        sum += map.ranges(status, range).stream().mapToLong(ByteRange::length).sum();
      }
    }
    return sum;
  }

  private static boolean isPending(RescueStatus status) {
    return switch (status) {
      case UNTRIED, UNTRIMMED, UNSCRAPED -> true;
      case BAD, RESCUED -> false;
    };
  }

  /**
   * Reads, until everything was tried or something ends it. Whatever ends it, an exception
   * included, what was rescued until then is durable and in the saved map, unless the exception
   * says that the destination or the map could not be made durable; then it is what was saved last.
   *
   * @return how it ended
   * @throws io.bezoar.media.MediaFullException when the destination's file system is full
   * @throws io.bezoar.media.PersistFailedException when the destination could not be made durable
   * @throws IOException when source, destination or map fail in a way that is not a bad place
   */
  public SalvageEnding run() throws IOException {
    int granuleBytes = source.info().granuleBytes();
    RescuePoint before = map.point();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(pieces.copyBytes(), granuleBytes), 4096);
      PieceCopier copier = new PieceCopier(source, reading, destination, map, buffer);
      int firstCopy = before.phase() == RescuePhase.COPYING ? before.pass() : Integer.MAX_VALUE;
      for (Pass pass : Pass.copying(firstCopy, pieces)) {
        walk(pass, before, copier);
      }
      walk(Pass.scraping(pieces), before, copier);
      boolean inRetry = before.phase() == RescuePhase.RETRYING;
      int firstRetry = inRetry && before.pass() < RETRY_PASS_MAX ? before.pass() : 1;
      for (int i = 0; i < options.retries(); i++) {
        walk(Pass.retrying(firstRetry + i, granuleBytes), before, copier);
      }
    } catch (IOException failed) {
      saveAfter(failed);
      throw failed;
    }
    return end();
  }

  private SalvageEnding end() throws IOException {
    boolean complete = going();
    if (complete) {
      map.moveTo(new RescuePoint(map.point().offset(), RescuePhase.FINISHED, map.point().pass()));
    }
    save();
    tell();
    MediaUnavailableException gone = absence;
    if (gone != null) {
      return new SalvageEnding.SourceAbsent(gone.presence(), String.valueOf(gone.getReason()));
    }
    return complete ? new SalvageEnding.Finished() : new SalvageEnding.Stopped();
  }

  private boolean going() {
    stopped |= stop.getAsBoolean(); // what was asked once is meant
    return absence == null && !stopped;
  }

  private void walk(Pass pass, RescuePoint before, PieceCopier copier) throws IOException {
    long skipBytes = 0;
    Optional<ByteRange> next = pass.next(map, end, pass.startAfter(before, end));
    boolean any = next.isPresent();
    while (next.isPresent() && going()) {
      ByteRange piece = next.get();
      announce(new RescuePoint(pass.direction().place(piece), pass.phase(), pass.number()));
      long at = pass.direction().behind(piece, end, 0);
      switch (copier.copy(piece)) {
        case PieceCopier.Whole whole -> skipBytes = 0;
        case PieceCopier.Absent absent when maybeThere(pass, absent) -> {
          skipBytes = farther(pass, skipBytes);
          at = pass.direction().behind(piece, end, skipBytes);
          doubt = absent.why();
        }
        case PieceCopier.Absent absent -> absence = absent.why();
        case PieceCopier.Failed failed when pass.phase() == RescuePhase.COPYING -> {
          map.mark(new ByteRange(failed.bad().end(), piece.end()), RescueStatus.UNSCRAPED);
          skipBytes = Math.min(pieces.skipBytesMax(), Math.max(pass.skipBytesMin(), 2 * skipBytes));
          at = pass.direction().behind(piece, end, skipBytes);
        }
        case PieceCopier.Failed failed when pass.direction() == Direction.FORWARD ->
            at = failed.bad().end();
        case PieceCopier.Failed failed -> {}
      }
      next = pass.next(map, end, at);
    }
    if (map.bytes(RescueStatus.RESCUED) == 0 && absence == null) {
      absence = doubt;
    }
    if (any && next.isEmpty()) {
      save();
      tell();
    }
  }

  private long farther(Pass pass, long skipBytes) {
    return Math.min(pieces.skipBytesMax(), Math.max(pass.skipBytesMin(), 2 * skipBytes));
  }

  /** A source that never answered yet may be bad where it was asked, and good farther away. */
  private boolean maybeThere(Pass pass, PieceCopier.Absent absent) {
    return pass.phase() == RescuePhase.COPYING
        && absent.why().presence() == Presence.GONE
        && map.bytes(RescueStatus.RESCUED) == 0;
  }

  /** Says where the next piece is, and does what is due. */
  private void announce(RescuePoint point) throws IOException {
    map.moveTo(point);
    long now = nanoTime.getAsLong();
    if (now - nextSaveNanos >= 0) {
      save();
    }
    if (now - lastToldNanos >= TELL_EVERY_NANOS) {
      tell();
    }
  }

  private void tell() {
    lastToldNanos = nanoTime.getAsLong();
    long rescued = map.bytes(RescueStatus.RESCUED);
    long pending = -pendingBeyond;
    for (RescueStatus status : RescueStatus.values()) {
      pending += isPending(status) ? map.bytes(status) : 0;
    }
    long rate = meter.rate(lastToldNanos, rescued);
    listener.accept(
        new SalvageProgress(map.point(), end, rescued, map.bytes(RescueStatus.BAD), pending, rate));
  }

  /** Durable bytes first, then the map that vouches for them. */
  private void save() throws IOException {
    long started = nanoTime.getAsLong();
    destination.persist();
    store.save(map);
    long now = nanoTime.getAsLong();
    nextSaveNanos = now + Math.max(options.saveEvery().toNanos(), SAVE_SHARE * (now - started));
  }

  /** What was stored before the failure is good, unless it cannot be made durable. */
  private void saveAfter(IOException failed) {
    try {
      save();
    } catch (IOException alsoFailed) {
      if (!alsoFailed.equals(failed)) {
        failed.addSuppressed(alsoFailed);
      }
    }
  }
}
