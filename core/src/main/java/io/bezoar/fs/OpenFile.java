package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.View;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * An open file. Offsets and sizes are bytes. Buffers are private native memory.
 *
 * <p>Every method but {@link #close} throws {@link IllegalStateException} when the file was closed
 * here, before or meanwhile, {@link IllegalArgumentException} for negative numbers and for buffers
 * that are no private native memory, {@link FilesystemDamagedException} when metadata that it needs
 * is lost, and {@link io.bezoar.dax.DeviceUnavailableException} when the device, or the part of it
 * that is needed, is not there. What changes the file throws {@link FilesystemReadOnlyException} in
 * a snapshot and where no writes are taken, {@link FilesystemFullException} when there is no room,
 * and {@link InvalidFileException} TOO_LARGE beyond 2^62 bytes.
 *
 * <p>Thread-safe. A read sees each write whole or not at all, if that is of 1 MiB at most; a longer
 * one happens in steps of 1 MiB. Reads wait for nobody unless the file changes under them again and
 * again.
 */
public final class OpenFile implements AutoCloseable {
  private final FsCore core;
  private final FileId id;
  private final ContentReader reader;
  private final FileContent content;
  private final SyncLog log;
  private final Reaper reaper;

  /** Null for a file of a snapshot. */
  private final @Nullable OpenInode inode;

  /** Null for a live file. */
  private final @Nullable Snapshot view;

  private final AtomicBoolean closed = new AtomicBoolean();

  /** This one, until it is closed, and its mappings. */
  private final AtomicInteger users = new AtomicInteger(1);

  OpenFile(
      FsCore core,
      FileId id,
      FileContent content,
      SyncLog log,
      Reaper reaper,
      @Nullable OpenInode inode,
      @Nullable Snapshot view) {
    this.core = core;
    this.id = id;
    this.content = content;
    this.log = log;
    this.reaper = reaper;
    this.inode = inode;
    this.view = view;
    if (inode != null) {
      this.reader = ContentReader.live(core, inode);
    } else if (view != null) {
      this.reader = ContentReader.of(core, id, view);
    } else {
      throw new IllegalArgumentException("a file is of the live state or of a snapshot");
    }
  }

  /** Which file. */
  public FileId id() {
    return id;
  }

  /** True for a file of this filesystem. */
  boolean isOf(FsCore filesystem) {
    return core == filesystem;
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException("the file is closed: " + id);
    }
    core.checkOpen();
  }

  /** The inode, to be changed. */
  OpenInode writable() throws FilesystemReadOnlyException {
    checkOpen();
    core.requireWritable(id);
    OpenInode live = inode;
    if (live == null) {
      throw new AssertionError("a file of a snapshot is not writable");
    }
    return live;
  }

  /** The live inode of an open file, or null. */
  @Nullable OpenInode inode() {
    checkOpen();
    return inode;
  }

  private <T> T look(FsCore.Look<T> look) throws IOException {
    checkOpen();
    Snapshot own = view;
    return own == null ? core.look(id, look) : core.lookAt(own, id, look);
  }

  /** Attributes now. */
  public Attributes attributes() throws IOException {
    return look(state -> core.require(state, id)).attributes(id);
  }

  /** Length now, bytes. */
  public long sizeBytes() throws IOException {
    checkOpen();
    long size = reader.size();
    checkOpen();
    return size;
  }

  /**
   * Reads up to the end of the file; holes read as zeroes.
   *
   * @return how many bytes; 0 at the end of the file and behind it
   * @throws DamagedRangeException when bytes are lost; those before them are in {@code dst}
   */
  public long read(long offset, MemorySegment dst) throws IOException {
    checkOpen();
    if (offset < 0) {
      throw new IllegalArgumentException("offset " + offset + " is negative");
    }
    Media.requirePrivateNative(dst);
    long length = reader.read(offset, dst);
    // If it was closed meanwhile, nobody kept the pages from being used again.
    checkOpen();
    return length;
  }

  /**
   * Writes all of {@code src}; the file grows if need be, by a hole up to {@code offset}.
   *
   * @throws DamagedRangeException when part of a page is to be replaced whose other bytes are lost;
   *     up to 1 MiB nothing of it was written
   * @throws FilesystemFullException when there is no room; up to 1 MiB nothing of it was written
   */
  public void write(long offset, MemorySegment src) throws IOException {
    Media.requirePrivateNative(src);
    content.write(writable(), offset, src);
  }

  /**
   * Writes at the end of the file, wherever that is; of several at a time each has its own place.
   *
   * @return where it was
   */
  public long append(MemorySegment src) throws IOException {
    Media.requirePrivateNative(src);
    return content.append(writable(), src);
  }

  /** Cuts the file, or lets it grow by a hole. */
  public void truncate(long sizeBytes) throws IOException {
    content.truncate(writable(), sizeBytes);
  }

  /** Makes the file at least {@code sizeBytes} long; what is new is a hole. It is never cut. */
  public void extend(long sizeBytes) throws IOException {
    content.extend(writable(), sizeBytes);
  }

  /**
   * Takes space for a range, in whole pages, so that writing there does not run out of it; the size
   * stays. All of it or, when there is not that much, none.
   */
  public void allocate(ByteRange range) throws IOException {
    content.allocate(writable(), range);
  }

  /** Makes a range a hole as far as it is whole pages, and zeroes at its ends; the size stays. */
  public void punch(ByteRange range) throws IOException {
    content.punch(writable(), range);
  }

  /**
   * The first run of data at {@code offset} or behind it, cut at {@code offset} and at the size.
   */
  public Optional<ByteRange> nextData(long offset) throws IOException {
    if (offset < 0) {
      throw new IllegalArgumentException("offset " + offset + " is negative");
    }
    return look(
        state -> {
          long size = core.require(state, id).size();
          long page = offset / PAGE_BYTES;
          long end = offset < size ? Math.ceilDiv(size, PAGE_BYTES) : 0;
          while (page < end) {
            List<Extent> some = core.extents.find(state, id.inode(), page, end, 1);
            if (some.isEmpty()) {
              break;
            }
            Extent extent = some.getFirst();
            if (extent.isWritten()) {
              return Optional.of(run(state, extent, offset, size));
            }
            page = extent.end();
          }
          return Optional.<ByteRange>empty();
        });
  }

  /** A run of data that begins with an extent, over all that follow without a gap. */
  private ByteRange run(View state, Extent first, long offset, long size) throws IOException {
    long end = first.end();
    while (end < Math.ceilDiv(size, PAGE_BYTES)) {
      List<Extent> next = core.extents.find(state, id.inode(), end, end + 1, 1);
      if (next.isEmpty() || !next.getFirst().isWritten()) {
        break;
      }
      end = next.getFirst().end();
    }
    long start = Math.max(offset, first.page() * PAGE_BYTES);
    return new ByteRange(start, Math.min(size, end * PAGE_BYTES));
  }

  /** Where a range of the file lies, ascending, whole extents; holes are left out. */
  public List<FileExtent> extents(ByteRange range) throws IOException {
    long first = range.start() / PAGE_BYTES;
    long end = Math.ceilDiv(range.end(), PAGE_BYTES);
    return look(
        state -> {
          List<FileExtent> found = new ArrayList<>();
          for (Extent extent :
              core.extents.find(state, id.inode(), first, end, Integer.MAX_VALUE)) {
            found.add(extent.asFileExtent());
          }
          return found;
        });
  }

  /**
   * Maps a part of the file, read-only: one contiguous, mapped segment, wherever the bytes lie.
   * Every byte is verified now as far as the device can; loads later are plain ones, and raise
   * {@link InternalError} where the media fails them (see {@link io.bezoar.media.Window} for what
   * such an error does to a program).
   *
   * <p>It goes with the file: what is written, punched, cut or shared into it is seen once that
   * returned, page by page, in each page all of it or nothing. Pages behind the end of a file that
   * was cut fault; the rest of the last page is zeroes. It stays when this is closed and when the
   * file is deleted, until the arena is closed; when the filesystem is closed before, all of it
   * faults. A process that has no mappings of memory to spare gets copies of what it cannot be
   * given itself; in those a page may be seen half changed.
   *
   * @param position where in the file, any byte
   * @param sizeBytes 0 or more; may end with the file, not behind it
   * @param arena the segment's, of any kind
   * @throws java.nio.file.FileSystemException when the range ends behind the end of the file
   * @throws DamagedRangeException when bytes are lost; nothing is mapped then
   * @throws IllegalStateException when the arena is closed, too
   * @throws WrongThreadException when the arena is confined to another thread
   * @throws IOException when there is no memory, descriptor or mapping to spare
   */
  public MemorySegment map(long position, long sizeBytes, Arena arena) throws IOException {
    checkOpen();
    if (position < 0 || sizeBytes < 0 || position > Long.MAX_VALUE - sizeBytes) {
      throw new IllegalArgumentException(
          "cannot be mapped: " + sizeBytes + " bytes at " + position);
    }
    if (users.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
      throw new IllegalStateException("the file is closed: " + id);
    }
    AtomicBoolean released = new AtomicBoolean();
    Runnable release =
        () -> {
          if (released.compareAndSet(false, true)) {
            release();
          }
        };
    ByteRange range = ByteRange.ofLength(position, sizeBytes);
    boolean done = false;
    try {
      MemorySegment mapped = core.mappings.map(id, inode, view, range, arena, release);
      done = true;
      return mapped;
    } finally {
      if (!done) {
        release.run();
      }
    }
  }

  /**
   * Makes everything durable that was done to this file before, its names included.
   *
   * @throws io.bezoar.media.PersistFailedException when that failed, now or before
   */
  public void sync() throws IOException {
    log.sync(writable());
  }

  /**
   * Lets go of the file; what has no name any more goes, once its mappings are closed, too.
   * Idempotent.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release();
    }
  }

  private void release() {
    if (users.decrementAndGet() > 0) {
      return;
    }
    OpenInode live = inode;
    if (live != null) {
      live.handles.decrementAndGet();
      reaper.release(live);
    }
    Snapshot own = view;
    if (own != null) {
      own.close();
    }
  }
}
