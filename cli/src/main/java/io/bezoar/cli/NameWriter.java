package io.bezoar.cli;

import io.bezoar.fs.PathWalk;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;

/** Writes text as UTF-8, and names that are not UTF-8 as the bytes that they are. */
final class NameWriter extends Writer {
  private final OutputStream out;

  NameWriter(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(char[] chars, int offset, int length) throws IOException {
    String text = new String(chars, offset, length);
    byte[] bytes;
    try {
      bytes = PathWalk.bytes(text);
    } catch (FileSystemException noName) {
      bytes = text.getBytes(StandardCharsets.UTF_8);
    }
    out.write(bytes);
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
