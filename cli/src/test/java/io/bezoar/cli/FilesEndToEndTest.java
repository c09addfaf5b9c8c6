package io.bezoar.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.testing.Tools;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Files in a pool as a user has them: commands of their own, a server that is killed, a copy that
 * is stopped, and programs that know nothing of it to compare.
 */
@Timeout(300)
class FilesEndToEndTest {
  private static final int FILES = 200;

  @TempDir(factory = InMemory.class)
  private Path folder;

  private BezoarProcess.Result run(String... arguments) throws Exception {
    return BezoarProcess.run(folder, arguments);
  }

  private void makeTree(String name, int fileBytes) throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < FILES; i++) {
      Path file = folder.resolve(name + "/" + i % 10 + "/" + i);
      Files.createDirectories(file.getParent());
      byte[] bytes = new byte[random.nextInt(fileBytes)];
      random.nextBytes(bytes);
      Files.write(file, bytes);
    }
  }

  private void assertSame(String tree, String copy) throws Exception {
    Tools.run("diff", "-r", folder.resolve(tree).toString(), folder.resolve(copy).toString())
        .orFail();
  }

  @Test
  void shouldKeepWhatItSaidIsDurableWhenTheServerIsKilled() throws Exception {
    Tools.require("diff", "diffutils");
    makeTree("tree", 40_000);
    run("create", "a.pool", "--fs", "--size", "64M", "--sparse").expect(Exit.OK);
    try (BezoarProcess.Server server = new BezoarProcess.Server(folder, "a.pool")) {
      List<String> said = run("cp", "-r", "tree", "a.pool:/").expect(Exit.OK).lines();
      assertThat(said).last().asString().contains("copied 200 files").endsWith("; durable");
      run("snapshot", "create", "a.pool", "before").expect(Exit.OK);
      run("rm", "-r", "a.pool:/tree/3").expect(Exit.OK);
      server.kill();
    }
    run("check", "a.pool").expect(Exit.OK);
    assertThat(run("ls", "a.pool:/tree").expect(Exit.OK).lines())
        .containsExactly("0", "1", "2", "4", "5", "6", "7", "8", "9");
    run("cp", "-r", "a.pool:/.snapshots/before/tree", "out").expect(Exit.OK);
    assertSame("tree", "out");
    run("status", "a.pool").expect(Exit.OK);
  }

  /** Copies a tree of many files into a new pool, and ends it when it says that it is at work. */
  private int copyAndEnd(Consumer<ProcessHandle> end, List<String> lines) throws Exception {
    makeTree("tree", 1 << 20);
    run("create", "a.pool", "--fs", "--size", "256M", "--sparse").expect(Exit.OK);
    run("mkdir", "a.pool:/tree").expect(Exit.OK);
    List<String> command = List.of("cp", "-r", "--json", "tree", "a.pool:/");
    Process copy = BezoarProcess.command(folder, command).start();
    try (BufferedReader output = copy.inputReader()) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        end.accept(copy.toHandle());
        lines.add(line);
      }
    }
    return copy.waitFor();
  }

  private void assertWholeFilesOnly() throws Exception {
    run("check", "a.pool").expect(Exit.OK);
    run("cp", "-r", "a.pool:/tree", "out").expect(Exit.OK);
    try (Stream<Path> copied = Files.walk(folder.resolve("out"))) {
      for (Path file : copied.filter(Files::isRegularFile).toList()) {
        Path original = folder.resolve("tree").resolve(folder.resolve("out").relativize(file));
        // What was not whole has no name yet.
        if (Files.exists(original) || !file.getFileName().toString().startsWith(".bezoar-")) {
          assertThat(file).hasSameBinaryContentAs(original);
        }
      }
    }
  }

  @Test
  void shouldLeaveWholeFilesOnlyWhenACopyIsStopped() throws Exception {
    List<String> lines = new ArrayList<>();
    // As Ctrl-C does.
    int exit = copyAndEnd(ProcessHandle::destroy, lines);
    assertThat(lines).last().asString().contains("\"type\":\"copied\"", "\"durable\":true");
    // A copy that was faster than its signal is whole.
    assertThat(exit).isIn(Exit.INTERRUPTED, Exit.OK);
    assertWholeFilesOnly();
    assertThat(run("ls", "-aR", "a.pool:/").expect(Exit.OK).lines())
        .noneMatch(name -> name.startsWith(".bezoar-"));
  }

  @Test
  void shouldLeaveWholeFilesOnlyWhenACopyIsKilled() throws Exception {
    copyAndEnd(ProcessHandle::destroyForcibly, new ArrayList<>());
    assertWholeFilesOnly();
  }

  /** Runs a command in whose arguments every {@code ~} is the byte 0xFF, which is no UTF-8. */
  private byte[] raw(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("sh", "-c"));
    line.add(
        "for a; do shift; set -- \"$@\" \"$(printf %s \"$a\" | tr '~' '\\377')\"; done; \"$@\"");
    line.add("sh");
    line.addAll(BezoarProcess.command(folder, List.of(arguments)).command());
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.start();
    byte[] output = process.getInputStream().readAllBytes();
    assertThat(process.waitFor()).as("%s", List.of(arguments)).isEqualTo(Exit.OK);
    return output;
  }

  @Test
  void shouldTakeAndPrintNamesOfAnyBytes() throws Exception {
    Files.writeString(folder.resolve("file"), "content");
    run("create", "a.pool", "--fs", "--size", "64M", "--sparse").expect(Exit.OK);
    raw("mkdir", "a.pool:/d~ü");
    raw("cp", "file", "a.pool:/d~ü/x~");
    assertThat(new String(raw("ls", "a.pool:/d~ü"), ISO_8859_1)).isEqualTo("x\u00ff\n");
    assertThat(new String(raw("cat", "a.pool:/d~ü/x~"), ISO_8859_1)).isEqualTo("content");
    raw("cp", "a.pool:/d~ü/x~", "local~");
    raw("cp", "local~", "a.pool:/");
    raw("mv", "a.pool:/local~", "a.pool:/again");
    assertThat(run("cat", "a.pool:/again").expect(Exit.OK).lines()).containsExactly("content");
    raw("rm", "-r", "a.pool:/d~ü");
    assertThat(run("ls", "a.pool:/").expect(Exit.OK).lines()).containsExactly("again");
  }

  /** A part of the answer is missing: it was not done, whatever the command had found out. */
  @Test
  void shouldSayWhenItsOutputCannotBeWritten() throws Exception {
    makeTree("tree", 10);
    run("create", "a.pool", "--fs", "--size", "64M", "--sparse").expect(Exit.OK);
    run("cp", "-r", "tree", "a.pool:/").expect(Exit.OK);
    Path full = Path.of("/dev/full");
    for (List<String> command :
        List.of(
            List.of("ls", "-R", "a.pool:/"),
            List.of("cat", "a.pool:/tree/1/1"),
            List.of("status", "a.pool"))) {
      Process process =
          BezoarProcess.command(folder, command).redirectOutput(full.toFile()).start();
      assertThat(process.waitFor()).as("%s", command).isEqualTo(Exit.UNAVAILABLE);
    }
    Process process = BezoarProcess.command(folder, List.of("ls", "-R", "a.pool:/")).start();
    process.getInputStream().close();
    assertThat(process.waitFor()).isEqualTo(Exit.PIPE);
  }
}
