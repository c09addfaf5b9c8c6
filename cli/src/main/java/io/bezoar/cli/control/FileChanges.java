package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.cli.copy.NoDirectory;
import io.bezoar.cli.copy.RefusedCopyException;
import io.bezoar.cli.copy.TemporaryName;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.fs.PathWalk.Found;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.fs.PathWalk.Place;
import io.bezoar.fs.SnapshotInfo;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Changes of the files in a pool. What has been said to be done is durable: a command waits for
 * that, whoever has the pool.
 */
final class FileChanges {
  private final Filesystem files;
  private final PathWalk walk;
  private final Replies replies;
  private final FileTally tally;

  FileChanges(Filesystem files, Replies replies) {
    this.files = files;
    this.walk = new PathWalk(files);
    this.replies = replies;
    this.tally = new FileTally(replies);
  }

  /** Who runs the process that has the pool owns what is made. */
  static NewFile made(int mode) throws IOException {
    Path self = Path.of("/proc/self");
    return new NewFile(
        mode,
        (int) Files.getAttribute(self, "unix:uid"),
        (int) Files.getAttribute(self, "unix:gid"));
  }

  private int done() throws IOException {
    files.sync();
    return tally.exit();
  }

  int mkdir(FileRequest.Mkdir request) throws IOException {
    for (String path : request.paths()) {
      tally.attempt(
          () -> {
            if (request.flags().contains(Flag.PARENTS)) {
              makeAll(path, request.mode());
            } else {
              make(walk.find(path, LastLink.KEEP), request.mode());
            }
          });
    }
    return done();
  }

  private void make(Place place, int mode) throws IOException {
    FileName name = place.requireFree();
    FileId made = files.create(place.directory(), name, FileType.DIRECTORY, made(mode));
    replies.send(
        Json.object()
            .put("type", "made")
            .put("kind", "directory")
            .put("path", place.path())
            .put("inode", made.inode()));
  }

  /** The mode is that of the last one. */
  private void makeAll(String path, int mode) throws IOException {
    int last = path.replaceFirst("/+$", "").length();
    for (int end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
      Place place = walk.find(end < 0 ? path : path.substring(0, end), LastLink.FOLLOW);
      Found found = place.found();
      if (found == null) {
        make(place, end < 0 || end >= last ? mode : FileRequest.Mkdir.MODE);
      } else if (!found.isDirectory()) {
        if (end < 0) {
          throw new FileAlreadyExistsException(path);
        }
        throw new NotDirectoryException(path);
      }
      if (end < 0) {
        return;
      }
    }
  }

  /**
   * What is removed or moved. A symbolic link is by its own name alone: the directory that it leads
   * to has another one, and with a slash behind it the link's is none.
   */
  private Place own(String path) throws IOException {
    int end = path.length();
    while (end > 1 && path.charAt(end - 1) == '/') {
      end--;
    }
    if (end < path.length()) {
      Found found = walk.find(path.substring(0, end), LastLink.KEEP).found();
      if (found != null && found.type() == FileType.SYMLINK) {
        throw new NotDirectoryException(path);
      }
    }
    return walk.find(path, LastLink.KEEP);
  }

  int rmdir(FileRequest.Rmdir request) throws IOException {
    for (String path : request.paths()) {
      tally.attempt(
          () -> {
            Place place = own(path);
            if (!place.require().isDirectory()) {
              throw new NotDirectoryException(path);
            }
            files.rmdir(place.directory(), place.requireName());
          });
    }
    return done();
  }

  int rm(FileRequest.Rm request) throws IOException {
    FileRemoval removal = new FileRemoval(files, replies, tally, request.flags());
    for (String path : request.paths()) {
      tally.attempt(() -> removal.of(path, () -> own(path)));
    }
    int exit = done();
    // Who removes files wants their space.
    boolean more = true;
    while (more && !replies.gone()) {
      more = files.tick();
    }
    replies.send(
        Json.object()
            .put("type", "removed")
            .put("files", removal.files())
            .put("directories", removal.directories()));
    return exit;
  }

  /** Says that something was done, if it was to be said. */
  static void say(Replies replies, Set<Flag> flags, String what, String path, @Nullable String to) {
    if (flags.contains(Flag.VERBOSE)) {
      replies.send(FileJson.done(what, path, to));
    }
  }

  int mv(FileRequest.Mv request) throws IOException {
    boolean isExact = request.flags().contains(Flag.EXACT);
    Place target = walk.find(request.to(), isExact ? LastLink.KEEP : LastLink.FOLLOW);
    Found directory = target.found();
    boolean isInto = !isExact && directory != null && directory.isDirectory();
    @Nullable FileId into = isInto && directory != null ? directory.id() : null;
    if (into == null && request.paths().size() > 1) {
      throw directory == null
          ? NoDirectory.at(request.to())
          : new NotDirectoryException(request.to());
    }
    Filesystem.Replace replace =
        request.flags().contains(Flag.KEEP)
            ? Filesystem.Replace.REFUSE
            : Filesystem.Replace.REPLACE;
    Set<FileName> moved = new HashSet<>();
    for (String path : request.paths()) {
      tally.attempt(
          () -> {
            Place from = own(path);
            boolean isDirectory = from.require().isDirectory();
            FileName name = from.requireName();
            if (into != null) {
              String there = FileLooks.child(request.to(), name.toString());
              if (moved.contains(name)) {
                throw RefusedCopyException.justMade(path, there);
              }
              files.rename(from.directory(), name, into, name, replace);
              if (!isDirectory) {
                moved.add(name);
              }
              say(replies, request.flags(), "moved", path, there);
              return;
            }
            if (request.to().endsWith("/") && !isDirectory) {
              throw new NotDirectoryException(request.to());
            }
            Place to = walk.find(request.to(), LastLink.KEEP);
            files.rename(from.directory(), name, to.directory(), to.requireName(), replace);
            say(replies, request.flags(), "moved", path, request.to());
          });
    }
    return done();
  }

  int ln(FileRequest.Ln request) throws IOException {
    boolean isKept = request.flags().contains(Flag.LINKS);
    Place link = walk.find(request.link(), isKept ? LastLink.KEEP : LastLink.FOLLOW);
    Found directory = link.found();
    FileId in;
    FileName name;
    String path;
    if (directory != null && directory.isDirectory()) {
      String last = lastName(request.target());
      path = FileLooks.child(request.link(), last);
      in = directory.id();
      name = walk.find(path, LastLink.KEEP).requireName();
    } else {
      Place own = walk.find(request.link(), LastLink.KEEP);
      path = request.link();
      in = own.directory();
      name = own.requireName();
    }
    link(request, in, name, path);
    boolean isSymbolic = request.flags().contains(Flag.SYMBOLIC);
    say(
        replies,
        request.flags(),
        isSymbolic ? "linked-symbolic" : "linked",
        path,
        request.target());
    return done();
  }

  private static String lastName(String target) {
    String text = target;
    while (text.endsWith("/") && text.length() > 1) {
      text = text.substring(0, text.length() - 1);
    }
    return text.substring(text.lastIndexOf('/') + 1);
  }

  private void link(FileRequest.Ln request, FileId in, FileName name, String path)
      throws IOException {
    try {
      link(request, in, name);
    } catch (FileAlreadyExistsException there) {
      Found found = walk.get(path, LastLink.KEEP);
      if (!request.flags().contains(Flag.FORCE) || found.isDirectory()) {
        throw new FileAlreadyExistsException(path);
      }
      boolean isSame =
          !request.flags().contains(Flag.SYMBOLIC)
              && walk.get(request.target(), LastLink.KEEP).id().equals(found.id());
      if (!isSame) {
        FileName temporary = FileName.of(TemporaryName.next());
        link(request, in, temporary);
        files.rename(in, temporary, in, name, Filesystem.Replace.REPLACE);
      }
    }
  }

  private void link(FileRequest.Ln request, FileId in, FileName name) throws IOException {
    if (request.flags().contains(Flag.SYMBOLIC)) {
      files.symlink(in, name, PathWalk.bytes(request.target()), made(0777));
    } else {
      files.link(walk.get(request.target(), LastLink.KEEP).id(), in, name);
    }
  }

  int snapshot(String name) throws IOException {
    SnapshotInfo made = files.snapshot(PathWalk.snapshotName(name));
    ObjectNode json = FileJson.snapshot(made);
    replies.send(json.put("type", "snapshot-made"));
    return Exit.OK;
  }

  int deleteSnapshot(String name) throws IOException {
    files.deleteSnapshot(PathWalk.snapshotName(name));
    int exit = done();
    replies.send(Json.object().put("type", "snapshot-deleted").put("name", name));
    return exit;
  }
}
