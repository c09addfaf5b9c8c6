package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What happens to one file after the first bad load: which pages it is, what can be done, and what
 * is remembered as lost.
 *
 * <p><b>Protocol.</b> The damage list is immutable and published through volatile fields, replaced
 * under {@link #record}; a healthy copy reads one of them. Healing works on claimed runs with no
 * lock held; subscribers are told after the claim was released.
 */
final class Healer {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long RUN_BYTES_MAX = 1 << 20;

  private static final AtomicLong HEALED = new AtomicLong();

  private final Healing.Scene scene;
  private final Claims claims = new Claims();
  private final AtomicBoolean cutWasTold = new AtomicBoolean();

  private final ReentrantLock record = new ReentrantLock();
  private volatile List<Damage> damage = List.of();
  private volatile ByteRanges lost = ByteRanges.EMPTY;

  Healer(Healing.Scene scene) {
    this.scene = scene;
  }

  /** What is lost: in granules, or in pages where pages are checked. One volatile load. */
  ByteRanges lost() {
    return lost;
  }

  List<Damage> damage() {
    return damage;
  }

  /** What a look at a range is to include. */
  enum Look {
    /** What is new. */
    NEW,
    /**
     * What is lost as well: a source may know it by now; and what is served from memory: the file
     * may take it by now.
     */
    ALL
  }

  /**
   * Finds the pages of {@code range} that trap, and heals or gives up those and {@code suspects}.
   *
   * @param suspects whole pages that were read and are not right
   * @return true when anything is better than before
   * @throws MediaUnavailableException when the file was cut or is gone
   */
  boolean heal(ByteRange range, ByteRanges suspects, Look look) throws IOException {
    ByteRanges bad = ByteRanges.of(scene.window().trapping(range)).union(suspects);
    ByteRanges given = lost.alignOutward(PAGE);
    bad = look == Look.ALL ? bad.union(given.intersect(range)) : bad.minus(given);
    requirePresent();
    boolean better = false;
    for (ByteRange run : runs(bad)) {
      better |= healRun(run, look);
    }
    if (look == Look.ALL) {
      for (ByteRange run : runs(scene.window().staged().intersect(range).minus(bad))) {
        better |= inClaim(run, arena -> new Healing(scene, run, arena).putBack());
      }
    }
    return better;
  }

  private List<ByteRange> runs(ByteRanges pages) {
    List<ByteRange> runs = new ArrayList<>();
    for (ByteRange range : pages.asList()) {
      for (long at = range.start(); at < range.end(); at += RUN_BYTES_MAX) {
        long end = Math.min(at + RUN_BYTES_MAX, Math.min(range.end(), scene.media().sizeBytes()));
        runs.add(new ByteRange(at, end));
      }
    }
    return runs;
  }

  private void requirePresent() throws IOException {
    Presence presence = scene.media().presence();
    if (presence == Presence.PRESENT) {
      return;
    }
    long sizeBytes = scene.media().sizeBytes();
    if (presence == Presence.TRUNCATED && cutWasTold.compareAndSet(false, true)) {
      scene.announcer().tell(List.of(new GuardEvent.Truncated(scene.file(), sizeBytes)));
    }
    String detail =
        presence == Presence.TRUNCATED
            ? "was cut by somebody to less than the "
                + sizeBytes
                + " bytes it was mapped with: bytes are absent, not damaged; map it again"
            : "does not answer any more: check its device and file system, then map it again";
    throw new MediaUnavailableException(scene.file().toString(), presence, detail);
  }

  private boolean healRun(ByteRange run, Look look) throws IOException {
    return inClaim(
        run,
        arena ->
            look == Look.NEW && isSettled(run, arena)
                ? null
                : new Healing(scene, run, arena).heal());
  }

  /** Something that is done to a run; null when somebody else has done it meanwhile. */
  private interface Work {
    Healing.@Nullable Outcome in(Arena arena) throws IOException;
  }

  private boolean inClaim(ByteRange run, Work work) throws IOException {
    if (!claims.claim(run)) {
      throw new DamagedRangeException(
          scene.file(),
          List.of(run),
          0,
          "they are being repaired by this very thread, or by one that waits for it: a repair source"
              + " must find them elsewhere");
    }
    List<GuardEvent> events = new ArrayList<>();
    boolean better;
    try (Arena arena = Arena.ofConfined()) {
      Healing.Outcome outcome = work.in(arena);
      if (outcome == null) {
        return true; // by whoever held the claim before
      }
      events.addAll(outcome.events());
      better = !events.isEmpty();
      events.addAll(remember(run, outcome));
    } finally {
      claims.release(run);
    }
    if (better) {
      HEALED.incrementAndGet();
    }
    scene.announcer().tell(events);
    return better;
  }

  /** How often anything became better, of any file: one volatile load. */
  static long healedSoFar() {
    return HEALED.get();
  }

  private boolean isSettled(ByteRange run, Arena arena) throws IOException {
    MemorySegment bytes = arena.allocate(run.length(), PAGE);
    return lost.alignOutward(PAGE).contains(run.alignOutward(PAGE))
        || (scene.window().load(run.start(), bytes) && matches(run, bytes));
  }

  /** True when {@code bytes}, read from {@code pages}, are what they should be. */
  boolean matches(ByteRange pages, MemorySegment bytes) throws IOException {
    for (long at = pages.start(); scene.reference().checks() && at < pages.end(); at += PAGE) {
      long length = Math.min(PAGE, pages.end() - at);
      if (!scene.reference().matches(at / PAGE, bytes.asSlice(at - pages.start(), length))) {
        return false;
      }
    }
    return true;
  }

  /** Replaces what is known of {@code run}; what is lost and was not before. */
  private List<GuardEvent> remember(ByteRange run, Healing.Outcome outcome) {
    record.lock();
    try {
      Instant now = Instant.now();
      List<Damage> list = new ArrayList<>();
      List<GuardEvent> events = new ArrayList<>();
      ByteRanges still = outcome.lost().union(lost.minus(run));
      for (Damage known : damage) {
        for (ByteRange rest : still.intersect(known.range()).asList()) {
          list.add(new Damage(rest, known.cause(), known.since()));
        }
      }
      for (ByteRange range : outcome.lost().minus(lost).asList()) {
        list.add(new Damage(range, outcome.cause(), now));
        events.add(new GuardEvent.Damaged(scene.file(), range, outcome.cause()));
      }
      list.sort((a, b) -> a.range().compareTo(b.range()));
      damage = List.copyOf(list);
      lost = ByteRanges.of(list.stream().map(Damage::range).toList());
      return events;
    } finally {
      record.unlock();
    }
  }
}
