package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import io.bezoar.health.ScrubRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bezoar scrub}. */
@Command(
    name = "scrub",
    description = {
      "Read every copy of everything, compare, and repair what can be repaired.",
      "An interrupted scrub goes on where it was. Ctrl-C stops it in order.",
      "Exit code: 0 all is well now, 1 something could not be rewritten, 2 bytes are lost,",
      "130 stopped before its end."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar scrub",
      "  bezoar scrub a.pool --rate 100M",
      "  bezoar scrub a.pool --range 64M+16M",
      "  bezoar scrub a.pool --pause      (from another terminal)"
    })
final class ScrubCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(
      names = "--rate",
      paramLabel = "SIZE",
      converter = Sizes.class,
      defaultValue = "0",
      description = "Read at most so many bytes of media per second.")
  private long rate;

  @Option(
      names = "--range",
      paramLabel = "RANGE",
      converter = ByteRangeOption.class,
      description = "Only the rows that hold these bytes of the volume: START-END or START+LENGTH.")
  private ByteRangeOption.@Nullable Value range;

  @Option(names = "--restart", description = "Begin at the first row, whatever was done before.")
  private boolean restart;

  @Option(names = "--json", description = "Print progress as JSON, one object per line.")
  private boolean json;

  @ArgGroup private @Nullable Control control;

  /** What to do with a scrub that is there already. */
  static final class Control {
    @Option(names = "--pause", description = "Let the scrub in progress wait.")
    private boolean pause;

    @Option(names = "--resume", description = "Let the paused scrub go on.")
    private boolean resume;

    @Option(names = "--stop", description = "End the scrub in progress; it keeps its place.")
    private boolean halt;

    Request.ScrubControl.Action action() {
      if (pause) {
        return Request.ScrubControl.Action.PAUSE;
      }
      if (resume) {
        return Request.ScrubControl.Action.RESUME;
      }
      if (halt) {
        return Request.ScrubControl.Action.STOP;
      }
      throw new IllegalStateException("picocli makes this group only with one of its options");
    }
  }

  ScrubCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Control asked = control;
    return asked == null ? scrub() : control(asked.action());
  }

  private int scrub() throws Exception {
    ByteRangeOption.Value only = range;
    ScrubRequest request =
        new ScrubRequest(
            restart ? ScrubRequest.Start.FROM_START : ScrubRequest.Start.CONTINUE,
            rate,
            only == null ? null : only.range());
    try (ScrubProgressView view = ScrubProgressView.of(console(), pool.path.toString(), json)) {
      return ask(pool.ref(), new Request.Scrub(request), view::show);
    }
  }

  private int control(Request.ScrubControl.Action action) throws Exception {
    return ask(
        pool.ref(),
        new Request.ScrubControl(action),
        reply -> {
          if (json) {
            showJson(reply);
          } else if (reply.path("done_it").asBoolean()) {
            String done =
                switch (action) {
                  case PAUSE -> "pausing at ";
                  case RESUME -> "going on at ";
                  case STOP -> "stopping at ";
                };
            console().line(done + ScrubView.percent(reply));
          } else {
            String missing = action == Request.ScrubControl.Action.RESUME ? "paused" : "running";
            console().note("bezoar: " + pool.path + ": no scrub is " + missing);
            console().note("  start one with: bezoar scrub " + Shell.quote(pool.path.toString()));
          }
        });
  }
}
