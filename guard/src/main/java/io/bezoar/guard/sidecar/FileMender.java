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
  /** So many runs are stored well within the time of a note. */
  private static final int RUNS_PER_NOTE = 4096;

  private final Sidecar sidecar;
  private final Media file;
  private final FileStamp stamp;
  private final FileState state;
  private final Progress progress;
  private final List<ByteRange> repaired = new ArrayList<>();
  private final List<ByteRange> stuck = new ArrayList<>();
  private ByteRanges noted = ByteRanges.EMPTY;
  private int runsSinceNote;

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
    try (PageBatch batch = new PageBatch(this::storeRun)) {
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
    runsSinceNote = 0;
  }

  private void storeRun(long first, MemorySegment content) throws IOException {
    stamp.requireUnchanged(sidecar.file());
    ByteRange range =
        ByteRange.ofLength(first * PAGE_BYTES, content.byteSize())
            .intersect(new ByteRange(0, sidecar.fileSizeBytes()));
    if (!noted.contains(range) || ++runsSinceNote > RUNS_PER_NOTE) {
      note(ByteRanges.of(range));
    }
    if (store(range, content) && isKept(range)) {
      repaired.add(range);
      return;
    }
    for (long at = range.start(); at < range.end(); at += PAGE_BYTES) {
      ByteRange page = new ByteRange(at, Math.min(at + PAGE_BYTES, range.end()));
      boolean good = store(page, content.asSlice(at - range.start())) && isKept(page);
      (good ? repaired : stuck).add(page);
    }
  }

  /** Stores durably; false when the media does not take it. */
  private boolean store(ByteRange range, MemorySegment content) throws IOException {
    try {
      file.reinitialise(range.start(), content.asSlice(0, range.length()));
      return true;
    } catch (MediaFaultException refused) {
      return false;
    }
  }

  /** Reads back from the media itself. */
  private boolean isKept(ByteRange range) throws IOException {
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
