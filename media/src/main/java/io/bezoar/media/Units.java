package io.bezoar.media;

/** The three units in which storage fails and is kept whole, in bytes. */
public final class Units {
  /** A cache line: the smallest unit of poison (CXL's unit). */
  public static final int LINE_BYTES = 64;

  /** The unit of kernel badblocks lists and ddrescue maps. */
  public static final int SECTOR_BYTES = 512;

  /** The unit of integrity, allocation and mapping. */
  public static final int PAGE_BYTES = 4096;

  private Units() {}
}
