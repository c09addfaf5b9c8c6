package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import io.bezoar.guard.salvage.RescueMap;
import io.bezoar.guard.salvage.RescueStatus;
import io.bezoar.guard.salvage.SalvageEnding;
import io.bezoar.guard.salvage.SalvageJob;
import io.bezoar.guard.salvage.SalvageProgress;
import io.bezoar.guard.salvage.SalvageRequest;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** Shows a rescue as it goes: for people, or as JSON for programs. */
sealed interface SalvageView extends AutoCloseable {
  void begin(SalvageJob job);

  void show(SalvageProgress progress);

  void end(SalvageEnding ending, SalvageJob job, int exitCode);

  @Override
  void close();

  /**
   * The right one for who looks.
   *
   * @param again the command that tries what is bad once more
   */
  static SalvageView of(Console console, SalvageRequest request, String again, boolean json) {
    return json ? new AsJson(console, request) : new ForPeople(console, request, again);
  }

  /** One object per line. */
  record AsJson(Console console, SalvageRequest request) implements SalvageView {
    @Override
    public void begin(SalvageJob job) {
      console.line(
          Json.line(
              Json.object()
                  .put("type", "start")
                  .put("source", request.source().toString())
                  .put("destination", request.destination().toString())
                  .put("map", request.map().toString())
                  .put("size", job.sizeBytes())
                  .put("rescued", job.map().bytes(RescueStatus.RESCUED))));
    }

    @Override
    public void show(SalvageProgress progress) {
      console.line(
          Json.line(
              Json.object()
                  .put("type", "progress")
                  .put("phase", Json.word(progress.point().phase()))
                  .put("pass", progress.point().pass())
                  .put("at", progress.point().offset())
                  .put("size", progress.sizeBytes())
                  .put("rescued", progress.rescuedBytes())
                  .put("bad", progress.badBytes())
                  .put("pending", progress.pendingBytes())
                  .put("rate", progress.bytesPerSecond())));
    }

    @Override
    public void end(SalvageEnding ending, SalvageJob job, int exitCode) {
      RescueMap map = job.map();
      ObjectNode result =
          Json.object()
              .put("type", "result")
              .put("rescued", map.bytes(RescueStatus.RESCUED))
              .put("bad", map.bytes(RescueStatus.BAD))
              .put("bad_ranges", map.ranges(RescueStatus.BAD, map.extent()).size())
              .put("absent", job.absentBytes())
              .put("exit", exitCode);
      switch (ending) {
        case SalvageEnding.Finished finished -> result.put("ending", "finished");
        case SalvageEnding.Stopped stopped -> result.put("ending", "stopped");
        case SalvageEnding.SourceAbsent absent ->
            result
                .put("ending", "source-absent")
                .put("presence", Json.word(absent.presence()))
                .put("detail", absent.detail());
      }
      console.line(Json.line(result));
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** Progress, and what came of it in words. */
  final class ForPeople implements SalvageView {
    private final Console console;
    private final SalvageRequest request;
    private final String again;
    private final ProgressView progress;

    ForPeople(Console console, SalvageRequest request, String again) {
      this.console = console;
      this.request = request;
      this.again = again;
      this.progress = new ProgressView(console, "salvage");
    }

    @Override
    public void begin(SalvageJob job) {
      long rescued = job.map().bytes(RescueStatus.RESCUED);
      console.line(
          "%s, %s, into %s; map %s"
              .formatted(
                  request.source(),
                  Sizes.text(job.sizeBytes()),
                  request.destination(),
                  request.map()));
      if (rescued > 0) {
        console.line("going on: " + Sizes.text(rescued) + " were rescued before");
      }
    }

    @Override
    public void show(SalvageProgress now) {
      String doing = now.point().phase().name().toLowerCase(Locale.ROOT);
      progress.show(
          now.sizeBytes() - now.pendingBytes(),
          now.sizeBytes(),
          "%s bad, %s/s, %s, pass %d"
              .formatted(
                  Sizes.text(now.badBytes()),
                  Sizes.text(now.bytesPerSecond()),
                  doing,
                  now.point().pass()));
    }

    @Override
    public void end(SalvageEnding ending, SalvageJob job, int exitCode) {
      close();
      String rescued = Sizes.text(job.map().bytes(RescueStatus.RESCUED)) + " rescued";
      switch (ending) {
        case SalvageEnding.Finished finished -> console.line("finished: " + rescued + bad(job));
        case SalvageEnding.Stopped stopped -> {
          console.line("stopped: " + rescued + bad(job));
          console.line("  go on with the same command");
        }
        case SalvageEnding.SourceAbsent absent -> {
          console.line("ended: " + rescued + bad(job));
          console.note("bezoar: " + request.source() + ": " + absent.detail());
          return;
        }
      }
      if (ending instanceof SalvageEnding.Finished && job.map().bytes(RescueStatus.BAD) > 0) {
        console.line("  what is missing is left as it is in the copy: zeroes, if it is new");
        console.line("  try it again   " + again);
        console.line(
            "  list it        ddrescuelog --list-blocks=- "
                + Shell.quote(request.map().toString()));
      }
    }

    private static String bad(SalvageJob job) {
      RescueMap map = job.map();
      int ranges = map.ranges(RescueStatus.BAD, map.extent()).size();
      return ranges == 0
          ? ", nothing that cannot be read"
          : ", %s in %d %s cannot be read"
              .formatted(
                  Sizes.text(map.bytes(RescueStatus.BAD)),
                  ranges,
                  ranges == 1 ? "place" : "places");
    }

    @Override
    public void close() {
      progress.close();
    }
  }
}
