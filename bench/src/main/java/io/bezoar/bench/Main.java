package io.bezoar.bench;

import io.bezoar.bench.Site.Kind;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the measurements and prints them as one table. */
@Command(
    name = "bezoar bench",
    sortOptions = false,
    description = {
      "Measures Bezoar side by side with its peers and prints one table.",
      "Everything is measured twice: on tmpfs, which stands in for memory that persists, and on"
          + " a file of the ordinary disk. The files are removed in the end."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:measured, whether the targets were met or not",
      "1:something could not be measured: the message says why",
      "2:usage"
    })
public final class Main implements Callable<Integer> {
  private static final Path TMPFS = Path.of("/dev/shm");

  private final PrintStream out;
  private final PrintStream err;

  @Spec private CommandSpec spec;

  @Option(
      names = "--row",
      paramLabel = "N",
      description = "Only this row of the table of targets; may be repeated.")
  private List<Integer> only = new ArrayList<>();

  @Option(
      names = "--quick",
      description = "Tiny and short, to see that everything works: the figures mean nothing.")
  private boolean quick;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Folder on the ordinary disk (default: the current one).")
  private Path folder = Path.of("");

  @Option(names = "--json", description = "Print JSON instead of the table.")
  private boolean json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help and exit.")
  @SuppressWarnings("UnusedVariable") // picocli looks at it.
  private boolean help;

  private Main(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /**
   * Runs the measurements; exits with 0 when they were made, whatever they came to.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    // The table and its units are not ASCII, whatever the locale says.
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
    int code = run(out, err, args);
    System.exit(code);
  }

  /** As {@link #main}, without the exit. */
  static int run(PrintStream out, PrintStream err, String... args) {
    CommandLine command = new CommandLine(new Main(out, err));
    command.setOut(new java.io.PrintWriter(out, true, StandardCharsets.UTF_8));
    command.setErr(new java.io.PrintWriter(err, true, StandardCharsets.UTF_8));
    return command.execute(args);
  }

  @Override
  public Integer call() throws InterruptedException {
    List<Row> rows = chosenRows();
    Scale scale = quick ? Scale.QUICK : Scale.FULL;
    List<Outcome> outcomes;
    try (Cleanup cleanup = new Cleanup()) {
      outcomes = measureAll(rows, scale, cleanup);
    } catch (IOException failed) {
      err.println("bezoar bench: " + failed.getMessage());
      return 1;
    }
    out.print(json ? JsonReport.format(outcomes) : Table.format(outcomes));
    if (quick && !json) {
      out.println("Measured with --quick: these figures mean nothing.");
    }
    out.flush();
    return 0;
  }

  private List<Row> chosenRows() {
    Map<Integer, Row> known = new TreeMap<>();
    Row.ALL.forEach(row -> known.put(row.number(), row));
    for (int number : only) {
      if (!known.containsKey(number)) {
        throw new ParameterException(
            spec.commandLine(),
            "there is no row " + number + " to measure: choose from " + known.keySet());
      }
    }
    return Row.ALL.stream().filter(row -> only.isEmpty() || only.contains(row.number())).toList();
  }

  private List<Outcome> measureAll(List<Row> rows, Scale scale, Cleanup cleanup)
      throws IOException, InterruptedException {
    List<Site> sites = new ArrayList<>();
    if (Files.isDirectory(TMPFS) && Files.isWritable(TMPFS)) {
      sites.add(new Site(Kind.TMPFS, TMPFS, scale, cleanup));
    } else {
      err.println("SKIPPED everything on tmpfs: needs a folder " + TMPFS + " that is writable");
    }
    sites.add(new Site(Kind.DISK, folder.toAbsolutePath(), scale, cleanup));
    long room = Collections.max(rows.stream().map(row -> row.roomBytes(scale)).toList());
    for (Site site : sites) {
      site.requireRoom(room);
    }
    List<Outcome> outcomes = new ArrayList<>();
    for (Site site : sites) {
      try (site) {
        for (Row row : rows) {
          outcomes.addAll(measure(row, site));
        }
      }
    }
    return outcomes;
  }

  private List<Outcome> measure(Row row, Site site) throws IOException, InterruptedException {
    err.println("on " + site.kind().label() + ": row " + row.number() + ", " + row.title());
    Report report = new Report(row.number(), site.kind().label());
    row.measure(site, report);
    String skipped =
        report.outcomes().stream()
            .filter(Outcome.Skipped.class::isInstance)
            .map(outcome -> ((Outcome.Skipped) outcome).reason())
            .collect(Collectors.joining("; "));
    if (!skipped.isEmpty()) {
      err.println("SKIPPED row " + row.number() + ": " + skipped);
    }
    err.print(Table.format(report.outcomes())); // the whole takes long
    return report.outcomes();
  }
}
