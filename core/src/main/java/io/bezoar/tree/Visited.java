package io.bezoar.tree;

/**
 * Nodes that were visited: first address to generation. A table of numbers, 16 bytes for each and
 * as much again of room. Not thread-safe.
 */
final class Visited {
  /** Said of an address that was not there. */
  static final long NOT_YET = -1;

  private long[] addresses = new long[1 << 10];
  private long[] generations = new long[1 << 10];
  private int size;

  /**
   * Notes a node.
   *
   * @param address a multiple of the page size, 0 or more
   * @return the generation noted for this address before, which stays; or {@link #NOT_YET}
   */
  long put(long address, long generation) {
    int at = place(addresses, address);
    if (addresses[at] != 0) {
      return generations[at];
    }
    addresses[at] = address + 1;
    generations[at] = generation;
    size++;
    if (size > addresses.length / 2) {
      grow();
    }
    return NOT_YET;
  }

  /** Where an address is, or would be; 0 is no address, so all are kept plus one. */
  private static int place(long[] addresses, long address) {
    int mask = addresses.length - 1;
    int at = (int) ((address * 0x9e3779b97f4a7c15L) >>> 32) & mask;
    while (addresses[at] != 0 && addresses[at] != address + 1) {
      at = (at + 1) & mask;
    }
    return at;
  }

  private void grow() {
    long[] more = new long[2 * addresses.length];
    long[] with = new long[more.length];
    for (int i = 0; i < addresses.length; i++) {
      if (addresses[i] != 0) {
        int at = place(more, addresses[i] - 1);
        more[at] = addresses[i];
        with[at] = generations[i];
      }
    }
    addresses = more;
    generations = with;
  }
}
