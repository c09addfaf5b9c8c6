package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import io.bezoar.guard.salvage.Probe;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaInfo;
import java.nio.file.Path;
import tools.jackson.databind.node.ObjectNode;

/** Shows a probe as it goes: for people, or as JSON for programs. */
sealed interface ProbeView extends AutoCloseable {
  /** How a probe finds out. */
  enum How {
    /** By asking the kernel's tables of a mapping. */
    PAGE_TABLES("asking the kernel's page tables"),
    /** By reading through system calls. */
    READ("reading by system calls");

    private final String text;

    How(String text) {
      this.text = text;
    }

    static How of(MediaInfo media) {
      return switch (media.kind()) {
        case MAPPED_MEMORY, MAPPED_DAX -> PAGE_TABLES;
        case CHANNEL, SIMULATED -> READ;
      };
    }
  }

  void begin(MediaInfo media, ByteRange asked);

  void found(ByteRange bad);

  void show(Probe.Progress progress);

  void end(Probe.Progress result, int exitCode);

  @Override
  void close();

  /** The right one for who looks. */
  static ProbeView of(Console console, Path path, boolean json) {
    return json ? new AsJson(console, path) : new ForPeople(console, path);
  }

  /** One object per line. */
  record AsJson(Console console, Path path) implements ProbeView {
    @Override
    public void begin(MediaInfo media, ByteRange asked) {
      console.line(
          Json.line(
              Json.object()
                  .put("type", "start")
                  .put("file", path.toString())
                  .put("size", media.sizeBytes())
                  .put("start", asked.start())
                  .put("end", asked.end())
                  .put("how", Json.word(How.of(media)))
                  .put("granule", media.granuleBytes())));
    }

    @Override
    public void found(ByteRange bad) {
      console.line(
          Json.line(
              Json.object()
                  .put("type", "unreadable")
                  .put("start", bad.start())
                  .put("end", bad.end())));
    }

    @Override
    public void show(Probe.Progress progress) {
      console.line(Json.line(numbers("progress", progress)));
    }

    @Override
    public void end(Probe.Progress result, int exitCode) {
      console.line(
          Json.line(
              numbers("result", result).put("complete", result.complete()).put("exit", exitCode)));
    }

    private static ObjectNode numbers(String type, Probe.Progress progress) {
      return Json.object()
          .put("type", type)
          .put("done", progress.doneBytes())
          .put("total", progress.totalBytes())
          .put("bad_ranges", progress.badRanges())
          .put("bad", progress.badBytes());
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** Ranges as they are found, and what they come to. */
  final class ForPeople implements ProbeView {
    private final Console console;
    private final Path path;
    private final ProgressView progress;

    ForPeople(Console console, Path path) {
      this.console = console;
      this.path = path;
      this.progress = new ProgressView(console, "probe");
    }

    @Override
    public void begin(MediaInfo media, ByteRange asked) {
      String all = Sizes.text(media.sizeBytes());
      boolean whole = asked.length() == media.sizeBytes();
      console.line(
          "%s: %s, %s; nothing is loaded"
              .formatted(
                  path,
                  whole ? all : Sizes.text(asked.length()) + " of " + all,
                  How.of(media).text));
    }

    @Override
    public void found(ByteRange bad) {
      progress.close(); // a bar comes back below the line
      console.line("unreadable 0x%x+%d".formatted(bad.start(), bad.length()));
    }

    @Override
    public void show(Probe.Progress now) {
      progress.show(now.doneBytes(), now.totalBytes(), Sizes.text(now.badBytes()) + " unreadable");
    }

    @Override
    public void end(Probe.Progress result, int exitCode) {
      close();
      String looked = Sizes.text(result.doneBytes());
      console.line(
          "%s: %s probed, %s"
              .formatted(
                  result.complete() ? "finished" : "stopped",
                  looked,
                  result.badRanges() == 0
                      ? "everything can be read"
                      : Sizes.text(result.badBytes()) + " cannot be read"));
      if (result.badRanges() > 0) {
        console.line(
            "  save what can be read   bezoar salvage " + Shell.quote(path.toString()) + " COPY");
      }
    }

    @Override
    public void close() {
      progress.close();
    }
  }
}
