package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A read-only mapping of a whole file, whose single pages can be taken from its readers and given
 * back while they read.
 *
 * <p><b>Invariant.</b> What {@link #load} answers true for was really read. A page is at any time
 * one of: the file's own, revoked (every touch raises SIGBUS), or staged (private memory with the
 * bytes that the file should hold). A reader sees the one or the other, never anything in between.
 *
 * <p><b>Threat.</b> Loads from {@link #segment()} are plain loads: over a bad page they raise
 * {@link InternalError}, in compiled code late and outside of the {@code try} that was meant for
 * it, after invented bytes were used. Checksumming, comparing, vectorising or CAS on it, and
 * handing it to native code, can end the process.
 *
 * <p><b>Protocol.</b> What lies under the addresses changes under the media's fault lock only,
 * which {@link #close} takes too: nothing is ever laid over an address that was given back. Healthy
 * loads take no lock. Pages that differ from their neighbours are counted against the number of
 * mappings that a process may have.
 *
 * <p>Ranges are half-open, in bytes, widened to whole pages. Thread-safe.
 */
public final class Window implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;

  /** A copy does not stop for a safepoint, and a disk may be slow: no more in one go. */
  private static final int CHUNK_BYTES = 1 << 20;

  /** The media, asked under the fault lock. */
  interface Owner {
    /** The window was closed. */
    void givenBack(Window window);

    /** What of {@code pages} is refused on purpose, and so laid over the file's own pages. */
    ByteRanges refused(ByteRange pages);
  }

  private final MediaInfo info;
  private final Descriptor file;
  private final Mapping mapping;
  private final MemorySegment segment;
  private final ReentrantLock lock;
  private final Owner owner;

  // Guarded by the lock.
  private ByteRanges revoked = ByteRanges.EMPTY;
  private ByteRanges staged = ByteRanges.EMPTY;
  private boolean closed;

  /** Memory for staged pages, each at its offset in the file; made for the first. */
  private @Nullable Descriptor stage;

  Window(MediaInfo info, Descriptor file, Mapping mapping, ReentrantLock lock, Owner owner) {
    this.info = info;
    this.file = file;
    this.mapping = mapping;
    this.segment = mapping.segment().asReadOnly();
    this.lock = lock;
    this.owner = owner;
  }

  /** Throws the fault of any load that this thread made before, if there was one. About 20 ns. */
  public static void barrier() {
    GuardedCopy.barrier();
  }

  /** True for the error by which the JVM reports a fault of mapped memory. */
  public static boolean isFault(Throwable thrown) {
    return GuardedCopy.isFault(thrown);
  }

  /** What lies under the segment. */
  Mapping mapping() {
    return mapping;
  }

  /** Size of the file now, which is less than that of the segment when somebody cut it. */
  public long fileBytesNow() {
    return file.sizeBytes();
  }

  /** The mapped file, read-only, valid until close. See the threat above. */
  public MemorySegment segment() {
    return segment;
  }

  /**
   * Fills {@code dst}, which is private native memory, from {@code offset}.
   *
   * <p>A fault of plain loads that this thread made before is not this one's: it is thrown first.
   * Taken for an answer of this load, it would be gone, and what those loads made up would stay.
   *
   * @return false when a fault arrived: the content of {@code dst} is then undefined
   * @throws InternalError the fault of a plain load that this thread made before
   * @throws IndexOutOfBoundsException when the access is not within the file
   * @throws IllegalStateException when the window was closed
   */
  public boolean load(long offset, MemorySegment dst) {
    GuardedCopy.barrier();
    long size = dst.byteSize();
    if (size <= CHUNK_BYTES) {
      return GuardedCopy.load(segment, offset, dst);
    }
    for (long at = 0; at < size; at += CHUNK_BYTES) {
      long length = Math.min(CHUNK_BYTES, size - at);
      if (!GuardedCopy.load(segment, offset + at, dst.asSlice(at, length))) {
        return false;
      }
    }
    return true;
  }

  /** As {@link #load(long, MemorySegment)}, into {@code length} bytes of an array. */
  public boolean load(long offset, byte[] dst, int from, int length) {
    GuardedCopy.barrier();
    if (length <= CHUNK_BYTES) {
      return GuardedCopy.load(segment, offset, dst, from, length);
    }
    for (int at = 0; at < length; ) {
      int part = Math.min(CHUNK_BYTES, length - at);
      if (!GuardedCopy.load(segment, offset + at, dst, from + at, part)) {
        return false;
      }
      at += part;
    }
    return true;
  }

  /**
   * Asks the kernel to begin reading the pages of {@code range} that are not in memory. Returns at
   * once; it is a hint, and nothing depends on whether the kernel takes it.
   *
   * @throws IndexOutOfBoundsException when the range is not within the file
   * @throws IllegalStateException when the window was closed
   */
  public void readAhead(ByteRange range) {
    ByteRange pages = pages(range);
    lock.lock();
    try {
      requireOpen();
      Posix.madvise(segment.address() + pages.start(), pages.length(), Posix.MADV_WILLNEED);
    } finally {
      lock.unlock();
    }
  }

  /**
   * The pages of {@code range} that cannot be loaded now, revoked ones among them, found without a
   * load; ascending, disjoint, cut off at the end of the file. Pages of a file that are not in the
   * cache are read into it.
   */
  public List<ByteRange> trapping(ByteRange range) {
    ByteRange pages = pages(range);
    lock.lock();
    try {
      requireOpen();
      ByteRanges refused = owner.refused(pages).alignOutward(PAGE).minus(staged);
      List<ByteRange> known = revoked.union(refused).intersect(pages).asList();
      return MappedProbe.unreadable(segment, file, pages, known).stream()
          .map(bad -> bad.intersect(new ByteRange(0, info.sizeBytes())))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the pages of {@code range} from the readers: every touch raises SIGBUS from now on.
   *
   * @return false when this process has no mappings to spare for it: nothing was changed
   */
  public boolean revoke(ByteRange range) throws IOException {
    ByteRange pages = pages(range);
    lock.lock();
    try {
      requireOpen();
      return change(revoked.plus(pages), staged.minus(pages), () -> mapping.lay(pages));
    } finally {
      lock.unlock();
    }
  }

  /** Gives the file's own pages of {@code range} to the readers. */
  public void restore(ByteRange range) throws IOException {
    ByteRange pages = pages(range);
    lock.lock();
    try {
      requireOpen();
      mapping.restore(pages);
      note(revoked.minus(pages), staged.minus(pages));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Lays private memory with {@code content} over the pages of {@code range}, for a file that
   * cannot be repaired itself.
   *
   * @param range whole pages; the last may end with the file
   * @param content what the file should hold there: private native memory of the same length
   * @return false when this process has no mappings to spare for it: nothing was changed
   */
  public boolean stage(ByteRange range, MemorySegment content) throws IOException {
    if (range.start() % PAGE != 0 || content.byteSize() != range.length()) {
      throw new IllegalArgumentException(
          "not whole pages with their content: " + range + ", " + content.byteSize() + " bytes");
    }
    ByteRange pages = pages(range);
    lock.lock();
    try {
      requireOpen();
      Descriptor memory = stage();
      long put = memory.pwrite(range.start(), content);
      if (put != content.byteSize()) {
        throw new IOException("no memory to stage " + range + ": " + Errno.text((int) -put));
      }
      return change(revoked.minus(pages), staged.plus(pages), () -> mapping.layFrom(memory, pages));
    } finally {
      lock.unlock();
    }
  }

  /** The pages that readers get from private memory now; the last may end behind the file. */
  public ByteRanges staged() {
    lock.lock();
    try {
      return staged;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Fills {@code dst} with what was staged for {@code range}, whatever lies in the mapping by now.
   *
   * @param range staged pages, or a part of them
   * @throws IllegalArgumentException when they are not
   */
  public void readStaged(ByteRange range, MemorySegment dst) throws IOException {
    lock.lock();
    try {
      requireOpen();
      Descriptor memory = stage;
      if (memory == null || !staged.contains(range)) {
        throw new IllegalArgumentException("not staged: " + range);
      }
      long got = memory.pread(range.start(), dst);
      if (got != range.length()) {
        throw new IOException("staged pages of " + range + " cannot be read: " + got);
      }
    } finally {
      lock.unlock();
    }
  }

  private ByteRange pages(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    return range.alignOutward(PAGE);
  }

  private void requireOpen() {
    if (closed || file.isClosed()) {
      throw new IllegalStateException(info.name() + " is closed");
    }
  }

  private Descriptor stage() throws IOException {
    Descriptor memory = stage;
    if (memory == null) {
      long wholePages = Math.ceilDiv(info.sizeBytes(), PAGE) * (long) PAGE;
      long fd = Posix.memfd("bezoar-stage", wholePages);
      if (fd < 0) {
        throw new IOException("no memory to stage pages: " + Errno.text((int) -fd));
      }
      memory = new Descriptor((int) fd);
      stage = memory;
    }
    return memory;
  }

  private interface Laying {
    void run() throws IOException;
  }

  /** Pays for what the mapping will be split into, and splits it. */
  private boolean change(ByteRanges nowRevoked, ByteRanges nowStaged, Laying laying)
      throws IOException {
    int more = pieces(nowRevoked, nowStaged) - pieces(revoked, staged);
    if (more > 0 && !VmaBudget.process().take(more)) {
      return false;
    }
    try {
      laying.run();
    } catch (IOException | RuntimeException e) {
      VmaBudget.process().give(Math.max(0, more));
      throw e;
    }
    VmaBudget.process().give(Math.max(0, -more));
    revoked = nowRevoked;
    staged = nowStaged;
    return true;
  }

  /** As {@link #change}, where the pieces become fewer, or one more than was paid for at most. */
  private void note(ByteRanges nowRevoked, ByteRanges nowStaged) {
    VmaBudget.process().give(pieces(revoked, staged) - pieces(nowRevoked, nowStaged));
    revoked = nowRevoked;
    staged = nowStaged;
  }

  private static int pieces(ByteRanges revoked, ByteRanges staged) {
    return 2 * (revoked.count() + staged.count());
  }

  /** Unmaps. Loads that are under way end first; later ones throw. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      owner.givenBack(this);
      mapping.close();
      note(ByteRanges.EMPTY, ByteRanges.EMPTY);
      if (stage != null) {
        stage.close();
      }
    } finally {
      lock.unlock();
    }
  }
}
