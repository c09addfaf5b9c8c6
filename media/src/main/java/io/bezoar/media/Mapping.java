package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.EnumSet;
import java.util.Set;

/**
 * The whole of one file, mapped once, on which single pages can be made bad and good again.
 *
 * <p><b>Poison.</b> A page of an empty memfd laid over the file's own page with MAP_FIXED raises a
 * real SIGBUS on exactly that page, for loads, stores and system calls alike, on any file and
 * without privilege. Laying the file's page back cures it. Both are atomic for readers, and the
 * segment stays valid throughout: only what lies under its addresses changes.
 *
 * <p><b>Why mapped twice.</b> The JDK makes the segment (so that it is a true mapped one, and its
 * arena unmaps it), from a descriptor of its own. Then the file is laid over it once more through
 * ours: pages that are laid back later come from the same open file and merge with their neighbours
 * again, where they would otherwise stay splinters until the process has used up {@code
 * vm.max_map_count}, at which point the JVM itself aborts.
 *
 * <p><b>Lifetime.</b> The owner calls {@link #lay}, {@link #restore} and {@link #close} under one
 * lock, so that nothing is ever laid over addresses that were given back. Loads take no lock: the
 * shared arena makes a load that comes after close fail with {@link IllegalStateException}.
 */
final class Mapping implements AutoCloseable {
  /** One per process, for ever: a file that ends at its first byte and can never grow. */
  private static final class Empty {
    static final int FD = (int) Posix.memfd("bezoar-poison", 0);
  }

  private final Arena arena;
  private final MemorySegment segment;
  private final Descriptor file;
  private final int protection;
  private final int flags;

  private Mapping(Arena arena, MemorySegment segment, Descriptor file, int prot, int flags) {
    this.arena = arena;
    this.segment = segment;
    this.file = file;
    this.protection = prot;
    this.flags = flags;
  }

  /** How a file is mapped. */
  enum Mode {
    READ(FileChannel.MapMode.READ_ONLY, Posix.PROT_READ, Posix.MAP_SHARED),
    READ_WRITE(
        FileChannel.MapMode.READ_WRITE, Posix.PROT_READ | Posix.PROT_WRITE, Posix.MAP_SHARED),
    READ_SYNC(
        jdk.nio.mapmode.ExtendedMapMode.READ_ONLY_SYNC,
        Posix.PROT_READ,
        Posix.MAP_SHARED_VALIDATE | Posix.MAP_SYNC),
    READ_WRITE_SYNC(
        jdk.nio.mapmode.ExtendedMapMode.READ_WRITE_SYNC,
        Posix.PROT_READ | Posix.PROT_WRITE,
        Posix.MAP_SHARED_VALIDATE | Posix.MAP_SYNC);

    @SuppressWarnings("ImmutableEnumChecker") // it has no state but its name
    private final FileChannel.MapMode java;

    private final int protection;
    private final int flags;

    Mode(FileChannel.MapMode java, int protection, int flags) {
      this.java = java;
      this.protection = protection;
      this.flags = flags;
    }
  }

  /**
   * Maps the first {@code sizeBytes} bytes of an open file.
   *
   * @throws IOException when this file cannot be mapped in this mode
   */
  static Mapping of(Descriptor file, long sizeBytes, Mode mode) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment segment = mapByJdk(file, sizeBytes, mode, arena);
      Mapping mapping = new Mapping(arena, segment, file, mode.protection, mode.flags);
      mapping.restore(new ByteRange(0, sizeBytes));
      return mapping;
    } catch (IOException | RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  /** An interrupt would close the channel under the map call: it is put off until after it. */
  private static MemorySegment mapByJdk(Descriptor file, long sizeBytes, Mode mode, Arena arena)
      throws IOException {
    long[] number = {-1};
    file.call(fd -> number[0] = fd);
    Path path = Path.of("/proc/self/fd/" + number[0]);
    boolean writable = (mode.protection & Posix.PROT_WRITE) != 0;
    Set<StandardOpenOption> options =
        writable
            ? EnumSet.of(StandardOpenOption.READ, StandardOpenOption.WRITE)
            : EnumSet.of(StandardOpenOption.READ);
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try (FileChannel channel = FileChannel.open(path, options)) {
          return channel.map(mode.java, 0, sizeBytes, arena);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  MemorySegment segment() {
    return segment;
  }

  /** The first bytes of an open file, in somebody else's arena, as the JDK maps them. */
  static MemorySegment mapReadOnly(Descriptor file, long sizeBytes, Arena arena)
      throws IOException {
    return mapByJdk(file, sizeBytes, Mode.READ, arena);
  }

  /** A file that ends at its first byte: every touch of pages that are mapped from it faults. */
  static int emptyFile() {
    return Empty.FD;
  }

  /**
   * Makes the pages of {@code range} raise SIGBUS, whatever the file holds there. From the same
   * offsets, so that neighbours that are laid one by one become one mapping.
   */
  void lay(ByteRange range) throws IOException {
    int prot = protection;
    over(
        range,
        address ->
            Posix.mmap(
                address,
                range.length(),
                prot,
                Posix.MAP_SHARED | Posix.MAP_FIXED,
                Empty.FD,
                range.start()));
  }

  /** Lays the file's own pages back. */
  void restore(ByteRange range) throws IOException {
    over(
        range,
        address ->
            file.call(
                fd ->
                    Posix.mmap(
                        address,
                        range.length(),
                        protection,
                        flags | Posix.MAP_FIXED,
                        fd,
                        range.start())));
  }

  /** Lays the pages of another file over those of {@code range}, from the same offsets. */
  void layFrom(Descriptor other, ByteRange range) throws IOException {
    over(
        range,
        address ->
            other.call(
                fd ->
                    Posix.mmap(
                        address,
                        range.length(),
                        protection,
                        Posix.MAP_SHARED | Posix.MAP_FIXED,
                        fd,
                        range.start())));
  }

  private interface Laying {
    long at(long address);
  }

  private void over(ByteRange range, Laying laying) throws IOException {
    if (range.isEmpty()) {
      return;
    }
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("mapping is closed");
    }
    long result = laying.at(segment.address() + range.start());
    if (result < 0) {
      throw new IOException(
          "cannot map pages "
              + range
              + ": "
              + Errno.text((int) -result)
              + "; see vm.max_map_count when many single pages are bad");
    }
  }

  /**
   * Bytes at the start of {@code dst} that could be read without a load. Under the owner's lock.
   */
  long salvage(long offset, MemorySegment dst) {
    return GuardedCopy.salvage(segment, offset, dst);
  }

  /**
   * Unmaps. Loads that are under way end first; a system call that is using a window is waited for.
   */
  @Override
  public void close() {
    while (arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException e) {
        if (!arena.scope().isAlive()) {
          return;
        }
        java.util.concurrent.locks.LockSupport.parkNanos(100_000);
      }
    }
  }
}
