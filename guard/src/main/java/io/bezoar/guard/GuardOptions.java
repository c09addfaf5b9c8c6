package io.bezoar.guard;

import io.bezoar.media.Drills;
import java.util.ArrayList;
import java.util.List;
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
      new GuardOptions(null, List.of(), GuardEvent.Place.FILE, Drills.OFF);

  /** As {@link #DEFAULT}, checked against and repaired from the sidecar beside the file. */
  public static final GuardOptions SIDECAR = DEFAULT.verify(Verify.AT_MAP);

  private final @Nullable Verify verify;
  private final List<RepairSource> sources;
  private final GuardEvent.Place repairsGoTo;
  private final Drills drills;

  private GuardOptions(
      @Nullable Verify verify,
      List<RepairSource> sources,
      GuardEvent.Place repairsGoTo,
      Drills drills) {
    this.verify = verify;
    this.sources = List.copyOf(sources);
    this.repairsGoTo = repairsGoTo;
    this.drills = drills;
  }

  /** With the sidecar beside the file, which is checked when {@code verify} says. */
  public GuardOptions verify(Verify verify) {
    return new GuardOptions(verify, sources, repairsGoTo, drills);
  }

  /** With one more source of good bytes, asked after the sidecar and after those given before. */
  public GuardOptions repairFrom(RepairSource source) {
    List<RepairSource> all = new ArrayList<>(sources);
    all.add(source);
    return new GuardOptions(verify, all, repairsGoTo, drills);
  }

  /** Never writes to the file: repaired bytes go to the mapping alone. */
  public GuardOptions repairInMemoryOnly() {
    return new GuardOptions(verify, sources, GuardEvent.Place.MEMORY, drills);
  }

  /** Lets {@link Guard#injector} make the file go bad on purpose. */
  public GuardOptions drills() {
    return new GuardOptions(verify, sources, repairsGoTo, Drills.ON);
  }

  @Nullable Verify verify() {
    return verify;
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
