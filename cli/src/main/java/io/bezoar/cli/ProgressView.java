package io.bezoar.cli;

import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Long work for people: a bar on a terminal, a line at every tenth otherwise. */
final class ProgressView implements AutoCloseable {
  private static final int MIB = 1 << 20;

  private final Console console;
  private final String task;
  private final boolean interactive = Console.isInteractive();
  private @Nullable ProgressBar bar;
  private long nextTenth = 1;

  ProgressView(Console console, String task) {
    this.console = console;
    this.task = task;
  }

  /** {@code done} of {@code total} bytes; {@code note} is a few words more. */
  void show(long done, long total, String note) {
    long all = Math.max(1, total);
    if (interactive) {
      ProgressBar shown = bar;
      if (shown == null) {
        shown =
            new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(all)
                .setUnit(" MiB", MIB)
                .setStyle(ProgressBarStyle.ASCII)
                .clearDisplayOnFinish()
                .setUpdateIntervalMillis((int) Duration.ofMillis(100).toMillis())
                .build();
        bar = shown;
      }
      shown.stepTo(done);
      shown.setExtraMessage(note);
    } else if (tenths(done, all) >= nextTenth) {
      nextTenth = tenths(done, all) + 1;
      console.line("%s at %s: %s".formatted(task, percent(done, total), note));
    }
  }

  private static long tenths(long done, long total) {
    return (long) (done * 10.0 / total);
  }

  /** How much of it is done: "37%"; 100% only when all is. */
  static String percent(long done, long total) {
    double part = total == 0 ? 1 : done / (double) total;
    return String.format(Locale.ROOT, "%.0f%%", Math.floor(part * 100));
  }

  /** Takes the bar away; it comes again when there is more to show. */
  @Override
  public void close() {
    ProgressBar shown = bar;
    bar = null;
    if (shown != null) {
      shown.close();
    }
  }
}
