package io.bezoar.pool;

import io.bezoar.dax.Claim;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.health.ScrubTotals;
import io.bezoar.health.Scrubber;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One file under one label, assembled into a volume, with its history and its scrub.
 *
 * <p><b>Invariant.</b> A pool is open in one process at a time for writing (its media holds the
 * lock). While it is, its label says IN_USE; it says CLEAN only after everything else was made
 * durable. So IN_USE on opening means that the last user died, and the log says so.
 *
 * <p><b>Order.</b> Opening: media, label, leaf (with its poison list), event log, target, and only
 * then a change of anything. Closing is the reverse. A failure on the way closes what was opened.
 * Thread-safe.
 */
public final class Pool implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Pool.class.getName());
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long FLUSH_EVERY_MILLIS = 1000;

  private final Path path;
  private final PoolOptions options;
  private final Media media;
  private final LeafDevice leaf;
  private final NoticeDispatcher leafNotices;
  private final NoticeDispatcher volumeNotices;
  private final DeviceContent stack;
  private final ObservedVolume volume;
  private final EventLog events;
  private final LabelKeeper labels;
  private final NoticeRecorder recorder;
  private final Scrubber scrubber;
  private final Deque<Step> closing = new ArrayDeque<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** One step of closing. */
  @FunctionalInterface
  private interface Step {
    void run() throws Exception;
  }

  /**
   * Makes a new pool; it is closed when this returns.
   *
   * @throws MediaOpenException EXISTS when there is a file already, BAD_GEOMETRY when the size or
   *     the redundancy cannot be built, MISSING when its folder is missing
   * @throws io.bezoar.media.MediaFullException when there is no room for it; nothing is left behind
   */
  public static void create(Path path, PoolSpec spec, PoolOptions options) throws IOException {
    PoolFactory.create(path, spec, options);
  }

  /**
   * Opens a pool.
   *
   * @throws MediaOpenException when it cannot be opened; says why and what to do; nothing was
   *     changed
   */
  public static Pool open(Path path, PoolOptions options) throws IOException {
    Media media = openMedia(path, options);
    long sizeBytes = media.sizeBytes();
    if (OddFile.isOdd(sizeBytes)) {
      media.close();
      throw OddFile.explain(path, sizeBytes);
    }
    return openOn(media, path, options);
  }

  private static Media openMedia(Path path, PoolOptions options) throws IOException {
    try {
      return MediaFiles.open(
          path, new MediaOptions(Access.READ_WRITE, options.choice(), Drills.ON));
    } catch (MediaOpenException e) {
      boolean notWritable = e.openReason() == Reason.READ_ONLY || e.openReason() == Reason.DENIED;
      if (options.intent() == PoolOptions.Intent.LOOK && notWritable) {
        return MediaFiles.open(
            path, new MediaOptions(Access.READ_ONLY, options.choice(), Drills.OFF));
      }
      throw e;
    }
  }

  /** Opens the pool on {@code media}, which is closed with it, or when it cannot be opened. */
  static Pool openOn(Media media, Path path, PoolOptions options) throws IOException {
    Deque<Step> undo = new ArrayDeque<>();
    undo.push(media::close);
    try {
      Pool pool = new Pool(media, path, options, undo);
      pool.begin();
      return pool;
    } catch (IOException | RuntimeException e) {
      for (Step step : undo) {
        try {
          step.run();
        } catch (Exception suppressed) {
          e.addSuppressed(suppressed);
        }
      }
      throw e;
    }
  }

  private final LabelStore.Found found;

  private Pool(Media media, Path path, PoolOptions options, Deque<Step> undo) throws IOException {
    this.path = path;
    this.options = options;
    this.media = media;
    String name = media.info().name();
    this.found = LabelStore.read(media);
    PoolLabel label = found.label();
    if (label.content() != PoolLabel.Content.RAW) {
      throw new MediaOpenException(
          name, Reason.NEWER_VERSION, "it holds a filesystem: use a program that knows them");
    }
    ExecutorService workers =
        Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("bezoar-worker-", 0).factory());
    undo.push(workers::shutdown);
    this.leafNotices = new NoticeDispatcher(name, options.clock(), workers);
    this.volumeNotices = new NoticeDispatcher("volume of " + name, options.clock(), workers);
    this.leaf =
        LeafDevice.open(media, PoolFactory.lists(label.layout()), options.clock(), leafNotices);
    undo.push(leaf::close);
    this.events =
        EventLog.open(
            leaf,
            label.layout().events(),
            PoolFactory.salt(label),
            label.eventSequence(),
            options.clock());
    this.labels = new LabelKeeper(leaf, events, label);
    this.stack = openStack(label);
    undo.push(stack.volume()::close);
    this.volume =
        new ObservedVolume(stack.volume(), range -> replaced(range, Event.Replacement.OVERWRITTEN));
    this.recorder = new NoticeRecorder(name, stack, events);
    Claim claim = stack.volume().claim(recorder);
    undo.push(claim::close);
    MetadataGuard metadata = new MetadataGuard(leaf, label.layout(), labels, events);
    AutoCloseable watch = leaf.subscribe(new ByteRange(0, label.layout().sizeBytes()), metadata);
    undo.push(watch::close);
    this.scrubber =
        new Scrubber(
            new PoolScrubSource(stack, metadata),
            labels,
            events,
            options.clock(),
            Scrubber.Clock.system(),
            options.foregroundBusy(),
            workers);
    closing.addAll(undo);
  }

  private DeviceContent openStack(PoolLabel label) throws IOException {
    Geometry geometry = label.geometry();
    if (geometry == null) {
      ByteRange payload = label.layout().payload();
      String name = "volume of " + media.info().name();
      return new BareContent(LinearTarget.open(name, leaf, payload, volumeNotices), payload);
    }
    return new ProtectedContent(
        leaf, ProtectedTarget.open(leaf, geometry, options.clock(), volumeNotices));
  }

  /** Everything that opening changes on media. */
  private void begin() throws IOException {
    if (!media.info().writable()) {
      return;
    }
    for (LabelStore.WrongCopy wrong : found.wrong()) {
      labels.heal(wrong);
    }
    boolean died = found.label().shutdown() == PoolLabel.Shutdown.IN_USE;
    if (died) {
      record(Event.Step.CRASH_RECOVERED, "");
    }
    if (options.intent() == PoolOptions.Intent.WORK) {
      record(Event.Step.OPENED, "");
      labels.leave(PoolLabel.Shutdown.IN_USE);
    }
    if (died || options.intent() == PoolOptions.Intent.WORK) {
      startFlushing();
    }
  }

  private void startFlushing() {
    ScheduledExecutorService flusher =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("bezoar-flusher").factory());
    ScheduledFuture<?> flushing =
        flusher.scheduleWithFixedDelay(
            this::flushEvents, FLUSH_EVERY_MILLIS, FLUSH_EVERY_MILLIS, TimeUnit.MILLISECONDS);
    closing.push(
        () -> {
          flushing.cancel(false);
          flusher.shutdown();
        });
  }

  private void flushEvents() {
    try {
      events.flush();
    } catch (IOException | RuntimeException e) {
      // Kept by the log; status shows it until a flush succeeds.
      LOG.log(System.Logger.Level.DEBUG, "events of " + path + " are not durable", e);
    }
  }

  /** Where it lies. */
  public Path path() {
    return path;
  }

  /** The device that front ends serve. It stays this pool's: closing it is not theirs. */
  public DaxDevice volume() {
    return volume;
  }

  /** What happened. */
  public EventLog events() {
    return events;
  }

  /** The scrub. */
  public Scrubber scrubber() {
    return scrubber;
  }

  /** What it says about itself. */
  public PoolLabel label() {
    return labels.label();
  }

  /** How it is. */
  public PoolStatus status() {
    DaxDevice volume = volume();
    return new PoolStatus(
        label(),
        PoolStatus.conditionOf(volume.state(), volume.counters()),
        volume.state(),
        volume.sizeBytes(),
        volume.counters(),
        media.info(),
        scrubber.progress(),
        labels.load(),
        events.lastSequence(),
        events.trouble().map(trouble -> String.valueOf(trouble.getMessage())).orElse(""));
  }

  /** Everything that is bad now: of the volume first, then of the file, each ascending. */
  public List<BadRange> bad() {
    List<BadRange> bad = new ArrayList<>();
    volume().poison(everything()).forEach(e -> bad.add(new BadRange(BadRange.Space.VOLUME, e)));
    leaf.poison(new ByteRange(0, leaf.sizeBytes()))
        .forEach(e -> bad.add(new BadRange(BadRange.Space.MEDIA, e)));
    return bad;
  }

  /** Everything of {@code range} that is not simply healthy, ascending and disjoint. */
  public List<RangeState> unhealthy(ByteRange range) {
    ByteRanges lost = stack.lost(range);
    ByteRanges degraded = stack.degraded(range);
    ByteRanges repaired = recorder.repaired().intersect(range).minus(lost).minus(degraded);
    List<RangeState> states = new ArrayList<>();
    add(states, lost, RangeState.State.LOST);
    add(states, degraded, RangeState.State.DEGRADED);
    add(states, repaired, RangeState.State.REPAIRED);
    states.sort(Comparator.comparing(RangeState::range));
    return states;
  }

  private static void add(List<RangeState> states, ByteRanges ranges, RangeState.State state) {
    ranges.asList().forEach(range -> states.add(new RangeState(range, state)));
  }

  /**
   * Chooses where a drill strikes. Rows that it chooses are checked (and healed) first, so that an
   * earlier strike that nobody has met yet does not spoil the calculation.
   *
   * @throws DrillForbiddenException when the pool was not made for drills
   * @throws MediaOpenException BAD_GEOMETRY when there is no room for that many
   */
  public StrikePlan planStrikes(StrikeOrder order) throws IOException {
    requireDrill();
    try {
      return new StrikePlanner(stack.grid(), this::rowIsSound, order.seed())
          .plan(path.toString(), order);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private boolean rowIsSound(long row) {
    try {
      ScrubTotals found = stack.check(new Rows(row, row + 1));
      return found.lostBytes() == 0 && found.degradedBytes() == 0 && !hasLost(row);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean hasLost(long row) {
    StrikePlanner.Grid grid = stack.grid();
    for (int column = 0; column < grid.dataColumns(); column++) {
      long page = column * grid.rows() + row;
      if (!stack.lost(ByteRange.ofLength(page * PAGE, PAGE)).isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Strikes.
   *
   * @return the bytes of the pool file that were really struck
   * @throws DrillForbiddenException when the pool was not made for drills
   */
  public ByteRange strike(Strike strike) throws IOException {
    requireDrill();
    return media.injector().inject(FaultSpec.of(strike.kind(), strike.media(), strike.seed()));
  }

  /** Notes a drill in the log. */
  public void recordDrill(String detail) {
    record(Event.Step.DRILL, detail);
  }

  private void requireDrill() throws DrillForbiddenException {
    if (label().drill() != PoolLabel.Drill.ALLOWED) {
      throw new DrillForbiddenException(path.toString());
    }
  }

  /**
   * Fills lost bytes so that they can be read again: the only way besides overwriting them.
   *
   * @param only within these bytes of the volume; null for all that is lost
   */
  public LossAccepted acceptLoss(Fill fill, @Nullable ByteRange only) throws IOException {
    ByteRange within = only == null ? everything() : only.intersect(everything());
    LossAccepted result = LossFiller.fill(stack.volume(), stack.lost(within).asList(), fill);
    result.filled().forEach(range -> replaced(range, Event.Replacement.FILLED));
    return result;
  }

  private void replaced(ByteRange range, Event.Replacement how) {
    events.append((sequence, now) -> new Event.Replaced(sequence, now, range, how));
  }

  /** Waits until everything that was noticed so far stands in the event log, and is durable. */
  public void settle() throws IOException {
    hear();
    events.flush();
  }

  /** Waits until everything that was noticed so far stands in the event log. */
  public void hear() {
    leafNotices.drain();
    volumeNotices.drain();
  }

  /**
   * Makes everything durable, notes that the pool was left in order, and releases it. Idempotent.
   *
   * @throws IOException when something could not be made durable; all is released all the same
   */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    IOException failure = null;
    List<Step> steps = new ArrayList<>();
    steps.add(scrubber::close);
    if (media.info().writable()) {
      steps.add(() -> volume().persist());
      steps.add(this::settle);
      steps.add(this::leave);
    }
    steps.addAll(closing);
    for (Step step : steps) {
      try {
        step.run();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        IOException asIo = e instanceof IOException io ? io : new IOException(e);
        if (failure == null) {
          failure = asIo;
        } else {
          failure.addSuppressed(asIo);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void leave() throws IOException {
    if (options.intent() == PoolOptions.Intent.WORK) {
      record(Event.Step.CLOSED, "");
    }
    events.close();
    if (label().shutdown() == PoolLabel.Shutdown.IN_USE) {
      labels.leave(PoolLabel.Shutdown.CLEAN);
    }
  }

  private void record(Event.Step step, String detail) {
    events.append((sequence, now) -> new Event.Lifecycle(sequence, now, step, detail));
  }

  private ByteRange everything() {
    return new ByteRange(0, volume().sizeBytes());
  }
}
