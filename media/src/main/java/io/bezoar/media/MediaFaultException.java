package io.bezoar.media;

/**
 * Bytes of the media cannot be read or stored. On a read the destination holds exactly {@link
 * #goodPrefixBytes()} good bytes and nothing else of it may be used; on a write any part of the
 * faulted range may or may not have been stored.
 */
public final class MediaFaultException extends MediaException {
  private static final long serialVersionUID = 1L;

  private final ByteRange range;
  private final Cause faultCause;
  private final long goodPrefixBytes;

  /**
   * Creates the exception.
   *
   * @param file the media's name
   * @param range the first unreadable range, in whole granules, in the media's address space
   * @param faultCause how it was found
   * @param goodPrefixBytes how many bytes from the start of the access are good
   */
  public MediaFaultException(String file, ByteRange range, Cause faultCause, long goodPrefixBytes) {
    super(
        file,
        "bytes "
            + range
            + " cannot be accessed ("
            + faultCause
            + "), "
            + goodPrefixBytes
            + " bytes before them are good",
        null);
    this.range = range;
    this.faultCause = faultCause;
    this.goodPrefixBytes = goodPrefixBytes;
  }

  /** The first bad range met, in whole granules. */
  public ByteRange range() {
    return range;
  }

  /** How the fault showed itself. */
  public Cause faultCause() {
    return faultCause;
  }

  /** Good bytes counted from the start of the access that failed. */
  public long goodPrefixBytes() {
    return goodPrefixBytes;
  }
}
