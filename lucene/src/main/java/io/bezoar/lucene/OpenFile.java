package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One file of an index while it is open, however often: every input on it shares one mapping, so
 * that a page is verified, revoked and healed once.
 *
 * <p>Lives from the first {@link #acquire} to the last {@link #release}, and no second time.
 */
final class OpenFile {
  /** How the mapping is made. */
  interface Mapper {
    Guard map() throws IOException;
  }

  private final String name;
  private final ReadAhead readAhead = new ReadAhead();

  /** Guarded by this. */
  private @Nullable Guard guard;

  /** Guarded by this. */
  private int inputs;

  /** Guarded by this. */
  private boolean closed;

  OpenFile(String name) {
    this.name = name;
  }

  ReadAhead readAhead() {
    return readAhead;
  }

  String name() {
    return name;
  }

  /**
   * One more input; the first one maps, and the others wait for it.
   *
   * @return null when the file was closed before
   */
  synchronized @Nullable Guard acquire(Mapper mapper) throws IOException {
    if (closed) {
      return null;
    }
    Guard mapped = guard;
    if (mapped == null) {
      try {
        mapped = mapper.map();
      } catch (IOException | RuntimeException | Error e) {
        closed = true;
        throw e;
      }
      guard = mapped;
    }
    inputs++;
    return mapped;
  }

  /** One input less. True when it was the last and the mapping is gone. */
  synchronized boolean release() throws IOException {
    inputs--;
    if (inputs > 0) {
      return false;
    }
    closed = true;
    Objects.requireNonNull(guard).close();
    return true;
  }

  /** The mapping, while there is one. */
  synchronized @Nullable Guard guard() {
    return closed ? null : guard;
  }
}
