package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The file behind the windows that a media hands out, so that the same pages can be laid elsewhere:
 * a window is known by the scope of the mapping that it is a part of, and no device between the
 * media and the user of the window has to know of any of this.
 *
 * <p>Pages that are refused on purpose are refused wherever they are laid: whoever lays them enters
 * itself first and asks {@link #refused} then; whoever injects changes the answer first, and tells
 * those who are entered then. One of the two sees the other. Thread-safe.
 */
final class WindowSource {
  private static final ConcurrentHashMap<MemorySegment.Scope, WindowSource> SOURCES =
      new ConcurrentHashMap<>();

  private final Descriptor file;
  private final MemorySegment.Scope scope;
  private final long address;
  private final Function<ByteRange, List<ByteRange>> refused;

  private final Set<StitchedMapping> showing = ConcurrentHashMap.newKeySet();

  private WindowSource(
      Descriptor file, MemorySegment mapped, Function<ByteRange, List<ByteRange>> refused) {
    this.file = file;
    this.scope = mapped.scope();
    this.address = mapped.address();
    this.refused = refused;
  }

  /**
   * Windows of {@code mapped} show {@code file} from now on.
   *
   * @param mapped the file from its first byte
   * @param refused what of a range of the file is refused on purpose
   */
  static WindowSource register(
      Descriptor file, MemorySegment mapped, Function<ByteRange, List<ByteRange>> refused) {
    WindowSource source = new WindowSource(file, mapped, refused);
    SOURCES.put(source.scope, source);
    return source;
  }

  /** What the window shows, or null when it is of no file. */
  static @Nullable WindowSource of(MemorySegment window) {
    return SOURCES.get(window.scope());
  }

  /** Where in the file the window begins. */
  long offsetOf(MemorySegment window) {
    return window.address() - address;
  }

  Descriptor file() {
    return file;
  }

  ByteRanges refused(ByteRange range) {
    return ByteRanges.of(refused.apply(range));
  }

  void shownBy(StitchedMapping mapping) {
    showing.add(mapping);
  }

  void givenBack(StitchedMapping mapping) {
    showing.remove(mapping);
  }

  /** What is refused of {@code changed} is other now. Under the media's fault lock. */
  void enforce(ByteRange changed) throws IOException {
    for (StitchedMapping mapping : showing) {
      mapping.obey(this, changed);
    }
  }

  /** No window will be handed out any more; what was laid stays. */
  void withdraw() {
    SOURCES.remove(scope);
  }
}
