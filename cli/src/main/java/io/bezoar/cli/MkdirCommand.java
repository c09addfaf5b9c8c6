package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.JsonNode;

/** {@code bezoar mkdir}. */
@Command(
    name = "mkdir",
    description = "Make directories in a pool. Durable when it returns.",
    footer = {"", "Examples:", "  bezoar mkdir a.pool:/photos", "  bezoar mkdir -p a.pool:/a/b/c"})
final class MkdirCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Directories to make.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-p", "--parents"},
      description = "Make the directories that they are in, too; one that is there is no error.")
  private boolean parents;

  @Option(
      names = {"-m", "--mode"},
      paramLabel = "MODE",
      converter = OctalMode.class,
      description = "Modes of what is named, as in 0700; 0755 if it is left out.")
  private int mode = FileRequest.Mkdir.MODE;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is made.")
  private boolean verbose;

  MkdirCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(
        poolOf(paths),
        new FileRequest.Mkdir(pathsOf(paths), mode, new Flags().with(Flag.PARENTS, parents).set()),
        this::show);
  }

  private void show(JsonNode made) {
    if (verbose) {
      console().line("created directory '" + LsView.printable(made.path("path").asString()) + "'");
    }
  }

  /** Permissions as chmod takes them by number. */
  static final class OctalMode implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      if (!text.matches("0?[0-7]{1,4}")) {
        throw new TypeConversionException("'" + text + "' is no mode: write it as in 0700");
      }
      return Integer.parseInt(text, 8);
    }
  }
}
