package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import io.bezoar.cli.control.PoolAccess;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Replies;
import io.bezoar.cli.control.Request;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** A command that asks one thing of a pool and shows the answer as it comes. */
abstract class PoolCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private final StopSignal stop;

  PoolCommand(StopSignal stop) {
    this.stop = stop;
  }

  final Console console() {
    return new Console(spec);
  }

  final CommandSpec spec() {
    return spec;
  }

  final StopSignal stop() {
    return stop;
  }

  /**
   * Asks.
   *
   * @param show is given every object of the answer
   * @return the exit code
   */
  final int ask(PoolRef pool, Request request, Consumer<ObjectNode> show) throws Exception {
    stop.handle();
    return PoolAccess.run(
        pool,
        request,
        new Replies() {
          @Override
          public void send(ObjectNode json) {
            show.accept(json);
          }

          @Override
          public boolean gone() {
            return stop.isRequested();
          }
        });
  }

  /** Shows an object as one line of JSON. */
  final void showJson(ObjectNode json) {
    console().line(Json.line(json));
  }
}
