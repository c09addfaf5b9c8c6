package io.bezoar.guard.sidecar;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds the header of a sidecar: at its beginning, or at its end, where either the second copy
 * stands or, behind a note of a repair, a third. They are written once and say the same.
 *
 * @param path the sidecar
 * @param bytes what is in it
 */
record Headers(Path path, SidecarBytes bytes) {

  /**
   * The header.
   *
   * @throws SidecarException when there is none
   */
  SidecarHeader require() throws IOException {
    long last = bytes.sizeBytes() - SidecarLayout.HEADER_BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(SidecarLayout.HEADER_BYTES, Long.BYTES);
      Found first = last < 0 ? Found.NOTHING : look(0, buffer);
      Found second = last <= 0 ? Found.NOTHING : look(last, buffer);
      Optional<SidecarHeader> header = first.header.or(() -> second.header);
      if (header.isPresent()) {
        return header.get();
      }
      throw refusal(first.trace.compareTo(second.trace) >= 0 ? first.trace : second.trace);
    }
  }

  /** Whether this copy of {@code header} is good. */
  boolean isGood(Copy copy, SidecarHeader header) throws IOException {
    long at = new SidecarLayout(header.geometry()).headerOffset(copy);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(SidecarLayout.HEADER_BYTES, Long.BYTES);
      return bytes.read(at, buffer)
          && SidecarLayout.decodeHeader(buffer, at).filter(header::equals).isPresent();
    }
  }

  /** What there is to see where a header should be; the later, the more it tells. */
  private enum Trace {
    NOTHING,
    UNREADABLE,
    MAGIC,
    NEWER
  }

  private record Found(Optional<SidecarHeader> header, Trace trace) {
    static final Found NOTHING = new Found(Optional.empty(), Trace.NOTHING);
  }

  private Found look(long at, MemorySegment buffer) throws IOException {
    if (!bytes.read(at, buffer)) {
      return new Found(Optional.empty(), Trace.UNREADABLE);
    }
    Trace trace =
        SidecarLayout.isNewer(buffer, at)
            ? Trace.NEWER
            : SidecarLayout.hasMagic(buffer) ? Trace.MAGIC : Trace.NOTHING;
    return new Found(SidecarLayout.decodeHeader(buffer, at), trace);
  }

  private SidecarException refusal(Trace trace) {
    return switch (trace) {
      case NOTHING ->
          new SidecarException(
              path,
              SidecarException.Reason.NOT_A_SIDECAR,
              "is not a sidecar, or nothing is left of it: move it away to protect the file anew");
      case UNREADABLE, MAGIC ->
          new SidecarException(
              path,
              SidecarException.Reason.DAMAGED,
              "is damaged at both ends and of no use any more: if the file itself is good, remove"
                  + " this and protect it anew");
      case NEWER ->
          new SidecarException(
              path,
              SidecarException.Reason.NEWER_VERSION,
              "was made by a newer version of Bezoar: use that one");
    };
  }
}
