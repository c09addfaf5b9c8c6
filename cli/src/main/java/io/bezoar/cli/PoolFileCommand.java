package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** A command about the files in a pool. */
abstract class PoolFileCommand extends PoolCommand {
  @Mixin private PoolWay way;

  @Option(names = "--json", description = "Print JSON, one object per line.")
  private boolean json;

  PoolFileCommand(StopSignal stop) {
    super(stop);
  }

  final boolean json() {
    return json;
  }

  /**
   * Asks. What could not be done of it is said as it comes.
   *
   * @param show is given every other object of the answer, unless it is printed as JSON
   * @return the exit code
   */
  final int askFiles(Path pool, FileRequest request, Consumer<ObjectNode> show) throws Exception {
    return ask(
        way.of(pool),
        request,
        reply -> {
          if (json) {
            showJson(reply);
          } else if (reply.path("type").asString().equals("problem")) {
            showProblem(reply);
          } else if (reply.path("type").asString().equals("note")) {
            console().note("bezoar: NOTE: " + reply.path("what").asString());
          } else {
            show.accept(reply);
          }
        });
  }

  final void showProblem(JsonNode problem) {
    console().note("bezoar: " + problem.path("what").asString());
    String advice = problem.path("advice").asString();
    if (!advice.isEmpty()) {
      console().note("  " + advice);
    }
  }

  /** Shows one thing that was done, as the Unix tools do with -v. */
  final void showDone(JsonNode done) {
    if (!done.path("type").asString().equals("done")) {
      return;
    }
    String path = "'" + LsView.printable(done.path("path").asString()) + "'";
    String to = "'" + LsView.printable(done.path("to").asString()) + "'";
    console()
        .line(
            switch (done.path("what").asString()) {
              case "moved" -> "renamed " + path + " -> " + to;
              case "removed" -> "removed " + path;
              case "removed-directory" -> "removed directory " + path;
              case "linked" -> path + " => " + to;
              default -> path + " -> " + to;
            });
  }

  /** The pool that all of these are in. */
  final Path poolOf(List<PoolPath> paths) {
    Path first = paths.getFirst().pool();
    for (PoolPath path : paths) {
      if (!path.isIn(first)) {
        throw new ParameterException(
            spec().commandLine(), first + " and " + path.pool() + ": one pool at a time");
      }
    }
    return first;
  }

  static List<String> pathsOf(List<PoolPath> paths) {
    return paths.stream().map(PoolPath::path).toList();
  }

  /** The flags that were given. */
  static final class Flags {
    private final Set<FileRequest.Flag> set = EnumSet.noneOf(FileRequest.Flag.class);

    Flags with(FileRequest.Flag flag, boolean given) {
      if (given) {
        set.add(flag);
      }
      return this;
    }

    Set<FileRequest.Flag> set() {
      return set;
    }
  }
}
