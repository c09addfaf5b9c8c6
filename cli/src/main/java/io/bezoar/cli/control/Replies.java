package io.bezoar.cli.control;

import tools.jackson.databind.node.ObjectNode;

/** Where an answer goes, object by object. */
public interface Replies {
  /** Sends one object. When nobody is there any more it is dropped and {@link #gone()} is true. */
  void send(ObjectNode json);

  /** True when the asker has gone away or wants no more: the operation should end soon. */
  boolean gone();
}
