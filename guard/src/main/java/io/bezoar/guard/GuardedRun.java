package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Window;
import java.io.IOException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Runs code over mapped memory until a run had no fault.
 *
 * <p><b>Threat.</b> The error of a bad load may come late: after the code threw something else
 * because of what it took for bytes, on the way of that to its handler, or after it returned. An
 * error that arrives where a handler begins is not covered by that handler's own {@code try}. So
 * one method ends with the barrier whatever happens ({@link #attempt}), and another one around it
 * catches what comes out of it ({@link #run}): there nothing is on its way any more.
 */
final class GuardedRun {
  /** New pages may go bad while the code runs again, but not for ever. */
  private static final int RUNS_MAX = 32;

  private static final int FRUITLESS_RUNS_MAX = 3;

  /** Other threads heal all the time while much goes bad, maybe not what is needed here. */
  private static final int RUNS_FOR_OTHERS_MAX = 2;

  private GuardedRun() {}

  static <T, X extends Exception> T run(
      Supplier<? extends Collection<Guard>> over, Guard.Body<T, X> body) throws X, IOException {
    int fruitless = 0;
    int forOthers = 0;
    for (int run = 1; ; run++) {
      long healed = Healer.healedSoFar();
      try {
        return attempt(body);
      } catch (Throwable thrown) {
        if (!isFault(thrown, new HashSet<>())) {
          throw thrown;
        }
        Collection<Guard> guards = over.get();
        if (isBetter(guards)) {
          fruitless = 0;
        } else if (Healer.healedSoFar() == healed) {
          throwLost(guards);
          fruitless++;
        } else if (++forOthers > RUNS_FOR_OTHERS_MAX) { // what they healed may have been this page
          throwLost(guards);
        }
        if (run >= RUNS_MAX || fruitless >= FRUITLESS_RUNS_MAX) {
          throwLost(guards);
          throw thrown;
        }
      }
    }
  }

  /**
   * Runs the code once. An error of a bad load comes out of this at the latest, and in place of
   * what the code threw because of the bad load.
   */
  private static <T, X extends Exception> T attempt(Guard.Body<T, X> body) throws X {
    try {
      T result = body.run();
      Window.barrier();
      return result;
    } catch (Throwable thrown) {
      Window.barrier();
      throw thrown;
    }
  }

  /** Other threads' errors come wrapped. */
  private static boolean isFault(Throwable thrown, Set<Throwable> seen) {
    if (!seen.add(thrown)) {
      return false;
    }
    if (Window.isFault(thrown) || (thrown.getCause() != null && isFault(thrown.getCause(), seen))) {
      return true;
    }
    for (Throwable suppressed : thrown.getSuppressed()) {
      if (isFault(suppressed, seen)) {
        return true;
      }
    }
    return false;
  }

  /** Heals; false when nothing was found: lost before, gone by itself, or of another mapping. */
  private static boolean isBetter(Collection<Guard> guards) throws IOException {
    boolean better = false;
    for (Guard guard : guards) {
      better |= guard.healTraps();
    }
    return better;
  }

  private static void throwLost(Collection<Guard> guards) throws DamagedRangeException {
    DamagedRangeException lost = null;
    for (Guard guard : guards) {
      List<ByteRange> ranges = guard.damage().stream().map(Damage::range).toList();
      if (!ranges.isEmpty()) {
        DamagedRangeException more =
            new DamagedRangeException(guard.file(), ranges, 0, GuardedReader.NEXT_STEP);
        if (lost == null) {
          lost = more;
        } else {
          lost.addSuppressed(more);
        }
      }
    }
    if (lost != null) {
      throw lost;
    }
  }
}
