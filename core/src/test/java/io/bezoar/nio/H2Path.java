package io.bezoar.nio;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.h2.store.fs.FilePath;
import org.jspecify.annotations.Nullable;

/** Files of an H2 database on the paths of any provider: what an application would write. */
public final class H2Path extends FilePath {
  private final String scheme;
  private final Path root;

  /**
   * @param scheme what URLs begin with: {@code jdbc:h2:scheme:/name}
   * @param root where paths of the database begin
   */
  H2Path(String scheme, Path root) {
    this(scheme, root, "/");
  }

  private H2Path(String scheme, Path root, String name) {
    this.scheme = scheme;
    this.root = root;
    this.name = name;
  }

  private interface Work<T> {
    T run() throws IOException;
  }

  private static <T> T unchecked(Work<T> work) {
    try {
      return work.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path path() {
    String relative = name.substring(name.indexOf('/') + 1);
    return root.resolve(relative);
  }

  private H2Path of(Path path) {
    return new H2Path(scheme, root, scheme + ":/" + root.relativize(path));
  }

  @Override
  public long size() {
    return unchecked(() -> Files.size(path()));
  }

  @Override
  public void moveTo(FilePath newName, boolean atomicReplace) {
    unchecked(
        () ->
            atomicReplace
                ? Files.move(path(), ((H2Path) newName).path(), StandardCopyOption.ATOMIC_MOVE)
                : Files.move(path(), ((H2Path) newName).path()));
  }

  @Override
  public boolean createFile() {
    return unchecked(
        () -> {
          try {
            Files.createFile(path());
            return true;
          } catch (FileAlreadyExistsException e) {
            return false;
          }
        });
  }

  @Override
  public boolean exists() {
    return Files.exists(path());
  }

  @Override
  public void delete() {
    unchecked(() -> Files.deleteIfExists(path()));
  }

  @Override
  public List<FilePath> newDirectoryStream() {
    return unchecked(
        () -> {
          try (Stream<Path> entries = Files.list(path())) {
            return entries.map(entry -> (FilePath) of(entry)).toList();
          }
        });
  }

  @Override
  public FilePath toRealPath() {
    return this;
  }

  @Override
  public @Nullable FilePath getParent() {
    Path parent = path().getParent();
    return parent == null ? null : of(parent);
  }

  @Override
  public boolean isDirectory() {
    return Files.isDirectory(path());
  }

  @Override
  public boolean isRegularFile() {
    return Files.isRegularFile(path());
  }

  @Override
  public boolean isAbsolute() {
    return true;
  }

  @Override
  public long lastModified() {
    return unchecked(() -> Files.getLastModifiedTime(path()).toMillis());
  }

  @Override
  public boolean canWrite() {
    return Files.isWritable(path());
  }

  @Override
  public void createDirectory() {
    unchecked(() -> Files.createDirectories(path()));
  }

  @Override
  public FileChannel open(String mode) throws IOException {
    OpenOption[] options =
        mode.equals("r")
            ? new OpenOption[] {StandardOpenOption.READ}
            : new OpenOption[] {
              StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE
            };
    return FileChannel.open(path(), options);
  }

  @Override
  public boolean setReadOnly() {
    return false;
  }

  @Override
  public String getScheme() {
    return scheme;
  }

  @Override
  public FilePath getPath(String path) {
    return new H2Path(scheme, root, path);
  }
}
