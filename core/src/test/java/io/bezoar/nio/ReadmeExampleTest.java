package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.fs.FileType;
import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of the README is taken out of it, compiled and run. */
class ReadmeExampleTest {
  private static final int LINES = 10;
  private static final String BEFORE =
      """
      import static java.nio.charset.StandardCharsets.UTF_8;
      import static java.nio.file.StandardOpenOption.READ;
      import static java.nio.file.StandardOpenOption.WRITE;
      import io.bezoar.fs.DamagedRangeException;
      import java.nio.channels.FileChannel;
      import java.nio.file.FileSystem;
      import java.nio.file.FileSystems;
      import java.nio.file.Files;
      import java.nio.file.Path;

      public class Example {
        public static void run() throws Exception {
      """;
  private static final String AFTER =
      """
        }
      }
      """;

  @TempDir private Path folder = Path.of("");

  private static String example() throws IOException {
    Path root = Path.of(System.getProperty("bezoar.root", ""));
    String readme = Files.readString(root.resolve("README.md"));
    int section = readme.indexOf("## Files from Java");
    int begin = readme.indexOf("```java\n", section) + "```java\n".length();
    return readme.substring(begin, readme.indexOf("```", begin));
  }

  @Test
  void shouldRunAsPrinted() throws Exception {
    String example = example();
    assertThat(example.lines()).hasSize(LINES);
    Path pool = folder.resolve("data.pool");
    PoolSpec spec =
        new PoolSpec(8 << 20, Redundancy.DEFAULT, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
    Pool.create(
        pool,
        spec.withFilesystem(NewFile.standard(FileType.DIRECTORY)),
        PoolOptions.of(PoolOptions.Intent.WORK));
    run(example.replace("\"data.pool\"", "\"" + pool + "\""));
    try (FileSystem files = FileSystems.newFileSystem(pool)) {
      assertThat(Files.readString(files.getPath("/notes.txt"))).isEqualTo("TO be kept");
      assertThat(Files.readString(files.getPath("/copy.txt"))).isEqualTo("to be kept");
    }
  }

  private void run(String body) throws Exception {
    Path source = Files.writeString(folder.resolve("Example.java"), BEFORE + body + AFTER);
    Path classes = Files.createDirectory(folder.resolve("classes"));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter messages = new StringWriter();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(classes));
      Boolean compiled =
          compiler
              .getTask(
                  messages,
                  files,
                  null,
                  List.of("-proc:none", "-classpath", System.getProperty("java.class.path")),
                  null,
                  files.getJavaFileObjects(source))
              .call();
      assertThat(compiled).as(messages.toString()).isTrue();
    }
    URL[] path = {classes.toUri().toURL()};
    try (URLClassLoader loader = new URLClassLoader(path)) {
      Method run = loader.loadClass("Example").getMethod("run");
      run.invoke(null);
    }
  }
}
