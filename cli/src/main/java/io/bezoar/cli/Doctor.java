package io.bezoar.cli;

import io.bezoar.cli.Diagnosis.Verdict;
import io.bezoar.media.GuardReport;
import io.bezoar.media.GuardSelfTest;
import io.bezoar.media.KernelFeatures;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Looks at the machine. */
final class Doctor {
  private static final long COMFORTABLE_MAP_COUNT = 65_530;
  private static final List<String> CLIENTS =
      List.of("nbdinfo", "nbdcopy", "nbdsh", "qemu-img", "qemu-io", "fio");

  private Doctor() {}

  static List<Diagnosis> examine() {
    List<Diagnosis> diagnoses = new ArrayList<>();
    diagnoses.add(system());
    diagnoses.add(
        new Diagnosis(
            Verdict.OK,
            "JDK",
            Runtime.version() + ", " + System.getProperty("java.vm.vendor", "?"),
            ""));
    for (KernelFeatures.Feature feature : KernelFeatures.probe()) {
      diagnoses.add(
          new Diagnosis(
              feature.works() ? Verdict.OK : Verdict.LIMIT,
              feature.name(),
              (feature.works() ? "works: " : "does not work: ") + feature.use(),
              feature.works() ? "" : "a newer kernel has it, unless a sandbox forbids it"));
    }
    diagnoses.add(guard(GuardSelfTest.report()));
    diagnoses.add(mapCount());
    diagnoses.add(userfaultfd());
    diagnoses.add(clients());
    return diagnoses;
  }

  private static Diagnosis system() {
    String os = System.getProperty("os.name", "?");
    String arch = System.getProperty("os.arch", "?");
    String found = os + " " + System.getProperty("os.version", "?") + " on " + arch;
    boolean known =
        os.toLowerCase(Locale.ROOT).contains("linux")
            && (arch.equals("amd64") || arch.equals("aarch64"));
    return known
        ? new Diagnosis(Verdict.OK, "system", found, "")
        : new Diagnosis(Verdict.BAD, "system", found, "Bezoar needs 64-bit Linux");
  }

  private static Diagnosis guard(GuardReport report) {
    String counts =
        "%d real faults planted, %d caught, %d escaped, %d missed, in %d ms"
            .formatted(
                report.planted(),
                report.caught(),
                report.escaped(),
                report.missed(),
                report.durationNanos() / 1_000_000);
    return report.sound()
        ? new Diagnosis(Verdict.OK, "guarded copy", counts, "")
        : new Diagnosis(
            Verdict.LIMIT,
            "guarded copy",
            counts + ": " + report.detail(),
            "mapped media is refused in this JVM; pools work by channel");
  }

  private static Diagnosis mapCount() {
    Path setting = Path.of("/proc/sys/vm/max_map_count");
    // These files answer one read, with what fits; Files.readString begins with a read of one byte.
    try (BufferedReader reader = Files.newBufferedReader(setting)) {
      long count = Long.parseLong(String.valueOf(reader.readLine()).strip());
      return count >= COMFORTABLE_MAP_COUNT
          ? new Diagnosis(Verdict.OK, "vm.max_map_count", Long.toString(count), "")
          : new Diagnosis(
              Verdict.LIMIT,
              "vm.max_map_count",
              count + ": at the limit the JVM itself aborts",
              "sysctl -w vm.max_map_count=" + COMFORTABLE_MAP_COUNT);
    } catch (IOException | NumberFormatException e) {
      return new Diagnosis(
          Verdict.NOTE, "vm.max_map_count", "cannot be read: " + e.getMessage(), "");
    }
  }

  private static Diagnosis userfaultfd() {
    boolean there =
        Files.exists(Path.of("/dev/userfaultfd"))
            || Files.exists(Path.of("/proc/sys/vm/unprivileged_userfaultfd"));
    return new Diagnosis(
        Verdict.NOTE, "userfaultfd", (there ? "there" : "not there") + ", and not needed", "");
  }

  private static Diagnosis clients() {
    List<String> found = CLIENTS.stream().filter(Doctor::isOnPath).toList();
    List<String> missing = CLIENTS.stream().filter(client -> !found.contains(client)).toList();
    String finding = found.isEmpty() ? "none" : String.join(", ", found);
    return missing.isEmpty()
        ? new Diagnosis(Verdict.OK, "NBD clients", finding, "")
        : new Diagnosis(
            Verdict.NOTE,
            "NBD clients",
            finding + "; not here: " + String.join(", ", missing),
            "Debian, Ubuntu: apt-get install libnbd-bin qemu-utils fio");
  }

  private static boolean isOnPath(String program) {
    String path = System.getenv("PATH");
    if (path == null) {
      return false;
    }
    for (String folder : path.split(":", -1)) {
      if (!folder.isEmpty() && Files.isExecutable(Path.of(folder, program))) {
        return true;
      }
    }
    return false;
  }
}
