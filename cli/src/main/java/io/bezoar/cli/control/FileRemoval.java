package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.PathWalk.Place;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Removes files and trees, and counts. Of a tree what can be removed goes, depth first; what cannot
 * is told, and so is each directory that it keeps.
 */
final class FileRemoval {
  private static final int BATCH = 256;

  private final Filesystem files;
  private final Replies replies;
  private final FileTally tally;
  private final Set<Flag> flags;
  private long removedFiles;
  private long removedDirectories;

  FileRemoval(Filesystem files, Replies replies, FileTally tally, Set<Flag> flags) {
    this.files = files;
    this.replies = replies;
    this.tally = tally;
    this.flags = flags;
  }

  /** Finds what is to be removed. */
  interface Look {
    Place place() throws IOException;
  }

  /** A directory on the way. */
  private static final class Frame {
    private final FileId parent;
    private final FileName name;
    private final FileId id;
    private final String path;
    private @Nullable FileName after;

    Frame(FileId parent, FileName name, FileId id, String path) {
      this.parent = parent;
      this.name = name;
      this.id = id;
      this.path = path;
    }
  }

  /** How many files were removed. */
  long files() {
    return removedFiles;
  }

  long directories() {
    return removedDirectories;
  }

  private void unlink(FileId directory, FileName name, String path) throws IOException {
    files.unlink(directory, name);
    removedFiles++;
    FileChanges.say(replies, flags, "removed", path, null);
  }

  private void rmdir(FileId directory, FileName name, String path) throws IOException {
    files.rmdir(directory, name);
    removedDirectories++;
    FileChanges.say(replies, flags, "removed-directory", path, null);
  }

  /** Removes what a path names, or says why not. */
  void of(String path, Look look) throws IOException {
    Place place;
    try {
      place = look.place();
      place.require();
    } catch (NoSuchFileException | NotDirectoryException missing) {
      if (flags.contains(Flag.FORCE)) {
        return;
      }
      throw missing;
    }
    boolean isDirectory = place.require().isDirectory();
    FileName name = place.requireName();
    FileId id = place.require().id();
    if (id.isSnapshot() || id.equals(FileId.SNAPSHOTS)) {
      tally.tell(
          new Problem(
              path + ": is kept in a snapshot",
              "to delete a snapshot, with all in it: bezoar snapshot delete POOL NAME",
              Exit.REFUSED));
    } else if (!isDirectory) {
      unlink(place.directory(), name, path);
    } else if (flags.contains(Flag.RECURSIVE)) {
      tree(new Frame(place.directory(), name, place.require().id(), path));
    } else if (flags.contains(Flag.SELF)) {
      rmdir(place.directory(), name, path);
    } else {
      tally.tell(
          new Problem(path + ": is a directory", "to remove it and all in it: -r", Exit.REFUSED));
    }
  }

  private void tree(Frame top) {
    Deque<Frame> open = new ArrayDeque<>();
    open.push(top);
    while (!open.isEmpty() && !replies.gone()) {
      Frame frame = open.element();
      if (isEmptied(frame, open)) {
        open.pop();
        tally.attempt(() -> rmdir(frame.parent, frame.name, frame.path));
      }
    }
  }

  /** Removes what is in it, up to the next directory in it; true when there is no more. */
  private boolean isEmptied(Frame frame, Deque<Frame> open) {
    List<DirectoryEntry> batch;
    try {
      batch = files.list(frame.id, frame.after, BATCH);
    } catch (IOException cannot) {
      tally.tell(Problem.of(cannot));
      return true;
    }
    for (DirectoryEntry entry : batch) {
      if (replies.gone()) {
        return false;
      }
      frame.after = entry.name();
      String path = FileLooks.child(frame.path, entry.name().toString());
      if (entry.type() == FileType.DIRECTORY) {
        open.push(new Frame(frame.id, entry.name(), entry.id(), path));
        return false;
      }
      tally.attempt(() -> unlink(frame.id, entry.name(), path));
    }
    return batch.isEmpty();
  }
}
