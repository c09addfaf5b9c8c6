package io.bezoar.guard;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultInjector;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Window;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * A plain file, mapped to be read, under which pages may go bad.
 *
 * <p><b>Three ways to read it</b>, by what they promise:
 *
 * <ul>
 *   <li>{@link #copy} and the typed getters never give an invented byte and never crash. A page
 *       that traps is found, healed in place if anything can heal it, and the copy goes on; if not,
 *       {@link DamagedRangeException} names file and bytes, after the good ones before them. With a
 *       sidecar every page copied from is checked as well.
 *   <li>{@link #run} is for code that loads from {@link #segment()} itself: see there.
 *   <li>Plain loads from {@link #segment()} cost nothing and promise nothing: over a bad page the
 *       JVM throws {@link InternalError}, from compiled code late and outside of any {@code try}
 *       around the load, after invented bytes were used.
 * </ul>
 *
 * <p><b>What is done when a page goes bad.</b> Only that page is taken from the readers; the rest
 * of the file is served. What should be there is asked of the file itself (past the cache), the
 * sidecar, and each {@link RepairSource}, in that order. Repaired bytes are stored in the file,
 * made durable, read back and compared, and the page is swapped into the live mapping; if the file
 * may not be written, readers get them from memory. The file keeps its modification time: a repair
 * is no change. What nobody knows is lost: it is listed in {@link #damage()}, and reading it fails
 * at once.
 *
 * <p>A file that another process cuts is reported as cut ({@link
 * io.bezoar.media.MediaUnavailableException}), never as damaged. A file that grows is guarded up to
 * its size when it was mapped.
 *
 * <p>Thread-safe. Closing unmaps: copies that are under way end first, later ones throw {@link
 * IllegalStateException}.
 */
public final class Guard implements AutoCloseable {
  private final Path file;
  private final Media media;
  private final Window window;
  private final Reference reference;
  private final Announcer announcer;
  private final Healer healer;
  private final GuardedReader reader;

  private Guard(Path file, Media media, Window window, Reference reference, GuardOptions options) {
    this.file = file;
    this.media = media;
    this.window = window;
    this.reference = reference;
    this.announcer = new Announcer(options.subscribers());
    Healing.Scene scene = new Healing.Scene(file, media, window, reference, options, announcer);
    this.healer = new Healer(scene);
    this.reader = new GuardedReader(scene, healer);
  }

  /**
   * Maps a regular file of any size, read-only. The file is not locked, and not written unless it
   * is repaired.
   *
   * <p>With {@link Verify#AT_MAP} all of it is read and checked first, and what can be healed is;
   * what cannot be is listed in {@link #damage()}, and the rest is served.
   *
   * @throws io.bezoar.media.MediaOpenException when it cannot be opened or mapped; says why
   * @throws io.bezoar.guard.sidecar.SidecarException when a sidecar was asked for and there is
   *     none, it is of no use, or the file was changed since
   */
  public static Guard map(Path file, GuardOptions options) throws IOException {
    return map(file, options, UnaryOperator.identity());
  }

  /** As above; {@code observed} may put something between the file and its sidecar. */
  static Guard map(Path file, GuardOptions options, UnaryOperator<Reference> observed)
      throws IOException {
    if (options.verify() != null && options.repairsGoTo() == GuardEvent.Place.FILE) {
      SidecarReference.endRepairOf(file);
    }
    MediaOptions access = new MediaOptions(Access.REPAIR, MediaChoice.AUTO, options.drillMode());
    Media media = MediaFiles.open(file, access);
    try {
      Reference reference =
          observed.apply(
              options.verify() == null ? Reference.NONE : SidecarReference.open(file, media));
      try {
        Guard guard = new Guard(file, media, media.map(), reference, options);
        if (options.verify() == Verify.AT_MAP) {
          guard.scrub();
        }
        return guard;
      } catch (IOException | RuntimeException | Error e) {
        reference.close();
        throw e;
      }
    } catch (IOException | RuntimeException | Error e) {
      media.close();
      throw e;
    }
  }

  /** The file, as it was named. */
  public Path file() {
    return file;
  }

  /** Size in bytes when it was mapped. */
  public long sizeBytes() {
    return media.sizeBytes();
  }

  /**
   * The whole file, read-only, mapped: valid until close. Never checksum, compare, vectorise, CAS
   * or hand to native code what it holds: over a bad page some of these end the process. Copy
   * first.
   */
  public MemorySegment segment() {
    return window.segment();
  }

  /**
   * Fills {@code dst} from {@code offset}, in bytes from the start of the file.
   *
   * @param dst private memory, native or heap; not a mapping
   * @throws DamagedRangeException when bytes are lost; {@code dst} then holds the good bytes before
   *     the first lost one, and nothing else of it was written with anything but good bytes
   * @throws io.bezoar.media.MediaUnavailableException when the file was cut, or is gone
   * @throws IndexOutOfBoundsException when the access is not within the file
   * @throws IllegalArgumentException when {@code dst} is a mapping
   * @throws IllegalStateException when the guard was closed
   */
  public void copy(long offset, MemorySegment dst) throws IOException {
    reader.copy(offset, dst);
  }

  /** As {@link #copy(long, MemorySegment)}, into {@code length} bytes of an array. */
  public void copy(long offset, byte[] dst, int from, int length) throws IOException {
    reader.copy(offset, dst, from, length);
  }

  /**
   * Fills {@code dst} with everything that can be brought out, whether or not it can be checked.
   *
   * @return which bytes of the file were checked, which were only readable, and which were not
   * @throws io.bezoar.media.MediaUnavailableException when the file was cut, or is gone
   * @throws IllegalArgumentException when {@code dst} is a mapping
   */
  public Recovery recoveryCopy(long offset, MemorySegment dst) throws IOException {
    return reader.recoveryCopy(offset, dst);
  }

  /**
   * One byte at {@code offset}; for this and its siblings see {@link #copy(long, MemorySegment)}.
   */
  public byte get(ValueLayout.OfByte layout, long offset) throws IOException {
    return load(layout, offset).get(0);
  }

  /** One short at {@code offset}, in the layout's order; alignment does not matter. */
  public short get(ValueLayout.OfShort layout, long offset) throws IOException {
    return load(layout, offset).getShort(0);
  }

  /** One char at {@code offset}, in the layout's order; alignment does not matter. */
  public char get(ValueLayout.OfChar layout, long offset) throws IOException {
    return load(layout, offset).getChar(0);
  }

  /** One int at {@code offset}, in the layout's order; alignment does not matter. */
  public int get(ValueLayout.OfInt layout, long offset) throws IOException {
    return load(layout, offset).getInt(0);
  }

  /** One long at {@code offset}, in the layout's order; alignment does not matter. */
  public long get(ValueLayout.OfLong layout, long offset) throws IOException {
    return load(layout, offset).getLong(0);
  }

  /** One float at {@code offset}, in the layout's order; alignment does not matter. */
  public float get(ValueLayout.OfFloat layout, long offset) throws IOException {
    return load(layout, offset).getFloat(0);
  }

  /** One double at {@code offset}, in the layout's order; alignment does not matter. */
  public double get(ValueLayout.OfDouble layout, long offset) throws IOException {
    return load(layout, offset).getDouble(0);
  }

  private ByteBuffer load(ValueLayout layout, long offset) throws IOException {
    byte[] bytes = new byte[(int) layout.byteSize()];
    reader.copy(offset, bytes, 0, bytes.length);
    return ByteBuffer.wrap(bytes).order(layout.order());
  }

  /**
   * Code that loads from a guarded segment.
   *
   * @param <T> what it answers
   * @param <X> what it may throw
   */
  @FunctionalInterface
  public interface Body<T, X extends Exception> {
    /** Runs; perhaps several times. */
    T run() throws X;
  }

  /**
   * Runs code that loads from {@link #segment()} as it likes. When a load met a bad page the result
   * (or exception) of that run is discarded, the page is healed, and the code runs again; when the
   * page is lost, that is thrown.
   *
   * <p><b>What it promises.</b> The result that is returned comes from a run without a fault. The
   * body may also {@link #copy}: a fault of its own plain loads, if it arrives there, comes out as
   * {@link InternalError}.
   *
   * <p><b>What it cannot.</b> A faulted run goes on with invented bytes until the JVM delivers the
   * fault, so {@code body} must be free of side effects, must end whatever bytes it sees, and must
   * load on this thread (or call {@link #barrier} at the end of every other thread's part, and let
   * its errors come out here). It must not checksum, compare in bulk, CAS, vectorise or pass to
   * native code any mapped memory: over a bad page that ends the process, and no {@code try} helps.
   * So does an invented byte, short or char that is boxed or used as an index of a constant table,
   * because compiled code takes it for one of its type and checks nothing: call {@link #barrier}
   * between the load and such a use. It must not swallow {@link InternalError}. Bytes are not
   * checked against a sidecar: what changed without a trap is found by {@link #copy} and {@link
   * #scrub}.
   *
   * @throws DamagedRangeException when bytes that may be those needed are lost
   * @throws io.bezoar.media.MediaUnavailableException when the file was cut, or is gone
   * @throws X what {@code body} threw in a run without a fault
   */
  public <T, X extends Exception> T run(Body<T, X> body) throws X, IOException {
    return run(() -> List.of(this), body);
  }

  /**
   * As {@link #run(Body)}, for code that loads from several guarded files.
   *
   * @param over asked after a fault: all guards whose segments the code may have loaded from
   */
  public static <T, X extends Exception> T run(
      Supplier<? extends Collection<Guard>> over, Body<T, X> body) throws X, IOException {
    return GuardedRun.run(over, body);
  }

  /**
   * Asks the kernel to begin reading these bytes, if they are not in memory: returns at once, and
   * promises nothing.
   *
   * @throws IndexOutOfBoundsException when the range is not within the file
   * @throws IllegalStateException when the guard was closed
   */
  public void readAhead(ByteRange range) {
    window.readAhead(range);
  }

  /**
   * Returns only after the fault of any load that this thread made before has been thrown, as
   * {@link InternalError}; costs about 20 ns.
   */
  public static void barrier() {
    Window.barrier();
  }

  /** What is lost now, ascending. */
  public List<Damage> damage() {
    return healer.damage();
  }

  /**
   * Tells {@code subscriber} everything that happens to this file from now on, on the thread that
   * finds it out, with no lock held. What was healed while it was mapped is told to those of {@link
   * GuardOptions#subscribe}.
   *
   * @return ends the subscription
   */
  public AutoCloseable subscribe(Consumer<? super GuardEvent> subscriber) {
    return announcer.subscribe(Objects.requireNonNull(subscriber));
  }

  /**
   * Looks at all of the file: pages that trap, pages that are not what the sidecar says, and what
   * was lost before. Heals what can be healed by now; {@link #damage()} tells what is left. Reads
   * the whole file.
   *
   * @throws io.bezoar.media.MediaUnavailableException when the file was cut, or is gone
   */
  public void scrub() throws IOException {
    reader.scrub();
  }

  /** Looks for pages that trap, and heals them; true when something is better than before. */
  boolean healTraps() throws IOException {
    return healer.heal(whole(), ByteRanges.EMPTY, Healer.Look.NEW);
  }

  private ByteRange whole() {
    return new ByteRange(0, media.sizeBytes());
  }

  /**
   * Makes the file go bad on purpose.
   *
   * @throws UnsupportedOperationException when the file was mapped without {@link
   *     GuardOptions#drills()}
   */
  public FaultInjector injector() {
    return media.injector();
  }

  @Override
  public void close() throws IOException {
    try (reference) {
      media.close();
    }
  }
}
