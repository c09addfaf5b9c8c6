package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CMD_BLOCK_STATUS;
import static io.bezoar.nbd.NbdLayout.CMD_DISC;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_DF;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FAST_ZERO;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FUA;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_NO_HOLE;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_REQ_ONE;
import static io.bezoar.nbd.NbdLayout.CMD_FLUSH;
import static io.bezoar.nbd.NbdLayout.CMD_READ;
import static io.bezoar.nbd.NbdLayout.CMD_TRIM;
import static io.bezoar.nbd.NbdLayout.CMD_WRITE;
import static io.bezoar.nbd.NbdLayout.CMD_WRITE_ZEROES;

import org.jspecify.annotations.Nullable;

/**
 * Decides whether a request may be carried out, from what it says alone. What passes lies within
 * the export and within the size limits, so that nothing behind this point sees a foreign number.
 */
final class RequestCheck {
  private static final int UNKNOWN_COMMAND = -1;

  private final long sizeBytes;
  private final NbdExport.Mode mode;
  private final Session session;

  RequestCheck(long sizeBytes, NbdExport.Mode mode, Session session) {
    this.sizeBytes = sizeBytes;
    this.mode = mode;
    this.session = session;
  }

  /** Why the request is refused; null when it may be carried out. */
  @Nullable Failure refuse(Request request) {
    int allowed = allowedFlags(request.type());
    if (allowed == UNKNOWN_COMMAND) {
      return Failure.whole(NbdError.EINVAL, "unknown command " + request.type());
    }
    if (request.type() == CMD_DISC) {
      return null;
    }
    if ((request.flags() & ~allowed) != 0) {
      return Failure.whole(
          NbdError.EINVAL,
          "flags 0x" + Integer.toHexString(request.flags()) + " do not go with this command");
    }
    return switch (request.type()) {
      case CMD_READ -> refuseRead(request);
      case CMD_WRITE, CMD_TRIM, CMD_WRITE_ZEROES -> refuseChange(request);
      case CMD_BLOCK_STATUS -> refuseStatus(request);
      default -> refuseFlush(request);
    };
  }

  private int allowedFlags(int type) {
    return switch (type) {
      case CMD_READ ->
          session.style() == ReplyStyle.STRUCTURED ? CMD_FLAG_FUA | CMD_FLAG_DF : CMD_FLAG_FUA;
      case CMD_WRITE, CMD_FLUSH, CMD_TRIM, CMD_DISC -> CMD_FLAG_FUA;
      case CMD_WRITE_ZEROES -> CMD_FLAG_FUA | CMD_FLAG_NO_HOLE | CMD_FLAG_FAST_ZERO;
      case CMD_BLOCK_STATUS -> CMD_FLAG_FUA | CMD_FLAG_REQ_ONE;
      default -> UNKNOWN_COMMAND;
    };
  }

  private @Nullable Failure refuseRead(Request request) {
    if (isOutside(request)) {
      return outside(NbdError.EINVAL, request);
    }
    if (request.length() > NbdLayout.MAX_BLOCK_BYTES) {
      return tooLong(
          request.has(CMD_FLAG_DF) ? NbdError.EOVERFLOW : NbdError.EINVAL, request.length());
    }
    return null;
  }

  private @Nullable Failure refuseChange(Request request) {
    if (mode == NbdExport.Mode.READ_ONLY) {
      return Failure.whole(NbdError.EPERM, "this export is read-only");
    }
    if (isOutside(request)) {
      return outside(request.type() == CMD_TRIM ? NbdError.EINVAL : NbdError.ENOSPC, request);
    }
    if (request.type() == CMD_WRITE && request.length() > NbdLayout.MAX_BLOCK_BYTES) {
      return tooLong(NbdError.EINVAL, request.length());
    }
    return null;
  }

  private @Nullable Failure refuseStatus(Request request) {
    if (session.contexts().isEmpty()) {
      return Failure.whole(
          NbdError.EINVAL, "no metadata context was selected: negotiate one, then ask");
    }
    if (request.length() == 0) {
      return Failure.whole(NbdError.EINVAL, "a block status of no bytes");
    }
    return isOutside(request) ? outside(NbdError.EINVAL, request) : null;
  }

  private static @Nullable Failure refuseFlush(Request request) {
    return request.offset() != 0 || request.length() != 0
        ? Failure.whole(NbdError.EINVAL, "a flush has no offset and no length")
        : null;
  }

  private boolean isOutside(Request request) {
    return request.offset() < 0 || request.offset() > sizeBytes - request.length();
  }

  private Failure outside(NbdError error, Request request) {
    return Failure.whole(
        error,
        request.length()
            + " bytes at "
            + Long.toUnsignedString(request.offset())
            + " do not fit into this volume of "
            + sizeBytes
            + " bytes");
  }

  private static Failure tooLong(NbdError error, long length) {
    return Failure.whole(
        error, length + " bytes in one request; the largest is " + NbdLayout.MAX_BLOCK_BYTES);
  }
}
