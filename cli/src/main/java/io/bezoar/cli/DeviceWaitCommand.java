package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bezoar device wait}. */
@Command(
    name = "wait",
    description = {
      "Follow the copying that is going on, in all mirrors of a pool, to its end. Where no process",
      "serves the pool, this one does the copying.",
      "Exit code: 0 every copy is whole, 1 one is missing or failed."
    },
    footer = {"", "Example:", "  bezoar device wait a.img"})
final class DeviceWaitCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(names = "--json", description = "Print progress as JSON, one object per line.")
  private boolean json;

  DeviceWaitCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    try (DeviceProgressView view = new DeviceProgressView(console(), pool.path.toString(), json)) {
      return ask(pool.ref(), new Request.DeviceProgress(), view::show);
    }
  }
}
