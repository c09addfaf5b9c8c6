package io.bezoar.fs;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Entries of the tree {@code meta}, and those of {@code orphans}.
 *
 * <p>{@code "filesystem"} to {magic u32, version u16, least version that can open it u16, id u64,
 * start and length of the intent log u64, created i64}; {@code "inode numbers"} to {the least that
 * was never used u64}; {@code "snapshot:" name} to {created i64}; {@code "log replayed"} to {when
 * synced writes were done again last i64}.
 *
 * <p>Orphans: inode (u64, big-endian) to {what u8}: 1, it has no name and goes; 2, what it has
 * behind its size goes.
 */
final class MetaLayout {
  static final byte[] FILESYSTEM = "filesystem".getBytes(US_ASCII);
  static final byte[] NUMBERS = "inode numbers".getBytes(US_ASCII);
  static final byte[] REPLAYED = "log replayed".getBytes(US_ASCII);
  static final int VERSION = 1;

  private static final byte[] SNAPSHOT = "snapshot:".getBytes(US_ASCII);
  private static final int MAGIC = 0x73664262;
  private static final int BYTES = 40;

  /** What a filesystem says about itself. */
  record Superblock(int version, int leastVersion, long id, ByteRange log, long created) {}

  /** Why a file is to be taken apart. */
  enum Orphan {
    /** It has no name any more. */
    GONE(1),
    /** It was cut, and has pages behind its end. */
    CUT(2);

    private final int code;

    Orphan(int code) {
      this.code = code;
    }
  }

  private MetaLayout() {}

  static byte[] encode(Superblock superblock) {
    return ByteBuffer.allocate(BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(MAGIC)
        .putShort((short) superblock.version())
        .putShort((short) superblock.leastVersion())
        .putLong(superblock.id())
        .putLong(superblock.log().start())
        .putLong(superblock.log().length())
        .putLong(superblock.created())
        .array();
  }

  /** What an entry says; null when it is of no filesystem. */
  static @Nullable Superblock decode(byte[] value) {
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    if (value.length < BYTES || in.getInt() != MAGIC) {
      return null;
    }
    int version = Short.toUnsignedInt(in.getShort());
    int least = Short.toUnsignedInt(in.getShort());
    long id = in.getLong();
    long start = in.getLong();
    long length = in.getLong();
    if (start < 0
        || length < 0
        || start % Units.PAGE_BYTES != 0
        || length % Units.PAGE_BYTES != 0
        || start + length < 0) {
      return null;
    }
    return new Superblock(version, least, id, ByteRange.ofLength(start, length), in.getLong());
  }

  static byte[] snapshotKey(byte[] name) {
    byte[] key = Arrays.copyOf(SNAPSHOT, SNAPSHOT.length + name.length);
    System.arraycopy(name, 0, key, SNAPSHOT.length, name.length);
    return key;
  }

  static byte[] number(long number) {
    return ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array();
  }

  /**
   * The number of an entry that is one.
   *
   * @throws IllegalArgumentException when it is none
   */
  static long number(byte[] value) {
    if (value.length != Long.BYTES) {
      throw new IllegalArgumentException("not a number: " + Arrays.toString(value));
    }
    return ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  static byte[] orphan(Orphan what) {
    return new byte[] {(byte) what.code};
  }

  /**
   * Why an entry is there.
   *
   * @throws IllegalArgumentException when it does not say
   */
  static Orphan orphan(byte[] value) {
    for (Orphan orphan : Orphan.values()) {
      if (value.length == 1 && value[0] == orphan.code) {
        return orphan;
      }
    }
    throw new IllegalArgumentException("not an orphan: " + Arrays.toString(value));
  }
}
