package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.StackWords;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.StackDraft;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bezoar create}. */
@Command(
    name = "create",
    description = {
      "Make a pool of one device or of many. Never touches a file that is there already.",
      "A mirror holds the same on all devices; a stripe deals out chunks and is as fast as all of",
      "them; a linear puts one behind the other; a write cache takes the writes for a slow origin.",
      "A stack file combines them, as in: cache(fast.img 1G, mirror(a.img 10G, b.img 10G))"
    },
    footer = {
      "",
      "Examples:",
      "  bezoar create /data/a.pool --size 10G",
      "  bezoar create files.pool --fs",
      "  bezoar create --mirror /disk1/a.img /disk2/b.img --size 10G",
      "  bezoar create --stripe a.img b.img c.img --chunk 128K --size 1G",
      "  bezoar create --cache /nvme/fast.img --origin /data/slow.img --size 100G",
      "  bezoar create --stack pool.stack",
      "  bezoar create /dev/shm/drill.pool --size 1G --drill",
      "  bezoar create scratch.pool --size 64M --parity none --sparse"
    })
final class CreateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private StackOptions stack;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description =
          "Size of each device: 64M, 1G, 1GiB ... 4%% of it at most is not for content. Default: 1G"
              + " for a single device. Not needed with a stack file that says it.")
  private @Nullable Long sizeBytes;

  @Option(
      names = "--parity",
      paramLabel = "N",
      converter = Parity.Converter.class,
      description =
          "On each device, N columns, one of them parity: more columns cost less space and make rows"
              + " longer; none: no checksums and no parity. Default: 32.")
  private Parity parity = Parity.DEFAULT;

  @Option(
      names = "--sparse",
      description = "Take space as it is written; a write may then find the file system full.")
  private boolean sparse;

  @Option(
      names = "--drill",
      description = "Allow faults to be injected; for a pool whose content may be lost.")
  private boolean drill;

  @Option(
      names = "--fs",
      description = "For files (bezoar cp, ls ...) instead of a raw volume. The root is yours.")
  private boolean files;

  @Override
  public Integer call() throws Exception {
    Long size = sizeBytes;
    StackOptions.Wish wish = stack.wish(spec, size);
    boolean single = wish.draft() instanceof StackDraft.Device;
    if (size == null && single) {
      size = PoolSpec.DEFAULT.sizeBytes();
    }
    if (size == null && !wish.saysSizes()) {
      throw new ParameterException(
          spec.commandLine(), "Missing required option: '--size=SIZE', of each device");
    }
    PoolSpec raw =
        new PoolSpec(
            size == null ? PoolSpec.DEFAULT.sizeBytes() : size,
            NewPool.redundancy(parity),
            sparse ? Allocation.SPARSE : Allocation.PREALLOCATED,
            drill ? PoolLabel.Drill.ALLOWED : PoolLabel.Drill.FORBIDDEN);
    PoolSpec made = files ? raw.withFilesystem(NewPool.root()) : raw;
    NewPool.make(wish.draft(), made, MediaChoice.AUTO);
    Console console = new Console(spec);
    Path first = wish.first();
    if (size != null && single) {
      String what = files ? ", for files" : "";
      console.line("%s: created, %s%s".formatted(first, Sizes.text(size), what));
    } else {
      PoolStatus status = look(first);
      console.line(
          "%s: created, %s; the volume has %s"
              .formatted(first, StackWords.of(status.stack()), Sizes.text(status.volumeBytes())));
    }
    console.line(
        files
            ? "next: bezoar cp -r FOLDER " + Shell.quote(first + ":/")
            : "next: bezoar serve " + Shell.quote(first.toString()));
    return Exit.OK;
  }

  private static PoolStatus look(Path path) throws Exception {
    try (Pool pool = Pool.open(path, PoolOptions.of(PoolOptions.Intent.LOOK))) {
      return pool.status();
    }
  }
}
