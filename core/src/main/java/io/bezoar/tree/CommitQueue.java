package io.bezoar.tree;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Those who wait for a commit. At most one task of the executor serves them at a time; whoever
 * comes while it runs is served by the next one, so many share one commit. Futures are completed
 * with no lock held. Thread-safe.
 */
final class CommitQueue {
  private final Executor executor;
  private final Commits commits;
  private final ConcurrentLinkedQueue<Waiter> waiters = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean scheduled = new AtomicBoolean();

  private record Waiter(long ticket, CompletableFuture<Void> future) {}

  CommitQueue(Executor executor, Commits commits) {
    this.executor = executor;
    this.commits = commits;
  }

  /** Completes when everything up to a ticket is durable, or when the commit for it failed. */
  CompletableFuture<Void> commitLater(long ticket) {
    CompletableFuture<Void> future = new CompletableFuture<>();
    waiters.add(new Waiter(ticket, future));
    schedule();
    return future;
  }

  private void schedule() {
    if (scheduled.compareAndSet(false, true)) {
      try {
        executor.execute(this::serve);
      } catch (RejectedExecutionException closing) {
        serve();
      }
    }
  }

  private void serve() {
    Throwable failure = null;
    try {
      commits.make(Commits.Reason.CHANGES);
    } catch (IOException | RuntimeException | Error e) {
      // Nobody else would hear of it.
      failure = e;
    }
    // A commit that failed takes nothing back of those before.
    long reached = commits.durableTicket();
    List<Waiter> done = new ArrayList<>();
    for (Waiter waiter : waiters) {
      if (failure != null || waiter.ticket() <= reached) {
        done.add(waiter);
      }
    }
    waiters.removeAll(done);
    scheduled.set(false);
    for (Waiter waiter : done) {
      if (waiter.ticket() <= reached) {
        waiter.future().complete(null);
      } else if (failure != null) {
        waiter.future().completeExceptionally(failure);
      }
    }
    if (!waiters.isEmpty()) {
      schedule();
    }
  }
}
