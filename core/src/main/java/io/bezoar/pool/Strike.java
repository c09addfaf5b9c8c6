package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import org.jspecify.annotations.Nullable;

/**
 * One deliberate fault, in terms of the pool.
 *
 * @param kind what goes wrong
 * @param device the number of the device
 * @param media where, in the device's media
 * @param volume the bytes of the volume there; null where parity is struck
 * @param seed decides the wrong bytes
 */
public record Strike(
    FaultKind kind, int device, ByteRange media, @Nullable ByteRange volume, long seed) {
  /** The same strike, said of a device of a pool. */
  Strike onDevice(int number, @Nullable ByteRange inVolume) {
    return new Strike(kind, number, media, inVolume, seed);
  }
}
