package io.bezoar.media;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The refusing faults in force: immutable, ascending, disjoint. Published through one volatile
 * field, so that a healthy access pays one load for it.
 */
final class ArmedFaults {
  static final ArmedFaults NONE = new ArmedFaults(List.of());

  private final List<FaultSpec> faults;

  private ArmedFaults(List<FaultSpec> faults) {
    this.faults = faults;
  }

  /**
   * Faults read from a list.
   *
   * @throws IllegalArgumentException when they overlap or do not refuse
   */
  static ArmedFaults of(List<FaultSpec> faults) {
    List<FaultSpec> sorted = new ArrayList<>(faults);
    sorted.sort(Comparator.comparing(FaultSpec::range));
    long end = 0;
    for (FaultSpec fault : sorted) {
      if (!fault.kind().refuses() || fault.range().isEmpty() || fault.range().start() < end) {
        throw new IllegalArgumentException("not a list of disjoint refusing faults: " + fault);
      }
      end = fault.range().end();
    }
    return sorted.isEmpty() ? NONE : new ArmedFaults(List.copyOf(sorted));
  }

  List<FaultSpec> faults() {
    return faults;
  }

  boolean isEmpty() {
    return faults.isEmpty();
  }

  /** The first fault that touches {@code range}. */
  @Nullable FaultSpec first(ByteRange range) {
    int i = firstEndingAfter(range.start());
    if (range.isEmpty() || i == faults.size()) {
      return null;
    }
    FaultSpec fault = faults.get(i);
    return fault.range().overlaps(range) ? fault : null;
  }

  /** The faults that touch {@code range}. */
  List<FaultSpec> within(ByteRange range) {
    int from = firstEndingAfter(range.start());
    int to = from;
    while (to < faults.size() && faults.get(to).range().start() < range.end()) {
      to++;
    }
    return faults.subList(from, to);
  }

  /** The bytes of {@code range} that are refused, ascending, neighbours merged. */
  List<ByteRange> refused(ByteRange range) {
    List<ByteRange> merged = new ArrayList<>();
    for (FaultSpec fault : within(range)) {
      ByteRange part = fault.range().intersect(range);
      if (part.isEmpty()) {
        continue;
      }
      if (!merged.isEmpty() && merged.getLast().end() == part.start()) {
        merged.add(merged.removeLast().span(part));
      } else {
        merged.add(part);
      }
    }
    return merged;
  }

  /** These faults and one more, which replaces what it overlaps. */
  ArmedFaults with(FaultSpec fault) {
    List<FaultSpec> all = new ArrayList<>(without(fault.range()).faults);
    all.add(fault);
    return of(all);
  }

  /** These faults with {@code range} cut out of them. */
  ArmedFaults without(ByteRange range) {
    List<FaultSpec> rest = new ArrayList<>(faults.size() + 1);
    for (FaultSpec fault : faults) {
      ByteRange was = fault.range();
      if (!was.overlaps(range)) {
        rest.add(fault);
        continue;
      }
      if (was.start() < range.start()) {
        rest.add(cut(fault, new ByteRange(was.start(), range.start())));
      }
      if (was.end() > range.end()) {
        rest.add(cut(fault, new ByteRange(range.end(), was.end())));
      }
    }
    return rest.isEmpty() ? NONE : new ArmedFaults(List.copyOf(rest));
  }

  private static FaultSpec cut(FaultSpec fault, ByteRange range) {
    return new FaultSpec(fault.kind(), range, fault.stuck(), fault.seed());
  }

  private int firstEndingAfter(long offset) {
    int low = 0;
    int high = faults.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (faults.get(middle).range().end() > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
