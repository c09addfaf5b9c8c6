package io.bezoar.lucene;

import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.Sidecar;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import org.apache.lucene.index.IndexFileNames;
import org.apache.lucene.util.ThreadInterruptedException;

/**
 * The sidecars in the folder of an index, which Lucene is not to know of: it deletes what looks
 * like a file of an index and belongs to none.
 *
 * <p><b>Invariant.</b> A sidecar never stands beside another file than its own. A file is created
 * without one, gets it when it is synced, and loses it after it was deleted itself; so a crash
 * leaves a file without protection or a sidecar without a file. Those without a file are swept by
 * whoever gets the index's write lock.
 *
 * <p><b>Commits.</b> Lucene's own directory cannot open an index in whose folder there is a file
 * called {@code segments_1.bez}: it takes it for a commit. An index must stay readable without us,
 * so a commit gets a second name, {@code bez.segments_1}, which Lucene takes no notice of, and that
 * one has the sidecar. Both are the same file, so what is repaired by one name is by the other.
 */
final class SidecarFiles {
  private static final System.Logger LOG = System.getLogger(SidecarFiles.class.getName());
  private static final String SECOND_NAME_PREFIX = "bez.";
  private static final String DRILL_SUFFIX = ".drill";
  private static final String SUFFIX = Sidecar.pathOf(Path.of("x")).toString().substring(1);

  private final Path folder;

  SidecarFiles(Path folder) {
    this.folder = folder;
  }

  /** Whether a file of this name is of Bezoar's and not of the index. */
  static boolean isOurs(String name) {
    return name.startsWith(SECOND_NAME_PREFIX)
        || name.endsWith(DRILL_SUFFIX)
        || Sidecar.isNameOfSidecar(Path.of(name));
  }

  private static boolean isCommit(String name) {
    return name.startsWith(IndexFileNames.SEGMENTS);
  }

  /** Where a file stands that may have a sidecar: its second name, if it has one. */
  Path path(String name) throws IOException {
    Path file = folder.resolve(name);
    Path second = second(name);
    boolean hasTwo = isCommit(name) && Files.exists(second) && Files.exists(file);
    return hasTwo && Files.isSameFile(file, second) ? second : file;
  }

  private Path second(String name) {
    return folder.resolve(SECOND_NAME_PREFIX + name);
  }

  boolean isThere(String name) throws IOException {
    return Files.exists(Sidecar.pathOf(path(name)));
  }

  /** After files were synced. A commit that has not got its name yet will be seen to then. */
  void synced(Collection<String> names) throws IOException {
    for (String name : names) {
      if (!name.startsWith(IndexFileNames.PENDING_SEGMENTS)) {
        make(name);
      }
    }
  }

  /** Makes the sidecar of a file that is complete, if it has none. */
  void make(String name) throws IOException {
    Path file = folder.resolve(name);
    if (Files.size(file) == 0) {
      return; // there is nothing in it to lose
    }
    if (isCommit(name)) {
      if (!nameTwice(name)) {
        return;
      }
      file = second(name);
    }
    try {
      Protection _ = Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ThreadInterruptedException(e);
    }
  }

  private boolean nameTwice(String name) throws IOException {
    if (!path(name).equals(second(name))) {
      delete(name);
      try {
        Files.createLink(second(name), folder.resolve(name));
      } catch (UnsupportedOperationException | FileSystemException e) {
        LOG.log(
            Level.WARNING,
            folder.resolve(name) + " gets no sidecar: it cannot be given a second name here",
            e);
        return false;
      }
    }
    return true;
  }

  /** After a file was deleted, or before it is there. */
  void delete(String name) throws IOException {
    Files.deleteIfExists(Sidecar.pathOf(folder.resolve(name)));
    if (isCommit(name)) {
      Files.deleteIfExists(second(name));
      Files.deleteIfExists(Sidecar.pathOf(second(name)));
    }
  }

  /** After a file was renamed. */
  void renamed(String from, String to) throws IOException {
    delete(to);
    if (from.startsWith(IndexFileNames.PENDING_SEGMENTS) && isCommit(to)) {
      make(to);
      return;
    }
    try {
      Path sidecar = Sidecar.pathOf(folder.resolve(from));
      Files.move(sidecar, Sidecar.pathOf(folder.resolve(to)), StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      delete(from); // it has none
    }
  }

  /** Deletes what crashes left behind. To be called by the one who may write to the index. */
  void sweep() throws IOException {
    Protection.removeAbandoned(folder);
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(folder)) {
      for (Path path : paths) {
        if (isLeftBehind(path.getFileName().toString())) {
          Files.deleteIfExists(path);
        }
      }
    }
  }

  private boolean isLeftBehind(String name) {
    String file = name;
    if (file.endsWith(SUFFIX)) {
      file = file.substring(0, file.length() - SUFFIX.length());
    }
    if (file.startsWith(SECOND_NAME_PREFIX)) {
      file = file.substring(SECOND_NAME_PREFIX.length());
    }
    return !file.equals(name) && Files.notExists(folder.resolve(file));
  }
}
