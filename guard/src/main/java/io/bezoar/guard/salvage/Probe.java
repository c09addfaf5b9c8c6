package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaKind;
import java.io.IOException;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what of media cannot be read, without a load from it: mapped media is asked through the
 * kernel's tables of it, other media is read by system calls, piece by piece, so that it can be
 * watched and stopped.
 *
 * <p>One thread runs it, once.
 */
public final class Probe {
  private static final long MAPPED_BYTES = 1L << 30;
  private static final long READ_BYTES = 16L << 20;

  /**
   * How far it is, or how it ended.
   *
   * @param doneBytes bytes looked at
   * @param totalBytes bytes to be looked at
   * @param badRanges unreadable ranges found
   * @param badBytes bytes in them
   */
  public record Progress(long doneBytes, long totalBytes, long badRanges, long badBytes) {
    /** True when nothing is left to be looked at. */
    public boolean complete() {
      return doneBytes == totalBytes;
    }
  }

  private final Media media;
  private final ByteRange range;
  private final Consumer<? super ByteRange> found;
  private final Consumer<? super Progress> listener;
  private final BooleanSupplier stop;
  private final long stepBytes;
  private @Nullable ByteRange open;
  private long badRanges;
  private long badBytes;

  /**
   * Prepares it; nothing is looked at yet.
   *
   * @param range what to look at
   * @param found is given each unreadable range, in whole granules and within {@code range},
   *     ascending, disjoint and not adjacent, as it is found
   * @param listener is told of the progress after each piece
   * @param stop is asked between pieces whether to end now
   * @throws IndexOutOfBoundsException when the media does not have all of {@code range}
   */
  public Probe(
      Media media,
      ByteRange range,
      Consumer<? super ByteRange> found,
      Consumer<? super Progress> listener,
      BooleanSupplier stop) {
    Objects.checkFromToIndex(range.start(), range.end(), media.sizeBytes());
    this.media = media;
    this.range = range;
    this.found = found;
    this.listener = listener;
    this.stop = stop;
    this.stepBytes = media.info().kind() == MediaKind.CHANNEL ? READ_BYTES : MAPPED_BYTES;
  }

  /**
   * Looks.
   *
   * @return what was found until the end, or until it was stopped
   * @throws io.bezoar.media.MediaUnavailableException when the media is gone or was truncated
   */
  public Progress run() throws IOException {
    long at = range.start();
    while (at < range.end() && !stop.getAsBoolean()) {
      long next = Math.min(range.end(), (at / stepBytes + 1) * stepBytes);
      for (ByteRange bad : media.probe(new ByteRange(at, next))) {
        add(bad.intersect(range));
      }
      at = next;
      ByteRange last = open;
      if (last != null && (last.end() < at || at == range.end())) {
        flush();
      }
      listener.accept(progress(at));
    }
    flush();
    return progress(at);
  }

  private Progress progress(long at) {
    ByteRange last = open;
    return new Progress(
        at - range.start(),
        range.length(),
        badRanges + (last == null ? 0 : 1),
        badBytes + (last == null ? 0 : last.length()));
  }

  private void add(ByteRange bad) {
    ByteRange last = open;
    if (last != null && last.end() >= bad.start()) {
      open = last.span(bad);
    } else {
      flush();
      open = bad;
    }
  }

  private void flush() {
    ByteRange last = open;
    if (last != null) {
      badRanges++;
      badBytes += last.length();
      found.accept(last);
      open = null;
    }
  }
}
