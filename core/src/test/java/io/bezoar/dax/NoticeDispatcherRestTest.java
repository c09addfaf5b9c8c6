package io.bezoar.dax;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoticeDispatcherRestTest {
  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final Deque<Runnable> later = new ArrayDeque<>();
  private final NoticeDispatcher dispatcher =
      new NoticeDispatcher("dev", () -> Instant.EPOCH, tasks::add, later::add);

  @Test
  void shouldTellObserversOfWhatAClaimSealedDuringARest() throws Exception {
    List<DeviceNotice> told = new ArrayList<>();
    dispatcher.subscribeAll(collector("watcher", told));
    raiseAt(0);
    tasks.remove().run();
    assertThat(told).hasSize(1);
    raiseAt(1); // during the rest
    dispatcher.claim(collector("holder", new ArrayList<>()), List::of);
    later.remove().run(); // the rest ends
    while (!tasks.isEmpty()) {
      tasks.remove().run();
    }
    assertThat(told).hasSize(2);
  }

  private static Holder collector(String name, List<DeviceNotice> into) {
    return new Holder() {
      @Override
      public String holderName() {
        return name;
      }

      @Override
      public void onNotice(DeviceNotice notice) {
        into.add(notice);
      }
    };
  }

  private void raiseAt(long page) {
    ByteRange range = ByteRange.ofLength(page * 8192, 4096);
    dispatcher.raise(Severity.LOST, Cause.TRAP, Role.DATA, range, "dev", range);
  }
}
