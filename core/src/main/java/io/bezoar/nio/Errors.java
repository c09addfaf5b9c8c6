package io.bezoar.nio;

import io.bezoar.fs.FilesystemFullException;
import io.bezoar.fs.InvalidFileException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The one place where what a filesystem says of its files becomes what {@code java.nio.file} says
 * of paths. Errors that only Bezoar has stay as they are, but for a full pool: they name the file
 * by a path already.
 */
final class Errors {
  private Errors() {}

  /** What the caller is to hear, about the path as the caller wrote it. */
  static FileSystemException named(
      FileSystemException said, PoolPath path, @Nullable PoolPath other) {
    String file = path.text();
    String second = other == null ? null : other.text();
    boolean known =
        file.equals(said.getFile()) || (second != null && second.equals(said.getFile()));
    FileSystemException named =
        switch (said) {
          case NoSuchFileException missing when known -> missing;
          case NoSuchFileException _ -> new NoSuchFileException(file, second, said.getReason());
          case FileAlreadyExistsException taken when known -> taken;
          case FileAlreadyExistsException _ ->
              new FileAlreadyExistsException(second == null ? file : second);
          case NotDirectoryException wrong when known -> wrong;
          case NotDirectoryException _ -> new NotDirectoryException(second == null ? file : second);
          case DirectoryNotEmptyException full when known -> full;
          case DirectoryNotEmptyException _ ->
              new DirectoryNotEmptyException(second == null ? file : second);
          case InvalidFileException gone when gone.problem() == InvalidFileException.Problem.GONE ->
              new NoSuchFileException(file, second, null);
          case InvalidFileException wrong when !known ->
              new FileSystemException(file, second, wrong.getReason());
          // Of a new file it says the directory, which is what was to be changed.
          case FilesystemFullException full
              when !file.equals(full.getFile()) || !Objects.equals(second, full.getOtherFile()) ->
              full.about(file, second);
          default -> said;
        };
    if (!named.equals(said) && named.getCause() == null) {
      named.initCause(said);
    }
    return named;
  }
}
