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
 * because of what it took for bytes, or after it returned. So the barrier is passed inside the
 * {@code try} and once more after anything was thrown; an error that is then delivered belongs to
 * the run.
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
        T result = body.run();
        Window.barrier();
        return result;
      } catch (Throwable thrown) {
        boolean late = isLateFault();
        if (!late && !isFault(thrown, new HashSet<>())) {
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

  private static boolean isLateFault() {
    try {
      Window.barrier();
      return false;
    } catch (InternalError e) {
      if (!Window.isFault(e)) {
        throw e;
      }
      return true;
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
