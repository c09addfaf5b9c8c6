package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Json;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.SidecarException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bezoar protect}. */
@Command(
    name = "protect",
    description = {
      "Give files that no longer change a sidecar that can repair them.",
      "FILE.bez holds checksums, which tell what went bad, and parity, which gives it",
      "back; 3.5%% of the file, or less than two pages of a small one.",
      "A file that has one and the size and time that it had is left alone, without",
      "looking at its bytes (verify does that); of a file that was changed, or copied",
      "without its time, the sidecar is made anew.",
      "Exit code: 0 done, 3 something is missing or there is no room, 4 refused (a",
      "file that is being written, or is damaged already), 130 stopped."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar protect backup.tar",
      "  bezoar protect /srv/archive --parity 8/40    (25%%: any 8 bad pages of a row)",
      "  bezoar verify /srv/archive                   (later)"
    })
final class ProtectCommand extends SidecarCommand {
  @Option(
      names = "--parity",
      paramLabel = "K/N",
      converter = RedundancyOption.class,
      description =
          "K parity columns of N columns in all: any K bad pages of a row can be repaired. Small"
              + " files get less. Default: what the file's sidecar was made with, else 2/64.")
  private @Nullable Redundancy redundancy;

  private int created;
  private int kept;
  private int replaced;
  private long sidecarBytes;
  private boolean several;

  ProtectCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  SidecarFiles files(List<Path> paths) throws IOException {
    SidecarFiles files = SidecarFiles.of(paths, SidecarFiles.Wanted.ALL);
    several = files.files().size() > 1;
    return files;
  }

  @Override
  int one(Path file, Progress progress) throws IOException, InterruptedException {
    if (LuceneCommit.is(file)) {
      throw new SidecarException(
          file, SidecarException.Reason.NOT_PROTECTABLE, LuceneCommit.ADVICE);
    }
    Redundancy asked = redundancy;
    Protection made =
        asked == null
            ? Protection.protect(file, progress)
            : Protection.protect(file, asked, progress);
    sidecarBytes += made.geometry().sidecarBytes();
    switch (made.outcome()) {
      case CREATED -> created++;
      case KEPT -> kept++;
      case REPLACED -> replaced++;
    }
    if (json()) {
      showJson(SidecarView.toJson(file, made));
    } else if (several) {
      console().line(SidecarView.lineOfMany(file, made));
    } else {
      SidecarView.lines(file, made).forEach(console()::line);
    }
    return Exit.OK;
  }

  @Override
  int end(SidecarFiles files) {
    for (Path file : files.leftOut()) {
      console().note("bezoar: left out: " + file + " " + LuceneCommit.ADVICE);
    }
    if (several && !json()) {
      console()
          .line(
              "%d protected, %d as they were, %d anew: %s in files, %s in sidecars"
                  .formatted(
                      created,
                      kept,
                      replaced,
                      Sizes.text(files.totalBytes()),
                      Sizes.text(sidecarBytes)));
    }
    if (files.files().isEmpty()) {
      if (json()) {
        showJson(Json.object().put("type", "summary").put("files", 0));
      } else {
        console().note("bezoar: there is no file here to protect");
      }
    }
    return Exit.OK;
  }
}
