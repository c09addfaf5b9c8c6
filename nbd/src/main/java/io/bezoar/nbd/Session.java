package io.bezoar.nbd;

import java.util.List;

/**
 * What the handshake agreed on. Immutable.
 *
 * @param style how to answer
 * @param contexts the metadata contexts that BLOCK_STATUS reports, in the order of their replies
 */
record Session(ReplyStyle style, List<MetaContext> contexts) {
  Session {
    contexts = List.copyOf(contexts);
  }
}
