package io.bezoar.pool;

import io.bezoar.health.ScrubRecord;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One copy of the label on media: one page, little-endian.
 *
 * <pre>
 *    0  8 bytes  magic "BEZOARPL"
 *    8  u32      version
 *   12  u32      CRC32C of the page with these four bytes zero
 *   16  u64      own address: offset of this copy on the device
 *   24  u64      generation
 *   32  16 bytes uuid, most significant half first
 *   48  u64      size of the device
 *   56  u8       content, u8 shutdown, u8 drill, u8 zero
 *   60  u16      data columns, u16 parity columns
 *   64  i64      created, milliseconds since 1970
 *   72  u64      event sequence
 *   80  4 x (u64 start, u64 length): first list, events, payload, second list
 *  144  u64      scrub: next row
 *  152  i64      scrub: last finished, milliseconds since 1970, or -1
 *  160  5 x u64  scrub: totals of the open one
 *  200  5 x u64  scrub: totals of the last finished one
 *  240  3 x u64  geometry: rows, checksum pages, journal pages; zeroes for a bare volume
 *  264  64 bytes what this is, in words, for people who look with a hex editor
 *  from version 2 on:
 *  328  u32      number of the device that this label stands on
 *  332  u32      length of the config
 *  336           the config ({@link ConfigLayout}), zeroes behind it
 * </pre>
 *
 * <p>In version 1 a pool was one device; its config is {@link PoolConfig#version1}. A label that
 * says no more than that is still written as version 1, so that opening an old pool locks no older
 * program out.
 *
 * <p>Magic, version and checksum keep their places in every version to come, so that a newer pool
 * is told from a damaged one.
 */
final class LabelLayout {
  static final int VERSION = 2;

  private static final int VERSION_OF_ONE_DEVICE = 1;

  private static final int PAGE = Units.PAGE_BYTES;
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

  private static final byte[] MAGIC = "BEZOARPL".getBytes(StandardCharsets.US_ASCII);

  /** How much of a page tells whether it ever was a label. */
  static final int MAGIC_BYTES = 8;

  private static final long VERSION_AT = 8;
  private static final long CRC = 12;
  private static final long OWN_ADDRESS = 16;
  private static final long GENERATION = 24;
  private static final long UUID_HIGH = 32;
  private static final long UUID_LOW = 40;
  private static final long SIZE = 48;
  private static final long CONTENT = 56;
  private static final long SHUTDOWN = 57;
  private static final long DRILL = 58;
  private static final long DATA_COLUMNS = 60;
  private static final long PARITY_COLUMNS = 62;
  private static final long CREATED = 64;
  private static final long EVENT_SEQUENCE = 72;
  private static final long RANGES = 80;
  private static final long SCRUB_NEXT_ROW = 144;
  private static final long SCRUB_FINISHED = 152;
  private static final long SCRUB_OPEN_TOTALS = 160;
  private static final long SCRUB_FINISHED_TOTALS = 200;
  private static final long GEOMETRY = 240;
  private static final long WORDS = 264;
  private static final int WORDS_BYTES = 64;
  private static final long DEVICE_NUMBER = 328;
  private static final long CONFIG_LENGTH = 332;
  private static final long TAKEN_BY = 336;
  private static final long CONFIG = 344;

  /** No config in a label is longer. */
  static final int MAX_CONFIG_BYTES = PAGE - (int) CONFIG;

  /** What one copy turned out to be. */
  sealed interface Copy {
    /** A label that says what it said when it was written. */
    record Valid(PoolLabel label) implements Copy {}

    /** Nothing that was ever a label. */
    record Foreign() implements Copy {}

    /** A label once, or bytes that cannot be read. */
    record Damaged(String why) implements Copy {}

    /** The label of a later version. */
    record Newer(int version) implements Copy {}
  }

  private LabelLayout() {}

  /**
   * Asks whether a label can hold {@code config}.
   *
   * @param name of the pool or device, for the message
   * @throws MediaOpenException BAD_GEOMETRY when it cannot
   */
  static void requireRoom(String name, PoolConfig config) throws MediaOpenException {
    int excessBytes = ConfigLayout.encode(config).length - MAX_CONFIG_BYTES;
    if (excessBytes > 0) {
      throw new MediaOpenException(
          name,
          MediaOpenException.Reason.BAD_GEOMETRY,
          "the list of its %d devices is %d bytes too long for a label of one page:"
                  .formatted(config.devices().size(), excessBytes)
              + " use shorter or relative paths, or fewer devices");
    }
  }

  /**
   * Writes the copy that stands at {@code ownAddress} into {@code page}.
   *
   * @throws IllegalArgumentException when there is no room; see {@link #requireRoom}
   */
  static void encode(PoolLabel label, long ownAddress, MemorySegment page) {
    byte[] config = ConfigLayout.encode(label.config());
    if (config.length > MAX_CONFIG_BYTES) {
      throw new IllegalArgumentException("a config of " + config.length + " bytes");
    }
    page.fill((byte) 0);
    MemorySegment.copy(MAGIC, 0, page, I8, 0, MAGIC.length);
    boolean one = isOfOneDevice(label);
    page.set(I32, VERSION_AT, one ? VERSION_OF_ONE_DEVICE : VERSION);
    page.set(I64, OWN_ADDRESS, ownAddress);
    page.set(I64, GENERATION, label.generation());
    page.set(I64, UUID_HIGH, label.uuid().getMostSignificantBits());
    page.set(I64, UUID_LOW, label.uuid().getLeastSignificantBits());
    PoolLayout layout = label.layout();
    page.set(I64, SIZE, layout.sizeBytes());
    page.set(I8, CONTENT, (byte) label.content().code());
    page.set(I8, SHUTDOWN, (byte) label.shutdown().code());
    page.set(I8, DRILL, (byte) label.drill().code());
    page.set(I16, DATA_COLUMNS, (short) label.redundancy().dataColumns());
    page.set(I16, PARITY_COLUMNS, (short) label.redundancy().parityColumns());
    page.set(I64, CREATED, label.createdAt().toEpochMilli());
    page.set(I64, EVENT_SEQUENCE, label.eventSequence());
    range(page, 0, layout.firstList());
    range(page, 1, layout.events());
    range(page, 2, layout.payload());
    range(page, 3, layout.secondList());
    ScrubRecord scrub = label.scrub();
    Instant finishedAt = scrub.finishedAt();
    page.set(I64, SCRUB_NEXT_ROW, scrub.nextRow());
    page.set(I64, SCRUB_FINISHED, finishedAt == null ? -1 : finishedAt.toEpochMilli());
    totals(page, SCRUB_OPEN_TOTALS, scrub.open());
    totals(page, SCRUB_FINISHED_TOTALS, scrub.finished());
    Geometry geometry = label.geometry();
    if (geometry != null) {
      page.set(I64, GEOMETRY, geometry.rows());
      page.set(I64, GEOMETRY + 8, geometry.checksumPages());
      page.set(I64, GEOMETRY + 16, geometry.journalPages());
    }
    byte[] words = words(label, one).getBytes(StandardCharsets.US_ASCII);
    MemorySegment.copy(words, 0, page, I8, WORDS, Math.min(words.length, WORDS_BYTES));
    if (!one) {
      page.set(I32, DEVICE_NUMBER, label.deviceNumber());
      page.set(I32, CONFIG_LENGTH, config.length);
      page.set(I64, TAKEN_BY, label.takenBy());
      MemorySegment.copy(config, 0, page, I8, CONFIG, config.length);
    }
    page.set(I32, CRC, checksum(page));
  }

  private static boolean isOfOneDevice(PoolLabel label) {
    return label.config().equals(ofOneDevice(label.uuid(), label.layout(), label.redundancy()));
  }

  private static PoolConfig ofOneDevice(UUID uuid, PoolLayout layout, Redundancy redundancy) {
    return PoolConfig.version1(uuid, layout.sizeBytes(), redundancy);
  }

  /** True for the first {@link #MAGIC_BYTES}, or more, of what is or was a label. */
  static boolean isOurs(MemorySegment page) {
    return page.asSlice(0, MAGIC_BYTES).mismatch(MemorySegment.ofArray(MAGIC)) < 0;
  }

  /** Reads the page that stands at {@code ownAddress}. Never throws, whatever the bytes are. */
  static Copy decode(MemorySegment page, long ownAddress) {
    if (!isOurs(page)) {
      return new Copy.Foreign();
    }
    if (page.get(I32, CRC) != checksum(page)) {
      return new Copy.Damaged("its checksum does not match");
    }
    int version = page.get(I32, VERSION_AT);
    if (version > VERSION) {
      return new Copy.Newer(version);
    }
    if (version < 1) {
      return new Copy.Damaged("its version is " + version);
    }
    if (page.get(I64, OWN_ADDRESS) != ownAddress) {
      return new Copy.Damaged("it belongs at offset " + page.get(I64, OWN_ADDRESS));
    }
    try {
      return new Copy.Valid(decodeChecked(page, version));
    } catch (IllegalArgumentException | DateTimeException e) {
      return new Copy.Damaged(String.valueOf(e.getMessage()));
    }
  }

  private static PoolLabel decodeChecked(MemorySegment page, int version) {
    long finishedMillis = page.get(I64, SCRUB_FINISHED);
    @Nullable Instant finishedAt = finishedMillis < 0 ? null : Instant.ofEpochMilli(finishedMillis);
    PoolLayout layout =
        new PoolLayout(
            page.get(I64, SIZE), range(page, 0), range(page, 1), range(page, 2), range(page, 3));
    Redundancy redundancy =
        new Redundancy(page.get(I16, DATA_COLUMNS), page.get(I16, PARITY_COLUMNS));
    UUID uuid = new UUID(page.get(I64, UUID_HIGH), page.get(I64, UUID_LOW));
    return new PoolLabel(
        uuid,
        page.get(I64, GENERATION),
        content(page.get(I8, CONTENT)),
        redundancy,
        layout,
        redundancy.isProtected() ? geometry(page, layout, redundancy) : null,
        page.get(I8, DRILL) == 0 ? PoolLabel.Drill.FORBIDDEN : PoolLabel.Drill.ALLOWED,
        Instant.ofEpochMilli(page.get(I64, CREATED)),
        page.get(I8, SHUTDOWN) == 0 ? PoolLabel.Shutdown.CLEAN : PoolLabel.Shutdown.IN_USE,
        page.get(I64, EVENT_SEQUENCE),
        new ScrubRecord(
            page.get(I64, SCRUB_NEXT_ROW),
            totals(page, SCRUB_OPEN_TOTALS),
            finishedAt,
            totals(page, SCRUB_FINISHED_TOTALS)),
        version == VERSION_OF_ONE_DEVICE ? ofOneDevice(uuid, layout, redundancy) : config(page),
        version == VERSION_OF_ONE_DEVICE ? 0 : page.get(I32, DEVICE_NUMBER),
        version == VERSION_OF_ONE_DEVICE ? 0 : page.get(I64, TAKEN_BY));
  }

  private static PoolConfig config(MemorySegment page) {
    int length = page.get(I32, CONFIG_LENGTH);
    if (length < 0 || length > MAX_CONFIG_BYTES) {
      throw new IllegalArgumentException("a config of " + length + " bytes");
    }
    return ConfigLayout.decode(page.asSlice(CONFIG, length).toArray(I8));
  }

  private static Geometry geometry(MemorySegment page, PoolLayout layout, Redundancy redundancy) {
    long rows = page.get(I64, GEOMETRY);
    long checksumPages = page.get(I64, GEOMETRY + 8);
    long journalPages = page.get(I64, GEOMETRY + 16);
    long pages = layout.payload().length() / PAGE;
    if (rows > pages || checksumPages < 1 || checksumPages > pages || journalPages > pages) {
      throw new IllegalArgumentException(
          "geometry of %d rows, %d checksum pages, %d journal pages in %d pages"
              .formatted(rows, checksumPages, journalPages, pages));
    }
    return new Geometry(layout.payload(), redundancy.columns(), rows, checksumPages, journalPages);
  }

  private static PoolLabel.Content content(byte code) {
    for (PoolLabel.Content content : PoolLabel.Content.values()) {
      if (content.code() == code) {
        return content;
      }
    }
    throw new IllegalArgumentException("unknown content " + code);
  }

  private static String words(PoolLabel label, boolean one) {
    if (one) {
      return label.redundancy().isProtected()
          ? "volume: protected " + label.redundancy() + " on media"
          : "volume: linear on media";
    }
    return "device %d of %d of a pool; redundancy of its own: %s"
        .formatted(label.deviceNumber(), label.config().devices().size(), label.redundancy());
  }

  private static void range(MemorySegment page, int index, ByteRange range) {
    page.set(I64, RANGES + 16L * index, range.start());
    page.set(I64, RANGES + 16L * index + 8, range.length());
  }

  private static ByteRange range(MemorySegment page, int index) {
    long start = page.get(I64, RANGES + 16L * index);
    long lengthBytes = page.get(I64, RANGES + 16L * index + 8);
    if (start < 0 || lengthBytes < 0 || start > Long.MAX_VALUE - lengthBytes) {
      throw new IllegalArgumentException("not a range: " + start + " + " + lengthBytes);
    }
    return ByteRange.ofLength(start, lengthBytes);
  }

  private static void totals(MemorySegment page, long at, ScrubTotals totals) {
    page.set(I64, at, totals.checkedBytes());
    page.set(I64, at + 8, totals.foundRanges());
    page.set(I64, at + 16, totals.repairedBytes());
    page.set(I64, at + 24, totals.degradedBytes());
    page.set(I64, at + 32, totals.lostBytes());
  }

  private static ScrubTotals totals(MemorySegment page, long at) {
    return new ScrubTotals(
        page.get(I64, at),
        page.get(I64, at + 8),
        page.get(I64, at + 16),
        page.get(I64, at + 24),
        page.get(I64, at + 32));
  }

  private static int checksum(MemorySegment page) {
    // A private copy on the heap: a mapped segment must never reach CRC32C.
    byte[] bytes = page.asSlice(0, PAGE).toArray(I8);
    MemorySegment.ofArray(bytes).set(I32, CRC, 0);
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }
}
