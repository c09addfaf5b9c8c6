package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import io.bezoar.media.Window;
import java.io.EOFException;
import java.io.IOException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.IndexFormatTooNewException;
import org.apache.lucene.index.IndexFormatTooOldException;
import org.apache.lucene.store.AlreadyClosedException;
import org.jspecify.annotations.Nullable;

/** Tells what a bad page may have caused from what it cannot have. */
final class Faults {
  private Faults() {}

  /** Whether this is HotSpot's error for a load from a page that is not there. */
  static boolean isOfBadPage(InternalError error) {
    return Window.isFault(error);
  }

  /**
   * Whether a load met a bad page, as {@code thrown} tells wherever the error was put in its chain,
   * or an error of this thread that is still on its way. That one is awaited here, as it were, so
   * that it cannot arrive in an attempt to come.
   */
  static boolean areIn(Throwable thrown) {
    boolean pending = false;
    try {
      Guard.barrier();
    } catch (InternalError e) {
      pending = true;
    }
    return pending || isNamedIn(thrown);
  }

  /**
   * As {@link #areIn}, or {@code thrown} is what code throws that was fed with bytes which were
   * never written: a page may have changed silently, or somebody swallowed the error.
   */
  static boolean mayBeBehind(Throwable thrown) {
    return areIn(thrown) || comesOfGarbage(thrown);
  }

  private static boolean isNamedIn(Throwable thrown) {
    return isNamedIn(thrown, Collections.newSetFromMap(new IdentityHashMap<>()));
  }

  private static boolean isNamedIn(@Nullable Throwable thrown, Set<Throwable> seen) {
    if (thrown == null || !seen.add(thrown)) {
      return false;
    }
    if (thrown instanceof InternalError error && isOfBadPage(error)) {
      return true;
    }
    for (Throwable suppressed : thrown.getSuppressed()) {
      if (isNamedIn(suppressed, seen)) {
        return true;
      }
    }
    return isNamedIn(thrown.getCause(), seen);
  }

  /**
   * A list of what may be, not of what cannot: an application's own exceptions, by which it ends a
   * search early, must not make that search run twice.
   */
  private static boolean comesOfGarbage(Throwable thrown) {
    return switch (thrown) {
      case AlreadyClosedException _ -> false;
      case CorruptIndexException _, EOFException _ -> true;
      case IndexFormatTooOldException _, IndexFormatTooNewException _ -> true;
      case OutOfMemoryError _, StackOverflowError _, AssertionError _ -> true;
      case IndexOutOfBoundsException _, NegativeArraySizeException _, ArithmeticException _ -> true;
      case IllegalArgumentException _, IllegalStateException _, NullPointerException _ -> true;
      case RuntimeException wrapper when wrapper.getCause() instanceof IOException inner ->
          comesOfGarbage(inner); // Lucene wraps where it may throw nothing checked
      default -> false;
    };
  }
}
