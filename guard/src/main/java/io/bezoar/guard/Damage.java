package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;

/**
 * Bytes of a guarded file that are lost until somebody brings them back.
 *
 * @param range half-open, in bytes from the start of the file
 * @param cause how it showed itself
 * @param since when it was found
 */
public record Damage(ByteRange range, Cause cause, Instant since) {}
