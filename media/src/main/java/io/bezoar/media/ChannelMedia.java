package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A plain file or block device, by pread, pwrite and fdatasync: an error of the disk is an error
 * number here, where through a mapping it would be a trap, and a slow disk stalls one thread, where
 * through a mapping it would stall the whole JVM at its next safepoint.
 *
 * <p><b>Invariant.</b> A byte that is handed out came from the file. What a bad disk does is found
 * out in its own granules (sectors), past the page cache, whose unit is coarser.
 *
 * <p><b>Reinitialising</b> writes past the page cache as well: a write into the cache succeeds, and
 * the sector that cannot be rewritten would fail a later fdatasync, which condemns the whole media
 * instead of one range.
 *
 * <p><b>Injected faults</b> are looked up before the file is touched: one volatile load while there
 * are none. Windows are a mapping of the page cache, made when first asked for, on which the same
 * faults are real ones.
 */
final class ChannelMedia extends FileMedia {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int PAGE = Units.PAGE_BYTES;

  /** How many places all over the media are asked before it is believed to be gone. */
  private static final int WITNESSES = 8;

  private static final ByteRange NOTHING = new ByteRange(0, 0);

  private final @Nullable PastCache pastCache;

  /** A place that could be read lately, asked before the others. */
  private volatile long witness;

  /** True once no place of the media answered any more. */
  private volatile boolean silent;

  /** Made on first demand. Guarded by the fault lock. */
  private @Nullable Mapping window;

  ChannelMedia(
      Path path,
      MediaInfo info,
      Descriptor file,
      @Nullable PastCache pastCache,
      MediaOptions options,
      DrillList list,
      ArmedFaults armed) {
    super(path, info, file, options, list, armed);
    this.pastCache = pastCache;
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    checkAccess(offset, dst);
    ArmedFaults armed = drill.now();
    FaultSpec refused =
        armed.isEmpty() ? null : armed.first(ByteRange.ofLength(offset, dst.byteSize()));
    if (refused != null) {
      long good = Math.max(0, refused.range().start() - offset);
      readCached(offset, dst.asSlice(0, good));
      throw refusal(armed, ByteRange.ofLength(offset, dst.byteSize()), good);
    }
    readCached(offset, dst);
  }

  /**
   * Before a fault is reported. A disk that was pulled out, or a file system that shut down, fails
   * every read; so if none of a few far apart places can be read, the media is absent, not damaged.
   * Injected faults are not looked at: they are of ranges.
   *
   * @param good what was read just now, maybe from a cache
   */
  private void requireAnswering(ByteRange good) throws MediaUnavailableException {
    if (!good.isEmpty()) {
      witness = inGranules(good).start();
    }
    requirePresent();
    silent = !anyWitness();
    if (silent) {
      throw unavailable(Presence.GONE);
    }
  }

  @Override
  boolean isSilent() {
    if (silent) {
      silent = !anyWitness();
    }
    return silent;
  }

  private boolean anyWitness() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment granule = arena.allocate(info.granuleBytes());
      for (int i = -1; i < WITNESSES; i++) {
        long fixed = info.sizeBytes() / WITNESSES * i / info.granuleBytes() * info.granuleBytes();
        long place = i < 0 ? witness : fixed;
        long length = Math.min(granule.byteSize(), info.sizeBytes() - place);
        MemorySegment buffer = granule.asSlice(0, length);
        long got = pastCache == null ? -Posix.EINVAL : pastCache.read(place, buffer);
        if (got == -Posix.EINVAL) {
          got = file.pread(place, buffer);
        }
        if (got == length) {
          return true;
        }
      }
    }
    return false;
  }

  private void readCached(long offset, MemorySegment dst) throws IOException {
    long got = file.pread(offset, dst);
    if (got != dst.byteSize()) {
      readFailed(offset, dst, got);
    }
  }

  /** The fault list as an exception: the first refused run within {@code access}. */
  private MediaFaultException refusal(ArmedFaults armed, ByteRange access, long good) {
    ByteRange wide = inGranules(access);
    FaultSpec first = armed.within(wide).getFirst();
    Cause cause = first.kind() == FaultKind.POISON ? Cause.TRAP : Cause.IO_ERROR;
    return fault(armed.refused(wide).getFirst(), cause, good);
  }

  /** The page cache gave less than was asked for: page by page, then sector by sector. */
  private void readFailed(long offset, MemorySegment dst, long got) throws IOException {
    requirePresent();
    long done = Math.max(0, got);
    while (done < dst.byteSize()) {
      long at = offset + done;
      long length = Math.min(at / PAGE * PAGE + PAGE - at, dst.byteSize() - done);
      MemorySegment part = dst.asSlice(done, length);
      long moved = file.pread(at, part);
      if (moved != length) {
        moved = afterBadPage(at, part, moved);
      }
      done += moved;
      if (moved != length) {
        requireAnswering(ByteRange.ofLength(offset, done));
        throw fault(badFrom(offset + done, offset + dst.byteSize()), Cause.IO_ERROR, done);
      }
    }
  }

  /** How many bytes of this page can be read past the cache; throws when it is not a fault. */
  private long afterBadPage(long at, MemorySegment part, long result) throws IOException {
    if (result >= 0) {
      throw unavailable(Presence.TRUNCATED); // only the end of the file gives less without an error
    }
    int errno = (int) -result;
    if (file.isClosed() || Errno.isAbsence(errno)) {
      throw unavailable(Presence.GONE);
    }
    if (!Errno.isFault(errno)) {
      throw failed("read", errno);
    }
    return pastCache == null ? 0 : Math.max(0, pastCache.read(at, part));
  }

  /**
   * The bad run that starts at {@code at}, as far as an access up to {@code end} sees it: page by
   * page up to the first good granule, because each try of a bad sector costs seconds on a disk
   * that fails. The granule at {@code at} was just tried.
   */
  private ByteRange badFrom(long at, long end) {
    ByteRange rest = inGranules(new ByteRange(at, end));
    ByteRange run = inGranules(ByteRange.ofLength(at, 1));
    for (long from = run.end(); from < rest.end(); from = run.end()) {
      ByteRange page = new ByteRange(from, Math.min(rest.end(), from - from % PAGE + PAGE));
      List<ByteRange> bad = prober().unreadable(page, List.of());
      if (bad.isEmpty() || bad.getFirst().start() > from) {
        return run;
      }
      run = run.span(bad.getFirst());
      if (run.end() < page.end()) {
        return run;
      }
    }
    return run;
  }

  private ChannelProbe prober() {
    return new ChannelProbe(file, pastCache, info.granuleBytes());
  }

  @Override
  public void readPastCache(long offset, MemorySegment dst) throws IOException {
    checkAccess(offset, dst);
    ByteRange access = ByteRange.ofLength(offset, dst.byteSize());
    ArmedFaults armed = drill.now();
    FaultSpec refused = armed.first(access);
    long good = refused == null ? dst.byteSize() : Math.max(0, refused.range().start() - offset);
    readPast(offset, dst.asSlice(0, good));
    if (refused != null) {
      throw refusal(armed, access, good);
    }
  }

  private void readPast(long offset, MemorySegment dst) throws IOException {
    if (dst.byteSize() == 0) {
      return;
    }
    PastCache past = pastCache;
    long got = past == null ? -Posix.EINVAL : past.read(offset, dst);
    if (past == null || got == -Posix.EINVAL) {
      dropCache(offset, dst.byteSize());
      readCached(offset, dst);
    } else if (got != dst.byteSize()) {
      requirePresent();
      if (got < 0 && !Errno.isFault((int) -got)) {
        throw Errno.isAbsence((int) -got)
            ? unavailable(Presence.GONE)
            : failed("read past the cache", (int) -got);
      }
      long good = Math.max(0, got);
      requireAnswering(ByteRange.ofLength(offset, good));
      throw fault(badPastCache(past, offset + good, offset + dst.byteSize()), Cause.IO_ERROR, good);
    }
  }

  /** As {@link #badFrom}, past the cache: every sector is tried once. */
  private ByteRange badPastCache(PastCache past, long at, long end) {
    ByteRange rest = inGranules(new ByteRange(at, end));
    long to = inGranules(ByteRange.ofLength(at, 1)).end();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(info.granuleBytes());
      while (to < rest.end()) {
        MemorySegment granule = buffer.asSlice(0, Math.min(buffer.byteSize(), rest.end() - to));
        if (past.read(to, granule) == granule.byteSize()) {
          break;
        }
        to += granule.byteSize();
      }
    }
    return new ByteRange(rest.start(), to);
  }

  /** Where the disk cannot be asked directly: write back what is dirty and forget the pages. */
  private void dropCache(long offset, long lengthBytes) throws IOException {
    if (info.writable() && !sticky.hasFailed()) {
      sync();
    }
    file.call(fd -> Posix.fadvise(fd, offset, lengthBytes, Posix.POSIX_FADV_DONTNEED));
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    checkStore(offset, src);
    ByteRange access = ByteRange.ofLength(offset, src.byteSize());
    ArmedFaults armed = drill.now();
    FaultSpec refused = armed.isEmpty() ? null : armed.first(access);
    if (refused != null) {
      throw refusal(armed, access, Math.max(0, refused.range().start() - offset));
    }
    requirePresent(); // a write beyond the end of a file that was cut would grow it again
    long put = file.pwrite(offset, src);
    if (put != src.byteSize()) {
      writeFailed(file, offset, src, put);
    }
  }

  private void writeFailed(Descriptor file, long offset, MemorySegment src, long put)
      throws IOException {
    long done = Math.max(0, put);
    long result = put < 0 ? put : file.pwrite(offset + done, src.asSlice(done));
    if (result == src.byteSize() - done) {
      return;
    }
    requirePresent();
    int errno = (int) -Math.min(0, result);
    if (Errno.isFull(errno)) {
      throw new MediaFullException(info.name(), src.byteSize());
    }
    if (errno == Posix.EROFS) {
      throw sticky.fail("the file system became read-only");
    }
    if (Errno.isAbsence(errno)) {
      throw unavailable(Presence.GONE);
    }
    if (errno != 0 && !Errno.isFault(errno)) {
      throw failed("write", errno);
    }
    requireAnswering(NOTHING);
    ByteRange rest = new ByteRange(offset + done, offset + src.byteSize());
    throw fault(rest.alignOutward(info.granuleBytes()), Cause.IO_ERROR, done);
  }

  @Override
  public void persist() throws IOException {
    sync();
    requirePresent();
    drill.recordCures();
  }

  private void sync() throws IOException {
    sticky.check();
    if (sticky.run(() -> file.call(Posix::fdatasync)) < 0) {
      throw unavailable(Presence.GONE);
    }
  }

  @Override
  public List<ByteRange> probe(ByteRange range) throws IOException {
    checkRange(range);
    requirePresent();
    ByteRange wide = inGranules(range);
    List<ByteRange> bad = prober().unreadable(wide, drill.now().refused(wide));
    if (bad.isEmpty()) {
      requirePresent();
    } else {
      List<ByteRange> good = ByteRanges.of(wide).minus(ByteRanges.of(bad)).asList();
      requireAnswering(good.isEmpty() ? NOTHING : good.getFirst());
    }
    return bad;
  }

  @Override
  public void reinitialise(long offset, MemorySegment src) throws IOException {
    reinitialiseAll(List.of(new Piece(offset, src)));
  }

  @Override
  public void reinitialiseAll(List<Piece> pieces) throws IOException {
    List<ByteRange> ranges = new ArrayList<>(pieces.size());
    for (Piece piece : pieces) {
      checkReinitialise(piece.offset(), piece.content());
      ranges.add(ByteRange.ofLength(piece.offset(), piece.content().byteSize()));
    }
    faultLock.lock();
    try {
      requirePresent();
      try (Stores stores = stores(pastCache)) {
        storeThrough(stores, pieces);
        finish(stores, ranges);
      }
    } finally {
      faultLock.unlock();
    }
    for (ByteRange range : ranges) {
      readBack(range);
    }
  }

  private void storeThrough(Stores stores, List<Piece> pieces) throws IOException {
    try {
      for (Piece piece : pieces) {
        storeThrough(stores, piece);
      }
    } catch (IOException e) {
      abandon(stores, e);
      throw e;
    }
  }

  private void storeThrough(Stores stores, Piece piece) throws IOException {
    long offset = piece.offset();
    MemorySegment src = piece.content();
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    if (drill.stuckWithin(range)) {
      throw fault(range, Cause.IO_ERROR, 0);
    }
    PastCache past = stores.pastCache;
    long put = past == null ? -Posix.EINVAL : past.write(offset, src);
    if (put == -Posix.EINVAL) {
      put = stores.file.pwrite(offset, src);
    }
    if (put != src.byteSize()) {
      writeFailed(stores.file, offset, src, put);
    }
  }

  /** Throws when the disk does not give back what it has just taken. */
  private void readBack(ByteRange range) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.min(CHUNK_BYTES, Math.max(PAGE, range.length())));
      for (long at = range.start(); at < range.end(); at += buffer.byteSize()) {
        long length = Math.min(buffer.byteSize(), range.end() - at);
        readPastCache(at, buffer.asSlice(0, length));
      }
    }
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    checkRange(range);
    faultLock.lock();
    try {
      requirePresent();
      Mapping mapping = window;
      if (mapping == null) {
        mapping = Mapping.of(file, info.sizeBytes(), Mapping.Mode.READ);
        window = mapping;
        overlay(mapping, drill.now(), new ByteRange(0, info.sizeBytes()));
        windowsOf(mapping);
      }
      return Optional.of(mapping.segment().asSlice(range.start(), range.length()).asReadOnly());
    } finally {
      faultLock.unlock();
    }
  }

  @Override
  public void enforce(ArmedFaults now, ByteRange changed) throws IOException {
    super.enforce(now, changed);
    Mapping mapping = window;
    if (mapping != null) {
      overlay(mapping, now, changed);
    }
  }

  @Override
  public void makeDurable() throws IOException {
    sync();
  }

  @Override
  void release() {
    if (pastCache != null) {
      pastCache.close();
    }
    if (window != null) {
      window.close();
    }
  }
}
