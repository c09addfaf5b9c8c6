package io.bezoar.fs;

import static io.bezoar.media.Units.LINE_BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.zip.CRC32C;

/**
 * One record of the intent log on media: whole lines, little-endian.
 *
 * <pre>
 *   0  8    magic "BZRINTL1"
 *   8  u32  CRC32C of the record without these four bytes
 *  12  u16  version, 1
 *  14  u16  mask of the data
 *  16  u64  own address
 *  24  u64  id of the filesystem
 *  32  u64  epoch: sequence of the first record of this lap
 *  40  u64  sequence
 *  48  u64  sequence up to which the log was durable when this was written
 *  56  u64  greatest "included in" of this lap up to this record
 *  64  u32  length of the data
 *  68  u32  CRC32C of the record before; 0 in the first of a lap
 *  72  u64  commit that includes it
 *  80  u64  commit that it stands on
 *  88  u64  inode
 *  96  u64  generation of the inode
 * 104  u64  offset in the file
 * 112  u64  size of the file afterwards
 * 120  i64  modification time, nanoseconds since 1970
 * 128       data, zeroes up to the end of the line
 * </pre>
 *
 * <p>A line begins with the magic if and only if a record begins there: whatever a program writes
 * into a file, nothing within the data can be taken for a record when the one around it is torn.
 * For that the first two bytes of every line of data are XORed with the mask. With at most 1,024
 * lines one of the first 1,025 masks always does; nearly always it is 0. (The second line of the
 * header begins with a small number.)
 */
final class IntentLayout {
  static final int HEADER_BYTES = 128;
  static final int DATA_BYTES_MAX = 64 << 10;
  static final int RECORD_BYTES_MAX = HEADER_BYTES + DATA_BYTES_MAX;

  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** "BZRINTL1" as it lies in memory. */
  private static final long MAGIC = 0x314c_544e_4952_5a42L;

  private static final int VERSION = 1;
  private static final long CRC = 8;
  private static final long CHECKED = 12;
  private static final long VERSION_AT = 12;
  private static final long MASK = 14;
  private static final long ADDRESS = 16;
  private static final long ID = 24;
  private static final long EPOCH = 32;
  private static final long SEQUENCE = 40;
  private static final long PERSISTED = 48;
  private static final long COVERS = 56;
  private static final long LENGTH = 64;
  private static final long FOLLOWS = 68;
  private static final long INCLUDED_IN = 72;
  private static final long BASE = 80;
  private static final long INODE = 88;
  private static final long INODE_GENERATION = 96;
  private static final long OFFSET = 104;
  private static final long SIZE_AFTER = 112;
  private static final long MODIFIED = 120;

  /**
   * The place of a record in the log.
   *
   * @param epoch sequence of the first record of its lap
   * @param persisted up to which sequence the log was durable when this was written
   * @param covers greatest "included in" of the lap up to this record
   * @param follows checksum of the record before; 0 in the first of a lap
   */
  record Frame(long epoch, long sequence, long persisted, long covers, int follows) {}

  /** What stands at a place. */
  sealed interface Found {}

  /**
   * A record.
   *
   * @param bytes how many it takes
   */
  record Valid(Frame frame, IntentRecord record, int crc, int bytes) implements Found {}

  /** A record of a later version. */
  record Newer(int version) implements Found {}

  /** No record, or not all of one, or one of another place or filesystem. */
  record Nothing() implements Found {}

  private static final Nothing NOTHING = new Nothing();

  private IntentLayout() {}

  /** Bytes that a record with so much data takes. */
  static int bytes(long dataBytes) {
    return Math.toIntExact(HEADER_BYTES + Math.ceilDiv(dataBytes, LINE_BYTES) * LINE_BYTES);
  }

  /**
   * Writes a record into {@code dst}, which is exactly as long as it is.
   *
   * @return its checksum
   */
  static int encode(MemorySegment dst, long id, long address, Frame frame, IntentRecord record) {
    MemorySegment data = record.data();
    dst.set(I64, 0, MAGIC);
    dst.set(I16, VERSION_AT, (short) VERSION);
    dst.set(I64, ADDRESS, address);
    dst.set(I64, ID, id);
    dst.set(I64, EPOCH, frame.epoch());
    dst.set(I64, SEQUENCE, frame.sequence());
    dst.set(I64, PERSISTED, frame.persisted());
    dst.set(I64, COVERS, frame.covers());
    dst.set(I32, LENGTH, (int) data.byteSize());
    dst.set(I32, FOLLOWS, frame.follows());
    dst.set(I64, INCLUDED_IN, record.includedIn());
    dst.set(I64, BASE, record.base());
    dst.set(I64, INODE, record.inode());
    dst.set(I64, INODE_GENERATION, record.inodeGeneration());
    dst.set(I64, OFFSET, record.offset());
    dst.set(I64, SIZE_AFTER, record.sizeAfter());
    dst.set(I64, MODIFIED, record.modifiedNanos());
    MemorySegment lines = dst.asSlice(HEADER_BYTES);
    MemorySegment.copy(data, 0, lines, 0, data.byteSize());
    lines.asSlice(data.byteSize()).fill((byte) 0);
    int mask = maskFor(lines);
    dst.set(I16, MASK, (short) mask);
    applyMask(lines, mask);
    int crc = crc(dst);
    dst.set(I32, CRC, crc);
    return crc;
  }

  /** True when a record begins here, if perhaps not a whole one. */
  static boolean beginsRecord(MemorySegment line) {
    return line.get(I64, 0) == MAGIC;
  }

  /**
   * True when this line looks like the first one of a certain record, of which the rest cannot be
   * read.
   *
   * @param epoch the lap; 0 for any
   * @param sequence its number, if the lap is given
   */
  static boolean looksLike(MemorySegment line, long id, long address, long epoch, long sequence) {
    return beginsRecord(line)
        && line.get(I64, ADDRESS) == address
        && line.get(I64, ID) == id
        && (epoch == 0 || (line.get(I64, EPOCH) == epoch && line.get(I64, SEQUENCE) == sequence));
  }

  /**
   * What begins with the first byte of {@code src}.
   *
   * @param src native memory, a line at least, up to where the log's region ends
   * @param address of that byte
   */
  static Found decode(MemorySegment src, long id, long address) {
    if (src.byteSize() < HEADER_BYTES || !looksLike(src, id, address, 0, 0)) {
      return NOTHING;
    }
    long length = Integer.toUnsignedLong(src.get(I32, LENGTH));
    if (length > DATA_BYTES_MAX || bytes(length) > src.byteSize()) {
      return NOTHING;
    }
    MemorySegment whole = src.asSlice(0, bytes(length));
    int crc = crc(whole);
    if (whole.get(I32, CRC) != crc) {
      return NOTHING;
    }
    int version = Short.toUnsignedInt(whole.get(I16, VERSION_AT));
    if (version > VERSION) {
      return new Newer(version);
    }
    Frame frame =
        new Frame(
            whole.get(I64, EPOCH),
            whole.get(I64, SEQUENCE),
            whole.get(I64, PERSISTED),
            whole.get(I64, COVERS),
            whole.get(I32, FOLLOWS));
    if (version != VERSION
        || frame.epoch() <= 0
        || frame.sequence() < frame.epoch()
        || frame.sequence() == Long.MAX_VALUE
        || frame.persisted() < 0
        || frame.persisted() >= frame.sequence()) {
      return NOTHING;
    }
    try {
      return new Valid(frame, record(whole, length), crc, bytes(length));
    } catch (IllegalArgumentException unsound) {
      return NOTHING;
    }
  }

  private static IntentRecord record(MemorySegment whole, long length) {
    MemorySegment lines = whole.asSlice(HEADER_BYTES);
    int mask = Short.toUnsignedInt(whole.get(I16, MASK));
    if (mask != 0) {
      lines = Arena.ofAuto().allocate(lines.byteSize()).copyFrom(lines);
      applyMask(lines, mask);
    }
    return new IntentRecord(
        whole.get(I64, INCLUDED_IN),
        whole.get(I64, BASE),
        whole.get(I64, INODE),
        whole.get(I64, INODE_GENERATION),
        whole.get(I64, OFFSET),
        whole.get(I64, SIZE_AFTER),
        whole.get(I64, MODIFIED),
        lines.asSlice(0, length).asReadOnly());
  }

  /** The least mask under which no line begins with the magic. */
  private static int maskFor(MemorySegment lines) {
    BitSet unfit = new BitSet();
    for (long at = 0; at < lines.byteSize(); at += LINE_BYTES) {
      long differs = lines.get(I64, at) ^ MAGIC;
      if (differs >>> Short.SIZE << Short.SIZE == 0) {
        unfit.set((int) differs);
      }
    }
    return unfit.nextClearBit(0);
  }

  private static void applyMask(MemorySegment lines, int mask) {
    if (mask != 0) {
      for (long at = 0; at < lines.byteSize(); at += LINE_BYTES) {
        lines.set(I16, at, (short) (lines.get(I16, at) ^ mask));
      }
    }
  }

  private static int crc(MemorySegment record) {
    CRC32C crc = new CRC32C();
    crc.update(record.asSlice(0, CRC).asByteBuffer());
    crc.update(record.asSlice(CHECKED).asByteBuffer());
    return (int) crc.getValue();
  }
}
