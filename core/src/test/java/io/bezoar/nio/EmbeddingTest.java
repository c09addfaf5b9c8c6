package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What takes paths takes those of a pool. */
class EmbeddingTest {
  private final PoolRig rig;
  private final Path root;

  EmbeddingTest() throws IOException {
    rig = PoolRig.create(64);
    root = rig.root();
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  @Test
  void shouldReadAndWriteZipsInAPool() throws IOException {
    Path zip = root.resolve("a.zip");
    try (FileSystem fs = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      Files.writeString(fs.getPath("/x"), "in a zip in a pool");
      Files.createDirectory(fs.getPath("/d"));
      Files.write(fs.getPath("/d/y"), new byte[300_000]);
    }
    try (FileSystem fs = FileSystems.newFileSystem(zip)) {
      assertThat(Files.readString(fs.getPath("/x"))).isEqualTo("in a zip in a pool");
      assertThat(Files.size(fs.getPath("/d/y"))).isEqualTo(300_000);
      Files.delete(fs.getPath("/d/y"));
      Files.copy(fs.getPath("/x"), root.resolve("x"));
    }
    assertThat(Files.readString(root.resolve("x"))).isEqualTo("in a zip in a pool");
    try (FileSystem fs = FileSystems.newFileSystem(zip)) {
      assertThat(Files.exists(fs.getPath("/d/y"))).isFalse();
    }
  }

  @Test
  void shouldReadARealJar() throws IOException {
    Path original = Path.of(URI.create(location(org.junit.jupiter.api.Test.class)));
    Path jar = Files.copy(original, root.resolve("junit.jar"));
    try (FileSystem ours = FileSystems.newFileSystem(jar);
        FileSystem theirs = FileSystems.newFileSystem(original);
        Stream<Path> entries = Files.walk(ours.getPath("/"))) {
      int classes = 0;
      for (Path entry : (Iterable<Path>) entries.filter(Files::isRegularFile)::iterator) {
        assertThat(Files.mismatch(entry, theirs.getPath(entry.toString()))).isEqualTo(-1);
        classes++;
      }
      assertThat(classes).isGreaterThan(50);
    }
  }

  private static String location(Class<?> of) {
    return String.valueOf(of.getProtectionDomain().getCodeSource().getLocation());
  }

  @Test
  void shouldFindModulesInAPool() throws IOException {
    Path module = Files.createDirectories(root.resolve("modules/demo"));
    Path source = Files.createDirectory(root.resolve("source"));
    Files.writeString(source.resolve("module-info.java"), "module demo { exports demo; }");
    Path code = Files.createDirectory(source.resolve("demo")).resolve("Demo.java");
    Files.writeString(
        code, "package demo; public class Demo { public String toString() { return \"hi\"; } }");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      files.setLocationFromPaths(StandardLocation.CLASS_OUTPUT, List.of(module));
      assertThat(
              compiler
                  .getTask(
                      null,
                      files,
                      null,
                      List.of("-proc:none"),
                      null,
                      files.getJavaFileObjects(source.resolve("module-info.java"), code))
                  .call())
          .isTrue();
    }
    ModuleReference found = ModuleFinder.of(root.resolve("modules")).find("demo").orElseThrow();
    try (ModuleReader reader = found.open()) {
      assertThat(reader.list()).contains("module-info.class", "demo/Demo.class");
    }
    ModuleLayer layer =
        ModuleLayer.boot()
            .defineModulesWithOneLoader(
                ModuleLayer.boot()
                    .configuration()
                    .resolve(
                        ModuleFinder.of(root.resolve("modules")),
                        ModuleFinder.of(),
                        Set.of("demo")),
                ClassLoader.getSystemClassLoader());
    assertThat(newInstance(layer)).hasToString("hi");
  }

  private static Object newInstance(ModuleLayer layer) {
    try {
      return layer.findLoader("demo").loadClass("demo.Demo").getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldKeepTreesOfManyFiles() throws IOException {
    Path from = Path.of(System.getProperty("java.home"), "conf");
    Path to = root.resolve("conf");
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : (Iterable<Path>) all::iterator) {
        Path target = to.resolve(from.relativize(each).toString());
        Files.copy(each, target, StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
    try (Stream<Path> all = Files.walk(from)) {
      for (Path each : (Iterable<Path>) all.filter(Files::isRegularFile)::iterator) {
        Path copy = to.resolve(from.relativize(each).toString());
        assertThat(Files.mismatch(each, copy)).isEqualTo(-1);
        assertThat(Files.getPosixFilePermissions(copy))
            .isEqualTo(Files.getPosixFilePermissions(each));
        assertThat(Files.getLastModifiedTime(copy)).isEqualTo(Files.getLastModifiedTime(each));
      }
    }
  }
}
