package io.bezoar.cli;

import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Sidecar;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * The files that a command line names: files as they are, folders with all that is in them.
 * Symbolic links in folders are not followed, so that no file comes twice and none from elsewhere.
 *
 * @param files in the order of the command line, within folders by name
 * @param unprotected files in folders that have no sidecar
 * @param orphans files in folders that are gone and have left a sidecar
 * @param leftOut files in folders that must not have a sidecar: see {@link LuceneCommit}
 * @param unreadable folders that could not be looked into, and why
 * @param totalBytes of {@code files}
 */
record SidecarFiles(
    List<Path> files,
    List<Path> unprotected,
    List<Path> orphans,
    List<Path> leftOut,
    List<IOException> unreadable,
    long totalBytes) {

  /** Lists of deliberate faults. */
  private static final String DRILLS = ".drill";

  /** What is wanted of folders. */
  enum Wanted {
    /** Every regular file that is not itself part of protection. */
    ALL,
    /** Files that have a sidecar. */
    PROTECTED
  }

  static SidecarFiles of(List<Path> arguments, Wanted wanted) throws IOException {
    Gathering gathering = new Gathering(wanted);
    for (Path argument : arguments) {
      if (Files.isDirectory(argument)) {
        gathering.folder(argument);
      } else {
        gathering.add(argument);
      }
    }
    return new SidecarFiles(
        gathering.files,
        gathering.unprotected,
        gathering.orphans,
        gathering.leftOut,
        gathering.unreadable,
        gathering.totalBytes);
  }

  private static final class Gathering {
    private final Wanted wanted;
    private final List<Path> files = new ArrayList<>();
    private final List<Path> unprotected = new ArrayList<>();
    private final List<Path> orphans = new ArrayList<>();
    private final List<Path> leftOut = new ArrayList<>();
    private final List<IOException> unreadable = new ArrayList<>();
    private long totalBytes;

    Gathering(Wanted wanted) {
      this.wanted = wanted;
    }

    void add(Path file) throws IOException {
      files.add(file);
      totalBytes += Files.isRegularFile(file) ? Files.size(file) : 0;
    }

    void folder(Path folder) throws IOException {
      List<Path> found = new ArrayList<>();
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()) {
                found.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            // The others are looked at all the same.
            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) {
              unreadable.add(failure);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult preVisitDirectory(Path inner, BasicFileAttributes attributes)
                throws IOException {
              if (wanted == Wanted.ALL) {
                Protection.removeAbandoned(inner);
              }
              return FileVisitResult.CONTINUE;
            }
          });
      found.sort(null);
      for (Path file : found) {
        if (Sidecar.isNameOfSidecar(file)) {
          addOrphan(file);
        } else if (!file.toString().endsWith(DRILLS)) {
          sort(file);
        }
      }
    }

    private void sort(Path file) throws IOException {
      if (wanted == Wanted.ALL && LuceneCommit.is(file)) {
        leftOut.add(file);
      } else if (wanted == Wanted.ALL
          || Files.exists(Sidecar.pathOf(file), LinkOption.NOFOLLOW_LINKS)) {
        add(file);
      } else if (!LuceneCommit.is(file)) {
        unprotected.add(file);
      }
    }

    private void addOrphan(Path sidecar) {
      String name = sidecar.toString();
      if (name.endsWith(Sidecar.SUFFIX)) {
        Path file = Path.of(name.substring(0, name.length() - Sidecar.SUFFIX.length()));
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
          orphans.add(file);
        }
      }
    }
  }
}
