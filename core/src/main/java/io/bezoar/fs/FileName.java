package io.bezoar.fs;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The name of an entry of a directory: 1 to 255 bytes, any but {@code '/'} and NUL; not {@code "."}
 * and not {@code ".."}. Names stand in the order of their bytes, unsigned.
 *
 * <p>As text it is UTF-8; bytes that are not are shown as the code points U+DC80 to U+DCFF, from
 * which {@link #of(String)} makes the same bytes again (Python's PEP 383).
 */
public final class FileName implements Comparable<FileName> {
  /** Longest name, bytes. */
  public static final int BYTES_MAX = 255;

  private static final char ESCAPE_BASE = 0xDC00;
  private static final char ESCAPE_FIRST = 0xDC80;
  private static final char ESCAPE_LAST = 0xDCFF;

  private final byte[] bytes;

  private FileName(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * The name of these bytes.
   *
   * @throws FileSystemException when it is empty, too long, a dot name, or holds a slash or NUL
   */
  public static FileName of(byte[] bytes) throws FileSystemException {
    String problem = problem(bytes);
    if (problem != null) {
      throw new FileSystemException(decode(bytes), null, problem);
    }
    return new FileName(bytes.clone());
  }

  /**
   * The name of this text.
   *
   * @throws FileSystemException as above, or when it is no Unicode
   */
  public static FileName of(String text) throws FileSystemException {
    return of(encode(text));
  }

  /** A name that stands in a tree, where only names are. */
  static FileName stored(byte[] bytes) {
    return new FileName(bytes);
  }

  private static @Nullable String problem(byte[] bytes) {
    if (bytes.length == 0) {
      return "a name has at least one byte";
    }
    if (bytes.length > BYTES_MAX) {
      return "the name is too long: " + bytes.length + " bytes, and " + BYTES_MAX + " at most";
    }
    if (bytes[0] == '.' && (bytes.length == 1 || (bytes.length == 2 && bytes[1] == '.'))) {
      return "\".\" and \"..\" stand for directories, and are no names";
    }
    for (byte b : bytes) {
      if (b == '/' || b == 0) {
        return "a name has neither '/' nor NUL in it";
      }
    }
    return null;
  }

  /**
   * Text to bytes, see the class.
   *
   * @throws FileSystemException when there is half a surrogate pair that is no escape
   */
  static byte[] encode(String text) throws FileSystemException {
    boolean plain = text.chars().noneMatch(c -> c >= ESCAPE_FIRST && c <= ESCAPE_LAST);
    if (plain) {
      return encodeRun(text, text);
    }
    ByteBuffer out = ByteBuffer.allocate(3 * text.length());
    int run = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean paired = i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
      if (c >= ESCAPE_FIRST && c <= ESCAPE_LAST && !paired) {
        out.put(encodeRun(text, text.substring(run, i)));
        out.put((byte) (c - ESCAPE_BASE));
        run = i + 1;
      }
    }
    out.put(encodeRun(text, text.substring(run)));
    return Arrays.copyOf(out.array(), out.position());
  }

  private static byte[] encodeRun(String whole, String run) throws FileSystemException {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(run));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return bytes;
    } catch (CharacterCodingException broken) {
      throw new FileSystemException(whole, null, "not Unicode: half a surrogate pair");
    }
  }

  /** Bytes to text, see the class. */
  static String decode(byte[] bytes) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(bytes);
    CharBuffer out = CharBuffer.allocate(bytes.length);
    while (true) {
      CoderResult result = decoder.decode(in, out, true);
      if (!result.isError()) {
        return out.flip().toString();
      }
      for (int i = 0; i < result.length(); i++) {
        out.put((char) (ESCAPE_BASE + Byte.toUnsignedInt(in.get())));
      }
      decoder.reset();
    }
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  /** The bytes themselves: not to be changed. */
  byte[] raw() {
    return bytes;
  }

  @Override
  public int compareTo(FileName other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FileName name && Arrays.equals(bytes, name.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return decode(bytes);
  }
}
