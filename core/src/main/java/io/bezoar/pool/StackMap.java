package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where the bytes of a pool's volume lie on its devices, by its config alone: for messages, scrubs
 * and drills, which must know it of devices that are not there, too. What a write cache holds now
 * is not in the config: bytes of its fast side have no place in the volume here.
 *
 * @param config the pool's
 */
record StackMap(PoolConfig config) {
  /**
   * Bytes of one device's content.
   *
   * @param device its number
   * @param content the bytes
   */
  record OnDevice(int device, ByteRange content) {}

  /** The bytes of the volume that {@code content} of a device holds. */
  ByteRanges up(int device, ByteRange content) {
    List<LayerRanges> layers = trace(device, content);
    return layers.isEmpty() ? ByteRanges.EMPTY : layers.getLast().ranges();
  }

  /** As {@link #up}, layer by layer, the volume last; empty for a device outside of the stack. */
  List<LayerRanges> trace(int device, ByteRange content) {
    if (config.isVersion1()) {
      return List.of(new LayerRanges("volume", ByteRanges.of(content)));
    }
    List<LayerRanges> layers = new ArrayList<>();
    return trace(config.stack(), "volume", device, ByteRanges.of(content), layers)
        ? layers
        : List.of();
  }

  /** The devices that hold {@code volume}: all legs of a mirror, the origin of a cache. */
  List<OnDevice> down(ByteRange volume) {
    if (config.isVersion1()) {
      return List.of(new OnDevice(config.devices().getFirst().number(), volume));
    }
    List<OnDevice> places = new ArrayList<>();
    down(config.stack(), volume, places);
    return places;
  }

  /** The bytes of the content of {@code device} that hold {@code volume}. */
  ByteRanges down(ByteRange volume, int device) {
    return ByteRanges.of(
        down(volume).stream()
            .filter(place -> place.device() == device)
            .map(OnDevice::content)
            .toList());
  }

  private static boolean trace(
      Stack stack, String name, int device, ByteRanges content, List<LayerRanges> layers) {
    return switch (stack) {
      case Stack.Mirror mirror -> {
        for (Map.Entry<Integer, Stack.Leg> leg : mirror.legs().entrySet()) {
          if (found(leg, device, content, layers)) {
            ByteRanges below = layers.isEmpty() ? content : layers.getLast().ranges();
            ByteRange data = new ByteRange(0, mirror.dataBytes());
            layers.add(new LayerRanges(name, below.intersect(data)));
            yield true;
          }
        }
        yield false;
      }
      case Stack.Linear linear -> {
        long start = 0;
        for (int i = 0; i < linear.parts().size(); i++) {
          Stack part = linear.parts().get(i);
          if (trace(part, "part " + i + " of the linear", device, content, layers)) {
            long shift = start;
            layers.add(new LayerRanges(name, mapped(layers, range -> List.of(range.shift(shift)))));
            yield true;
          }
          start += part.sizeBytes();
        }
        yield false;
      }
      case Stack.Striped striped -> {
        for (int i = 0; i < striped.parts().size(); i++) {
          int slot = i;
          String part = "part " + i + " of the stripe";
          if (trace(striped.parts().get(i), part, device, content, layers)) {
            layers.add(
                new LayerRanges(name, mapped(layers, range -> chunksUp(striped, slot, range))));
            yield true;
          }
        }
        yield false;
      }
      case Stack.Cached cached -> {
        if (trace(cached.origin(), "origin of the cache", device, content, layers)) {
          layers.add(new LayerRanges(name, layers.getLast().ranges()));
          yield true;
        }
        if (trace(cached.fast(), "fast side of the cache", device, content, layers)) {
          layers.add(new LayerRanges(name, ByteRanges.EMPTY));
          yield true;
        }
        yield false;
      }
    };
  }

  private static boolean found(
      Map.Entry<Integer, Stack.Leg> leg, int device, ByteRanges content, List<LayerRanges> layers) {
    return switch (leg.getValue()) {
      case Stack.Leg.OfDevice(int number) -> number == device;
      case Stack.Leg.OfStack(Stack stack) ->
          trace(stack, "leg " + leg.getKey() + " of the mirror", device, content, layers);
    };
  }

  /** Turns one range of the layer below into ranges of this one. */
  @FunctionalInterface
  private interface Up {
    List<ByteRange> of(ByteRange below);
  }

  private static ByteRanges mapped(List<LayerRanges> layers, Up up) {
    List<ByteRange> ranges = new ArrayList<>();
    layers.getLast().ranges().asList().forEach(below -> ranges.addAll(up.of(below)));
    return ByteRanges.of(ranges);
  }

  private static List<ByteRange> chunksUp(Stack.Striped striped, int slot, ByteRange below) {
    long chunk = striped.chunkBytes();
    int parts = striped.parts().size();
    ByteRange inside = below.intersect(new ByteRange(0, striped.sizeBytes() / parts));
    List<ByteRange> ranges = new ArrayList<>();
    for (long at = inside.start(); at < inside.end(); ) {
      long end = Math.min(inside.end(), (at / chunk + 1) * chunk);
      long own = (at / chunk * parts + slot) * chunk + at % chunk;
      ranges.add(ByteRange.ofLength(own, end - at));
      at = end;
    }
    return ranges;
  }

  private static void down(Stack stack, ByteRange range, List<OnDevice> places) {
    if (range.isEmpty()) {
      return;
    }
    switch (stack) {
      case Stack.Mirror mirror -> {
        for (Stack.Leg leg : mirror.legs().values()) {
          switch (leg) {
            case Stack.Leg.OfDevice(int number) -> places.add(new OnDevice(number, range));
            case Stack.Leg.OfStack(Stack below) -> down(below, range, places);
          }
        }
      }
      case Stack.Linear linear -> {
        long start = 0;
        for (Stack part : linear.parts()) {
          ByteRange own = ByteRange.ofLength(start, part.sizeBytes());
          down(part, range.intersect(own).shift(-start), places);
          start = own.end();
        }
      }
      case Stack.Striped striped -> {
        long chunk = striped.chunkBytes();
        int parts = striped.parts().size();
        for (long at = range.start(); at < range.end(); ) {
          long end = Math.min(range.end(), (at / chunk + 1) * chunk);
          long index = at / chunk;
          long below = index / parts * chunk + at % chunk;
          Stack part = striped.parts().get((int) (index % parts));
          down(part, ByteRange.ofLength(below, end - at), places);
          at = end;
        }
      }
      case Stack.Cached cached -> down(cached.origin(), range, places);
    }
  }

  /**
   * The bytes of the volume that no device has when these bytes of their contents are gone: those
   * that all legs of a mirror miss.
   *
   * @param gone by device number; a device that is not there is missing from it
   */
  ByteRanges lost(Map<Integer, ByteRanges> gone) {
    return config.isVersion1()
        ? gone.values().iterator().next()
        : lost(config.stack(), gone).orElse(ByteRanges.EMPTY);
  }

  /** Empty when no device of the stack is there. */
  private static Optional<ByteRanges> lost(Stack stack, Map<Integer, ByteRanges> gone) {
    return switch (stack) {
      case Stack.Mirror mirror ->
          mirror.legs().values().stream()
              .map(
                  leg ->
                      switch (leg) {
                        case Stack.Leg.OfDevice(int number) ->
                            Optional.ofNullable(gone.get(number));
                        case Stack.Leg.OfStack(Stack below) -> lost(below, gone);
                      })
              .flatMap(Optional::stream)
              .reduce(ByteRanges::intersect)
              .map(ranges -> ranges.intersect(new ByteRange(0, mirror.dataBytes())));
      case Stack.Linear linear -> {
        List<ByteRange> ranges = new ArrayList<>();
        long start = 0;
        for (Stack part : linear.parts()) {
          for (ByteRange below : lost(part, gone).orElse(ByteRanges.EMPTY).asList()) {
            ranges.add(below.shift(start));
          }
          start += part.sizeBytes();
        }
        yield Optional.of(ByteRanges.of(ranges));
      }
      case Stack.Striped striped -> {
        List<ByteRange> ranges = new ArrayList<>();
        for (int slot = 0; slot < striped.parts().size(); slot++) {
          for (ByteRange below :
              lost(striped.parts().get(slot), gone).orElse(ByteRanges.EMPTY).asList()) {
            ranges.addAll(chunksUp(striped, slot, below));
          }
        }
        yield Optional.of(ByteRanges.of(ranges));
      }
      case Stack.Cached cached -> lost(cached.origin(), gone);
    };
  }
}
