package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What mapped and channel media share: one descriptor for the life of the media, the faults in
 * force, the sticky persist, and the translation of everything that goes wrong below into {@link
 * MediaException}s. This is the one translation boundary: below it there are error numbers, above
 * it there are typed exceptions.
 *
 * <p>The fault lock guards what lies under the mapping (poison pages, closing) and is taken only by
 * an access that has already failed, by injection, reinitialisation and close. A healthy access
 * never takes it.
 */
abstract sealed class FileMedia implements Media, DrillInjector.Bench
    permits MappedMedia, ChannelMedia {
  final MediaInfo info;
  final Descriptor file;
  final StickyPersist sticky;
  final ReentrantLock faultLock = new ReentrantLock();
  final DrillInjector drill;
  private final Path path;
  private final MediaOptions options;

  /** Windows that others hold. Written under the fault lock. */
  private final List<Window> lent = new CopyOnWriteArrayList<>();

  /** What {@link #window} hands out, once there is any. Guarded by the fault lock. */
  private @Nullable WindowSource source;

  FileMedia(
      Path path,
      MediaInfo info,
      Descriptor file,
      MediaOptions options,
      DrillList list,
      ArmedFaults armed) {
    this.path = path;
    this.info = info;
    this.file = file;
    this.sticky = new StickyPersist(info.name());
    this.options = options;
    this.drill = new DrillInjector(info, file, list, armed, faultLock, this);
  }

  @Override
  public final MediaInfo info() {
    return info;
  }

  @Override
  public final FaultInjector injector() {
    if (options.drills() == Drills.OFF || options.access() == Access.READ_ONLY) {
      throw new UnsupportedOperationException(
          info.name() + " was opened without drills or read-only: no faults can be injected");
    }
    return drill;
  }

  @Override
  public final Presence presence() {
    long sizeNow = file.sizeBytes();
    if (sizeNow >= info.sizeBytes()) {
      return isSilent() ? Presence.GONE : Presence.PRESENT;
    }
    // A block device that was pulled out answers with size 0 for as long as it is held open.
    return sizeNow < 0 || (sizeNow == 0 && blockDevice()) ? Presence.GONE : Presence.TRUNCATED;
  }

  /** True while a media that was found to answer nothing at all still does so. */
  abstract boolean isSilent();

  private boolean blockDevice() {
    return FileStat.blockDeviceSizeBytes(file) >= 0;
  }

  /** Bounds and kind of buffer, before anything happens. */
  final void checkAccess(long offset, MemorySegment buffer) {
    Media.requirePrivateNative(buffer);
    Objects.checkFromIndexSize(offset, buffer.byteSize(), info.sizeBytes());
  }

  final void checkRange(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
  }

  /** As {@link #checkAccess}, for stores. */
  final void checkStore(long offset, MemorySegment src) throws PersistFailedException {
    checkAccess(offset, src);
    if (!info.writable()) {
      throw new UnsupportedOperationException(info.name() + " was opened read-only");
    }
    sticky.check();
  }

  /** As {@link #checkStore}, in whole clear units, and allowed where only repairs are. */
  final void checkReinitialise(long offset, MemorySegment src) throws PersistFailedException {
    if (options.access() == Access.REPAIR) {
      checkAccess(offset, src);
      sticky.check();
    } else {
      checkStore(offset, src);
    }
    long end = offset + src.byteSize();
    boolean wholeEnd = end % info.clearUnitBytes() == 0 || end == info.sizeBytes();
    if (offset % info.clearUnitBytes() != 0 || !wholeEnd) {
      throw new IllegalArgumentException(
          "not in whole clear units of "
              + info.clearUnitBytes()
              + " bytes: "
              + ByteRange.ofLength(offset, src.byteSize()));
    }
  }

  /** Throws when the media is not there (any more). */
  final void requirePresent() throws MediaUnavailableException {
    Presence presence = presence();
    if (presence != Presence.PRESENT) {
      throw unavailable(presence);
    }
  }

  final MediaUnavailableException unavailable(Presence presence) {
    String detail =
        switch (presence) {
          case TRUNCATED ->
              "is shorter than the "
                  + info.sizeBytes()
                  + " bytes it was opened with: bytes are absent, not damaged; stop what cut it,"
                  + " restore the rest and open it again";
          case GONE ->
              file.isClosed()
                  ? "was closed"
                  : "does not answer any more: check that its device is attached and its file"
                      + " system mounted, then open it again";
          case PRESENT -> "is there again: repeat the access";
        };
    return new MediaUnavailableException(info.name(), presence, detail);
  }

  /** A failed call on the file that is neither a fault nor an absence. */
  final IOException failed(String doing, int errno) {
    return new FileSystemException(info.name(), null, doing + " failed: " + Errno.text(errno));
  }

  final MediaFaultException fault(ByteRange range, Cause cause, long goodPrefixBytes) {
    return new MediaFaultException(info.name(), range.intersect(whole()), cause, goodPrefixBytes);
  }

  final ByteRange whole() {
    return new ByteRange(0, info.sizeBytes());
  }

  /** Widened to whole granules, the last of which may end with the media. */
  final ByteRange inGranules(ByteRange range) {
    return range.alignOutward(info.granuleBytes(), info.sizeBytes());
  }

  /**
   * What a repair stores through.
   *
   * @param pastCache the media's own way past the cache
   */
  final Stores stores(@Nullable PastCache pastCache) throws IOException {
    return options.access() == Access.REPAIR
        ? Stores.forRepair(path, file, info.granuleBytes())
        : Stores.lasting(file, pastCache);
  }

  /** Ends what was stored by a reinitialisation of {@code ranges}. Under the fault lock. */
  final void finish(Stores stores, List<ByteRange> ranges) throws IOException {
    boolean repair = options.access() == Access.REPAIR;
    if (repair && sticky.runItself(stores::finish) < 0) {
      throw unavailable(Presence.GONE);
    }
    for (ByteRange range : ranges) {
      drill.cure(range);
    }
    if (repair) {
      drill.recordCures();
    }
  }

  /**
   * Ends a reinitialisation that failed: even a store that stores nothing gives the file another
   * modification time.
   */
  final void abandon(Stores stores, IOException failure) {
    try {
      finish(stores, List.of());
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  @Override
  public final MediaStamp stamp() throws IOException {
    if (file.isClosed()) {
      throw unavailable(Presence.GONE);
    }
    return MediaFiles.stampOf(path, file);
  }

  @Override
  public final Window map() throws IOException {
    GuardReport guard = GuardSelfTest.report();
    if (!guard.sound()) {
      throw new MediaOpenException(
          info.name(), MediaOpenException.Reason.NOT_MAPPABLE, guard.detail());
    }
    faultLock.lock();
    try {
      requirePresent();
      Mapping mapping = Mapping.of(file, info.sizeBytes(), Mapping.Mode.READ);
      try {
        overlay(mapping, drill.now(), whole());
      } catch (IOException | RuntimeException e) {
        mapping.close();
        throw e;
      }
      Window window = new Window(info, file, mapping, faultLock, new Lender());
      lent.add(window);
      return window;
    } finally {
      faultLock.unlock();
    }
  }

  /** What a window asks of its media, under the fault lock. */
  private final class Lender implements Window.Owner {
    @Override
    public void givenBack(Window window) {
      lent.remove(window);
    }

    @Override
    public ByteRanges refused(ByteRange pages) {
      return ByteRanges.of(drill.now().refused(pages));
    }
  }

  @Override
  public void enforce(ArmedFaults now, ByteRange changed) throws IOException {
    for (Window window : lent) {
      overlay(window.mapping(), now, changed);
    }
    if (source != null) {
      source.enforce(changed);
    }
  }

  /** Windows are parts of {@code mapping} from now on. */
  final void windowsOf(Mapping mapping) {
    source = WindowSource.register(file, mapping.segment(), range -> drill.now().refused(range));
  }

  @Override
  public final Stores stores() throws IOException {
    return stores(null);
  }

  /** Makes the pages of {@code mapping} that {@code changed} touches obey {@code now}. */
  static void overlay(Mapping mapping, ArmedFaults now, ByteRange changed) throws IOException {
    ByteRange pages = changed.alignOutward(Units.PAGE_BYTES);
    long from = pages.start();
    for (ByteRange refused : now.refused(pages)) {
      ByteRange bad = refused.alignOutward(Units.PAGE_BYTES);
      long start = Math.max(from, bad.start());
      mapping.restore(new ByteRange(from, start));
      if (start < bad.end()) {
        mapping.lay(new ByteRange(start, bad.end()));
        from = bad.end();
      }
    }
    mapping.restore(new ByteRange(from, pages.end()));
  }

  /** Releases mappings. Under the fault lock, after the descriptor was closed. */
  abstract void release();

  @Override
  public final void close() throws IOException {
    faultLock.lock();
    try {
      if (file.isClosed()) {
        return;
      }
      try {
        drill.recordCures();
      } finally {
        file.close();
        lent.forEach(Window::close);
        if (source != null) {
          source.withdraw();
        }
        release();
      }
    } finally {
      faultLock.unlock();
    }
  }
}
