package io.bezoar.nbd;

/** How the client has agreed to be answered. */
enum ReplyStyle {
  /** A number, and all of the data or none. */
  SIMPLE,
  /** Chunks of data and of errors, each with its place. */
  STRUCTURED
}
