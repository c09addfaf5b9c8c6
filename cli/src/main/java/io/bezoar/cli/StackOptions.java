package io.bezoar.cli;

import io.bezoar.media.Units;
import io.bezoar.pool.StackDraft;
import io.bezoar.pool.StackText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** What a new pool is to be made of: exactly one of several ways to say it. */
final class StackOptions {
  private static final String MOST_LEGS = "8";
  private static final long DEFAULT_CHUNK_BYTES = 64 << 10;

  @Parameters(arity = "0..1", paramLabel = "POOL", description = "The file to make.")
  private @Nullable Path path;

  @Option(
      names = "--mirror",
      arity = "2.." + MOST_LEGS,
      paramLabel = "FILE",
      description = "Two to " + MOST_LEGS + " files that each hold everything.")
  private List<Path> mirror = List.of();

  @Option(
      names = "--stripe",
      arity = "2..*",
      paramLabel = "FILE",
      description = "Files that chunks are dealt out to in turn.")
  private List<Path> stripe = List.of();

  @Option(
      names = "--chunk",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "With --stripe: bytes of each chunk. Default: 64K.")
  private @Nullable Long chunkBytes;

  @Option(
      names = "--linear",
      arity = "2..*",
      paramLabel = "FILE",
      description = "Files that stand one behind the other.")
  private List<Path> linear = List.of();

  @Option(
      names = "--cache",
      paramLabel = "FAST",
      description = "A file on a fast disk, that takes the writes for --origin.")
  private @Nullable Path cache;

  @Option(
      names = "--origin",
      paramLabel = "SLOW",
      description = "With --cache: the file that holds everything in the end; --size is its size.")
  private @Nullable Path origin;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "With --cache: size of FAST. Default: a tenth of --size.")
  private @Nullable Long cacheBytes;

  @Option(
      names = "--stack",
      paramLabel = "FILE",
      description = "A file that says what the pool is made of; see docs/devices.md.")
  private @Nullable Path stackFile;

  /**
   * What is wished.
   *
   * @param draft what to make
   * @param first the path of the first device, by which the pool can be named
   * @param saysSizes whether every device has a size of its own
   */
  record Wish(StackDraft draft, Path first, boolean saysSizes) {
    static Wish of(StackDraft draft) {
      List<StackDraft.Device> devices = draft.devices();
      return new Wish(
          draft,
          devices.getFirst().path(),
          devices.stream().allMatch(device -> device.sizeBytes() != StackDraft.ANY_SIZE));
    }
  }

  /**
   * What is wished.
   *
   * @param sizeBytes of each device; null when it was not said
   * @throws ParameterException when it is not said in exactly one way
   */
  Wish wish(CommandSpec spec, @Nullable Long sizeBytes) throws IOException {
    List<StackDraft> ways = new ArrayList<>();
    Path file = stackFile;
    Path fast = cache;
    Path slow = origin;
    Path only = path;
    if (only != null) {
      ways.add(device(only, StackDraft.ANY_SIZE));
    }
    if (!mirror.isEmpty()) {
      ways.add(new StackDraft.Mirror(devices(mirror)));
    }
    if (!stripe.isEmpty()) {
      ways.add(striped(spec));
    }
    if (!linear.isEmpty()) {
      ways.add(new StackDraft.Linear(devices(linear)));
    }
    if (fast != null && slow != null) {
      ways.add(
          new StackDraft.Cached(
              device(fast, cacheSize(sizeBytes)), device(slow, StackDraft.ANY_SIZE)));
    }
    if ((fast == null) != (slow == null)) {
      throw usage(spec, "--cache and --origin belong together");
    }
    if (cacheBytes != null && fast == null) {
      throw usage(spec, "--cache-size goes with --cache");
    }
    if (chunkBytes != null && stripe.isEmpty()) {
      throw usage(spec, "--chunk goes with --stripe");
    }
    if (ways.size() + (file == null ? 0 : 1) != 1) {
      throw usage(
          spec,
          "say in exactly one way what to make: POOL, --mirror, --stripe, --linear, --cache with"
              + " --origin, or --stack");
    }
    if (file != null) {
      return Wish.of(StackText.parse(file.toString(), Files.readString(file)));
    }
    StackDraft draft = ways.getFirst();
    Optional<Path> repeated = draft.repeated();
    if (repeated.isPresent()) {
      throw usage(spec, repeated.get() + " is named twice");
    }
    return Wish.of(draft);
  }

  private StackDraft striped(CommandSpec spec) {
    Long chunk = chunkBytes;
    try {
      return new StackDraft.Striped(chunk == null ? DEFAULT_CHUNK_BYTES : chunk, devices(stripe));
    } catch (IllegalArgumentException e) {
      throw usage(spec, "--chunk: " + e.getMessage());
    }
  }

  private long cacheSize(@Nullable Long sizeBytes) {
    Long said = cacheBytes;
    if (said != null) {
      return said;
    }
    return sizeBytes == null
        ? StackDraft.ANY_SIZE
        : Math.ceilDiv(sizeBytes / 10, Units.PAGE_BYTES) * Units.PAGE_BYTES;
  }

  private static List<StackDraft> devices(List<Path> paths) {
    return paths.stream().<StackDraft>map(file -> device(file, StackDraft.ANY_SIZE)).toList();
  }

  private static StackDraft.Device device(Path file, long sizeBytes) {
    return new StackDraft.Device(file, sizeBytes, null);
  }

  private static ParameterException usage(CommandSpec spec, String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
