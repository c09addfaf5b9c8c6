package io.bezoar.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code bezoar version}: what is running, and on which JVM. */
@Command(name = "version", description = "Print the version of Bezoar and of the JVM it runs on.")
final class VersionCommand implements Callable<Integer>, IVersionProvider {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    spec.commandLine().getOut().println(getVersion()[0]);
    return 0;
  }

  @Override
  public String[] getVersion() {
    return new String[] {
      "bezoar %s (JDK %s, %s)"
          .formatted(
              BuildInfo.version(), Runtime.version(), System.getProperty("java.vm.vendor", "?"))
    };
  }
}
