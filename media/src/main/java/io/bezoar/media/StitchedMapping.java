package io.bezoar.media;

import io.bezoar.media.PieceMap.Piece;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One contiguous, read-only, mapped segment that is put together from pages of elsewhere, as page
 * tables would, and whose pages can be exchanged while others read them.
 *
 * <p><b>Invariant.</b> A page is at any time one of: zeroes; pages of a file, laid here; private
 * memory with a copy; revoked (every touch raises SIGBUS). A reader sees a page as it was before an
 * exchange or after it. Nothing is ever laid over addresses that were given back.
 *
 * <p><b>Threat.</b> The arena that the segment belongs to is the caller's: it may be closed, by any
 * thread or by the garbage collector, at any moment. Each piece that differs from its neighbours is
 * a mapping of the kernel's, and at vm.max_map_count the JVM aborts. Loads are plain ones: see
 * {@link Window}.
 *
 * <p><b>Protocol.</b> What is to lie where ({@code wanted}) and what lies there ({@code shown})
 * differ by what is revoked or refused on purpose; every change brings the second in line with the
 * first by MAP_FIXED, under the lock. A cleanup is registered in the arena before the segment is
 * made and another one behind it, because arenas run them in opposite orders: the first that runs
 * takes the lock and ends all changes, and only then are the addresses given back. A copy goes to
 * the one of two places in private memory that is not shown, so that it is exchanged as a whole;
 * with no mapping to spare it is written over the old one, and then a reader may see a page of it
 * half.
 *
 * <p>Nothing here refers to the segment, so that one of an automatic arena can go. No lock is taken
 * under this one. Offsets are bytes of the segment, ranges half-open and in whole pages.
 * Thread-safe. What comes after the arena was closed does nothing.
 */
public final class StitchedMapping {
  private static final int PAGE = Units.PAGE_BYTES;

  /** What lies under a piece. */
  private sealed interface Backing {
    /** Nothing was ever there. Takes no memory when it is read. */
    record Zero() implements Backing {}

    /** Faults. */
    record Revoked() implements Backing {}

    /** Private memory, in one of its two places. */
    record Copy(int place) implements Backing {}

    /** A file; {@code shift}: from an offset here to that in the file. */
    record File(WindowSource source, long shift) implements Backing {}
  }

  private static final Backing ZERO = new Backing.Zero();
  private static final Backing REVOKED = new Backing.Revoked();

  private final long sizeBytes;
  private final VmaBudget budget;
  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicInteger cleanups = new AtomicInteger();

  // Guarded by the lock.
  private final PieceMap<Backing> wanted;
  private final PieceMap<Backing> shown;
  private ByteRanges revoked = ByteRanges.EMPTY;
  private int paid;
  private boolean closed;
  private long address;
  private @Nullable Runnable afterClose;

  /** Files that pages were laid from. */
  private final Set<WindowSource> sources = new HashSet<>();

  /** Twice the size, sparse: the two places of copies. */
  private final Descriptor memory;

  /**
   * Reserves private memory; what is laid is seen once the segment was made by {@link #open}.
   *
   * @param sizeBytes whole pages
   * @throws IOException when the process has no descriptor to spare
   */
  public StitchedMapping(long sizeBytes, VmaBudget budget) throws IOException {
    if (sizeBytes < 0 || sizeBytes % PAGE != 0 || sizeBytes > Long.MAX_VALUE / 2) {
      throw new IllegalArgumentException("not whole pages: " + sizeBytes + " bytes");
    }
    if (!budget.take(1)) {
      throw new IOException(
          "this process has no mappings of memory to spare: close some, or raise vm.max_map_count");
    }
    this.sizeBytes = sizeBytes;
    this.budget = budget;
    this.paid = 1;
    this.wanted = new PieceMap<>(whole(), ZERO);
    this.shown = new PieceMap<>(whole(), ZERO);
    long fd = Posix.memfd("bezoar-stitched", 2 * sizeBytes);
    if (fd < 0) {
      budget.give(1);
      throw new IOException("no memory to map " + sizeBytes + " bytes: " + Errno.text((int) -fd));
    }
    this.memory = new Descriptor((int) fd);
  }

  private ByteRange whole() {
    return new ByteRange(0, sizeBytes);
  }

  /**
   * Makes the segment. Once.
   *
   * @param arena the segment's; thread-confined, shared, automatic or global
   * @param afterClose run once its memory was given back, by whoever closed the arena, or at once
   *     when this fails; must not throw
   * @throws IllegalStateException when the arena is closed
   * @throws WrongThreadException when it is confined to another thread
   * @throws IOException when there is no room for it
   */
  public MemorySegment open(Arena arena, Runnable afterClose) throws IOException {
    lock.lock();
    try {
      if (this.afterClose != null || closed) {
        throw new IllegalStateException("made already");
      }
      this.afterClose = afterClose;
    } finally {
      lock.unlock();
    }
    boolean done = false;
    try {
      onClose(arena);
      MemorySegment segment = Mapping.mapReadOnly(memory, sizeBytes, arena);
      onClose(arena);
      layAll(segment.address());
      done = true;
      return segment;
    } finally {
      if (!done) {
        abandon();
      }
    }
  }

  @SuppressWarnings("restricted") // no memory is reached by it: it is how an arena takes a cleanup
  private void onClose(Arena arena) {
    MemorySegment.NULL.reinterpret(arena, _ -> cleanup());
  }

  private void layAll(long at) throws IOException {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the arena was closed");
      }
      address = at;
      for (Piece<Backing> piece : shown.within(whole())) {
        lay(piece);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The first of two, whichever it is, comes before the addresses are given back. */
  private void cleanup() {
    int which = cleanups.incrementAndGet();
    if (which == 1) {
      endChanges();
    } else if (which == 2) {
      release();
    }
  }

  private void endChanges() {
    lock.lock();
    try {
      closed = true;
    } finally {
      lock.unlock();
    }
  }

  /** The segment was not made, or not handed out: cleanups that still come find it done. */
  private void abandon() {
    endChanges();
    if (cleanups.getAndSet(Integer.MIN_VALUE / 2) < 2) {
      release();
    }
  }

  private void release() {
    Runnable told;
    lock.lock();
    try {
      memory.close();
      budget.give(paid);
      paid = 0;
      told = afterClose;
      afterClose = null;
      sources.forEach(source -> source.givenBack(this));
      sources.clear();
    } finally {
      lock.unlock();
    }
    if (told != null) {
      told.run();
    }
  }

  /** Gives up what was never opened. Idempotent; does nothing to a segment that was made. */
  public void discard() {
    lock.lock();
    try {
      if (afterClose != null || closed) {
        return;
      }
      closed = true;
    } finally {
      lock.unlock();
    }
    release();
  }

  /**
   * Lays the pages that {@code window} shows, as they are and will be, from {@code at} on.
   *
   * @param window whole pages of a window of a media; those of no file cannot be laid
   * @return false when they cannot be laid, or no mappings are left for it: nothing was changed;
   *     {@link #stage} a copy
   */
  public boolean lay(long at, MemorySegment window) throws IOException {
    ByteRange range = checked(at, window.byteSize());
    WindowSource source = WindowSource.of(window);
    if (source == null || source.offsetOf(window) % PAGE != 0) {
      return false;
    }
    lock.lock();
    try {
      if (closed) {
        return true;
      }
      if (sources.add(source)) {
        source.shownBy(this);
      }
      Backing backing = new Backing.File(source, source.offsetOf(window) - at);
      return change(List.of(new Piece<>(range, backing)), range, revoked.minus(range));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Shows a copy of {@code bytes} from {@code at} on.
   *
   * @param bytes native memory, whole pages
   * @return false when no mappings are left for it: nothing was changed; stage all of {@link
   *     #widened}, which needs none
   */
  public boolean stage(long at, MemorySegment bytes) throws IOException {
    ByteRange range = checked(at, bytes.byteSize());
    lock.lock();
    try {
      if (closed) {
        return true;
      }
      return stage(range, bytes, Place.OTHER)
          || stage(range, bytes, Place.SAME)
          || stage(range, bytes, Place.FIRST);
    } finally {
      lock.unlock();
    }
  }

  /** Where a copy goes that replaces a copy. */
  private enum Place {
    /** Where readers do not see it yet. */
    OTHER,
    /** Under the readers: no piece more. */
    SAME,
    /** All in one, whatever is there: one piece. */
    FIRST
  }

  private boolean stage(ByteRange range, MemorySegment bytes, Place place) throws IOException {
    List<Piece<Backing>> news = new ArrayList<>();
    for (Piece<Backing> old : wanted.within(range)) {
      int to = 0;
      if (old.backing() instanceof Backing.Copy(int from) && place != Place.FIRST) {
        boolean seen = address != 0;
        to = seen && place == Place.OTHER ? 1 - from : from;
      }
      news.add(new Piece<>(old.range(), new Backing.Copy(to)));
    }
    return change(
        news,
        range,
        revoked.minus(range),
        () -> {
          for (Piece<Backing> piece : news) {
            long from = piece.range().start() - range.start();
            store(inMemory(piece), bytes.asSlice(from, piece.range().length()));
          }
        });
  }

  private void store(long offset, MemorySegment bytes) throws IOException {
    long put = memory.pwrite(offset, bytes);
    if (put != bytes.byteSize()) {
      String why = put < 0 ? Errno.text((int) -put) : "only " + put + " bytes stored";
      throw new IOException(
          "no memory for a copy of " + bytes.byteSize() + " mapped bytes: " + why);
    }
  }

  private long inMemory(Piece<Backing> piece) {
    return piece.backing() instanceof Backing.Copy(int place)
        ? piece.range().start() + place * sizeBytes
        : piece.range().start();
  }

  /**
   * Shows zeroes.
   *
   * @return false when no mappings are left for it: nothing was changed
   */
  public boolean zero(ByteRange range) throws IOException {
    ByteRange pages = checked(range.start(), range.length());
    lock.lock();
    try {
      return closed || change(List.of(new Piece<>(pages, ZERO)), pages, revoked.minus(pages));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes pages from the readers: every touch raises SIGBUS, until something else is laid there or
   * they are restored.
   *
   * @return false when no mappings are left for it: nothing was changed; revoke all of {@link
   *     #widened}, which needs none
   */
  public boolean revoke(ByteRange range) throws IOException {
    ByteRange pages = checked(range.start(), range.length());
    lock.lock();
    try {
      return closed || change(List.of(), pages, revoked.plus(pages));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives the readers back what was there before pages were revoked.
   *
   * @return false when no mappings are left for it: nothing was changed
   */
  public boolean restore(ByteRange range) throws IOException {
    ByteRange pages = checked(range.start(), range.length());
    lock.lock();
    try {
      return closed || change(List.of(), pages, revoked.minus(pages));
    } finally {
      lock.unlock();
    }
  }

  /**
   * {@code range} with all that hangs together with it, so that to exchange it takes no mapping.
   */
  public ByteRange widened(ByteRange range) {
    ByteRange pages = checked(range.start(), range.length());
    lock.lock();
    try {
      return shown.widened(pages);
    } finally {
      lock.unlock();
    }
  }

  /** Private memory that copies take, bytes; 0 once the arena was closed. */
  public long copiedBytes() {
    return Math.max(0, FileStat.allocatedBytes(memory));
  }

  /** How many mappings of the kernel's it is. */
  public int pieces() {
    lock.lock();
    try {
      return shown.count();
    } finally {
      lock.unlock();
    }
  }

  private ByteRange checked(long at, long lengthBytes) {
    Objects.checkFromIndexSize(at, lengthBytes, sizeBytes);
    if (at % PAGE != 0 || lengthBytes % PAGE != 0) {
      throw new IllegalArgumentException("not whole pages: " + ByteRange.ofLength(at, lengthBytes));
    }
    return ByteRange.ofLength(at, lengthBytes);
  }

  /** What is refused of the pages of a source is other now. */
  void obey(WindowSource source, ByteRange changed) throws IOException {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      for (Piece<Backing> piece : wanted.within(whole())) {
        if (piece.backing() instanceof Backing.File(WindowSource of, long shift) && of == source) {
          ByteRange pages = changed.alignOutward(PAGE);
          ByteRange here =
              new ByteRange(Math.max(0, pages.start() - shift), Math.max(0, pages.end() - shift))
                  .intersect(piece.range());
          if (!here.isEmpty() && !change(List.of(), here, revoked)) {
            throw new IOException(
                "no mappings are left to refuse or give back mapped pages; see vm.max_map_count");
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private interface Preparation {
    void run() throws IOException;
  }

  private boolean change(List<Piece<Backing>> news, ByteRange range, ByteRanges nowRevoked)
      throws IOException {
    return change(news, range, nowRevoked, () -> {});
  }

  /**
   * Pays for the pieces that {@code range} falls into, prepares them, and lays them.
   *
   * @param news what is wanted there; empty: what was
   * @return false when they cannot be paid for: nothing was changed or prepared
   */
  private boolean change(
      List<Piece<Backing>> news, ByteRange range, ByteRanges nowRevoked, Preparation preparation)
      throws IOException {
    List<Piece<Backing>> before = wanted.within(range);
    List<Piece<Backing>> now = visible(news.isEmpty() ? before : news, nowRevoked);
    int growth = Math.max(0, shown.growth(now));
    if (!budget.takeSpare(growth)) {
      return false;
    }
    paid += growth;
    try {
      preparation.run();
      if (address != 0) {
        layDiffering(now);
      } else {
        shown.put(now);
      }
      wanted.put(news);
      revoked = nowRevoked;
    } finally {
      // Pieces that became fewer, or a change that ended half way.
      int surplus = paid - Math.max(1, shown.count());
      budget.give(surplus);
      paid -= surplus;
    }
    forget(before, news);
    return true;
  }

  /** What is to be seen of pieces, in the order of their offsets. */
  private List<Piece<Backing>> visible(List<Piece<Backing>> pieces, ByteRanges nowRevoked) {
    List<Piece<Backing>> visible = new ArrayList<>();
    for (Piece<Backing> piece : pieces) {
      ByteRanges hidden = nowRevoked.intersect(piece.range());
      if (piece.backing() instanceof Backing.File(WindowSource source, long shift)) {
        for (ByteRange bad : source.refused(piece.range().shift(shift)).asList()) {
          hidden = hidden.plus(bad.alignOutward(PAGE).shift(-shift).intersect(piece.range()));
        }
      }
      long at = piece.range().start();
      for (ByteRange bad : hidden.asList()) {
        addTo(visible, new ByteRange(at, bad.start()), piece.backing());
        addTo(visible, bad, REVOKED);
        at = bad.end();
      }
      addTo(visible, new ByteRange(at, piece.range().end()), piece.backing());
    }
    return visible;
  }

  private static void addTo(List<Piece<Backing>> pieces, ByteRange range, Backing backing) {
    if (!range.isEmpty()) {
      pieces.add(new Piece<>(range, backing));
    }
  }

  private void layDiffering(List<Piece<Backing>> pieces) throws IOException {
    for (Piece<Backing> piece : pieces) {
      List<Piece<Backing>> old = shown.within(piece.range());
      if (old.size() != 1 || !old.getFirst().backing().equals(piece.backing())) {
        lay(piece);
        shown.put(List.of(piece));
      }
    }
  }

  private void lay(Piece<Backing> piece) throws IOException {
    ByteRange range = piece.range();
    int shared = Posix.MAP_SHARED | Posix.MAP_FIXED;
    long result =
        switch (piece.backing()) {
          case Backing.Zero() ->
              mmap(range, Posix.MAP_PRIVATE | Posix.MAP_ANONYMOUS | Posix.MAP_FIXED, -1, 0);
          case Backing.Revoked() -> mmap(range, shared, Mapping.emptyFile(), range.start());
          case Backing.Copy copy -> memory.call(fd -> mmap(range, shared, fd, inMemory(piece)));
          case Backing.File(WindowSource source, long shift) ->
              source.file().call(fd -> mmap(range, shared, fd, range.start() + shift));
        };
    if (result < 0) {
      throw new IOException(
          "cannot map pages "
              + range
              + ": "
              + Errno.text((int) -result)
              + "; see vm.max_map_count when many files are mapped");
    }
  }

  private long mmap(ByteRange range, int flags, int fd, long offset) {
    return Posix.mmap(address + range.start(), range.length(), Posix.PROT_READ, flags, fd, offset);
  }

  /** Gives the memory of copies back that are not wanted any more. */
  private void forget(List<Piece<Backing>> before, List<Piece<Backing>> news) {
    if (news.isEmpty()) {
      return;
    }
    for (Piece<Backing> old : before) {
      if (!(old.backing() instanceof Backing.Copy)) {
        continue;
      }
      for (Piece<Backing> piece : wanted.within(old.range())) {
        if (!piece.backing().equals(old.backing())) {
          Piece<Backing> gone = new Piece<>(piece.range(), old.backing());
          int punch = Posix.FALLOC_FL_PUNCH_HOLE | Posix.FALLOC_FL_KEEP_SIZE;
          memory.call(fd -> Posix.fallocate(fd, punch, inMemory(gone), gone.range().length()));
        }
      }
    }
  }
}
