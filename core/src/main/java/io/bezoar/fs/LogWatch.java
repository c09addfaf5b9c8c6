package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;

/**
 * Hears of losses where the intent log lies. What stood there is durable nowhere else until the
 * next commit, so that is made at once.
 */
final class LogWatch implements Holder, AutoCloseable {
  private static final System.Logger LOG = System.getLogger(LogWatch.class.getName());

  private final String device;
  private final ByteRange log;
  private final Runnable commitNow;
  private final AutoCloseable subscription;

  LogWatch(DaxDevice device, ByteRange log, Runnable commitNow) {
    this.device = device.info().name();
    this.log = log;
    this.commitNow = commitNow;
    this.subscription = device.subscribe(log, this);
  }

  @Override
  public String holderName() {
    return "intent log of the filesystem on " + device;
  }

  @Override
  public void onNotice(DeviceNotice notice) {
    if (notice instanceof DeviceNotice.Failure failure
        && failure.severity() == Severity.LOST
        && failure.ranges().stream().anyMatch(log::overlaps)) {
      commitNow.run();
    }
  }

  @Override
  public void close() {
    try {
      subscription.close();
    } catch (Exception e) {
      LOG.log(System.Logger.Level.WARNING, holderName() + " could not be left alone", e);
    }
  }
}
