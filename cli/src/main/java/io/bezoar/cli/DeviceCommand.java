package io.bezoar.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bezoar device}. */
@Command(
    name = "device",
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Change the devices that a pool is made of, while it is used.",
      "POOL is any one of them, DEVICE is one by its number, path, name or the beginning of its uuid."
    })
final class DeviceCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Missing: list, attach, detach, offline, online, replace, evacuate, spare or wait");
  }
}
