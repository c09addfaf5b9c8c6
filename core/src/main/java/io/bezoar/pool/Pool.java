package io.bezoar.pool;

import io.bezoar.dax.Claim;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.fs.Filesystem;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.Scrubber;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaOpenException;
import io.bezoar.target.MirrorOptions;
import io.bezoar.target.ResyncPace;
import io.bezoar.target.WriteCacheOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One or more devices under one label, assembled into a volume, with its history and its scrub.
 *
 * <p><b>Invariant.</b> A pool is open in one process at a time for writing (the media of its
 * devices hold the locks). While it is, its label says IN_USE; it says CLEAN only after everything
 * else was made durable. So IN_USE on opening means that the last user died, and the log says so.
 *
 * <p><b>Order.</b> Opening: media, labels, leaves (with their poison lists), event log, contents,
 * targets, and only then a change of anything. Closing is the reverse. A failure on the way closes
 * what was opened. Thread-safe.
 */
public final class Pool implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Pool.class.getName());
  private static final long FLUSH_EVERY_MILLIS = 1000;
  private static final long FLUSHER_END_SECONDS = 30;

  private final Path path;
  private final PoolOptions options;
  private final PoolTools tools;
  private final PoolSearch.Found found;
  private final PoolDevices devices;
  private final ObservedVolume volume;
  private final EventLog events;
  private final PoolLabels labels;
  private final NoticeRecorder recorder;
  private final Claim claim;
  private final Scrubber scrubber;
  private final PoolFiles files;
  private final PoolDrills drills;
  private final DeviceAdmin admin;
  private final Deque<Step> closing = new ArrayDeque<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** One step of closing. */
  @FunctionalInterface
  private interface Step {
    void run() throws Exception;
  }

  /**
   * Makes a new pool of one device; it is closed when this returns.
   *
   * @throws MediaOpenException EXISTS when there is a file already, BAD_GEOMETRY when the size or
   *     the redundancy cannot be built, MISSING when its folder is missing
   * @throws io.bezoar.media.MediaFullException when there is no room for it; nothing is left behind
   */
  public static void create(Path path, PoolSpec spec, PoolOptions options) throws IOException {
    create(new StackDraft.Device(path, -1, null), spec, options);
  }

  /**
   * Makes a new pool of many devices; it is closed when this returns.
   *
   * @param draft how the volume is made of them
   * @param spec what a device has for which the draft says nothing
   * @throws MediaOpenException as above
   */
  public static void create(StackDraft draft, PoolSpec spec, PoolOptions options)
      throws IOException {
    create(draft, spec, options, MediaSource.FILES);
  }

  static void create(StackDraft draft, PoolSpec spec, PoolOptions options, MediaSource source)
      throws IOException {
    ExecutorService workers = workers();
    try {
      PoolFactory.create(draft, spec, options, source, new PoolTools(options.clock(), workers));
    } finally {
      workers.shutdown();
    }
  }

  /**
   * Opens a pool by any one of its devices, and finds the others.
   *
   * @throws MediaOpenException when it cannot be opened; says why and what to do; nothing was
   *     changed
   */
  public static Pool open(Path path, PoolOptions options) throws IOException {
    return open(path, options, MediaSource.FILES);
  }

  /**
   * What the label at {@code path} says, of a pool that another process has, too. Nothing is
   * locked, changed or looked at any further: it may be out of date.
   *
   * @return empty when no label can be read there
   */
  public static Optional<PoolLabel> peek(Path path) {
    return MediaSource.FILES.peek(path) instanceof LabelStore.Peek.Label(PoolLabel label)
        ? Optional.of(label)
        : Optional.empty();
  }

  /**
   * Whether there is a pool at {@code path} that was made for files; nothing is locked or changed.
   * Of one whose label is damaged, or of a later version, nobody can say: then opening it does.
   */
  public static boolean mayHoldFiles(Path path) {
    if (!LabelTrace.mayBeAt(path)) {
      return false;
    }
    return switch (MediaSource.FILES.peek(path)) {
      case LabelStore.Peek.Label(PoolLabel label) -> label.content() == PoolLabel.Content.FS;
      case LabelStore.Peek.NoLabel _ -> false;
      case LabelStore.Peek.Damaged _ -> true;
      case LabelStore.Peek.Newer _ -> true;
      case LabelStore.Peek.Unreadable(IOException why) ->
          why instanceof MediaOpenException refused
              && switch (refused.openReason()) {
                case TOO_SHORT, TOO_LONG, NEWER_VERSION, LABEL_DAMAGED -> true;
                default -> false;
              };
    };
  }

  static Pool open(Path path, PoolOptions options, MediaSource source) throws IOException {
    Deque<Step> undo = new ArrayDeque<>();
    try {
      Pool pool = new Pool(path, options, source, undo);
      pool.begin();
      pool.files.open(pool.volume, pool.tools);
      if (pool.isWritable()) {
        pool.files.notes().forEach(note -> pool.record(Event.Step.FILES_INCOMPLETE, note));
      }
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

  private static ExecutorService workers() {
    return Executors.newCachedThreadPool(
        Thread.ofPlatform().daemon().name("bezoar-worker-", 0).factory());
  }

  private Pool(Path path, PoolOptions options, MediaSource source, Deque<Step> undo)
      throws IOException {
    this.path = path;
    this.options = options;
    String name = path.toString();
    ExecutorService workers = workers();
    undo.push(workers::shutdown);
    this.tools = new PoolTools(options.clock(), workers);
    this.found = PoolSearch.open(path, options, source, tools);
    for (Member member : found.members().values()) {
      undo.push(member::close);
    }
    PoolLabel label = found.newest();
    this.files = new PoolFiles(name, label.content());
    this.events =
        EventLog.open(
            // Where records of one number differ, those of a device that missed nothing count.
            found.members().values().stream()
                .sorted(Comparator.comparingLong(Member::generation).reversed())
                .map(Member::eventPlace)
                .toList(),
            PoolFactory.salt(label),
            label.eventSequence(),
            options.clock());
    this.labels = new PoolLabels(events, label);
    Assembly.Built built = assemble(name, source);
    undo.push(built.volume()::close);
    this.devices = new PoolDevices(labels, built);
    for (Member member : found.members().values()) {
      labels.add(member);
      devices.came(member);
    }
    found
        .missing()
        .forEach(
            (number, why) ->
                devices.went(number, new PoolDevices.Away(StackStatus.Presence.MISSING, why)));
    this.volume =
        new ObservedVolume(built.volume(), range -> replaced(range, Event.Replacement.OVERWRITTEN));
    this.recorder = new NoticeRecorder(name, devices, events);
    this.claim = built.volume().claim(recorder);
    undo.push(claim::close);
    this.drills = new PoolDrills(name, devices);
    PoolScrubSource scrubs = new PoolScrubSource(devices::members, devices::mirrors, devices::map);
    this.scrubber =
        new Scrubber(
            scrubs,
            labels,
            events,
            options.clock(),
            Scrubber.Clock.system(),
            options.foregroundBusy(),
            workers);
    this.admin =
        new DeviceAdmin(
            name, options, source, tools, devices, labels, events, () -> devicesChanged(scrubs));
    for (Member member : found.members().values()) {
      member.watch(events, tools, admin::onDeviceGone);
      undo.push(member::stopWatching);
    }
    closing.addAll(undo);
  }

  private Assembly.Built assemble(String name, MediaSource source) throws IOException {
    Map<Integer, DaxDevice> contents = new TreeMap<>();
    for (Member member : found.members().values()) {
      if (found.newest().config().device(member.number()).use() == DeviceEntry.Use.MEMBER) {
        contents.put(member.number(), member.openContent(tools).device());
      }
    }
    return Assembly.open(
        name,
        found.newest().config(),
        contents,
        assemblyOptions(options, tools, preferred(source)),
        tools);
  }

  /** The number of the device whose content is right where legs went on alone; -1 for none. */
  private int preferred(MediaSource source) throws MediaOpenException {
    String said = options.prefer();
    return said == null
        ? DeviceEntry.NONE
        : DeviceRef.find(found.newest().config(), said, source).number();
  }

  /**
   * How the targets of a pool are opened.
   *
   * @param preferred number of the device whose content is right where mirror legs went on alone
   */
  static Assembly.Options assemblyOptions(PoolOptions options, PoolTools tools, int preferred) {
    ResyncPace pace = ResyncPace.of(0, options.foregroundBusy());
    return new Assembly.Options(
        mirror ->
            new MirrorOptions(
                tools.clock(), tools.workers(), pace, mirror.slotOf(preferred).orElse(null)),
        WriteCacheOptions.standard(tools.workers()));
  }

  /** The rows of a scrub are others now: one that runs ends, one that waits starts over. */
  private void devicesChanged(PoolScrubSource scrubs) {
    try {
      scrubber.forgetPlace();
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the place of a scrub of " + path + " could not be forgotten",
          e);
    }
    scrubs.replan();
  }

  /** Everything that opening changes on media. */
  private void begin() throws IOException {
    if (!isWritable()) {
      return;
    }
    for (Member member : devices.members()) {
      for (LabelStore.WrongCopy wrong : member.found().wrong()) {
        member.labels().heal(wrong);
        record(
            Event.Step.LABEL_HEALED,
            "device %d, copy at %d: %s"
                .formatted(member.number(), wrong.at().start(), wrong.why()));
      }
    }
    boolean died = found.newest().shutdown() == PoolLabel.Shutdown.IN_USE;
    if (died) {
      record(Event.Step.CRASH_RECOVERED, "");
    }
    if (options.intent() == PoolOptions.Intent.WORK) {
      record(Event.Step.OPENED, "");
      // Two generations: of one alone nobody could say whether a crash came before it reached a
      // device, or an old copy of the device was put in its place.
      if (!labels.config().isVersion1()) {
        labels.align();
      }
      labels.leave(PoolLabel.Shutdown.IN_USE);
      admin.begin();
    }
    if (died || options.intent() == PoolOptions.Intent.WORK) {
      startFlushing();
    }
  }

  private boolean isWritable() {
    return devices.members().stream().allMatch(member -> member.media().info().writable());
  }

  private void startFlushing() {
    ScheduledExecutorService flusher =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("bezoar-flusher").factory());
    ScheduledFuture<?> flushing =
        flusher.scheduleWithFixedDelay(
            this::tick, FLUSH_EVERY_MILLIS, FLUSH_EVERY_MILLIS, TimeUnit.MILLISECONDS);
    closing.push(
        () -> {
          flushing.cancel(false);
          flusher.shutdown();
          flusher.awaitTermination(FLUSHER_END_SECONDS, TimeUnit.SECONDS);
        });
  }

  /** What an open pool does every second. */
  private void tick() {
    try {
      if (options.intent() == PoolOptions.Intent.WORK) {
        admin.tick();
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.WARNING, "the devices of " + path + " could not be looked at", e);
    }
    try {
      events.flush();
    } catch (IOException | RuntimeException e) {
      // Kept by the log; status shows it until a flush succeeds.
      LOG.log(System.Logger.Level.DEBUG, "events of " + path + " are not durable", e);
    }
  }

  /** The path that it was opened by. */
  public Path path() {
    return path;
  }

  /**
   * The files in it. They stay this pool's: closing them is not the caller's.
   *
   * @throws MediaOpenException REFUSED when it holds a raw volume and no files
   * @throws IOException when its filesystem could not be opened; says why
   */
  public Filesystem filesystem() throws IOException {
    return files.filesystem();
  }

  /**
   * The device that front ends serve. It stays this pool's: closing it is not theirs. Of a pool
   * that holds files it is the filesystem's: to be looked at, not to be written.
   */
  public DaxDevice volume() {
    return volume;
  }

  /** What can be done with its devices. */
  public DeviceAdmin devices() {
    return admin;
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
    return labels.newest();
  }

  /** How it is. */
  public PoolStatus status() {
    StackStatus stack = devices.status();
    String filesTrouble = files.trouble();
    return new PoolStatus(
        label(),
        PoolStatus.conditionOf(volume.state(), volume.counters(), stack, filesTrouble),
        volume.state(),
        volume.sizeBytes(),
        volume.counters(),
        stack,
        devices.spares(),
        scrubber.progress(),
        labels.load(),
        events.lastSequence(),
        events.trouble().map(trouble -> String.valueOf(trouble.getMessage())).orElse(""),
        files.status(),
        filesTrouble,
        files.notes());
  }

  /** Everything that is bad now: of the volume first, then device by device, each ascending. */
  public List<BadRange> bad() {
    List<BadRange> bad = new ArrayList<>();
    for (PoisonEntry entry : volume.poison(everything())) {
      bad.add(new BadRange(BadRange.Space.VOLUME, -1, entry, List.of()));
    }
    bad.addAll(devices.badMedia());
    return bad;
  }

  private ByteRanges lost(ByteRange range) {
    return ByteRanges.of(
        volume.poison(range).stream()
            .filter(PoisonEntry::isExact)
            .map(PoisonEntry::range)
            .toList());
  }

  /** Everything of {@code range} that is not simply healthy, ascending and disjoint. */
  public List<RangeState> unhealthy(ByteRange range) {
    ByteRanges lost = lost(range);
    ByteRanges degraded = devices.degraded(range).minus(lost);
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
   * @throws MediaOpenException BAD_GEOMETRY when there is no room for that many; REFUSED when what
   *     overlapping strikes cost cannot be said
   */
  public StrikePlan planStrikes(StrikeOrder order) throws IOException {
    requireDrill();
    return drills.plan(order);
  }

  /**
   * Strikes.
   *
   * @return the bytes of the device's media that were really struck
   * @throws DrillForbiddenException when the pool was not made for drills
   */
  public ByteRange strike(Strike strike) throws IOException {
    requireDrill();
    return drills.strike(strike);
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
   * Fills lost bytes so that they can be read again: the only way besides overwriting them. Of a
   * filesystem only those are filled that nobody owns: a file's bytes are replaced by writing to
   * the file, or given up by deleting it, so that no file reads as whole that is not.
   *
   * @param only within these bytes of the volume; null for all that is lost
   */
  public LossAccepted acceptLoss(Fill fill, @Nullable ByteRange only) throws IOException {
    ByteRange within = only == null ? everything() : only.intersect(everything());
    ByteRanges lost = lost(within);
    ByteRanges unowned = files.unowned(lost);
    LossAccepted result = LossFiller.fill(volume.volume(), unowned.asList(), fill);
    result.filled().forEach(range -> replaced(range, Event.Replacement.FILLED));
    return new LossAccepted(result.filled(), result.notCleared(), lost.minus(unowned).asList());
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
    devices.members().forEach(Member::hear);
    claim.drain();
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
    steps.add(files::close);
    steps.add(scrubber::close);
    if (isWritable()) {
      steps.add(volume::persist);
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
    return new ByteRange(0, volume.sizeBytes());
  }
}
