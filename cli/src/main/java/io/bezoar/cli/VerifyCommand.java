package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Verification;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;

/** {@code bezoar verify}. */
@Command(
    name = "verify",
    description = {
      "Find out what of protected files is damaged, and what was changed.",
      "Compares each file with its sidecar, says what can be repaired, changes nothing.",
      "Exit code: 0 all intact, 1 damaged, everything can be repaired (bezoar repair),",
      "2 bytes are lost, 3 there is no file or no sidecar to compare, 5 changed since",
      "it was protected, 130 stopped. Of several files, the worst."
    },
    footer = {"", "Examples:", "  bezoar verify backup.tar", "  bezoar verify /srv/archive --json"})
final class VerifyCommand extends SidecarCommand {
  private int intact;
  private int files;

  VerifyCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  SidecarFiles files(List<Path> paths) throws IOException {
    return SidecarFiles.of(paths, SidecarFiles.Wanted.PROTECTED);
  }

  @Override
  int one(Path file, Progress progress) throws IOException, InterruptedException {
    files++;
    Verification found = Verification.verify(file, progress);
    if (json()) {
      showJson(SidecarView.toJson(file, found));
    } else {
      SidecarView.lines(file, found).forEach(console()::line);
    }
    int exitCode = SidecarView.exitCode(found);
    intact += exitCode == Exit.OK ? 1 : 0;
    return exitCode;
  }

  @Override
  int end(SidecarFiles all) {
    if (all.files().size() > 1 && !json()) {
      console().line("%d of %d files intact".formatted(intact, files));
    }
    return SidecarView.showRest(all, console(), json());
  }
}
