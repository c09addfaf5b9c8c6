package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.health.EventLog;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.target.Geometry;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One device of a pool that is there: its media, its leaf with its poison list, its label, and what
 * it gives to the mirror that it stands in.
 *
 * <p><b>Order.</b> Media, label and leaf first; the content when the pool's event log is open, so
 * that nothing that happens on the way is left untold. Closing the content closes all of it; a
 * member without content is closed by {@link #close}. Thread-safe.
 */
final class Member {
  private final Path path;
  private final Media media;
  private final NoticeDispatcher leafNotices;
  private final LeafDevice leaf;
  private final LabelStore.Found found;
  private final LabelKeeper labels;
  private @Nullable DeviceContent content;
  private @Nullable MetadataGuard metadata;
  private @Nullable AutoCloseable watch;

  private Member(Path path, Media media, LabelStore.Found found, PoolTools tools)
      throws IOException {
    this.path = path;
    this.media = media;
    this.found = found;
    this.leafNotices = tools.dispatcher(media.info().name());
    this.leaf =
        LeafDevice.open(
            media, PoolFactory.lists(found.label().layout()), tools.clock(), leafNotices);
    this.labels = new LabelKeeper(leaf, found.label());
  }

  /** Opens what lies on {@code media}, which is closed when that fails. */
  static Member open(Path path, Media media, PoolTools tools) throws IOException {
    try {
      return new Member(path, media, LabelStore.read(media), tools);
    } catch (IOException | RuntimeException | Error failed) {
      try {
        media.close();
      } catch (IOException suppressed) {
        failed.addSuppressed(suppressed);
      }
      throw failed;
    }
  }

  /** A device that is being made: {@code label} is not on it yet. */
  static Member fresh(Path path, Media media, PoolLabel label, PoolTools tools) throws IOException {
    return new Member(path, media, new LabelStore.Found(label, List.of()), tools);
  }

  /** Opens the payload; replays its journal. */
  synchronized DeviceContent openContent(PoolTools tools) throws IOException {
    PoolLabel label = found.label();
    Geometry geometry = label.geometry();
    NoticeDispatcher notices = tools.dispatcher("content of " + name());
    DeviceContent opened =
        geometry == null
            ? new BareContent(
                LinearTarget.open(name(), leaf, label.layout().payload(), notices),
                label.layout().payload())
            : new ProtectedContent(
                leaf, ProtectedTarget.open(leaf, geometry, tools.clock(), notices));
    content = opened;
    return opened;
  }

  /** Called on a worker, with no lock held. */
  @FunctionalInterface
  interface Gone {
    /** The media is not there any more. */
    void tell(Member member, String why);
  }

  /**
   * From now on label, lists and event ring are rewritten as soon as their media goes bad, and
   * {@code gone} is told when all of it went away.
   */
  synchronized void watch(EventLog events, PoolTools tools, Gone gone) {
    MetadataGuard guard = new MetadataGuard(this, events);
    metadata = guard;
    Holder told =
        new Holder() {
          @Override
          public String holderName() {
            return guard.holderName();
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            guard.onNotice(notice);
            if (notice instanceof DeviceNotice.StateChange change
                && change.state() == DeviceState.OFFLINE) {
              // It closes what delivers this notice: not from within it.
              tools.workers().execute(() -> gone.tell(Member.this, change.detail()));
            }
          }
        };
    watch = leaf.subscribe(new ByteRange(0, leaf.sizeBytes()), told);
  }

  int number() {
    return found.label().deviceNumber();
  }

  /** What this device is called by the pool's config. */
  DeviceEntry entry() {
    return labels.label().config().device(number());
  }

  /** What its leaf is called in notices. */
  String name() {
    return media.info().name();
  }

  /** Where it lies. */
  Path path() {
    return path;
  }

  Media media() {
    return media;
  }

  LeafDevice leaf() {
    return leaf;
  }

  LabelKeeper labels() {
    return labels;
  }

  PoolLayout layout() {
    return found.label().layout();
  }

  /** What was found when it was opened. */
  LabelStore.Found found() {
    return found;
  }

  /** Of its label, as it was found. */
  long generation() {
    return found.label().generation();
  }

  EventLog.Place eventPlace() {
    return new EventLog.Place(leaf, layout().events());
  }

  /** What it gives to the pool; null for a spare. */
  synchronized @Nullable DeviceContent content() {
    return content;
  }

  /** As {@link #content}, of a member of the stack. */
  DeviceContent requireContent() {
    DeviceContent opened = content();
    if (opened == null) {
      throw new IllegalStateException(name() + " is a spare: it has no content");
    }
    return opened;
  }

  synchronized @Nullable MetadataGuard metadata() {
    return metadata;
  }

  boolean isThere() {
    DeviceState state = leaf.state();
    return state == DeviceState.ONLINE || state == DeviceState.READ_ONLY;
  }

  /** Waits until everything that was noticed so far has been told. */
  void hear() {
    leafNotices.drain();
  }

  /** Everything of it, when its content is not closed by a target above. Idempotent. */
  void close() throws IOException {
    stopWatching();
    DeviceContent opened = content();
    DaxDevice top = opened == null ? leaf : opened.device();
    top.close();
  }

  /** Before the stack is closed: what goes bad from now on is not this pool's business. */
  void stopWatching() throws IOException {
    AutoCloseable watching;
    synchronized (this) {
      watching = watch;
      watch = null;
    }
    if (watching != null) {
      try {
        watching.close();
      } catch (IOException | RuntimeException failed) {
        throw failed;
      } catch (Exception failed) {
        throw new IOException(failed);
      }
    }
  }
}
