package io.bezoar.nbd;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Why a request failed, as the client will be told.
 *
 * @param error the number
 * @param message for people
 * @param offset the first byte of the volume that failed, or {@link #WHOLE_REQUEST}
 */
record Failure(NbdError error, String message, long offset) {
  /** No single byte is to blame. */
  static final long WHOLE_REQUEST = -1;

  /** Longer messages are cut: enough for a path of the longest kind and a sentence. */
  static final int MAX_MESSAGE_BYTES = 1024;

  static Failure whole(NbdError error, String message) {
    return new Failure(error, message, WHOLE_REQUEST);
  }

  boolean hasOffset() {
    return offset != WHOLE_REQUEST;
  }

  byte[] messageBytes() {
    byte[] bytes = message.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= MAX_MESSAGE_BYTES) {
      return bytes;
    }
    int end = MAX_MESSAGE_BYTES;
    while ((bytes[end] & 0xc0) == 0x80) {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }
}
