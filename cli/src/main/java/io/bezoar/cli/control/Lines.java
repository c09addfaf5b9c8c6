package io.bezoar.cli.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Lines of UTF-8 on a socket, each of bounded length. Reading and writing may go on at the same
 * time; each belongs to one thread at a time.
 */
final class Lines {
  private static final int BUFFER_BYTES = 16 << 10;

  private final SocketChannel channel;
  private final int maxBytes;
  private final ByteBuffer in = ByteBuffer.allocate(BUFFER_BYTES).limit(0);
  private byte[] line = new byte[1024];

  Lines(SocketChannel channel, int maxBytes) {
    this.channel = channel;
    this.maxBytes = maxBytes;
  }

  /**
   * The next line without its end; null at the end of the stream. An unfinished last line does not
   * count: its sender died.
   *
   * @throws BadRequestException when it is longer than allowed
   */
  @Nullable String read() throws IOException, BadRequestException {
    int length = 0;
    while (true) {
      if (!in.hasRemaining()) {
        in.clear();
        int count = channel.read(in);
        in.flip();
        if (count < 0) {
          return null;
        }
        continue;
      }
      byte b = in.get();
      if (b == '\n') {
        return new String(line, 0, length, StandardCharsets.UTF_8);
      }
      if (length == maxBytes) {
        throw new BadRequestException("a line is longer than " + maxBytes + " bytes");
      }
      if (length == line.length) {
        line = java.util.Arrays.copyOf(line, Math.min(maxBytes, 2 * length));
      }
      line[length++] = b;
    }
  }

  void write(String text) throws IOException {
    ByteBuffer out = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }
}
