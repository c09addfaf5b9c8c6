package io.bezoar.guard.sidecar;

import io.bezoar.guard.sidecar.SidecarLayout.RepairNote;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The note of a repair in place, behind the end of the sidecar: durable before the first byte of
 * the file is stored, gone after the last one was read back.
 *
 * <p><b>Threat.</b> A crash between storing bytes and putting the modification time back. Without
 * the note the file would look as if somebody had changed it, and what is half repaired would never
 * be repaired. But somebody may also change the file after such a crash. So a note explains another
 * modification time only if that lies within the note's time, and only for its pages.
 *
 * <p>The note ends with a third copy of the sidecar's header, so that the end of the file can still
 * stand in for a bad beginning. A note that is not whole is none: the file then counts as changed,
 * and is left alone.
 *
 * <p>Thread-safe. Two processes that repair one file at once may lose each other's note, which
 * costs the same.
 */
final class RepairNotes {
  /** A repair that takes longer writes its note again. */
  static final Duration LASTS = Duration.ofMinutes(10);

  /** File systems that keep even seconds only set times back. */
  private static final Duration COARSENESS = Duration.ofSeconds(2);

  private static final long BYTES_MAX = 64L << 20;

  private final Path path;
  private final SidecarHeader header;
  private final SidecarLayout layout;
  private final InstantSource clock;

  /** Device and inode: a sidecar that was made anew meanwhile has another one. */
  private final @Nullable Object identity;

  /** Guarded by this. */
  private RepairNote note;

  private RepairNotes(
      Path path,
      SidecarHeader header,
      InstantSource clock,
      @Nullable Object identity,
      RepairNote note) {
    this.path = path;
    this.header = header;
    this.layout = new SidecarLayout(header.geometry());
    this.clock = clock;
    this.note = note;
    this.identity = identity;
  }

  static RepairNotes load(Path path, SidecarBytes bytes, SidecarHeader header, InstantSource clock)
      throws IOException {
    SidecarLayout layout = new SidecarLayout(header.geometry());
    RepairNote found = new RepairNote(0, ByteRanges.EMPTY);
    long size = Math.min(bytes.sizeBytes() - layout.sizeBytes(), BYTES_MAX);
    if (size > 0) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment buffer = arena.allocate(size, Long.BYTES);
        if (bytes.read(layout.sizeBytes(), buffer)) {
          found = layout.decodeNote(buffer, header.id()).orElse(found);
        }
      }
    }
    return new RepairNotes(path, header, clock, identity(path), found);
  }

  private static @Nullable Object identity(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  /** See {@link Sidecar#requireInPlace}. To be called after what is to be written was opened. */
  void requireInPlace() throws IOException {
    if (!Objects.equals(identity, identity(path))) {
      throw new SidecarException(
          path, SidecarException.Reason.NOT_WRITABLE, "was made anew meanwhile: open it again");
    }
  }

  synchronized RepairNote current() {
    return note;
  }

  ByteRanges pages() {
    return current().pages();
  }

  /** Whether a repair that noted itself may have left this modification time. */
  boolean explain(long modifiedNanos) {
    RepairNote last = current();
    if (last.pages().isEmpty()) {
      return false;
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(modifiedNanos);
    return millis >= last.writtenMillis() - COARSENESS.toMillis()
        && millis <= last.writtenMillis() + LASTS.toMillis();
  }

  synchronized void add(ByteRanges pages) throws IOException {
    RepairNote next = new RepairNote(clock.millis(), note.pages().union(pages));
    store(next);
    note = next;
  }

  synchronized void remove(ByteRanges pages) throws IOException {
    ByteRanges left = note.pages().minus(pages);
    if (left.equals(note.pages())) {
      return;
    }
    RepairNote next = new RepairNote(note.writtenMillis(), left);
    store(next);
    note = next;
  }

  /** A random access file, because an interrupt does not close it. */
  private void store(RepairNote next) throws IOException {
    try (RandomAccessFile sidecar = openInPlace()) {
      requireInPlace();
      if (next.pages().isEmpty()) {
        sidecar.setLength(layout.sizeBytes());
      } else {
        byte[] content = content(next);
        sidecar.seek(layout.sizeBytes());
        sidecar.write(content);
        sidecar.setLength(layout.sizeBytes() + content.length);
      }
      sidecar.getFD().sync();
    } catch (SidecarException replaced) {
      throw replaced;
    } catch (IOException e) {
      SidecarException refused =
          new SidecarException(
              path,
              SidecarException.Reason.NOT_WRITABLE,
              "cannot be written, so that no repair can be noted in it ("
                  + e.getMessage()
                  + "): give yourself the right to write it, or repair to a copy");
      refused.initCause(e);
      throw refused;
    }
  }

  /** Looks first: to open a file that is gone would make an empty one. */
  private RandomAccessFile openInPlace() throws IOException {
    requireInPlace();
    return new RandomAccessFile(path.toFile(), "rw");
  }

  private byte[] content(RepairNote next) {
    long noteBytes = SidecarLayout.noteBytes(next);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(noteBytes + SidecarLayout.HEADER_BYTES, Long.BYTES);
      layout.encodeNote(out, next, header.id());
      SidecarLayout.encodeHeader(out.asSlice(noteBytes), layout.sizeBytes() + noteBytes, header);
      return out.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
