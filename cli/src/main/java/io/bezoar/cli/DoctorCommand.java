package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code bezoar doctor}. */
@Command(
    name = "doctor",
    description = {
      "Look at this machine: kernel, JVM, limits, NBD clients; and say what to do.",
      "Exit code: 0 everything works, 1 works with limits, 3 pools cannot be used here."
    },
    footer = {"", "Example:", "  bezoar doctor"})
final class DoctorCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(names = "--json", description = "Print one JSON object per line.")
  private boolean json;

  @Override
  public Integer call() {
    Console console = new Console(spec);
    List<Diagnosis> diagnoses = Doctor.examine();
    for (Diagnosis diagnosis : diagnoses) {
      if (json) {
        console.line(diagnosis.toJsonLine());
      } else {
        console.line(
            "%-5s %-28s %s"
                .formatted(diagnosis.verdict(), diagnosis.subject(), diagnosis.finding()));
        if (!diagnosis.advice().isEmpty()) {
          console.line("      -> " + diagnosis.advice());
        }
      }
    }
    if (diagnoses.stream().anyMatch(d -> d.verdict() == Diagnosis.Verdict.BAD)) {
      return Exit.UNAVAILABLE;
    }
    return diagnoses.stream().anyMatch(d -> d.verdict() == Diagnosis.Verdict.LIMIT)
        ? Exit.DEGRADED
        : Exit.OK;
  }
}
