package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code bezoar device list}. */
@Command(
    name = "list",
    description = {
      "List the devices of a pool by their numbers, spares included, one per line.",
      "Exit code: that of status."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar device list a.img",
      "  bezoar device list a.img --json | jq 'select(.presence == \"missing\")'"
    })
final class DeviceListCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(names = "--json", description = "Print one JSON object per line.")
  private boolean json;

  DeviceListCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return ask(
        pool.ref(),
        new Request.Status(),
        status -> {
          List<JsonNode> devices = new ArrayList<>();
          StackView.devices(status.path("stack")).forEach(leg -> devices.add(leg.device()));
          status.path("spares").forEach(devices::add);
          devices.sort(Comparator.comparingInt(device -> device.path("device").asInt()));
          for (JsonNode device : devices) {
            if (json) {
              console().line(device.toString());
            } else {
              console().line(line(device));
            }
          }
        });
  }

  private static String line(JsonNode device) {
    String line = StackView.device(device, device.has("leg"));
    return device.path("use").asString().equals("spare") ? line + "; spare" : line;
  }
}
