package io.bezoar.nbd;

/** The error numbers that the protocol allows in a reply, and when this server sends them. */
enum NbdError {
  /** A write, trim or zero request on a read-only export, or on a device that became read-only. */
  EPERM(1),
  /** Bytes are lost, the device is not there, or a persist failed. */
  EIO(5),
  /** A request that makes no sense: unknown command or flag, out of range, too long. */
  EINVAL(22),
  /** A write past the end, or no room under a sparse pool. */
  ENOSPC(28),
  /** An unfragmented read that is longer than the largest request. */
  EOVERFLOW(75),
  /** Zeroes cannot be written faster than data. */
  ENOTSUP(95),
  /** The server is stopping. */
  ESHUTDOWN(108);

  private final int code;

  NbdError(int code) {
    this.code = code;
  }

  /** The number on the wire. */
  int code() {
    return code;
  }
}
