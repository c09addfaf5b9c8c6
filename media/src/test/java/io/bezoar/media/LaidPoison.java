package io.bezoar.media;

import java.io.IOException;

/**
 * Bad pages in a mapping that somebody else made: pages of an empty memfd, laid over its own.
 * Whoever loads from them is raised a real SIGBUS.
 */
public final class LaidPoison {
  private LaidPoison() {}

  /** Makes whole pages bad, for as long as the mapping lives. */
  public static void over(long address, long lengthBytes) throws IOException {
    long fd = Posix.memfd("bezoar-laid-poison", 0);
    try (Descriptor empty = new Descriptor((int) fd)) {
      long laid =
          empty.call(
              number ->
                  Posix.mmap(
                      address,
                      lengthBytes,
                      Posix.PROT_READ,
                      Posix.MAP_SHARED | Posix.MAP_FIXED,
                      number,
                      0));
      if (laid < 0) {
        throw new IOException("mmap: " + Errno.text((int) -laid));
      }
    }
  }
}
