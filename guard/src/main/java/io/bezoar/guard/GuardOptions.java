package io.bezoar.guard;

import io.bezoar.media.Drills;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a file is guarded. Immutable: each method returns other options.
 *
 * <pre>{@code
 * GuardOptions.SIDECAR.verify(Verify.ON_COPY).repairFrom((file, range) -> replica.read(file, range))
 * }</pre>
 */
public final class GuardOptions {
  /** Typed faults and repair sources; no sidecar. */
  public static final GuardOptions DEFAULT =
      new GuardOptions(null, List.of(), List.of(), GuardEvent.Place.FILE, Drills.OFF);

  /** As {@link #DEFAULT}, checked against and repaired from the sidecar beside the file. */
  public static final GuardOptions SIDECAR = DEFAULT.verify(Verify.AT_MAP);

  private final @Nullable Verify verify;
  private final List<RepairSource> sources;
  private final List<Consumer<? super GuardEvent>> subscribers;
  private final GuardEvent.Place repairsGoTo;
  private final Drills drills;

  private GuardOptions(
      @Nullable Verify verify,
      List<RepairSource> sources,
      List<Consumer<? super GuardEvent>> subscribers,
      GuardEvent.Place repairsGoTo,
      Drills drills) {
    this.verify = verify;
    this.sources = List.copyOf(sources);
    this.subscribers = List.copyOf(subscribers);
    this.repairsGoTo = repairsGoTo;
    this.drills = drills;
  }

  /** With the sidecar beside the file, which is checked when {@code verify} says. */
  public GuardOptions verify(Verify verify) {
    return new GuardOptions(verify, sources, subscribers, repairsGoTo, drills);
  }

  /** With one more source of good bytes, asked after the sidecar and after those given before. */
  public GuardOptions repairFrom(RepairSource source) {
    List<RepairSource> all = new ArrayList<>(sources);
    all.add(source);
    return new GuardOptions(verify, all, subscribers, repairsGoTo, drills);
  }

  /**
   * Tells {@code subscriber} everything, as {@link Guard#subscribe} does, and what happens while
   * the file is being mapped as well.
   */
  public GuardOptions subscribe(Consumer<? super GuardEvent> subscriber) {
    List<Consumer<? super GuardEvent>> all = new ArrayList<>(subscribers);
    all.add(subscriber);
    return new GuardOptions(verify, sources, all, repairsGoTo, drills);
  }

  /** Never writes to the file: repaired bytes go to the mapping alone. */
  public GuardOptions repairInMemoryOnly() {
    return new GuardOptions(verify, sources, subscribers, GuardEvent.Place.MEMORY, drills);
  }

  /** Lets {@link Guard#injector} make the file go bad on purpose. */
  public GuardOptions drills() {
    return new GuardOptions(verify, sources, subscribers, repairsGoTo, Drills.ON);
  }

  @Nullable Verify verify() {
    return verify;
  }

  List<Consumer<? super GuardEvent>> subscribers() {
    return subscribers;
  }

  List<RepairSource> sources() {
    return sources;
  }

  GuardEvent.Place repairsGoTo() {
    return repairsGoTo;
  }

  Drills drillMode() {
    return drills;
  }
}
