package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.MirrorOptions;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.StripedTarget;
import io.bezoar.target.WriteCacheOptions;
import io.bezoar.target.WriteCachedTarget;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The targets of an open pool, put together as its config says.
 *
 * <p>Mirrors and caches are known by their ids, which stay the same while legs come and go; what a
 * target is made of is the target's own business from then on. A failure on the way closes what was
 * put together, the contents handed in included. Not thread-safe while it is built; immutable
 * after.
 */
final class Assembly {
  private final String poolName;
  private final Map<Integer, DaxDevice> contents;
  private final Options options;
  private final PoolTools tools;
  private final Map<UUID, MirroredTarget> mirrors = new TreeMap<>();
  private final Map<UUID, WriteCachedTarget> caches = new TreeMap<>();
  private final Deque<DaxDevice> built = new ArrayDeque<>();

  /**
   * How targets are opened.
   *
   * @param mirror for each mirror
   * @param cache for each write cache
   */
  record Options(MirrorChoice mirror, WriteCacheOptions cache) {
    /** Decides which leg of a mirror is right, when somebody has said so. */
    @FunctionalInterface
    interface MirrorChoice {
      MirrorOptions of(Stack.Mirror mirror);
    }
  }

  private Assembly(
      String poolName, Map<Integer, DaxDevice> contents, Options options, PoolTools tools) {
    this.poolName = poolName;
    this.contents = contents;
    this.options = options;
    this.tools = tools;
  }

  /** What was put together: the volume and the targets in it that can change. */
  record Built(
      DaxDevice volume, Map<UUID, MirroredTarget> mirrors, Map<UUID, WriteCachedTarget> caches) {
    Built {
      mirrors = Map.copyOf(mirrors);
      caches = Map.copyOf(caches);
    }
  }

  /**
   * Makes the mirrors and caches of a new pool; nothing of it is open afterwards but the contents.
   */
  static void format(
      String poolName,
      Stack stack,
      Map<Integer, DaxDevice> contents,
      Options options,
      PoolTools tools)
      throws IOException {
    new Assembly(poolName, contents, options, tools).format(stack);
  }

  /**
   * Opens the stack.
   *
   * @param contents by device number, those that are there
   */
  static Built open(
      String poolName,
      PoolConfig config,
      Map<Integer, DaxDevice> contents,
      Options options,
      PoolTools tools)
      throws IOException {
    Assembly assembly = new Assembly(poolName, contents, options, tools);
    try {
      DaxDevice volume =
          config.isVersion1()
              ? only(contents)
              : assembly.build(config.stack(), "volume of " + poolName);
      return new Built(volume, assembly.mirrors, assembly.caches);
    } catch (IOException | RuntimeException | Error failed) {
      assembly.undo(failed);
      throw failed;
    }
  }

  private static DaxDevice only(Map<Integer, DaxDevice> contents) {
    return contents.values().iterator().next();
  }

  private DaxDevice build(Stack stack, String name) throws IOException {
    DaxDevice device =
        switch (stack) {
          case Stack.Mirror mirror -> mirror(mirror, name);
          case Stack.Linear linear -> linear(linear, name);
          case Stack.Striped striped ->
              StripedTarget.open(
                  name,
                  striped.chunkBytes(),
                  striped.parts().stream().map(Stack::sizeBytes).toList(),
                  parts(striped.parts(), "stripe"),
                  tools.dispatcher(name));
          case Stack.Cached cached -> cached(cached, name);
        };
    built.push(device);
    return device;
  }

  private List<@Nullable DaxDevice> parts(List<Stack> parts, String kind) throws IOException {
    List<@Nullable DaxDevice> devices = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      devices.add(build(parts.get(i), "part " + i + " of a " + kind + " of " + poolName));
    }
    return devices;
  }

  private DaxDevice mirror(Stack.Mirror mirror, String name) throws IOException {
    Map<Integer, DaxDevice> legs = new TreeMap<>();
    for (Map.Entry<Integer, Stack.Leg> leg : mirror.legs().entrySet()) {
      DaxDevice device = leg(leg.getValue(), "leg " + leg.getKey() + " of " + name);
      if (device != null) {
        legs.put(leg.getKey(), device);
      }
    }
    MirroredTarget target =
        MirroredTarget.open(
            name,
            mirror.id(),
            mirror.dataBytes(),
            legs,
            options.mirror().of(mirror),
            tools.dispatcher(name));
    mirrors.put(mirror.id(), target);
    return target;
  }

  private @Nullable DaxDevice leg(Stack.Leg leg, String name) throws IOException {
    return switch (leg) {
      case Stack.Leg.OfDevice(int number) -> contents.get(number);
      case Stack.Leg.OfStack(Stack stack) -> build(stack, name);
    };
  }

  private DaxDevice linear(Stack.Linear linear, String name) throws IOException {
    List<@Nullable DaxDevice> devices = parts(linear.parts(), "linear");
    List<LinearTarget.Piece> pieces = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      pieces.add(
          new LinearTarget.Piece(
              devices.get(i), new ByteRange(0, linear.parts().get(i).sizeBytes())));
    }
    return LinearTarget.open(name, pieces, tools.dispatcher(name));
  }

  private DaxDevice cached(Stack.Cached cached, String name) throws IOException {
    DaxDevice fast = build(cached.fast(), "cache of " + poolName);
    DaxDevice origin = build(cached.origin(), "origin of " + poolName);
    WriteCachedTarget target =
        WriteCachedTarget.open(
            name,
            cached.id(),
            fast,
            origin,
            cached.origin().sizeBytes(),
            options.cache(),
            tools.dispatcher(name));
    caches.put(cached.id(), target);
    return target;
  }

  /** Bottom up: what lies above a target is written through it. */
  private void format(Stack stack) throws IOException {
    switch (stack) {
      case Stack.Mirror mirror -> {
        List<DaxDevice> legs = new ArrayList<>();
        for (Stack.Leg leg : mirror.legs().values()) {
          if (leg instanceof Stack.Leg.OfStack(Stack below)) {
            format(below);
          }
        }
        int depth = built.size();
        for (Stack.Leg leg : mirror.legs().values()) {
          DaxDevice device = leg(leg, "a leg of " + poolName);
          if (device == null) {
            throw new IllegalStateException("a new pool has all its devices");
          }
          legs.add(device);
        }
        MirroredTarget.format(mirror.id(), mirror.dataBytes(), legs);
        release(depth);
      }
      case Stack.Linear linear -> {
        for (Stack part : linear.parts()) {
          format(part);
        }
      }
      case Stack.Striped striped -> {
        for (Stack part : striped.parts()) {
          format(part);
        }
      }
      case Stack.Cached cached -> {
        format(cached.fast());
        format(cached.origin());
        int depth = built.size();
        DaxDevice fast = build(cached.fast(), "cache of " + poolName);
        WriteCachedTarget.format(cached.id(), fast, cached.origin().sizeBytes());
        release(depth);
      }
    }
  }

  /** Closes what was put together beyond {@code depth}; the contents of a new pool stay open. */
  private void release(int depth) throws IOException {
    while (built.size() > depth) {
      built.pop().close();
    }
  }

  private void undo(Throwable failed) {
    List<DaxDevice> all = new ArrayList<>(built);
    all.addAll(contents.values());
    for (DaxDevice device : all) {
      try {
        device.close();
      } catch (IOException | RuntimeException suppressed) {
        failed.addSuppressed(suppressed);
      }
    }
  }
}
