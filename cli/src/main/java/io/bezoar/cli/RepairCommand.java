package io.bezoar.cli;

import io.bezoar.guard.sidecar.Differences;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Repair;
import io.bezoar.guard.sidecar.Verification;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bezoar repair}. */
@Command(
    name = "repair",
    description = {
      "Repair damaged files from their sidecars, and the sidecars themselves.",
      "In place: each page is verified before it is stored, and read back after it.",
      "The modification time stays. A file that was changed since is left alone.",
      "Exit code: 0 all intact now, 1 something of the sidecar is still bad, 2 bytes",
      "are lost or could not be stored, 3 there is no file or no sidecar, or it cannot",
      "be written, 4 refused, 5 changed since it was protected, 130 stopped."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar repair backup.tar --dry-run",
      "  bezoar repair backup.tar",
      "  bezoar repair backup.tar --to /other/disk/backup.tar   (when the disk is dying)",
      "  bezoar repair report.db --revert    (takes changes back as well)"
    })
final class RepairCommand extends SidecarCommand {
  @Spec private CommandSpec spec;

  @Option(
      names = "--to",
      paramLabel = "COPY",
      description = "Write the repaired file to COPY, which must not be there, and nothing else.")
  private @Nullable Path copy;

  @Option(names = "--dry-run", description = "Only say what would be done.")
  private boolean dryRun;

  @Option(
      names = "--revert",
      description = "Take a file that was changed back to what was protected: changes are lost.")
  private boolean revert;

  RepairCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  SidecarFiles files(List<Path> paths) throws IOException {
    SidecarFiles files = SidecarFiles.of(paths, SidecarFiles.Wanted.PROTECTED);
    if (copy != null && files.files().size() != 1) {
      throw new ParameterException(spec.commandLine(), "--to takes one file, and one only");
    }
    return files;
  }

  @Override
  int one(Path file, Progress progress) throws IOException, InterruptedException {
    Differences differences = revert ? Differences.REVERT : Differences.KEEP;
    if (dryRun) {
      Verification found = Verification.verify(file, progress);
      if (json()) {
        showJson(SidecarView.toJson(file, found));
      } else {
        SidecarView.lines(file, found).forEach(console()::line);
      }
      return SidecarView.exitCode(found);
    }
    Path to = copy;
    Repair done =
        to == null
            ? Repair.inPlace(file, differences, progress)
            : Repair.toCopy(file, to, differences, progress);
    RepairView view = new RepairView(file, to, differences, done);
    if (json()) {
      showJson(view.toJson());
    } else {
      view.lines().forEach(console()::line);
    }
    return view.exitCode();
  }

  @Override
  int end(SidecarFiles all) {
    return SidecarView.showRest(all, console(), json());
  }
}
