package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.PersistFailedException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a device on media can be used as a whole, and the one place where the media's "not there"
 * becomes the device's. A state only ever gets worse until the device is opened again: what was
 * absent may come back with other content.
 */
final class LeafState {
  private final String name;
  private final long sizeBytes;
  private final NoticeDispatcher notices;
  private volatile DeviceState state;

  LeafState(String name, long sizeBytes, DeviceState initial, NoticeDispatcher notices) {
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.state = initial;
    this.notices = notices;
  }

  DeviceState get() {
    return state;
  }

  void checkReadable() throws DeviceUnavailableException {
    DeviceState now = state;
    if (now != DeviceState.ONLINE && now != DeviceState.READ_ONLY) {
      throw unavailable(now, null);
    }
  }

  void checkWritable() throws DeviceUnavailableException {
    DeviceState now = state;
    if (now != DeviceState.ONLINE) {
      throw unavailable(now, null);
    }
  }

  /** Goes offline: the bytes are absent, not damaged. */
  DeviceUnavailableException absent(MediaUnavailableException cause) {
    worsen(DeviceState.OFFLINE, "the media is " + cause.presence() + ": " + cause.getReason());
    return unavailable(DeviceState.OFFLINE, cause);
  }

  /** Goes read-only: what was written last may not be on media. */
  DeviceUnavailableException persistFailed(PersistFailedException cause) {
    worsen(DeviceState.READ_ONLY, cause.getReason());
    return unavailable(DeviceState.READ_ONLY, cause);
  }

  void closed() {
    state = DeviceState.OFFLINE;
  }

  private synchronized void worsen(DeviceState next, String detail) {
    if (state == DeviceState.ONLINE || (state == DeviceState.READ_ONLY && next != state)) {
      state = next;
      notices.stateChanged(next, next == DeviceState.READ_ONLY ? List.of() : whole(), detail);
    }
  }

  private List<ByteRange> whole() {
    return List.of(new ByteRange(0, sizeBytes));
  }

  private DeviceUnavailableException unavailable(DeviceState now, @Nullable Exception cause) {
    String whatToDo =
        switch (now) {
          case READ_ONLY -> "read-only: close it, open it again for writing, and scrub it";
          case OFFLINE -> "offline: bring the media back and open the device again";
          case HUNG -> "does not answer: wait, or check the hardware under it";
          case FOREIGN -> "not the device that was expected: check what is attached there";
          case ONLINE, PARTIAL -> throw new IllegalStateException(name + " is " + now);
        };
    return new DeviceUnavailableException(name, now, whatToDo, cause);
  }
}
