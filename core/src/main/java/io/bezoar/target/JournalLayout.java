package io.bezoar.target;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The two journals on media, little-endian. Page 0 of each is its head, with two slots, 2048 bytes
 * apart, written in turn:
 *
 * <pre>
 *  0  magic "BZRJHED1"   8
 *  8  child offset of the head page   8
 * 16  format id, random at format   8
 * 24  generation, decides the slot   8
 * 32  sequence number of the first record that counts   8
 * 40  CRC32C of the slot with this field zero   4
 * 44  zero   20
 * </pre>
 *
 * Records follow, each starting on a page, from page 1 on, without gaps:
 *
 * <pre>
 *  0  magic "BZRJREC1"   8
 *  8  format id   8
 * 16  sequence number, one more than the record before   8
 * 24  first volume page (STORE) or row (MARK_LOST)   8
 * 32  count   4
 * 36  kind   4
 * 40  CRC32C of header and entries with this field zero   4
 * 44  zero   20
 * 64  entries: {checksum of the data page, or lost column | checksum of the parity page}   count x 8
 * </pre>
 *
 * then the images, each on a page of its own: in journal A the data pages, in journal B the parity
 * pages, followed by the data pages.
 */
final class JournalLayout {
  static final int HEADER_BYTES = 64;
  static final int ENTRY_BYTES = 8;
  static final int MAX_COUNT = 256;

  /** Distance of the two head slots. */
  static final int SLOT_STRIDE = 2048;

  private static final long HEAD_MAGIC = 0x31444548_4a525a42L;
  private static final long RECORD_MAGIC = 0x31434552_4a525a42L;
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private JournalLayout() {}

  /** What a record does. */
  enum Kind {
    /** Stores a run of data pages, and the parity pages of their rows. */
    STORE(1),
    /** Marks pages of one row lost, and stores the row's parity without them. */
    MARK_LOST(2);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  /**
   * Contents of a head slot.
   *
   * @param formatId ties records to the format that wrote them
   * @param generation counts head writes
   * @param firstSequence number of the first record that counts
   */
  record Head(long formatId, long generation, long firstSequence) {}

  /**
   * Header of a record.
   *
   * @param sequence position in the order of records
   * @param kind what it does
   * @param first first volume page (STORE) or row (MARK_LOST)
   * @param dataSums checksums of the data pages (STORE) or lost columns (MARK_LOST)
   * @param paritySums checksums of the parity pages; for MARK_LOST the first one counts
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared, never handed on to be changed.
  record Header(long sequence, Kind kind, long first, int[] dataSums, int[] paritySums) {

    int count() {
      return dataSums.length;
    }

    /** Data images in journal A. */
    int dataImages() {
      return kind == Kind.STORE ? count() : 0;
    }

    /** Parity images in journal B. */
    int parityImages() {
      return kind == Kind.STORE ? count() : 1;
    }

    /** Pages that the record fills in journal A, its header page included. */
    int pagesInA() {
      return 1 + dataImages();
    }

    /** Pages that the record fills in journal B, its header page included. */
    int pagesInB() {
      return 1 + parityImages() + dataImages();
    }

    int headerBytes() {
      return HEADER_BYTES + ENTRY_BYTES * count();
    }
  }

  static void encodeHead(MemorySegment slot, long address, Head head) {
    slot.fill((byte) 0);
    slot.set(LONG, 0, HEAD_MAGIC);
    slot.set(LONG, 8, address);
    slot.set(LONG, 16, head.formatId());
    slot.set(LONG, 24, head.generation());
    slot.set(LONG, 32, head.firstSequence());
    slot.set(INT, 40, crc(slot, HEADER_BYTES));
  }

  static @Nullable Head decodeHead(MemorySegment slot, long address) {
    if (slot.get(LONG, 0) != HEAD_MAGIC
        || slot.get(LONG, 8) != address
        || !checks(slot, 40, HEADER_BYTES)) {
      return null;
    }
    return new Head(slot.get(LONG, 16), slot.get(LONG, 24), slot.get(LONG, 32));
  }

  static void encodeRecord(MemorySegment page, long formatId, Header header) {
    MemorySegment used = page.asSlice(0, header.headerBytes());
    used.fill((byte) 0);
    used.set(LONG, 0, RECORD_MAGIC);
    used.set(LONG, 8, formatId);
    used.set(LONG, 16, header.sequence());
    used.set(LONG, 24, header.first());
    used.set(INT, 32, header.count());
    used.set(INT, 36, header.kind().code);
    for (int i = 0; i < header.count(); i++) {
      used.set(INT, HEADER_BYTES + 8L * i, header.dataSums()[i]);
      used.set(INT, HEADER_BYTES + 8L * i + 4, header.paritySums()[i]);
    }
    used.set(INT, 40, crc(used, header.headerBytes()));
  }

  /** The record that starts in this page, or null when it is not record {@code sequence}. */
  static @Nullable Header decodeRecord(MemorySegment page, long formatId, long sequence) {
    if (page.get(LONG, 0) != RECORD_MAGIC
        || page.get(LONG, 8) != formatId
        || page.get(LONG, 16) != sequence) {
      return null;
    }
    int count = page.get(INT, 32);
    if (count < 1
        || count > MAX_COUNT
        || page.byteSize() < Units.PAGE_BYTES
        || !checks(page, 40, HEADER_BYTES + ENTRY_BYTES * count)) {
      return null;
    }
    int code = page.get(INT, 36);
    Kind kind = code == Kind.STORE.code ? Kind.STORE : Kind.MARK_LOST;
    int[] dataSums = new int[count];
    int[] paritySums = new int[count];
    for (int i = 0; i < count; i++) {
      dataSums[i] = page.get(INT, HEADER_BYTES + 8L * i);
      paritySums[i] = page.get(INT, HEADER_BYTES + 8L * i + 4);
    }
    return new Header(sequence, kind, page.get(LONG, 24), dataSums, paritySums);
  }

  private static boolean checks(MemorySegment bytes, long checkAt, int length) {
    int check = bytes.get(INT, checkAt);
    bytes.set(INT, checkAt, 0);
    int actual = crc(bytes, length);
    bytes.set(INT, checkAt, check);
    return check == actual;
  }

  private static int crc(MemorySegment bytes, int length) {
    CRC32C crc = new CRC32C();
    ByteBuffer view = bytes.asByteBuffer();
    crc.update(view.limit(length));
    return (int) crc.getValue();
  }
}
