package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Repairs pages of a file where they are.
 *
 * <p><b>Protocol.</b> Note all pages durably; compute and verify; store over the bad page, durably;
 * read it back past the cache and compare; forget the note. Whatever comes between two steps (a
 * crash, a new strike) leaves pages that are good, or known to be damaged, and never pages that are
 * taken for a change of the file. Somebody who writes to the file meanwhile ends the repair.
 *
 * <p>A page that the media does not take, or does not keep, stays bad and is told.
 *
 * <p>Not thread-safe.
 */
final class FileMender {
  /** So many batches are stored well within the time of a note, whatever the disk. */
  private static final int BATCHES_PER_NOTE = 8;

  private final Sidecar sidecar;
  private final Media file;
  private final FileStamp stamp;
  private final FileState state;
  private final Progress progress;
  private final List<ByteRange> repaired = new ArrayList<>();
  private final List<ByteRange> stuck = new ArrayList<>();
  private ByteRanges noted = ByteRanges.EMPTY;
  private int batchesSinceNote;

  /**
   * Prepares.
   *
   * @param file the file, open to be repaired
   * @param stamp what it looked like when it was surveyed
   */
  FileMender(Sidecar sidecar, Media file, FileStamp stamp, Progress progress) {
    this.sidecar = sidecar;
    this.file = file;
    this.stamp = stamp;
    this.state = sidecar.state(stamp);
    this.progress = progress;
  }

  /** Repairs what can be repaired; the pages that are lost. */
  ByteRanges mend(ByteRanges bad) throws IOException, InterruptedException {
    note(bad);
    ByteRanges lost;
    try (PageBatch batch = new PageBatch(this::storeRuns)) {
      Sidecar.PageReader reader = new PageSource(file, sidecar.geometry());
      lost =
          sidecar.rebuild(
              bad,
              reader,
              (page, content) -> {
                requireGoingOn();
                if (isOurs(bad, page)) {
                  batch.add(page, content);
                }
              });
      batch.flush();
    } catch (InterruptedIOException cancelled) {
      sidecar.repaired(noted.minus(stuck())); // every run was finished
      Thread.interrupted();
      throw new InterruptedException();
    }
    sidecar.repaired(noted.minus(stuck()));
    return lost;
  }

  /** Bytes that were repaired. */
  ByteRanges repaired() {
    return ByteRanges.of(repaired);
  }

  /** Bytes that the media did not take. */
  ByteRanges stuck() {
    return ByteRanges.of(stuck);
  }

  private void requireGoingOn() throws InterruptedIOException {
    if (progress.isCancelled() || Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException();
    }
  }

  /** A page that turned out to be bad on the way may have been changed instead. */
  private boolean isOurs(ByteRanges bad, long page) {
    return bad.overlaps(sidecar.rangeOf(page)) || sidecar.meansDamage(state, page);
  }

  private void note(ByteRanges pages) throws IOException {
    noted = noted.union(pages);
    sidecar.willRepair(pages);
    batchesSinceNote = 0;
  }

  private void storeRuns(List<Media.Piece> runs) throws IOException {
    stamp.requireUnchanged(sidecar.file());
    List<Media.Piece> pieces = runs.stream().map(this::withinFile).toList();
    ByteRanges ranges = ByteRanges.of(pieces.stream().map(FileMender::rangeOf).toList());
    if (!noted.union(ranges).equals(noted) || ++batchesSinceNote > BATCHES_PER_NOTE) {
      note(ranges);
    }
    boolean all = store(pieces);
    for (Media.Piece piece : pieces) {
      if (all && isKept(piece)) {
        repaired.add(rangeOf(piece));
      } else {
        storeOneByOne(piece);
      }
    }
  }

  /** Finds out which pages of a run the media does not take. */
  private void storeOneByOne(Media.Piece run) throws IOException {
    for (long at = 0; at < run.content().byteSize(); at += PAGE_BYTES) {
      long length = Math.min(PAGE_BYTES, run.content().byteSize() - at);
      Media.Piece page = new Media.Piece(run.offset() + at, run.content().asSlice(at, length));
      boolean good = store(List.of(page)) && isKept(page);
      (good ? repaired : stuck).add(rangeOf(page));
    }
  }

  /** The last page of the file is stored as far as the file goes. */
  private Media.Piece withinFile(Media.Piece run) {
    long length = Math.min(run.content().byteSize(), sidecar.fileSizeBytes() - run.offset());
    return new Media.Piece(run.offset(), run.content().asSlice(0, length));
  }

  private static ByteRange rangeOf(Media.Piece piece) {
    return ByteRange.ofLength(piece.offset(), piece.content().byteSize());
  }

  /** Stores durably; false when the media does not take all of it. */
  private boolean store(List<Media.Piece> pieces) throws IOException {
    try {
      file.reinitialiseAll(pieces);
      return true;
    } catch (MediaFaultException refused) {
      return false;
    }
  }

  /** Reads back from the media itself. */
  private boolean isKept(Media.Piece piece) throws IOException {
    ByteRange range = rangeOf(piece);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment back = arena.allocate(range.length(), PAGE_BYTES);
      file.readPastCache(range.start(), back);
      for (long at = 0; at < range.length(); at += PAGE_BYTES) {
        MemorySegment page = back.asSlice(at, Math.min(PAGE_BYTES, range.length() - at));
        if (!sidecar.matches((range.start() + at) / PAGE_BYTES, page)) {
          return false;
        }
      }
      return true;
    } catch (MediaFaultException struckAgain) {
      return false;
    }
  }
}
