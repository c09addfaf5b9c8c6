package io.bezoar.tree;

/** There is no room for what was asked; nothing of it was done. */
public final class ForestFullException extends ForestException {
  private static final long serialVersionUID = 1L;

  private final long wantedBytes;
  private final long availableBytes;

  ForestFullException(String device, long wantedBytes, long availableBytes) {
    super(
        device,
        "no space: "
            + wantedBytes
            + " bytes wanted, "
            + Math.max(0, availableBytes)
            + " left for this purpose; delete something, release holds, or abort and retry after a"
            + " commit",
        null);
    this.wantedBytes = wantedBytes;
    this.availableBytes = Math.max(0, availableBytes);
  }

  /** What the operation may need, the worst that could happen included. */
  public long wantedBytes() {
    return wantedBytes;
  }

  /** What is left for the transaction's {@link Purpose}. */
  public long availableBytes() {
    return availableBytes;
  }
}
