package io.bezoar.cli;

import io.bezoar.nbd.NbdServer;
import io.bezoar.nbd.NbdStats;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** True when clients were served since it was last asked: then a scrub gives way to them. */
final class ForegroundLoad implements BooleanSupplier {
  private volatile @Nullable NbdServer server;
  private long requestsSeen;

  void watch(NbdServer nbd) {
    server = nbd;
  }

  @Override
  public synchronized boolean getAsBoolean() {
    NbdServer watched = server;
    if (watched == null) {
      return false;
    }
    NbdStats stats = watched.stats();
    long requests = stats.reads() + stats.writes() + stats.flushes();
    boolean busy = requests != requestsSeen;
    requestsSeen = requests;
    return busy;
  }
}
