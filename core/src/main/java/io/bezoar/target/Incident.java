package io.bezoar.target;

import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import org.jspecify.annotations.Nullable;

/**
 * Something that was found bad and what became of it, in both address spaces.
 *
 * @param severity what it means to the holder of the target
 * @param cause how it was found
 * @param role what the struck bytes held
 * @param volume the affected bytes of the volume; null when only redundancy was struck
 * @param media the struck bytes of the child
 */
record Incident(
    Severity severity, Cause cause, Role role, @Nullable ByteRange volume, ByteRange media) {

  /** Who is told of incidents. Called with locks held: it must only queue. */
  @FunctionalInterface
  interface Sink {
    void raise(Incident incident);
  }
}
