package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Request;
import io.bezoar.media.FaultKind;
import io.bezoar.media.Units;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code bezoar bad inject}. */
@Command(
    name = "inject",
    description = {
      "Make the media of a drill pool go bad (a pool made with: create --drill).",
      "Refused on every other pool. --count strikes as many different rows of the parity, so that",
      "each strike can be repaired; with --overlap rows may be struck twice, and what must be lost",
      "is said before the first strike.",
      "With --plain, POOL is any file of your own, and is really damaged, past repair if it has no",
      "sidecar (see: protect). Places are random: two may fall in one row. Faults that refuse to be",
      "read last until they are repaired, or the list FILE.drill is removed."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar bad inject a.pool --kind flip --at 1M",
      "  bezoar bad inject a.pool --kind all --count 1000 --seed 7",
      "  bezoar bad inject a.pool --kind all --count 500 --seed 8 --overlap --json",
      "  bezoar bad inject index.dat --plain --kind all --count 20 --seed 7"
    })
final class BadInjectCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(
      names = "--kind",
      required = true,
      split = ",",
      paramLabel = "KIND",
      description =
          "What goes wrong: ${COMPLETION-CANDIDATES}. poison: loads trap; eio: reads fail;"
              + " flip: a bit changes; stale: the last write was lost; misdirect: it holds what was"
              + " meant for another place; torn: half of the last write arrived.")
  private List<Kind> kinds = List.of();

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "Strike this device only: its number, path or name. Without it, all of the pool's.")
  private @Nullable String device;

  @Option(
      names = "--at",
      paramLabel = "OFFSET",
      converter = Sizes.class,
      description = "Strike the volume here.")
  private @Nullable Long at;

  @Option(
      names = "--length",
      paramLabel = "BYTES",
      converter = Sizes.class,
      description = "Bytes struck at each place; one page if it is left out.")
  private @Nullable Long length;

  @Option(
      names = "--count",
      paramLabel = "N",
      defaultValue = "1",
      description = "Strike at so many places.")
  private int count;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "Decides places and wrong bytes: the same seed strikes the same way again.")
  private @Nullable Long seed;

  @Option(names = "--overlap", description = "Strike anywhere, also twice in one row.")
  private boolean overlap;

  @Option(names = "--plain", description = "It is a plain file and no pool: really damage it.")
  private boolean plain;

  @Option(names = "--json", description = "Print plan and strikes as JSON, one object per line.")
  private boolean json;

  /** Kinds as they are typed. */
  enum Kind {
    poison,
    eio,
    flip,
    stale,
    misdirect,
    torn,
    all
  }

  BadInjectCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Long place = at;
    Long lengthBytes = length;
    if (count < 1 || (place != null && count != 1)) {
      throw new ParameterException(
          spec().commandLine(), "--count must be at least 1, and exactly 1 with --at");
    }
    if (plain && overlap) {
      throw new ParameterException(spec().commandLine(), "--overlap is for pools, not for --plain");
    }
    if (plain && device != null) {
      throw new ParameterException(spec().commandLine(), "--device is for pools, not for --plain");
    }
    long inPage = place == null ? 0 : place % Units.PAGE_BYTES;
    long bytesEach = lengthBytes == null ? Units.PAGE_BYTES - inPage : lengthBytes;
    Long givenSeed = seed;
    long chosenSeed = givenSeed == null ? ThreadLocalRandom.current().nextInt(1 << 30) : givenSeed;
    if (plain) {
      PlainStrikes.Plan plan =
          new PlainStrikes.Plan(faultKinds(), place, bytesEach, count, chosenSeed);
      PlainStrikes.strike(pool.path, plan, this::showReply);
      return Exit.OK;
    }
    Request request =
        new Request.Inject(
            faultKinds(),
            place,
            bytesEach,
            count,
            chosenSeed,
            overlap ? Request.Overlap.ALLOWED : Request.Overlap.FORBIDDEN,
            DeviceName.sent(device, pool.path));
    return ask(pool.ref(), request, this::showReply);
  }

  private void showReply(ObjectNode reply) {
    if (json) {
      showJson(reply);
    } else {
      show(reply);
    }
  }

  private List<FaultKind> faultKinds() {
    Set<FaultKind> set = EnumSet.noneOf(FaultKind.class);
    for (Kind kind : kinds) {
      if (kind == Kind.all) {
        return List.of(FaultKind.values());
      }
      set.add(FaultKind.valueOf(kind.name().toUpperCase(Locale.ROOT)));
    }
    return List.copyOf(set);
  }

  private void show(JsonNode reply) {
    if (reply.path("type").asString().equals("plan")) {
      console()
          .line(
              "%d strikes, seed %d"
                  .formatted(reply.path("count").asLong(), reply.path("seed").asLong()));
      showRanges("must be lost", reply.path("must_be_lost"));
      showRanges("will be wrong and cannot be noticed", reply.path("undetectable"));
    } else {
      console()
          .line(
              "%-9s %s %s%s"
                  .formatted(
                      reply.path("kind").asString(),
                      EventView.named(reply, "file"),
                      EventView.range(reply.path("media")),
                      reply.has("volume")
                          ? "  volume " + EventView.range(reply.path("volume"))
                          : plain ? "" : "  parity"));
    }
  }

  private void showRanges(String what, JsonNode ranges) {
    for (JsonNode range : ranges) {
      console().line(what + ": volume " + EventView.range(range));
    }
    if (ranges.isEmpty() && overlap && what.startsWith("must")) {
      console().line("nothing must be lost");
    }
  }
}
