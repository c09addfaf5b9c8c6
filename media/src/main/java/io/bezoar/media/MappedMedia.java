package io.bezoar.media;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A file whose mapping <em>is</em> the media: tmpfs, or DAX mapped synchronously.
 *
 * <p><b>Invariant.</b> No byte is handed out that was not really loaded, and no load that fails
 * leaves this class as anything but a {@link MediaException}.
 *
 * <p><b>Protocol.</b> A healthy access is a bounds check, a copy and a poll barrier ({@link
 * GuardedCopy}). One that faults takes the fault lock, so that nothing is laid over or unmapped
 * meanwhile, and finds out what happened by system calls, never by another load: is the media still
 * there, how far do the good bytes reach, where does the bad range end. An error that C2 delivers
 * late from somebody's window may arrive in here; every byte then turns out to be readable and is
 * delivered.
 *
 * <p><b>Closing</b> under other threads' accesses is safe: a copy that is under way ends first, one
 * that comes later fails as {@code GONE}.
 */
final class MappedMedia extends FileMedia {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Mapping mapping;
  private final MemorySegment segment;
  private final boolean dax;

  MappedMedia(
      Path path,
      MediaInfo info,
      Descriptor file,
      Mapping mapping,
      MediaOptions options,
      DrillList list,
      ArmedFaults armed)
      throws IOException {
    super(path, info, file, options, list, armed);
    this.mapping = mapping;
    this.segment = mapping.segment();
    this.dax = info.kind() == MediaKind.MAPPED_DAX;
    enforce(armed, new ByteRange(0, info.sizeBytes()));
    windowsOf(mapping);
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    checkAccess(offset, dst);
    boolean whole;
    try {
      whole = GuardedCopy.load(segment, offset, dst);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
    if (!whole) {
      readFaulted(offset, dst);
    }
  }

  /** There is no cache in front of this media. */
  @Override
  public void readPastCache(long offset, MemorySegment dst) throws IOException {
    read(offset, dst);
  }

  private void readFaulted(long offset, MemorySegment dst) throws IOException {
    faultLock.lock();
    try {
      requireOpen();
      long good = dax ? salvageDax(offset, dst) : salvageMemory(offset, dst);
      if (good == dst.byteSize()) {
        return;
      }
      requirePresent();
      long badFrom = (offset + good) / PAGE * PAGE;
      ByteRange rest = new ByteRange(badFrom, offset + dst.byteSize()).alignOutward(PAGE);
      List<ByteRange> bad = unreadable(rest);
      ByteRange range =
          !bad.isEmpty() && bad.getFirst().start() == badFrom
              ? bad.getFirst()
              : ByteRange.ofLength(badFrom, PAGE);
      throw fault(range, Cause.TRAP, good);
    } finally {
      faultLock.unlock();
    }
  }

  /** The kernel copies for us; a hole that the full file system cannot back reads as zeroes. */
  private long salvageMemory(long offset, MemorySegment dst) throws IOException {
    long size = dst.byteSize();
    long good = 0;
    while (true) {
      good += mapping.salvage(offset + good, dst.asSlice(good));
      if (good == size || !isHole((offset + good) / PAGE * PAGE)) {
        return good;
      }
      long holeEnd = Math.min(size, (offset + good) / PAGE * PAGE + PAGE - offset);
      dst.asSlice(good, holeEnd - good).fill((byte) 0);
      good = holeEnd;
      if (good == size) {
        return good;
      }
    }
  }

  /** True for a page of a sparse file that has no memory behind it, so none that could be bad. */
  private boolean isHole(long page) {
    if (drill.now().first(ByteRange.ofLength(page, PAGE)) != null) {
      return false;
    }
    long data = file.call(fd -> Posix.lseek(fd, page, Posix.SEEK_DATA));
    return (data == -Posix.ENXIO || data >= page + PAGE) && presence() == Presence.PRESENT;
  }

  /**
   * On DAX the kernel's own copy out of a mapping is not safe from a machine check, but its read of
   * the file is. It would see through an injected page, though: those end the good bytes first.
   */
  private long salvageDax(long offset, MemorySegment dst) {
    ByteRange access = ByteRange.ofLength(offset, dst.byteSize());
    FaultSpec armed = drill.now().first(access);
    long end = armed == null ? access.end() : Math.max(offset, armed.range().start());
    long at = offset;
    while (at < end) {
      long length = Math.min(end, at / PAGE * PAGE + PAGE) - at;
      if (file.pread(at, dst.asSlice(at - offset, length)) != length) {
        break;
      }
      at += length;
    }
    return at - offset;
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    checkStore(offset, src);
    boolean whole;
    try {
      whole = GuardedCopy.store(src, segment, offset);
      if (whole && dax) {
        writeBack(offset, src.byteSize());
      }
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
    if (!whole) {
      writeFaulted(offset, src);
    }
  }

  private void writeFaulted(long offset, MemorySegment src) throws IOException {
    faultLock.lock();
    try {
      requirePresent();
      ByteRange pages = ByteRange.ofLength(offset, src.byteSize()).alignOutward(PAGE);
      List<ByteRange> bad = unreadable(pages);
      requirePresent();
      if (!bad.isEmpty()) {
        ByteRange first = bad.getFirst();
        throw fault(first, Cause.TRAP, Math.max(0, first.start() - offset));
      }
      long room =
          file.call(
              fd -> Posix.fallocate(fd, Posix.FALLOC_FL_KEEP_SIZE, pages.start(), pages.length()));
      if (Errno.isFull((int) -room)) {
        throw new MediaFullException(info.name(), src.byteSize());
      }
      if (!GuardedCopy.store(src, segment, offset)) {
        requirePresent();
        throw fault(pages, Cause.TRAP, 0);
      }
      if (dax) {
        writeBack(offset, src.byteSize());
      }
    } finally {
      faultLock.unlock();
    }
  }

  /** Writes the stores back from the CPU caches: with MAP_SYNC they are durable then. */
  private void writeBack(long offset, long lengthBytes) throws PersistFailedException {
    try {
      segment.asSlice(offset, lengthBytes).force();
    } catch (UncheckedIOException e) {
      throw sticky.fail(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Every store was made durable, as far as this media can, when it was made; so all that is left
   * is to see that the file was not cut meanwhile.
   */
  @Override
  public void persist() throws IOException {
    sticky.check();
    requirePresent();
    drill.recordCures();
  }

  @Override
  public List<ByteRange> probe(ByteRange range) throws IOException {
    checkRange(range);
    faultLock.lock();
    try {
      requireOpen();
      List<ByteRange> bad = unreadable(range.alignOutward(PAGE));
      requirePresent();
      return bad;
    } finally {
      faultLock.unlock();
    }
  }

  private List<ByteRange> unreadable(ByteRange pages) {
    return MappedProbe.unreadable(segment, file, pages, drill.now().refused(pages)).stream()
        .map(bad -> bad.intersect(whole()))
        .toList();
  }

  /**
   * Stores below the poison first, by system call, and only then lays the file's own page back: no
   * reader ever sees the old bytes again, nor half of the new ones.
   */
  @Override
  public void reinitialise(long offset, MemorySegment src) throws IOException {
    checkReinitialise(offset, src);
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    faultLock.lock();
    try {
      requirePresent();
      if (drill.stuckWithin(range)) {
        throw fault(range, Cause.TRAP, 0);
      }
      try (Stores stores = stores(null)) {
        try {
          storeBelow(stores.file, range, src);
        } catch (IOException e) {
          abandon(stores, e);
          throw e;
        }
        finish(stores, List.of(range));
      }
      ByteRange pages = range.alignOutward(PAGE);
      List<ByteRange> bad = unreadable(pages);
      if (!bad.isEmpty()) {
        mapping.restore(pages); // drops what the page table still remembers of the bad page
        bad = unreadable(pages);
      }
      if (!bad.isEmpty()) {
        requirePresent();
        throw fault(bad.getFirst(), Cause.TRAP, bad.getFirst().start() - offset);
      }
    } finally {
      faultLock.unlock();
    }
  }

  private void storeBelow(Descriptor file, ByteRange range, MemorySegment src) throws IOException {
    long stored = file.pwrite(range.start(), src);
    if (stored != src.byteSize()) {
      // A page that the kernel knows to be bad is given up, and a fresh one takes its place.
      int punch = Posix.FALLOC_FL_PUNCH_HOLE | Posix.FALLOC_FL_KEEP_SIZE;
      file.call(fd -> Posix.fallocate(fd, punch, range.start(), range.length()));
      stored = file.pwrite(range.start(), src);
    }
    if (stored != src.byteSize()) {
      requirePresent();
      if (stored < 0 && Errno.isFull((int) -stored)) {
        throw new MediaFullException(info.name(), src.byteSize());
      }
      throw fault(range, Cause.IO_ERROR, 0);
    }
    if (dax && sticky.run(() -> file.call(Posix::fdatasync)) < 0) {
      throw unavailable(Presence.GONE);
    }
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    checkRange(range);
    if (file.isClosed()) {
      throw unavailable(Presence.GONE);
    }
    return Optional.of(segment.asSlice(range.start(), range.length()).asReadOnly());
  }

  @Override
  public void enforce(ArmedFaults now, ByteRange changed) throws IOException {
    super.enforce(now, changed);
    overlay(mapping, now, changed);
  }

  @Override
  public void makeDurable() throws IOException {
    if (dax && sticky.run(() -> file.call(Posix::fdatasync)) < 0) {
      throw unavailable(Presence.GONE);
    }
  }

  /** Memory does not go away in part; a file that was cut is told by its size. */
  @Override
  boolean isSilent() {
    return false;
  }

  @Override
  void release() {
    mapping.close();
  }

  private void requireOpen() throws MediaUnavailableException {
    if (file.isClosed()) {
      throw unavailable(Presence.GONE);
    }
  }

  private IOException closedUnder(IllegalStateException e) {
    if (!file.isClosed()) {
      throw e; // the caller's own buffer was closed
    }
    return unavailable(Presence.GONE);
  }
}
