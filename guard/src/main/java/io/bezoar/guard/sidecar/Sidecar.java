package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.guard.sidecar.SidecarLayout.RepairNote;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.MediaStamp;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * The sidecar of one file, open for whoever reads that file: tells good pages from bad ones and
 * computes bad ones anew.
 *
 * <p><b>Invariant.</b> A page that comes out of {@link #rebuild} is, by its checksum, what the file
 * held there when it was protected. The protected file itself is never touched from here.
 *
 * <p><b>Changed is not damaged.</b> A readable page that differs is damaged only while {@link
 * #meansDamage} says so, that is, while nobody has written to the file since it was protected.
 *
 * <p><b>Repair in place</b> takes these steps: {@link #willRepair}, which durably notes in the
 * sidecar what is about to be stored; then the caller stores, persists, reads back past the cache
 * and checks by {@link #matches}; then {@link #repaired}. A crash in between may leave pages torn
 * and the file with a new modification time; the note then says that this is damage and no change.
 *
 * <p>What is survived, and with what odds: see {@link SidecarGeometry}.
 *
 * <p>Thread-safe. Uses no interruptible channel: an interrupt closes nothing.
 */
public final class Sidecar implements AutoCloseable {
  /** What the name of a sidecar has more than that of its file. */
  public static final String SUFFIX = ".bez";

  private static final byte[] ZEROES = new byte[PAGE_BYTES];

  private final Path file;
  private final Path path;
  private final Media media;
  private final SidecarBytes bytes;
  private final SidecarHeader header;
  private final SidecarLayout layout;
  private final ChecksumTable table;
  private final RepairNotes notes;

  private Sidecar(Path file, Media media, SidecarHeader header, RepairNotes notes) {
    this.file = file;
    this.path = pathOf(file);
    this.media = media;
    this.bytes = new SidecarBytes(media);
    this.header = header;
    this.layout = new SidecarLayout(header.geometry());
    this.table = new ChecksumTable(bytes, layout, header.id());
    this.notes = notes;
  }

  /** Reads pages of the protected file. */
  @FunctionalInterface
  public interface PageReader {
    /**
     * Fills {@code dst}, private native memory of a page, with page {@code page} of the file;
     * behind the end of the file with zeroes. Content that is wrong does no harm.
     *
     * @return false when the page cannot be read
     */
    boolean read(long page, MemorySegment dst) throws IOException;
  }

  /** Takes rebuilt pages. */
  @FunctionalInterface
  public interface PageSink {
    /**
     * Takes one page.
     *
     * @param page its number
     * @param content private native memory of a page, valid during the call; of the last page, what
     *     lies behind the end of the file is zero
     */
    void page(long page, MemorySegment content) throws IOException;
  }

  /**
   * Where the sidecar of {@code file} stands: beside it, {@code FILE.bez}. Links are not followed.
   */
  public static Path pathOf(Path file) {
    return file.resolveSibling(file.getFileName() + SUFFIX);
  }

  /** Whether this is the name of a sidecar, or of one that is being made. */
  public static boolean isNameOfSidecar(Path file) {
    Path name = file.getFileName();
    return name != null && (name.toString().endsWith(SUFFIX) || FreshFile.isNameOfOne(name));
  }

  /**
   * Opens the sidecar of a file, and reads little of it. Symbolic links are followed: the sidecar
   * stands beside the file itself.
   *
   * @throws SidecarException {@code MISSING}, {@code NOT_A_SIDECAR}, {@code NEWER_VERSION} or
   *     {@code DAMAGED}
   * @throws MediaOpenException when the file is not there, or the sidecar may not be read
   */
  public static Sidecar open(Path file) throws IOException {
    return open(file, InstantSource.system());
  }

  static Sidecar open(Path file, InstantSource clock) throws IOException {
    Path real = FileStamp.resolve(file);
    Media media = openMedia(real);
    try {
      SidecarHeader header = new Headers(pathOf(real), new SidecarBytes(media)).require();
      RepairNotes notes = RepairNotes.load(pathOf(real), new SidecarBytes(media), header, clock);
      return new Sidecar(real, media, header, notes);
    } catch (IOException | RuntimeException | Error e) {
      media.close();
      throw e;
    }
  }

  private static Media openMedia(Path file) throws IOException {
    Path path = pathOf(file);
    try {
      return MediaFiles.open(
          path, new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF));
    } catch (MediaOpenException e) {
      SidecarException.Reason reason =
          switch (e.openReason()) {
            case MISSING -> SidecarException.Reason.MISSING;
            case NOT_A_FILE -> SidecarException.Reason.NOT_A_SIDECAR;
            default -> throw e;
          };
      SidecarException refused =
          new SidecarException(
              file,
              reason,
              reason == SidecarException.Reason.MISSING
                  ? "has no sidecar: protect it while it is good"
                  : "has no sidecar, but something else of its name: move " + path + " away");
      refused.initCause(e);
      throw refused;
    }
  }

  /** The protected file, without symbolic links. */
  public Path file() {
    return file;
  }

  /** The sidecar itself. */
  public Path path() {
    return path;
  }

  /** Size of the file when it was protected, in bytes. */
  public long fileSizeBytes() {
    return header.geometry().fileSizeBytes();
  }

  /** How the file is laid out, and so what is survived. */
  public SidecarGeometry geometry() {
    return header.geometry();
  }

  /** The redundancy that was asked for; a small file has less. */
  public Redundancy redundancy() {
    return header.asked();
  }

  /** What the file looks like from outside now. */
  public FileState state() throws IOException {
    return state(FileStamp.of(file));
  }

  FileState state(FileStamp now) {
    return state(now.sizeBytes(), now.modifiedNanos());
  }

  private FileState state(long sizeBytes, long modifiedNanos) {
    if (sizeBytes != fileSizeBytes()) {
      return FileState.RESIZED;
    }
    if (modifiedNanos == header.modifiedNanos()) {
      return FileState.UNTOUCHED;
    }
    return notes.explain(modifiedNanos) ? FileState.REPAIR_INTERRUPTED : FileState.TOUCHED;
  }

  /**
   * Whether content of a page that is readable but does not match is damage, to be repaired, and
   * not a change, to be kept. Looks at the file each time.
   */
  public boolean meansDamage(long page) throws IOException {
    return meansDamage(state(), page);
  }

  /**
   * As {@link #meansDamage(long)}, of a file that is open and need not have its name any more.
   *
   * @param now what the open file looks like now
   */
  public boolean meansDamage(MediaStamp now, long page) {
    return meansDamage(state(now.sizeBytes(), now.modifiedNanos()), page);
  }

  boolean meansDamage(FileState state, long page) {
    return switch (state) {
      case UNTOUCHED -> true;
      case REPAIR_INTERRUPTED -> notes.pages().overlaps(rangeOf(page));
      case TOUCHED, RESIZED -> false;
    };
  }

  /** The bytes of a page of the file. */
  ByteRange rangeOf(long page) {
    return ByteRange.ofLength(page * PAGE_BYTES, geometry().bytesOf(page));
  }

  /**
   * Whether there is a checksum to compare this page with. There is, unless both copies of a part
   * of the sidecar went bad.
   */
  public boolean knows(long page) throws IOException {
    return table.get(page) != ChecksumTable.UNKNOWN;
  }

  /**
   * Whether this is the content of the page when the file was protected; false when that is not
   * known ({@link #knows}).
   *
   * @param page number of a page of the file, from 0
   * @param content private native memory: a whole page, or of the last page as many bytes as the
   *     file has, or those filled up with zeroes
   * @throws IndexOutOfBoundsException when there is no such page, or content of another size
   * @throws IllegalArgumentException when {@code content} is a mapping
   */
  public boolean matches(long page, MemorySegment content) throws IOException {
    if (page < 0 || page >= geometry().pages()) {
      throw new IndexOutOfBoundsException("no page " + page + " of " + geometry().pages());
    }
    if (content.byteSize() != PAGE_BYTES && content.byteSize() != geometry().bytesOf(page)) {
      throw new IndexOutOfBoundsException(content.byteSize() + " bytes are not page " + page);
    }
    if (content.isMapped()) {
      throw new IllegalArgumentException(
          "a checksum of a mapping ends the JVM over a bad page: copy it first");
    }
    CRC32C crc = new CRC32C();
    crc.update(content.asByteBuffer());
    if (content.byteSize() < PAGE_BYTES) {
      crc.update(ByteBuffer.wrap(ZEROES, 0, (int) (PAGE_BYTES - content.byteSize())));
    }
    return crc.getValue() == table.get(page);
  }

  /**
   * Computes bad pages from the other pages of their rows. Each one that verifies against its
   * checksum goes to {@code sink}; so do others that turn out to be bad on the way.
   *
   * @param bad bytes of the file, in whole pages (the last one may end with the file)
   * @param reader reads the rest; pages of {@code bad} are not asked for
   * @param sink takes what was rebuilt; what it throws ends the call
   * @return the pages that are lost, as bytes of the file
   */
  public ByteRanges rebuild(ByteRanges bad, PageReader reader, PageSink sink) throws IOException {
    if (bad.isEmpty()) {
      return ByteRanges.EMPTY;
    }
    List<ByteRange> lost = new ArrayList<>();
    try (RowRebuilder rebuilder = new RowRebuilder(layout, table, bytes, reader)) {
      for (ByteRange rows : RowsOf.pages(geometry(), bad).asList()) {
        for (long row = rows.start(); row < rows.end(); row++) {
          BitSet columns = rebuilder.rebuild(row, RowsOf.columns(geometry(), bad, row), sink);
          long at = row;
          columns.stream().forEach(column -> lost.add(rangeOf(geometry().page(at, column))));
        }
      }
    }
    return ByteRanges.of(lost);
  }

  /**
   * Durably notes that these pages of the file are about to be stored anew. Notes add up until
   * {@link #repaired}.
   *
   * @param pages bytes of the file, in whole pages
   * @throws SidecarException {@code NOT_WRITABLE} when the note cannot be made: do not store
   */
  public void willRepair(ByteRanges pages) throws IOException {
    notes.add(pages);
  }

  /**
   * Forgets the note of these pages: they were stored, made durable and read back, or nothing of
   * them was touched.
   *
   * @throws SidecarException {@code NOT_WRITABLE}
   */
  public void repaired(ByteRanges pages) throws IOException {
    notes.remove(pages);
  }

  SidecarHeader header() {
    return header;
  }

  SidecarLayout layout() {
    return layout;
  }

  ChecksumTable table() {
    return table;
  }

  SidecarBytes bytes() {
    return bytes;
  }

  /**
   * Throws when somebody has put another sidecar in this one's place: nothing may be stored there.
   *
   * @throws SidecarException {@code NOT_WRITABLE}
   */
  void requireInPlace() throws IOException {
    notes.requireInPlace();
  }

  /** What a repair noted and did not end. */
  RepairNote note() {
    return notes.current();
  }

  /** Closes the sidecar; a note that is left stays. */
  @Override
  public void close() throws IOException {
    media.close();
  }
}
