package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Recovery writes of a leaf device.
 *
 * <p>Invariant: a crash, or a new strike, between any two steps leaves the touched range poisoned
 * or correctly repaired, never silently wrong.
 *
 * <p>Protocol, in this order: mark the clear units, so that accesses wait, and widen the poison to
 * them; stash their good lines; make the widened list durable; reinitialise the units with the
 * stash and the new bytes; persist; read back past every cache and compare; forget what compared
 * equal, as far as it was reported before the mark. All patches of one call share the two persists.
 * Forgetting becomes durable with whatever is flushed next: until then a crash brings back a stale
 * entry, which does no harm.
 *
 * <p>A write of good lines beside, begun before the mark, may land after the stash. It starts over
 * when the repair has ended, so it is not lost; but the comparison meets it, and so what compares
 * unequal is stored again a few times before it counts as bad.
 *
 * <p>A line is the smallest thing that is bad or good here: of a bad line that a patch covers only
 * in part, the patch is not stored.
 */
final class LeafRepair {
  private static final int VERIFY_BYTES = 1 << 20;
  private static final int MAX_ATTEMPTS = 8;

  private final Media media;
  private final PoisonList list;
  private final LeafDevice device;
  private final int unitBytes;
  private final ReentrantLock oneAtATime = new ReentrantLock();

  LeafRepair(Media media, PoisonList list, LeafDevice device) {
    this.media = media;
    this.list = list;
    this.device = device;
    this.unitBytes = media.info().clearUnitBytes();
  }

  /** Waits for the repair that is under way, if there is one; the view after it. */
  PoisonView viewBetweenRepairs() {
    oneAtATime.lock();
    try {
      return list.view();
    } finally {
      oneAtATime.unlock();
    }
  }

  RecoveryWrite run(Patches patches) throws IOException {
    ByteRanges request = ByteRanges.of(patches.list().stream().map(RecoveryPatch::range).toList());
    oneAtATime.lock();
    try {
      ByteRanges units = writeHealthyParts(patches, request);
      if (units.isEmpty()) {
        device.persistMedia();
        return new RecoveryWrite(List.of(), List.of(), partlyCovered(request).asList());
      }
      PoisonList.Repair repair = list.beginRepair(units, device.nowMillis());
      Clearing clearing = new Clearing(patches, request, repair);
      try (Arena arena = Arena.ofConfined()) {
        clearing.run(arena);
      } finally {
        list.endRepair(repair, clearing.good());
      }
      return clearing.result();
    } finally {
      oneAtATime.unlock();
    }
  }

  /**
   * Writes what needs no clearing. A fault that this meets is recorded and joins what does.
   *
   * @return the clear units that need clearing
   */
  private ByteRanges writeHealthyParts(Patches patches, ByteRanges request) throws IOException {
    ByteRanges written = ByteRanges.EMPTY;
    while (true) {
      ByteRanges partly = partlyCovered(request);
      ByteRanges units = listed(request).intersect(request).minus(partly).alignOutward(unitBytes);
      ByteRanges healthy = request.minus(units).minus(partly);
      Optional<MediaFaultException> fault = writeEach(patches, healthy.minus(written));
      if (fault.isEmpty()) {
        return units;
      }
      device.met(fault.get().range(), fault.get().faultCause());
      written = healthyBefore(healthy, fault.get());
    }
  }

  private static ByteRanges healthyBefore(ByteRanges healthy, MediaFaultException fault) {
    return healthy.intersect(new ByteRange(0, fault.range().start()));
  }

  private Optional<MediaFaultException> writeEach(Patches patches, ByteRanges ranges)
      throws IOException {
    for (RecoveryPatch patch : patches.list()) {
      for (ByteRange part : ranges.intersect(patch.range()).asList()) {
        try {
          device.aboutToWrite(part);
          media.write(part.start(), Patches.bytesOf(patch, part));
        } catch (MediaFaultException fault) {
          return Optional.of(fault);
        }
      }
    }
    return Optional.empty();
  }

  /** Bytes of the request in bad lines that the request does not cover whole. */
  private ByteRanges partlyCovered(ByteRanges request) {
    ByteRanges exact = ByteRanges.EMPTY;
    for (ByteRange range : request.alignOutward(LINE_BYTES).asList()) {
      exact = exact.union(list.exact(range));
    }
    return exact.minus(request.alignInward(LINE_BYTES)).intersect(request);
  }

  private ByteRanges listed(ByteRanges request) {
    List<ByteRange> found = new ArrayList<>();
    for (ByteRange range : request.asList()) {
      list.entries(range).forEach(entry -> found.add(entry.range()));
    }
    return ByteRanges.of(found);
  }

  /** One run of clear units and what is to stand there. */
  private record Image(ByteRange range, MemorySegment bytes) {}

  /** The steps on the marked units. */
  private final class Clearing {
    private final Patches patches;
    private final ByteRanges request;
    private final PoisonList.Repair repair;
    private ByteRanges unreadable = ByteRanges.EMPTY;
    private ByteRanges uncleared = ByteRanges.EMPTY;
    private ByteRanges verified = ByteRanges.EMPTY;
    private boolean mediaTouched;

    Clearing(Patches patches, ByteRanges request, PoisonList.Repair repair) {
      this.patches = patches;
      this.request = request;
      this.repair = repair;
    }

    void run(Arena arena) throws IOException {
      List<Image> images = new ArrayList<>();
      for (ByteRange range : repair.units().asList()) {
        images.add(stash(range, arena));
      }
      device.flushList();
      mediaTouched = true;
      long longest = images.stream().mapToLong(image -> image.range().length()).max().orElse(0);
      MemorySegment buffer = arena.allocate(Math.min(VERIFY_BYTES, longest), LINE_BYTES);
      for (int attempt = 1; !images.isEmpty(); attempt++) {
        for (Image image : images) {
          reinitialise(image);
        }
        device.persistMedia();
        images = verifyAll(images, buffer, attempt);
      }
    }

    /** Returns the images to store once more. */
    private List<Image> verifyAll(List<Image> images, MemorySegment buffer, int attempt)
        throws IOException {
      List<Image> again = new ArrayList<>();
      for (Image image : images) {
        ByteRanges wrong = verify(image, buffer);
        if (!wrong.isEmpty() && attempt < MAX_ATTEMPTS) {
          verified = verified.minus(image.range());
          again.add(image);
        } else {
          for (ByteRange range : wrong.asList()) {
            list.report(range, Cause.INTERRUPTED, Confidence.EXACT, device.nowMillis());
          }
        }
      }
      return again;
    }

    /** What to forget: what was verified; when nothing was done, what was marked for this only. */
    ByteRanges good() {
      return mediaTouched
          ? verified
          : repair.units().minus(repair.listedBefore()).minus(unreadable);
    }

    RecoveryWrite result() {
      ByteRanges stored = verified.intersect(request);
      ByteRanges partly = partlyCovered(request.minus(repair.units()));
      ByteRanges beside = repair.units().minus(request.alignInward(LINE_BYTES));
      return new RecoveryWrite(
          repair.listedBefore().intersect(stored).asList(),
          exactNow(beside).minus(request).asList(),
          request.intersect(repair.units()).minus(stored).union(partly).asList());
    }

    private ByteRanges exactNow(ByteRanges ranges) {
      ByteRanges exact = ByteRanges.EMPTY;
      for (ByteRange range : ranges.asList()) {
        exact = exact.union(list.exact(range));
      }
      return exact;
    }

    /**
     * What the units shall hold: the new bytes over what can be read of the old. Lines that were
     * bad and are not replaced stay bad, whatever stands there.
     */
    private Image stash(ByteRange range, Arena arena) throws IOException {
      MemorySegment bytes = arena.allocate(range.length(), LINE_BYTES);
      ByteRanges hopeless = repair.exactBefore().minus(repair.mismatchedBefore());
      ByteRanges toRead = ByteRanges.of(range).minus(hopeless).minus(wholeNewLines());
      for (ByteRange part : toRead.asList()) {
        MemorySegment dst = bytes.asSlice(part.start() - range.start(), part.length());
        TolerantReader.read(media, part.start(), dst, new StashSink());
      }
      patches.overlay(range, bytes);
      return new Image(range, bytes);
    }

    private ByteRanges wholeNewLines() {
      return request.alignInward(LINE_BYTES);
    }

    /** All units at once; one by one when a unit among them refuses. */
    private void reinitialise(Image image) throws IOException {
      device.aboutToWrite(image.range());
      try {
        media.reinitialise(image.range().start(), image.bytes());
      } catch (MediaFaultException someUnit) {
        for (long at = 0; at < image.range().length(); at += unitBytes) {
          reinitialiseUnit(image.range().start() + at, image.bytes().asSlice(at, unitBytes));
        }
      }
    }

    private void reinitialiseUnit(long offset, MemorySegment bytes) throws IOException {
      try {
        media.reinitialise(offset, bytes);
      } catch (MediaFaultException stuck) {
        device.met(stuck.range(), stuck.faultCause());
        uncleared = uncleared.plus(ByteRange.ofLength(offset, unitBytes));
      }
    }

    /**
     * Adds to {@link #verified} the lines that hold what they should, past every cache.
     *
     * @return those that can be read and hold something else
     */
    private ByteRanges verify(Image image, MemorySegment buffer) throws IOException {
      ByteRanges lost = unreadable.union(repair.exactBefore()).minus(wholeNewLines());
      ByteRanges notStored = uncleared.intersect(request).alignOutward(LINE_BYTES);
      ByteRanges toCheck = ByteRanges.of(image.range()).minus(lost).minus(notStored);
      ByteRanges wrong = ByteRanges.EMPTY;
      for (ByteRange range : toCheck.asList()) {
        for (long at = range.start(); at < range.end(); at += VERIFY_BYTES) {
          ByteRange part = new ByteRange(at, Math.min(range.end(), at + VERIFY_BYTES));
          MemorySegment found = buffer.asSlice(0, part.length());
          ByteRanges readable = readBack(part, found);
          ByteRanges equal = equalLines(readable, image, part, found);
          verified = verified.union(equal);
          wrong = wrong.union(readable.minus(equal));
        }
      }
      return wrong;
    }

    private static ByteRanges equalLines(
        ByteRanges readable, Image image, ByteRange part, MemorySegment found) {
      List<ByteRange> equal = new ArrayList<>();
      for (ByteRange run : readable.asList()) {
        if (isEqual(run, image, part, found)) {
          equal.add(run);
          continue;
        }
        for (long at = run.start(); at < run.end(); at += LINE_BYTES) {
          ByteRange line = ByteRange.ofLength(at, LINE_BYTES);
          if (isEqual(line, image, part, found)) {
            equal.add(line);
          }
        }
      }
      return ByteRanges.of(equal);
    }

    private static boolean isEqual(
        ByteRange run, Image image, ByteRange part, MemorySegment found) {
      ByteRange expected = run.shift(-image.range().start());
      ByteRange in = run.shift(-part.start());
      return MemorySegment.mismatch(
              image.bytes(), expected.start(), expected.end(), found, in.start(), in.end())
          == -1;
    }

    /** The lines of {@code part} that could be read past the cache. */
    private ByteRanges readBack(ByteRange part, MemorySegment found) throws IOException {
      ByteRanges good = ByteRanges.of(part);
      for (long at = part.start(); at < part.end(); ) {
        try {
          media.readPastCache(at, found.asSlice(at - part.start(), part.end() - at));
          at = part.end();
        } catch (MediaFaultException fault) {
          device.met(fault.range(), fault.faultCause());
          long holeStart = at + fault.goodPrefixBytes();
          at = Math.max(holeStart + 1, fault.range().end());
          good = good.minus(new ByteRange(holeStart, at).alignOutward(LINE_BYTES));
          at = Math.min(part.end(), Math.ceilDiv(at, (long) LINE_BYTES) * LINE_BYTES);
        }
      }
      return good;
    }

    private final class StashSink implements TolerantReader.Sink {
      @Override
      public void good(ByteRange range) {}

      @Override
      public void bad(ByteRange hole, ByteRange fault, Cause cause) throws IOException {
        device.met(fault, cause);
        unreadable = unreadable.plus(hole.alignOutward(LINE_BYTES));
      }
    }
  }
}
