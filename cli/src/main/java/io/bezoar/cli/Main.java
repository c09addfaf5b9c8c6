package io.bezoar.cli;

import io.bezoar.cli.control.Problem;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The {@code bezoar} command: picks a subcommand and turns its outcome into an exit code. */
@Command(
    name = "bezoar",
    description = "Self-healing direct-access storage.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Start with: bezoar serve",
      "More about a command: bezoar help COMMAND",
      "Exit codes: 0 done, 1 degraded, 2 bytes lost, 3 unavailable, 4 refused,",
      "5 changed, 64 wrong usage, 70 internal error, 130 interrupted."
    })
public final class Main implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Show where an error came from.")
  private boolean debug;

  private Main() {}

  /** Without a command: which there are. */
  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return spec.exitCodeOnInvalidInput();
  }

  /**
   * Runs one command and exits with its code.
   *
   * @param args the command and its arguments
   */
  public static void main(String[] args) {
    StopSignal stop = new StopSignal();
    OutputStream bytes =
        new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
    StandardOutput out = new StandardOutput(bytes, stop);
    if (args.length == 1 && args[0].equals("version")) {
      // Asked for by scripts, and over before the other commands would be loaded.
      System.exit(out.installOn(new CommandLine(new VersionCommand())).execute());
    }
    stop.install();
    int exitCode = out.installOn(commandLine(stop, out)).execute(RawArguments.of(args));
    stop.ended(exitCode);
    System.exit(exitCode);
  }

  /**
   * The command.
   *
   * @param bytes where content of files is written to
   */
  static CommandLine commandLine(StopSignal stop, StandardOutput bytes) {
    Main main = new Main();
    CommandLine bad =
        new CommandLine(new BadCommand())
            .addSubcommand(new BadListCommand(stop))
            .addSubcommand(new BadInjectCommand(stop))
            .addSubcommand(new BadClearCommand(stop))
            .addSubcommand(new HelpCommand());
    CommandLine device =
        new CommandLine(new DeviceCommand())
            .addSubcommand(new DeviceListCommand(stop))
            .addSubcommand(new DeviceChangeCommand.Attach(stop))
            .addSubcommand(new DeviceChangeCommand.Detach(stop))
            .addSubcommand(new DeviceChangeCommand.Offline(stop))
            .addSubcommand(new DeviceChangeCommand.Online(stop))
            .addSubcommand(new DeviceChangeCommand.Replace(stop))
            .addSubcommand(new DeviceChangeCommand.Evacuate(stop))
            .addSubcommand(new DeviceChangeCommand.Spare(stop))
            .addSubcommand(new DeviceWaitCommand(stop))
            .addSubcommand(new HelpCommand());
    CommandLine snapshot =
        new CommandLine(new SnapshotCommand())
            .addSubcommand(new SnapshotCommand.Create(stop))
            .addSubcommand(new SnapshotCommand.ListAll(stop))
            .addSubcommand(new SnapshotCommand.Delete(stop))
            .addSubcommand(new HelpCommand());
    CommandLine commands =
        new CommandLine(main)
            .addSubcommand(new ServeCommand(stop))
            .addSubcommand(new CreateCommand())
            .addSubcommand(new StatusCommand(stop))
            .addSubcommand("device", device)
            .addSubcommand("bad", bad)
            .addSubcommand(new ScrubCommand(stop))
            .addSubcommand(new EventsCommand(stop))
            .addSubcommand(new LsCommand(stop))
            .addSubcommand(new CpCommand(stop))
            .addSubcommand(new MvCommand(stop))
            .addSubcommand(new RmCommand(stop))
            .addSubcommand(new MkdirCommand(stop))
            .addSubcommand(new RmdirCommand(stop))
            .addSubcommand(new LnCommand(stop))
            .addSubcommand(new StatCommand(stop))
            .addSubcommand(new CatCommand(stop, bytes))
            .addSubcommand(new DfCommand(stop))
            .addSubcommand(new DuCommand(stop))
            .addSubcommand("snapshot", snapshot)
            .addSubcommand(new OwnersCommand(stop))
            .addSubcommand(new CheckCommand(stop))
            .addSubcommand(new ProtectCommand(stop))
            .addSubcommand(new VerifyCommand(stop))
            .addSubcommand(new RepairCommand(stop))
            .addSubcommand(new ProbeCommand(stop))
            .addSubcommand(new SalvageCommand(stop))
            .addSubcommand(new DoctorCommand())
            .addSubcommand(new LauncherCommand.Bench())
            .addSubcommand(new LauncherCommand.Test())
            .addSubcommand(new VersionCommand())
            .addSubcommand(new HelpCommand());
    complete(commands);
    commands.setHelpFactory(HelpText::help);
    commands.setExecutionStrategy(Main::run);
    commands.setParameterExceptionHandler(ErrorView::showUsage);
    commands.setExecutionExceptionHandler(main.exceptionHandler());
    return commands;
  }

  /**
   * No command takes an empty argument: most often it is a variable of the shell that is not set.
   */
  private static int run(CommandLine.ParseResult parsed) {
    if (parsed.originalArgs().contains("")) {
      throw new CommandLine.ParameterException(
          parsed.asCommandLineList().getLast(), "'' names nothing: an argument is empty");
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  /** What every command has: the same exit codes, and --help. */
  private static void complete(CommandLine commandLine) {
    CommandSpec spec = commandLine.getCommandSpec();
    if (commandLine.getCommand() instanceof PoolFileCommand) {
      // As the Unix tools do: cp -aR, ls -ll.
      commandLine.setOverwrittenOptionsAllowed(true);
    }
    spec.exitCodeOnInvalidInput(64).exitCodeOnExecutionException(70);
    if (spec.findOption("--help") == null) {
      spec.addOption(
          CommandLine.Model.OptionSpec.builder(helpNames(spec))
              .usageHelp(true)
              .description("Show what this command does, and end.")
              .build());
    }
    commandLine.getSubcommands().values().forEach(Main::complete);
  }

  /** Where -h means sizes for people, as it does in the Unix tools, help is --help alone. */
  private static String[] helpNames(CommandSpec spec) {
    return spec.findOption("-h") == null ? new String[] {"-h", "--help"} : new String[] {"--help"};
  }

  private static Problem problem(Exception exception, CommandLine commandLine) {
    return commandLine.getCommand() instanceof FileCommand
        ? Problem.ofFile(exception)
        : Problem.of(exception);
  }

  private IExecutionExceptionHandler exceptionHandler() {
    return (exception, commandLine, parsed) ->
        ErrorView.show(problem(exception, commandLine), exception, commandLine.getErr(), debug);
  }
}
