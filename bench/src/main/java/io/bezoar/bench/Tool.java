package io.bezoar.bench;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The programs of others that a row needs. */
enum Tool {
  FIO("fio", "fio"),
  NBDCOPY("nbdcopy", "libnbd-bin"),
  NBDKIT("nbdkit", "nbdkit"),
  PAR2("par2", "par2"),
  MKFS_EXT4("mkfs.ext4", "e2fsprogs"),
  MKFS_XFS("mkfs.xfs", "xfsprogs"),
  MKFS_BTRFS("mkfs.btrfs", "btrfs-progs");

  private static final int MAX_SECONDS = 120;

  private final String program;
  private final String debianPackage;

  Tool(String program, String debianPackage) {
    this.program = program;
    this.debianPackage = debianPackage;
  }

  String program() {
    return program;
  }

  /** What is missing, and how to get it; empty when it is there. */
  Optional<String> missing() {
    boolean found =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .filter(folder -> !folder.isEmpty())
            .anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    return found
        ? Optional.empty()
        : Optional.of("needs " + program + " (Debian: apt-get install " + debianPackage + ")");
  }

  /** Runs to its end; what it wrote. */
  static String run(Cleanup cleanup, Path output, List<String> command)
      throws IOException, InterruptedException {
    Process process =
        cleanup.start(
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(new File("/dev/null")));
    try {
      boolean ended = process.waitFor(MAX_SECONDS, TimeUnit.SECONDS);
      String text = Files.readString(output, StandardCharsets.UTF_8);
      if (!ended || process.exitValue() != 0) {
        throw new IOException(
            (ended ? "exit code " + process.exitValue() : "no end in " + MAX_SECONDS + " s")
                + " of "
                + String.join(" ", command)
                + "\n"
                + text);
      }
      return text;
    } finally {
      cleanup.end(process);
    }
  }
}
