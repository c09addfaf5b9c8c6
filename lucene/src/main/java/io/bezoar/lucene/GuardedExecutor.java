package io.bezoar.lucene;

import java.util.concurrent.Executor;

/** Makes what is handed to worker threads part of the attempt that hands it out. */
final class GuardedExecutor implements Executor {
  private final Executor workers;

  GuardedExecutor(Executor workers) {
    this.workers = workers;
  }

  @Override
  public void execute(Runnable task) {
    Attempt attempt = Attempt.current();
    workers.execute(attempt == null ? task : () -> attempt.work(task));
  }
}
