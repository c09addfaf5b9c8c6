package io.bezoar.guard;

import io.bezoar.guard.sidecar.Differences;
import io.bezoar.guard.sidecar.FileState;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Repair;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.guard.sidecar.SidecarException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.Units;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The sidecar beside the file. Pages whose checksum the sidecar itself has lost are taken for
 * right: nothing says that they are not.
 */
final class SidecarReference implements Reference {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Path file;
  private final Media media;
  private final Sidecar sidecar;

  private SidecarReference(Path file, Media media, Sidecar sidecar) {
    this.file = file;
    this.media = media;
    this.sidecar = sidecar;
  }

  /**
   * Ends a repair in place that a crash cut short: as long as it is not ended, a new modification
   * time may be the repair's and not a change. Looks at all of the file if there is one.
   *
   * @throws SidecarException when there is no sidecar, or it is of no use
   */
  static void endRepairOf(Path file) throws IOException {
    try (Sidecar sidecar = Sidecar.open(file)) {
      if (sidecar.state() != FileState.REPAIR_INTERRUPTED) {
        return;
      }
    }
    try {
      Repair _ = Repair.inPlace(file, Differences.KEEP, Progress.UNWATCHED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException(file + ": interrupted while an earlier repair was ended");
    }
  }

  /**
   * Opens the sidecar of a file.
   *
   * @param media the file, which lives longer than this
   * @throws SidecarException when there is none, it is of no use, or the file has another size now
   */
  static Reference open(Path file, Media media) throws IOException {
    Sidecar sidecar = Sidecar.open(file);
    if (sidecar.fileSizeBytes() != media.sizeBytes()) {
      sidecar.close();
      throw changed(file, "has another size than");
    }
    return new SidecarReference(file, media, sidecar);
  }

  private static SidecarException changed(Path file, String how) {
    return new SidecarException(
        file,
        SidecarException.Reason.CHANGED,
        how
            + " what was protected: it was changed, not damaged. If that was meant, protect it"
            + " again; if not, see \"bezoar help repair\" about --revert");
  }

  @Override
  public boolean checks() {
    return true;
  }

  @Override
  public boolean knows(long page) throws IOException {
    return sidecar.knows(page);
  }

  @Override
  public boolean matches(long page, MemorySegment content) throws IOException {
    return sidecar.matches(page, content) || !sidecar.knows(page);
  }

  /** Of the file that is mapped, whatever stands under its name by now. */
  private boolean isDamage(long page) throws IOException {
    return sidecar.meansDamage(media.stamp(), page);
  }

  @Override
  public void requireDamage(long page) throws IOException {
    if (!isDamage(page)) {
      throw changed(file, "holds something else than");
    }
  }

  @Override
  public ByteRanges rebuild(ByteRanges pages, ByteRange run, MemorySegment into)
      throws IOException {
    ByteRanges damaged = ByteRanges.EMPTY;
    for (ByteRange range : pages.asList()) {
      for (long at = range.start(); at < range.end(); at += PAGE) {
        // Of a file that was written to, the old content of a page may not be what it should be.
        if (isDamage(at / PAGE)) {
          damaged = damaged.plus(new ByteRange(at, Math.min(at + PAGE, range.end())));
        }
      }
    }
    ByteRanges rebuildable = damaged;
    ByteRanges lost =
        sidecar.rebuild(
            rebuildable,
            this::read,
            (page, content) -> {
              ByteRange wanted = ByteRange.ofLength(page * PAGE, PAGE).intersect(run);
              if (rebuildable.overlaps(wanted)) {
                MemorySegment.copy(content, 0, into, wanted.start() - run.start(), wanted.length());
              }
            });
    return rebuildable.minus(lost);
  }

  private boolean read(long page, MemorySegment dst) throws IOException {
    long offset = page * PAGE;
    long length = Math.min(PAGE, media.sizeBytes() - offset);
    dst.fill((byte) 0);
    try {
      media.read(offset, dst.asSlice(0, length));
      return true;
    } catch (MediaFaultException e) {
      return false;
    }
  }

  @Override
  public void willRepair(ByteRange pages) throws IOException {
    sidecar.willRepair(ByteRanges.of(pages));
  }

  @Override
  public void repaired(ByteRange pages) throws IOException {
    sidecar.repaired(ByteRanges.of(pages));
  }

  @Override
  public void close() throws IOException {
    sidecar.close();
  }
}
