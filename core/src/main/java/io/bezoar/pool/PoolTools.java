package io.bezoar.pool;

import io.bezoar.dax.NoticeDispatcher;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;

/**
 * What the parts of an open pool are made with.
 *
 * @param clock the wall clock
 * @param workers runs deliveries of notices, resyncs, write-back and scrubs: platform threads
 */
record PoolTools(InstantSource clock, ExecutorService workers) {
  NoticeDispatcher dispatcher(String device) {
    return new NoticeDispatcher(device, clock, workers, NoticeDispatcher.later(workers));
  }
}
