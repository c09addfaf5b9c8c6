package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bezoar.fs.FileType;
import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;
import io.bezoar.media.Media;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The provider is found on the class path and on the module path; native access is explained. */
class LaunchTest {
  private static final String PROGRAM =
      """
      import java.nio.file.*;

      public class Program {
        public static void main(String[] args) throws Exception {
          try (FileSystem fs = FileSystems.newFileSystem(Path.of(args[0]))) {
            Files.writeString(fs.getPath("/a"), "hello from a pool");
            System.out.println(Files.readString(fs.getPath("/a")));
          }
        }
      }
      """;

  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void prepare() throws IOException {
    Files.writeString(folder.resolve("Program.java"), PROGRAM);
    PoolSpec spec =
        new PoolSpec(8 << 20, Redundancy.DEFAULT, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
    Pool.create(
        folder.resolve("data.pool"),
        spec.withFilesystem(NewFile.standard(FileType.DIRECTORY)),
        PoolOptions.of(PoolOptions.Intent.WORK));
  }

  private static String place(Class<?> of) {
    String location = String.valueOf(of.getProtectionDomain().getCodeSource().getLocation());
    return Path.of(URI.create(location)).toString();
  }

  private static String path() {
    return place(Media.class) + ":" + place(Pool.class);
  }

  private String java(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of(options));
    command.add(folder.resolve("Program.java").toString());
    command.add(folder.resolve("data.pool").toString());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }

  @Test
  void shouldRunFromTheClassPath() throws Exception {
    assertThat(java("-cp", path(), "--enable-native-access=ALL-UNNAMED"))
        .isEqualTo("hello from a pool\n");
  }

  @Test
  void shouldRunFromTheModulePath() throws Exception {
    assumeTrue(
        Files.exists(Path.of(place(Pool.class), "module-info.class")), "compiled without modules");
    assertThat(
            java(
                "-p",
                path(),
                "--add-modules",
                "io.bezoar.core",
                "--enable-native-access=io.bezoar.media"))
        .isEqualTo("hello from a pool\n");
  }

  @Test
  void shouldSayHowToAllowNativeAccess() throws Exception {
    assertThat(java("-cp", path(), "--illegal-native-access=deny"))
        .contains("IllegalCallerException")
        .contains("data.pool cannot be opened: run java with --enable-native-access=ALL-UNNAMED");
    assertThat(java("-cp", path())).contains("--enable-native-access=ALL-UNNAMED");
  }

  @Test
  void shouldNotStandInTheWayOfOtherProviders() throws Exception {
    try (FileSystem zip =
        FileSystems.newFileSystem(folder.resolve("a.zip"), Map.of("create", "true"))) {
      Files.writeString(zip.getPath("b"), "x");
    }
    Files.move(
        folder.resolve("a.zip"), folder.resolve("data.pool"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(java("-cp", path(), "--illegal-native-access=deny"))
        .isEqualTo("hello from a pool\n");
  }
}
