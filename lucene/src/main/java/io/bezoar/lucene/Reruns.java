package io.bezoar.lucene;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.util.IOSupplier;

/**
 * The one place where errors of bad pages turn into another attempt.
 *
 * <p><b>Protocol.</b> The first attempt reads with plain loads. When anything comes out of it that
 * a bad page could have caused, whatever it returned or half made is dropped, and the same is done
 * again on guarded copies: those heal the pages they meet, and no others, so that nothing has to be
 * probed for bad pages, and what cannot be healed is named exactly. Inputs that were made before
 * the body began go on loading; should one of those meet the page once more, all open files are
 * probed and healed, and there is a last attempt.
 */
final class Reruns {
  private Reruns() {}

  /** The body's result, of an attempt that met no bad page. */
  static <T> T run(IOSupplier<T> body) throws IOException {
    if (Attempt.current() != null) {
      return body.get(); // the outermost decides
    }
    Attempt attempt = new Attempt(Attempt.Mode.DIRECT);
    try {
      return attempt.call(body);
    } catch (Throwable thrown) {
      if (!Faults.mayBeBehind(thrown) && !attempt.faultedElsewhere()) {
        throw thrown;
      }
    }
    return rerun(body);
  }

  private static <T> T rerun(IOSupplier<T> body) throws IOException {
    try {
      return exactly(body);
    } catch (InternalError e) {
      if (!Faults.isOfBadPage(e)) {
        throw e;
      }
    }
    List<DamagedRangeException> lost = healAll();
    try {
      return exactly(body);
    } catch (InternalError e) {
      if (!Faults.isOfBadPage(e)) {
        throw e;
      }
      throw lasting(e, lost);
    }
  }

  /** The body's result, on guarded copies from the start, so that nothing needs to be repeated. */
  static <T> T exactly(IOSupplier<T> body) throws IOException {
    try {
      return new Attempt(Attempt.Mode.EXACT).call(body);
    } catch (RuntimeException e) {
      throw Losses.unwrapped(e);
    }
  }

  /**
   * For a body that must not be repeated.
   *
   * @param likeness reads what the body reads, as far as that can be, and has no effect
   * @param instead what the caller is to do, as the end of a sentence
   * @throws CorruptIndexException when the likeness meets bytes that are lost
   * @throws IOException when the body met a bad page, which was healed if it could be
   */
  static <T> T once(IOSupplier<T> body, IOSupplier<?> likeness, String instead) throws IOException {
    if (Attempt.current() != null) {
      return body.get();
    }
    Attempt attempt = new Attempt(Attempt.Mode.DIRECT);
    try {
      return attempt.call(body);
    } catch (Throwable thrown) {
      if (!Faults.areIn(thrown) && !attempt.faultedElsewhere()) {
        throw thrown;
      }
      exactly(likeness);
      IOException dropped =
          new IOException("a page went bad under this search, and was healed: " + instead, thrown);
      healAll().forEach(dropped::addSuppressed);
      throw dropped;
    }
  }

  /** What could not be healed. */
  private static List<DamagedRangeException> healAll() throws IOException {
    List<DamagedRangeException> lost = new ArrayList<>();
    for (Guard guard : OpenFiles.mapped()) {
      guard.scrub();
      DamagedRangeException loss = Losses.of(guard);
      if (loss != null) {
        lost.add(loss);
      }
    }
    return lost;
  }

  private static IOException lasting(InternalError error, List<DamagedRangeException> lost) {
    if (lost.size() == 1) {
      DamagedRangeException only = lost.getFirst();
      return Losses.corrupt(only, String.valueOf(only.getFile()));
    }
    IOException all =
        new IOException(
            "a bad page was read through an input that was made before the run began; make inputs"
                + " within it to learn which of "
                + lost.size()
                + " damaged files it was",
            error);
    lost.forEach(all::addSuppressed);
    return all;
  }
}
