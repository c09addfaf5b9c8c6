package io.bezoar.nbd;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A finished answer to one request.
 *
 * @param pieces what to send, in this order, each from position to limit
 * @param buffer what the pieces lie in, to be given back when they have been sent
 */
record Reply(List<ByteBuffer> pieces, @Nullable IoBuffer buffer) {
  public Reply {
    pieces = List.copyOf(pieces);
  }
}
