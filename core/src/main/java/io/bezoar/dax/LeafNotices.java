package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;

/** How a device on media, which cannot rebuild anything, tells of what it meets. */
final class LeafNotices {
  private final NoticeDispatcher dispatcher;
  private final String name;
  private final ByteRange whole;

  LeafNotices(NoticeDispatcher dispatcher, String name, long sizeBytes) {
    this.dispatcher = dispatcher;
    this.name = name;
    this.whole = new ByteRange(0, sizeBytes);
  }

  /** Exactly known bytes are lost; suspected ones may still come, and the holder should look. */
  void raise(ByteRange range, Cause cause, Confidence confidence) {
    Severity severity =
        switch (confidence) {
          case EXACT -> Severity.LOST;
          case SUSPECT -> Severity.DEGRADED;
        };
    dispatcher.raise(severity, cause, Role.DATA, range, name, range);
  }

  AutoCloseable subscribe(ByteRange range, Holder observer) {
    return range.contains(whole)
        ? dispatcher.subscribeAll(observer)
        : dispatcher.subscribe(range, observer);
  }
}
