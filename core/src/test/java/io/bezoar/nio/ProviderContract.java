package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;

/**
 * What a provider has to do, said once: the tests of the subclasses run against the default
 * provider and against a pool, so that the two agree.
 */
abstract class ProviderContract {
  protected Path root = Path.of("");

  /** A new, empty directory. */
  abstract Path newRoot() throws IOException;

  @BeforeEach
  void makeRoot() throws IOException {
    root = newRoot();
  }

  final Path path(String relative) {
    return root.resolve(relative);
  }

  final Path file(String relative, String content) throws IOException {
    return Files.writeString(path(relative), content);
  }

  final Path directory(String relative) throws IOException {
    return Files.createDirectory(path(relative));
  }

  final Path link(String relative, String target) throws IOException {
    return Files.createSymbolicLink(path(relative), root.getFileSystem().getPath(target));
  }

  static List<String> list(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
    }
    Collections.sort(names);
    return names;
  }

  /** Exactly this exception, and about this path. */
  static <T extends FileSystemException> void assertFails(
      Class<T> type, Path file, ThrowingCallable code) {
    org.assertj.core.api.Assertions.assertThatExceptionOfType(type)
        .isThrownBy(code)
        .satisfies(
            e -> {
              assertThat(e.getClass()).isEqualTo(type);
              assertThat(e.getFile()).isEqualTo(file.toString());
            });
  }

  /**
   * An option in {@code com.sun.nio.file}; by its name, because javac warns of whoever imports it
   * and cannot be told not to.
   */
  static <T> T optionOfTheJdk(Class<T> type, String enumeration, String name) throws Exception {
    for (Object option : Class.forName("com.sun.nio.file." + enumeration).getEnumConstants()) {
      if (option.toString().equals(name)) {
        return type.cast(option);
      }
    }
    throw new AssertionError(enumeration + "." + name);
  }
}
