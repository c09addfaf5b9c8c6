package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The bytes of a sidecar: header, checksum table, parity, the same table again, the same header
 * again; behind them, while a repair is under way, a note of it. All offsets are here.
 *
 * <p>Everything is little-endian and checks itself: magic number, own address, the id of the
 * sidecar, CRC32C. What matters stands twice, at both ends, with all of the parity between (at
 * least a page), and is checked and taken block by block. {@code docs/format.md} has the tables.
 *
 * @param geometry of the protected file
 */
record SidecarLayout(SidecarGeometry geometry) {
  static final int VERSION = 1;
  static final int HEADER_BYTES = 128;
  static final int BLOCK_HEAD_BYTES = 32;

  /** Checksums in a full block of the table, which is a page. */
  static final int BLOCK_ENTRIES = (PAGE_BYTES - BLOCK_HEAD_BYTES) / Integer.BYTES;

  /**
   * From so many pages on parity begins on a page, so that a bad page costs one of it and not two.
   */
  private static final long ALIGNED_FROM_PAGES = 2048;

  private static final ValueLayout.OfLong U64 =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long MAGIC = 0x3152_4143_4544_4953L; // SIDECAR1
  private static final long H_VERSION = 8;
  private static final long H_CHECKSUM = 12;
  private static final long H_ADDRESS = 16;
  private static final long H_ID = 24;
  private static final long H_FILE_BYTES = 40;
  private static final long H_MODIFIED = 48;
  private static final long H_CREATED = 56;
  private static final long H_ROWS = 64;
  private static final long H_PARITY = 72;
  private static final long H_ASKED_PARITY = 74;
  private static final long H_ASKED_COLUMNS = 76;
  private static final long H_UNUSED = 78;

  private static final int BLOCK_MAGIC = 0x5342_5a42; // BZBS
  private static final long B_CHECKSUM = 4;
  private static final long B_ADDRESS = 8;
  private static final long B_INDEX = 16;
  private static final long B_COUNT = 24;
  private static final long B_UNUSED = 28;

  private static final long NOTE_MAGIC = 0x3152_4941_5045_5242L; // BREPAIR1
  private static final long N_CHECKSUM = 12;
  private static final long N_ADDRESS = 16;
  private static final long N_WRITTEN = 24;
  private static final long N_COUNT = 32;
  private static final long N_UNUSED = 36;
  private static final int NOTE_HEAD_BYTES = 40;
  private static final int NOTE_RANGE_BYTES = 16;

  /** Which of the two copies of what stands twice. */
  enum Copy {
    HEAD,
    TAIL
  }

  /**
   * A repair of the file that was begun, and perhaps not ended.
   *
   * @param writtenMillis when the note was written
   * @param pages bytes of the file that may be half written, in whole pages
   */
  record RepairNote(long writtenMillis, ByteRanges pages) {}

  /** Entries of the table: first one for each page of the file, then one for each parity page. */
  long entries() {
    return geometry.pages() + geometry.parityPages();
  }

  long blocks() {
    return Math.ceilDiv(entries(), BLOCK_ENTRIES);
  }

  /** Entries in this block. */
  int entriesOf(long block) {
    return (int) Math.min(BLOCK_ENTRIES, entries() - block * BLOCK_ENTRIES);
  }

  private long tableBytes() {
    return blocks() * BLOCK_HEAD_BYTES + entries() * Integer.BYTES;
  }

  /** Where parity page {@code parityColumn} of {@code row} is: columns are contiguous here too. */
  long parityOffset(int parityColumn, long row) {
    return parityOffset() + (parityColumn * geometry.rows() + row) * PAGE_BYTES;
  }

  long parityOffset() {
    long end = HEADER_BYTES + tableBytes();
    return geometry.pages() < ALIGNED_FROM_PAGES ? end : Math.ceilDiv(end, PAGE_BYTES) * PAGE_BYTES;
  }

  /** Zeroes between the table and parity; most often none. */
  ByteRange padding() {
    return new ByteRange(HEADER_BYTES + tableBytes(), parityOffset());
  }

  long parityEntry(int parityColumn, long row) {
    return geometry.pages() + parityColumn * geometry.rows() + row;
  }

  long tableOffset(Copy copy) {
    return switch (copy) {
      case HEAD -> HEADER_BYTES;
      case TAIL -> parityOffset() + geometry.parityPages() * PAGE_BYTES;
    };
  }

  ByteRange blockRange(Copy copy, long block) {
    return ByteRange.ofLength(
        tableOffset(copy) + block * PAGE_BYTES,
        BLOCK_HEAD_BYTES + (long) entriesOf(block) * Integer.BYTES);
  }

  long headerOffset(Copy copy) {
    return switch (copy) {
      case HEAD -> 0;
      case TAIL -> tableOffset(Copy.TAIL) + tableBytes();
    };
  }

  /** Size of the sidecar; a note of a repair comes behind it. */
  long sizeBytes() {
    return headerOffset(Copy.TAIL) + HEADER_BYTES;
  }

  /** Writes a header as it stands at {@code address}. */
  static void encodeHeader(MemorySegment out, long address, SidecarHeader header) {
    out.asSlice(0, HEADER_BYTES).fill((byte) 0);
    out.set(U64, 0, MAGIC);
    out.set(U32, H_VERSION, VERSION);
    out.set(U64, H_ADDRESS, address);
    out.set(U64, H_ID, header.id().getMostSignificantBits());
    out.set(U64, H_ID + 8, header.id().getLeastSignificantBits());
    out.set(U64, H_FILE_BYTES, header.geometry().fileSizeBytes());
    out.set(U64, H_MODIFIED, header.modifiedNanos());
    out.set(U64, H_CREATED, header.createdMillis());
    out.set(U64, H_ROWS, header.geometry().rows());
    out.set(U16, H_PARITY, (short) header.geometry().parityColumns());
    out.set(U16, H_ASKED_PARITY, (short) header.asked().parityColumns());
    out.set(U16, H_ASKED_COLUMNS, (short) header.asked().columns());
    out.set(U32, H_CHECKSUM, checksum(out, HEADER_BYTES, H_CHECKSUM));
  }

  /** The header at {@code address}, when these bytes are one of this version. */
  static Optional<SidecarHeader> decodeHeader(MemorySegment in, long address) {
    if (!isHeader(in, address) || in.get(U32, H_VERSION) != VERSION) {
      return Optional.empty();
    }
    long fileSizeBytes = in.get(U64, H_FILE_BYTES);
    long rows = in.get(U64, H_ROWS);
    int parity = Short.toUnsignedInt(in.get(U16, H_PARITY));
    int askedParity = Short.toUnsignedInt(in.get(U16, H_ASKED_PARITY));
    int askedColumns = Short.toUnsignedInt(in.get(U16, H_ASKED_COLUMNS));
    boolean makesSense =
        SidecarGeometry.isPossible(fileSizeBytes, rows, parity)
            && Redundancy.isPossible(askedParity, askedColumns)
            && isZero(in, H_UNUSED, HEADER_BYTES);
    if (!makesSense) {
      return Optional.empty();
    }
    return Optional.of(
        new SidecarHeader(
            new UUID(in.get(U64, H_ID), in.get(U64, H_ID + 8)),
            in.get(U64, H_CREATED),
            in.get(U64, H_MODIFIED),
            new Redundancy(askedParity, askedColumns),
            new SidecarGeometry(fileSizeBytes, rows, parity)));
  }

  /** True for a header of a version that this program does not know. */
  static boolean isNewer(MemorySegment in, long address) {
    return isHeader(in, address) && Integer.compareUnsigned(in.get(U32, H_VERSION), VERSION) > 0;
  }

  /** True when these bytes begin like a header, whatever became of the rest. */
  static boolean hasMagic(MemorySegment in) {
    return in.get(U64, 0) == MAGIC;
  }

  private static boolean isHeader(MemorySegment in, long address) {
    return hasMagic(in)
        && in.get(U64, H_ADDRESS) == address
        && in.get(U32, H_CHECKSUM) == checksum(in, HEADER_BYTES, H_CHECKSUM);
  }

  static boolean isZero(MemorySegment in, long from, long to) {
    for (long at = from; at < to; at++) {
      if (in.get(ValueLayout.JAVA_BYTE, at) != 0) {
        return false;
      }
    }
    return true;
  }

  /** Writes a block of the table; its entries stand at their places already. */
  void sealBlock(MemorySegment block, Copy copy, long index, UUID id) {
    block.set(U32, 0, BLOCK_MAGIC);
    block.set(U64, B_ADDRESS, blockRange(copy, index).start());
    block.set(U64, B_INDEX, index);
    block.set(U32, B_COUNT, entriesOf(index));
    block.set(U32, B_UNUSED, 0);
    block.set(U32, B_CHECKSUM, saltedChecksum(block, blockRange(copy, index).length(), 4, id));
  }

  /** Whether these bytes are block {@code index} of this sidecar, whole and at its place. */
  boolean isBlock(MemorySegment block, Copy copy, long index, UUID id) {
    return block.get(U32, 0) == BLOCK_MAGIC
        && block.get(U64, B_ADDRESS) == blockRange(copy, index).start()
        && block.get(U64, B_INDEX) == index
        && block.get(U32, B_COUNT) == entriesOf(index)
        && block.get(U32, B_UNUSED) == 0
        && block.get(U32, B_CHECKSUM)
            == saltedChecksum(block, blockRange(copy, index).length(), B_CHECKSUM, id);
  }

  static int entry(MemorySegment block, int index) {
    return block.get(U32, BLOCK_HEAD_BYTES + (long) index * Integer.BYTES);
  }

  static void setEntry(MemorySegment block, int index, int crc) {
    block.set(U32, BLOCK_HEAD_BYTES + (long) index * Integer.BYTES, crc);
  }

  static long noteBytes(RepairNote note) {
    return NOTE_HEAD_BYTES + (long) note.pages().count() * NOTE_RANGE_BYTES;
  }

  /** Writes a note as it stands behind the sidecar. */
  void encodeNote(MemorySegment out, RepairNote note, UUID id) {
    out.set(U64, 0, NOTE_MAGIC);
    out.set(U32, H_VERSION, VERSION);
    out.set(U64, N_ADDRESS, sizeBytes());
    out.set(U64, N_WRITTEN, note.writtenMillis());
    out.set(U32, N_COUNT, note.pages().count());
    out.set(U32, N_UNUSED, 0);
    long at = NOTE_HEAD_BYTES;
    for (ByteRange range : note.pages().asList()) {
      out.set(U64, at, range.start());
      out.set(U64, at + 8, range.end());
      at += NOTE_RANGE_BYTES;
    }
    out.set(U32, N_CHECKSUM, saltedChecksum(out, noteBytes(note), N_CHECKSUM, id));
  }

  /** The note in what stands behind the sidecar; empty when there is none, or not a whole one. */
  Optional<RepairNote> decodeNote(MemorySegment in, UUID id) {
    if (in.byteSize() < NOTE_HEAD_BYTES || in.get(U64, 0) != NOTE_MAGIC) {
      return Optional.empty();
    }
    int count = in.get(U32, N_COUNT);
    long bytes = NOTE_HEAD_BYTES + (long) count * NOTE_RANGE_BYTES;
    if (count < 0
        || bytes > in.byteSize()
        || in.get(U32, H_VERSION) != VERSION
        || in.get(U64, N_ADDRESS) != sizeBytes()
        || in.get(U32, N_CHECKSUM) != saltedChecksum(in, bytes, N_CHECKSUM, id)) {
      return Optional.empty();
    }
    List<ByteRange> ranges = new ArrayList<>(count);
    for (long at = NOTE_HEAD_BYTES; at < bytes; at += NOTE_RANGE_BYTES) {
      long start = in.get(U64, at);
      long end = in.get(U64, at + 8);
      if (start < 0 || end < start) {
        return Optional.empty();
      }
      ranges.add(new ByteRange(start, end));
    }
    return Optional.of(new RepairNote(in.get(U64, N_WRITTEN), ByteRanges.of(ranges)));
  }

  /** CRC32C of the bytes, with those of the checksum itself left out. */
  private static int checksum(MemorySegment bytes, long length, long checksumAt) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.asSlice(0, checksumAt).asByteBuffer());
    long rest = checksumAt + Integer.BYTES;
    crc.update(bytes.asSlice(rest, length - rest).asByteBuffer());
    return (int) crc.getValue();
  }

  /** As {@link #checksum}, followed by the sidecar's id, which stands in no field. */
  private static int saltedChecksum(MemorySegment bytes, long length, long checksumAt, UUID id) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.asSlice(0, checksumAt).asByteBuffer());
    long rest = checksumAt + Integer.BYTES;
    crc.update(bytes.asSlice(rest, length - rest).asByteBuffer());
    byte[] salt = new byte[16];
    MemorySegment.ofArray(salt).set(U64, 0, id.getMostSignificantBits());
    MemorySegment.ofArray(salt).set(U64, 8, id.getLeastSignificantBits());
    crc.update(salt);
    return (int) crc.getValue();
  }
}
