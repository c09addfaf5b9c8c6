package io.bezoar.nbd;

import java.io.IOException;

/** The peer broke a rule after which the stream cannot be trusted: the connection is closed. */
final class ProtocolViolation extends IOException {
  private static final long serialVersionUID = 1L;

  ProtocolViolation(String what) {
    super(what);
  }
}
