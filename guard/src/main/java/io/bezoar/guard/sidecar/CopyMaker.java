package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Media;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Writes a file as it was protected to a copy: its good pages as they are read, each compared with
 * its checksum on the way, the others computed. Not thread-safe.
 */
final class CopyMaker {
  private static final int PIECE_PAGES = 64;

  private final Sidecar sidecar;
  private final SidecarGeometry geometry;
  private final PageSource source;
  private final FileStamp stamp;
  private final List<ByteRange> repaired = new ArrayList<>();

  CopyMaker(Sidecar sidecar, Media file, FileStamp stamp) {
    this.sidecar = sidecar;
    this.geometry = sidecar.geometry();
    this.source = new PageSource(file, geometry);
    this.stamp = stamp;
  }

  /** Bytes that were computed. */
  ByteRanges repaired() {
    return ByteRanges.of(repaired);
  }

  /** Makes the copy; bytes that are lost in it. */
  ByteRanges make(Path copy, Progress progress) throws IOException, InterruptedException {
    if (Files.exists(copy, LinkOption.NOFOLLOW_LINKS)) {
      throw new FileAlreadyExistsException(
          copy.toString(), null, "is there already: choose another name for the copy");
    }
    if (geometry.fileSizeBytes() == 0) {
      Files.createFile(copy); // media that is made has at least one byte
      return ByteRanges.EMPTY;
    }
    try (FreshFile fresh = FreshFile.beside(copy, geometry.fileSizeBytes())) {
      fresh.shareLike(sidecar.file());
      ByteRanges lost = fill(fresh.media(), progress);
      stamp.requireUnchanged(sidecar.file());
      if (lost.isEmpty()) {
        Files.setLastModifiedTime(
            fresh.path(), FileTime.from(sidecar.header().modifiedNanos(), TimeUnit.NANOSECONDS));
      }
      fresh.publish();
      return lost;
    } catch (InterruptedIOException cancelled) {
      Thread.interrupted();
      throw new InterruptedException();
    }
  }

  private ByteRanges fill(Media copy, Progress progress) throws IOException {
    List<ByteRange> bad = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate((long) PIECE_PAGES * PAGE_BYTES, PAGE_BYTES);
      for (long first = 0; first < geometry.pages(); first += PIECE_PAGES) {
        requireGoingOn(progress);
        int count = (int) Math.min(PIECE_PAGES, geometry.pages() - first);
        if (!source.readAll(first, count, buffer) || !allMatch(first, count, buffer)) {
          copyOneByOne(copy, first, count, buffer, bad);
        } else {
          ByteRange run = range(first, count);
          copy.write(run.start(), buffer.asSlice(0, run.length()));
        }
        progress.advanced(range(first, count).end(), geometry.fileSizeBytes());
      }
    }
    return sidecar.rebuild(
        ByteRanges.of(bad),
        source,
        (page, content) -> {
          requireGoingOn(progress);
          ByteRange range = sidecar.rangeOf(page);
          copy.write(range.start(), content.asSlice(0, range.length()));
          repaired.add(range);
        });
  }

  private void copyOneByOne(
      Media copy, long first, int count, MemorySegment buffer, List<ByteRange> bad)
      throws IOException {
    MemorySegment content = buffer.asSlice(0, PAGE_BYTES);
    for (long page = first; page < first + count; page++) {
      ByteRange range = sidecar.rangeOf(page);
      if (source.read(page, content) && isGood(page, content)) {
        copy.write(range.start(), content.asSlice(0, range.length()));
      } else {
        bad.add(range);
      }
    }
  }

  private boolean allMatch(long first, int count, MemorySegment buffer) throws IOException {
    for (int i = 0; i < count; i++) {
      if (!isGood(first + i, buffer.asSlice((long) i * PAGE_BYTES, PAGE_BYTES))) {
        return false;
      }
    }
    return true;
  }

  private boolean isGood(long page, MemorySegment content) throws IOException {
    return sidecar.matches(page, content) || !sidecar.knows(page);
  }

  private ByteRange range(long first, int count) {
    return sidecar.rangeOf(first).span(sidecar.rangeOf(first + count - 1));
  }

  private static void requireGoingOn(Progress progress) throws InterruptedIOException {
    if (progress.isCancelled() || Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException();
    }
  }
}
