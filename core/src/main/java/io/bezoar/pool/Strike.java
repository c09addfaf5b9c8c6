package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import org.jspecify.annotations.Nullable;

/**
 * One deliberate fault, in terms of the pool.
 *
 * @param kind what goes wrong
 * @param media where, in the pool file
 * @param volume the bytes of the volume there; null where parity is struck
 * @param seed decides the wrong bytes
 */
public record Strike(FaultKind kind, ByteRange media, @Nullable ByteRange volume, long seed) {}
