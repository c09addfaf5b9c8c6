package io.bezoar.fs;

import java.nio.file.FileSystemException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The whole name of an extended attribute, as in {@code user.colour}: 1 to 255 bytes, any but NUL,
 * as Linux has it; a slash is nothing special in it. Names stand in the order of their bytes,
 * unsigned. As text they are as those of files are, see {@link FileName}.
 */
public final class AttributeName implements Comparable<AttributeName> {
  /** Longest name, bytes. */
  public static final int BYTES_MAX = 255;

  private final byte[] bytes;

  private AttributeName(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * The name of this text.
   *
   * @throws FileSystemException when it is empty, too long, holds NUL, or is no Unicode
   */
  public static AttributeName of(String text) throws FileSystemException {
    byte[] bytes = FileName.encode(text);
    String problem = problem(bytes);
    if (problem != null) {
      throw new FileSystemException(text, null, problem);
    }
    return new AttributeName(bytes);
  }

  /** A name that stands in a tree, where only names are. */
  static AttributeName stored(byte[] bytes) {
    return new AttributeName(bytes);
  }

  private static @Nullable String problem(byte[] bytes) {
    if (bytes.length == 0) {
      return "the name of an attribute has at least one byte";
    }
    if (bytes.length > BYTES_MAX) {
      return "the name of the attribute is too long: %d bytes, and %d at most"
          .formatted(bytes.length, BYTES_MAX);
    }
    for (byte b : bytes) {
      if (b == 0) {
        return "the name of an attribute has no NUL in it";
      }
    }
    return null;
  }

  /** The bytes themselves: not to be changed. */
  byte[] raw() {
    return bytes;
  }

  @Override
  public int compareTo(AttributeName other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AttributeName name && Arrays.equals(bytes, name.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return FileName.decode(bytes);
  }
}
