package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries what happens to one device to its holder and to those who watch it.
 *
 * <p>Invariants: every raised failure is covered by exactly one notice; notices reach each listener
 * one at a time, in order of sequence, the holder before the others; a holder gets every number
 * greater than that of its claim, without gaps; memory stays bounded however much is raised and
 * however slow a listener is.
 *
 * <p>Threat: a storm of a million page errors, raised from within I/O paths that hold locks, while
 * a listener is slow, throws, or calls back into the device.
 *
 * <p>Protocol: raising only merges into what waits (same severity, cause, role and lowest device:
 * one notice) and wakes the executor. A notice gets its number when delivery, or a claim, seals
 * what waits. Calls to listeners are made with no lock of the device held. What waits is at most
 * {@value BoundedRanges#MAX_RANGES} ranges for each kind: beyond that, neighbours are joined, so a
 * notice may cover more bytes than failed; {@link DaxDevice#poison} always says exactly which did.
 *
 * <p>In a storm a listener that is quick would be told of a few failures at a time, a hundred
 * thousand times. So after each delivery the dispatcher rests, if it was given an executor that
 * runs things {@linkplain #later later}: the first notice comes at once, the next ones gather
 * meanwhile. {@link #drain} does not wait for that.
 */
public final class NoticeDispatcher {
  /** Long enough for a storm to gather, short enough for nobody to miss it. */
  private static final int REST_MILLIS = 5;

  private static final System.Logger LOG = System.getLogger(NoticeDispatcher.class.getName());

  /** Notices with equal topics merge while they wait. */
  private sealed interface Topic {
    record OfFailure(Severity severity, Cause cause, Role role, String lowest) implements Topic {}

    enum OfState implements Topic {
      STATE
    }
  }

  private sealed interface Waiting {
    record Failure(Instant at, Topic.OfFailure topic, BoundedRanges own, BoundedRanges media)
        implements Waiting {}

    record State(Instant at, DeviceState state, List<ByteRange> unavailable, String detail)
        implements Waiting {}
  }

  private final String deviceName;
  private final InstantSource clock;
  private final Executor executor;

  /** Ends a rest; null to take none. */
  private final @Nullable Executor later;

  private final ReentrantLock lock = new ReentrantLock();
  // All guarded by lock.
  private final Condition delivered = lock.newCondition();
  private final Map<Topic, Waiting> waiting = new LinkedHashMap<>();
  private final Deque<DeviceNotice> sealed = new ArrayDeque<>();
  private final List<Listener> observers = new ArrayList<>();
  private @Nullable Listener holder;
  private @Nullable Thread deliverer;
  private boolean wakeUpScheduled;
  private boolean resting;
  private long lastSequence;

  /**
   * Creates a dispatcher with nobody listening.
   *
   * @param deviceName stands in messages
   * @param clock says when things happened
   * @param executor runs the deliveries; must not run them in the calling thread while the caller
   *     holds a lock that a listener may need
   */
  public NoticeDispatcher(String deviceName, InstantSource clock, Executor executor) {
    this(deviceName, clock, executor, null);
  }

  /**
   * As {@link #NoticeDispatcher(String, InstantSource, Executor)}, resting after each delivery.
   *
   * @param later runs what ends a rest, after a while, as {@link #later} does; not in the calling
   *     thread; null to take no rest
   */
  public NoticeDispatcher(
      String deviceName, InstantSource clock, Executor executor, @Nullable Executor later) {
    this.deviceName = deviceName;
    this.clock = clock;
    this.executor = executor;
    this.later = later;
  }

  /** Runs things on {@code executor} in {@value #REST_MILLIS} ms. */
  public static Executor later(Executor executor) {
    return CompletableFuture.delayedExecutor(REST_MILLIS, TimeUnit.MILLISECONDS, executor);
  }

  /**
   * As {@link #raise(Severity, Cause, Role, List, String, List)} for one range, on the device whose
   * media was struck or straight on it.
   *
   * @param range the bytes in the device's own address space; null when only redundancy was struck
   * @param lowest the name of the lowest device
   * @param media the struck bytes in the lowest device's address space
   */
  public void raise(
      Severity severity,
      Cause cause,
      Role role,
      @Nullable ByteRange range,
      String lowest,
      ByteRange media) {
    raise(
        severity, cause, role, range == null ? List.of() : List.of(range), lowest, List.of(media));
  }

  /**
   * Queues that ranges failed or were healed: one notice, together with what waits of the same
   * severity, cause, role and lowest device. May be called with locks held.
   *
   * @param ranges the bytes in the device's own address space; empty when only redundancy was
   *     struck
   * @param lowest the name of the lowest device
   * @param media the struck bytes in the lowest device's address space
   */
  public void raise(
      Severity severity,
      Cause cause,
      Role role,
      List<ByteRange> ranges,
      String lowest,
      List<ByteRange> media) {
    lock.lock();
    try {
      Topic.OfFailure topic = new Topic.OfFailure(severity, cause, role, lowest);
      Waiting.Failure failure = (Waiting.Failure) waiting.get(topic);
      if (failure == null) {
        failure =
            new Waiting.Failure(clock.instant(), topic, new BoundedRanges(), new BoundedRanges());
        waiting.put(topic, failure);
      }
      ranges.forEach(failure.own()::add);
      media.forEach(failure.media()::add);
      wakeUp();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Queues that the device as a whole changed state; of several that wait, the latest counts.
   *
   * @param unavailable everything that cannot be reached now, in the device's own address space
   */
  public void stateChanged(DeviceState state, List<ByteRange> unavailable, String detail) {
    lock.lock();
    try {
      waiting.put(
          Topic.OfState.STATE, new Waiting.State(clock.instant(), state, unavailable, detail));
      wakeUp();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes {@code newHolder} the one holder.
   *
   * @param knownBad the device's list; asked with no lock held, after the claim's sequence number
   *     has been fixed, so the list holds at least what the numbers up to it told of
   * @throws DeviceClaimedException when there is a holder already
   */
  public Claim claim(Holder newHolder, Supplier<List<PoisonEntry>> knownBad)
      throws DeviceClaimedException {
    return claim(newHolder, knownBad, () -> {});
  }

  /**
   * As {@link #claim(Holder, Supplier)} for a device made of others.
   *
   * @param drainBelow drains the claims on the devices below. What is still on its way up is on
   *     their lists already, so it is told before the claim's number is fixed: the new holder must
   *     not hear it again
   */
  public Claim claim(Holder newHolder, Supplier<List<PoisonEntry>> knownBad, Runnable drainBelow)
      throws DeviceClaimedException {
    drainBelow.run();
    Listener listener;
    lock.lock();
    try {
      if (holder != null) {
        throw new DeviceClaimedException(deviceName, holder.target.holderName());
      }
      sealWaiting();
      listener = new Listener(newHolder, null, lastSequence);
      holder = listener;
    } finally {
      lock.unlock();
    }
    try {
      return new HolderClaim(this, listener, List.copyOf(knownBad.get()), drainBelow);
    } catch (RuntimeException | Error failed) {
      release(listener);
      throw failed;
    }
  }

  /** Tells {@code observer} of failures that touch {@code range} and of every change of state. */
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    return addObserver(new Listener(observer, range, lastSequence()));
  }

  /** Tells {@code observer} of everything. */
  public AutoCloseable subscribeAll(Holder observer) {
    return addObserver(new Listener(observer, null, lastSequence()));
  }

  /** The number of the latest notice that has been sealed. */
  public long lastSequence() {
    lock.lock();
    try {
      return lastSequence;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns when everything raised before has been delivered; delivers it in this thread if no
   * other is doing so. Called from within a delivery it returns at once.
   */
  public void drain() {
    lock.lock();
    try {
      while (deliverer != null || !waiting.isEmpty() || !sealed.isEmpty()) {
        if (Thread.currentThread().equals(deliverer)) {
          return;
        }
        if (deliverer == null) {
          deliverWithLock();
        } else {
          delivered.awaitUninterruptibly();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private AutoCloseable addObserver(Listener listener) {
    lock.lock();
    try {
      observers.add(listener);
    } finally {
      lock.unlock();
    }
    return () -> release(listener);
  }

  /** Ends deliveries to {@code listener}; none is running when this returns, but its own. */
  private void release(Listener listener) {
    lock.lock();
    try {
      if (holder == listener) {
        holder = null;
      }
      observers.remove(listener);
    } finally {
      lock.unlock();
    }
    listener.stop();
  }

  private void wakeUp() {
    if (wakeUpScheduled || deliverer != null || resting) {
      return;
    }
    wakeUpScheduled = executes(executor, this::deliver);
  }

  /** After a delivery: what comes now waits for the end of the rest. */
  private void restWithLock() {
    if (later != null && !resting) {
      resting = executes(later, this::rested);
    }
  }

  private void rested() {
    lock.lock();
    try {
      resting = false;
      // A claim that came during the rest has sealed what waited.
      if (deliverer == null && !(waiting.isEmpty() && sealed.isEmpty())) {
        deliverWithLock();
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean executes(Executor by, Runnable task) {
    try {
      by.execute(task);
      return true;
    } catch (RejectedExecutionException shutDown) {
      LOG.log(
          System.Logger.Level.WARNING,
          deviceName + ": nobody is left to deliver notices; they wait for drain()",
          shutDown);
      return false;
    }
  }

  private void deliver() {
    lock.lock();
    try {
      wakeUpScheduled = false;
      if (deliverer == null) {
        deliverWithLock();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Delivers until nothing waits, or what waited when it began if a rest follows; gives the lock up
   * around every call of a listener.
   */
  private void deliverWithLock() {
    deliverer = Thread.currentThread();
    try {
      sealWaiting();
      for (DeviceNotice notice = next(); notice != null; notice = next()) {
        List<Listener> audience = new ArrayList<>(observers);
        if (holder != null) {
          audience.addFirst(holder);
        }
        lock.unlock();
        try {
          for (Listener listener : audience) {
            listener.tell(notice, deviceName);
          }
        } finally {
          lock.lock();
        }
      }
    } finally {
      deliverer = null;
      restWithLock();
      delivered.signalAll();
    }
  }

  private @Nullable DeviceNotice next() {
    if (sealed.isEmpty() && later == null) {
      sealWaiting();
    }
    return sealed.poll();
  }

  private void sealWaiting() {
    for (Waiting each : waiting.values()) {
      lastSequence++;
      sealed.add(
          switch (each) {
            case Waiting.Failure(Instant at, Topic.OfFailure of, BoundedRanges own, var media) ->
                new DeviceNotice.Failure(
                    lastSequence,
                    at,
                    of.severity(),
                    of.cause(),
                    of.role(),
                    own.settled().asList(),
                    of.lowest(),
                    media.settled().asList());
            case Waiting.State(
                    Instant at,
                    DeviceState state,
                    List<ByteRange> unavailable,
                    String detail) ->
                new DeviceNotice.StateChange(lastSequence, at, state, unavailable, detail);
          });
    }
    waiting.clear();
  }

  /** One party that is told. Its lock makes sure that nothing is delivered once it has stopped. */
  private static final class Listener {
    final Holder target;
    final long afterSequence;
    private final @Nullable ByteRange range;
    private final ReentrantLock telling = new ReentrantLock();
    private boolean stopped; // guarded by telling

    Listener(Holder target, @Nullable ByteRange range, long afterSequence) {
      this.target = target;
      this.range = range;
      this.afterSequence = afterSequence;
    }

    void tell(DeviceNotice notice, String deviceName) {
      if (notice.sequence() <= afterSequence || !concerns(notice)) {
        return;
      }
      telling.lock();
      try {
        if (!stopped) {
          target.onNotice(notice);
        }
      } catch (RuntimeException | Error failed) {
        // A listener that fails must not keep the others from being told.
        LOG.log(
            System.Logger.Level.ERROR,
            deviceName + ": " + target.holderName() + " failed on " + notice,
            failed);
      } finally {
        telling.unlock();
      }
    }

    void stop() {
      telling.lock();
      try {
        stopped = true;
      } finally {
        telling.unlock();
      }
    }

    private boolean concerns(DeviceNotice notice) {
      return range == null
          || !(notice instanceof DeviceNotice.Failure failure)
          || failure.ranges().stream().anyMatch(range::overlaps);
    }
  }

  private record HolderClaim(
      NoticeDispatcher dispatcher,
      Listener listener,
      List<PoisonEntry> poisonAtClaim,
      Runnable drainBelow)
      implements Claim {
    @Override
    public void drain() {
      drainBelow.run();
      dispatcher.drain();
    }

    @Override
    public long sequence() {
      return listener.afterSequence;
    }

    @Override
    public void close() {
      dispatcher.release(listener);
    }
  }
}
