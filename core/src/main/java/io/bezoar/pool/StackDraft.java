package io.bezoar.pool;

import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A stack that somebody wants: what to make of which files, before there are devices. Read and
 * written by {@link StackText}. Immutable.
 */
public sealed interface StackDraft {
  /** In place of a size: that of the existing file, or the one size that is given for all. */
  long ANY_SIZE = -1;

  /**
   * One device.
   *
   * @param path where it is, or is to be made
   * @param sizeBytes of it, or {@link #ANY_SIZE}
   * @param redundancy of its own content; null for what is given for all
   */
  record Device(Path path, long sizeBytes, @Nullable Redundancy redundancy) implements StackDraft {
    /** Checks the size. */
    public Device {
      if (sizeBytes <= 0 && sizeBytes != ANY_SIZE) {
        throw new IllegalArgumentException(path + " cannot have " + sizeBytes + " bytes");
      }
    }
  }

  /**
   * The same bytes on every leg.
   *
   * @param legs 2 to {@link Stack.Mirror#MAX_LEGS}
   */
  record Mirror(List<StackDraft> legs) implements StackDraft {
    /** Checks and copies. */
    public Mirror {
      legs = counted("mirror", "legs", legs, Stack.Mirror.MAX_LEGS);
    }
  }

  /**
   * One part after the other.
   *
   * @param parts at least 2
   */
  record Linear(List<StackDraft> parts) implements StackDraft {
    /** Checks and copies. */
    public Linear {
      parts = counted("linear", "parts", parts, Integer.MAX_VALUE);
    }
  }

  /**
   * Chunks dealt out to the parts in turn.
   *
   * @param chunkBytes whole pages
   * @param parts at least 2
   */
  record Striped(long chunkBytes, List<StackDraft> parts) implements StackDraft {
    /** Checks and copies. */
    public Striped {
      parts = counted("stripe", "parts", parts, Integer.MAX_VALUE);
      requireChunk(chunkBytes);
    }
  }

  /**
   * A fast stack that takes the writes for a slow one.
   *
   * @param fast holds what was not written back yet
   * @param origin holds the rest
   */
  record Cached(StackDraft fast, StackDraft origin) implements StackDraft {}

  private static List<StackDraft> counted(
      String kind, String what, List<StackDraft> parts, int most) {
    if (parts.size() < 2 || parts.size() > most) {
      String range = most == Integer.MAX_VALUE ? "at least 2" : "2 to " + most;
      throw new IllegalArgumentException(
          "a %s has %s %s, not %d".formatted(kind, range, what, parts.size()));
    }
    return List.copyOf(parts);
  }

  private static void requireChunk(long chunkBytes) {
    if (chunkBytes <= 0 || chunkBytes % Units.PAGE_BYTES != 0) {
      throw new IllegalArgumentException(
          "chunks of %d bytes are not whole pages: write a multiple of 4K, as 64K"
              .formatted(chunkBytes));
    }
  }

  /** What it is made of, one level down; nothing for a device. */
  default List<StackDraft> below() {
    return switch (this) {
      case Device _ -> List.of();
      case Mirror mirror -> mirror.legs();
      case Linear linear -> linear.parts();
      case Striped striped -> striped.parts();
      case Cached cached -> List.of(cached.fast(), cached.origin());
    };
  }

  /** Its devices, in order of appearance. */
  default List<Device> devices() {
    return devicesOf(this).toList();
  }

  private static Stream<Device> devicesOf(StackDraft draft) {
    return draft instanceof Device device
        ? Stream.of(device)
        : draft.below().stream().flatMap(StackDraft::devicesOf);
  }

  /** A device that is named twice, by whatever names of one file; empty when none is. */
  default Optional<Path> repeated() {
    Set<Path> seen = new HashSet<>();
    return devices().stream().map(Device::path).filter(path -> !seen.add(real(path))).findFirst();
  }

  /** The one name of a file that has many; also of one that is still to be made. */
  static Path real(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    try {
      return path.toRealPath();
    } catch (IOException notThere) {
      Path folder = path.toAbsolutePath().getParent();
      try {
        return folder == null ? absolute : folder.toRealPath().resolve(absolute.getFileName());
      } catch (IOException noFolder) {
        return absolute; // making it will fail, and say so
      }
    }
  }

  /**
   * What to write to get a stack like that of {@code config}. A device whose path was never noted
   * is called {@code device-N}. A mirror of one leg is the leg.
   */
  static StackDraft of(PoolConfig config) {
    return of(config.stack(), config);
  }

  private static StackDraft of(Stack stack, PoolConfig config) {
    return switch (stack) {
      case Stack.Mirror mirror -> {
        List<StackDraft> legs =
            mirror.legs().values().stream().map(leg -> of(leg, config)).toList();
        yield legs.size() == 1 ? legs.getFirst() : new Mirror(legs);
      }
      case Stack.Linear linear -> {
        List<StackDraft> parts = parts(linear.parts(), config);
        yield parts.size() == 1 ? parts.getFirst() : new Linear(parts);
      }
      case Stack.Striped striped -> {
        List<StackDraft> parts = parts(striped.parts(), config);
        yield parts.size() == 1 ? parts.getFirst() : new Striped(striped.chunkBytes(), parts);
      }
      case Stack.Cached cached ->
          new Cached(of(cached.fast(), config), of(cached.origin(), config));
    };
  }

  private static StackDraft of(Stack.Leg leg, PoolConfig config) {
    return switch (leg) {
      case Stack.Leg.OfDevice(int number) -> {
        DeviceEntry entry = config.device(number);
        String path = entry.path().isEmpty() ? "device-" + number : entry.path();
        yield new Device(Path.of(path), entry.sizeBytes(), entry.redundancy());
      }
      case Stack.Leg.OfStack(Stack stack) -> of(stack, config);
    };
  }

  private static List<StackDraft> parts(List<Stack> parts, PoolConfig config) {
    return parts.stream().map(part -> of(part, config)).toList();
  }
}
