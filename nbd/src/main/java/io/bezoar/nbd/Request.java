package io.bezoar.nbd;

/**
 * One request of the transmission phase, as it came: nothing of it has been checked but the magic.
 *
 * @param flags command flags, 16 bits
 * @param type command, 16 bits; may be one that does not exist
 * @param cookie the client's name for it, sent back as it is
 * @param offset first byte; unsigned on the wire, so a negative value is far past any end
 * @param length number of bytes, 0 to 2^32 - 1
 */
record Request(int flags, int type, long cookie, long offset, long length) {

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** The byte after the last one; only for requests that are known to lie within the export. */
  long end() {
    return offset + length;
  }
}
