package io.bezoar.nio;

import io.bezoar.fs.Attributes;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.InvalidFileException;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.fs.PathWalk.Place;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * Opens, makes and removes files by their paths.
 *
 * <p>A path is walked first, and then something is done to what was found. Others may change that
 * in between; the filesystem says so, and then the path is walked again. So each operation is done
 * to what the path named at one moment during the call. Thread-safe.
 */
final class FilesByPath {
  private static final int TRIES = 100;
  static final int DIRECTORY_MODE = 0777;
  private static final int LINK_MODE = 0777;

  /** Of a directory: what is made in it belongs to its group. */
  private static final int SET_GID = 02000;

  private final PoolFileSystem fs;
  private final Filesystem files;
  private final PathWalk walk;

  FilesByPath(PoolFileSystem fs) {
    this.fs = fs;
    this.files = fs.files();
    this.walk = fs.walk();
  }

  /**
   * A new file belongs to the user of this process, and to the user's group or, where the bit says
   * so, to that of its directory; a new directory passes that on.
   */
  NewFile newFile(FileId directory, FileType type, int mode) throws IOException {
    Attributes in = files.attributes(directory);
    if ((in.mode() & SET_GID) == 0) {
      return new NewFile(mode, Host.NOW.uid(), Host.NOW.gid());
    }
    int inherited = type == FileType.DIRECTORY ? SET_GID : 0;
    return new NewFile(mode | inherited, Host.NOW.uid(), in.gid());
  }

  private FileId make(Place place, FileType type, int mode) throws IOException {
    FileId directory = place.directory();
    return files.create(directory, place.requireName(), type, newFile(directory, type, mode));
  }

  /**
   * Opens a file, or makes it.
   *
   * @param mode permission bits of a new one
   * @return null for a directory that nothing is to be changed in
   */
  @Nullable OpenFile open(PoolPath path, Options.Open how, int mode) throws IOException {
    IOException changed = new NoSuchFileException(path.text());
    for (int i = 0; i < TRIES; i++) {
      try {
        return tryOpen(path, how, mode);
      } catch (InvalidFileException e) {
        if (e.problem() != InvalidFileException.Problem.GONE) {
          throw e;
        }
        changed = e;
      } catch (FileAlreadyExistsException e) {
        if (how.has(StandardOpenOption.CREATE_NEW)) {
          throw e;
        }
        changed = e;
      }
    }
    throw changed;
  }

  private @Nullable OpenFile tryOpen(PoolPath path, Options.Open how, int mode) throws IOException {
    boolean createNew = how.has(StandardOpenOption.CREATE_NEW);
    Place place = walk.find(path.route(), createNew ? LastLink.KEEP : how.last());
    PathWalk.Found found = place.found();
    FileId file;
    if (found == null) {
      if (!createNew && !how.has(StandardOpenOption.CREATE)) {
        throw new NoSuchFileException(path.text());
      }
      fs.checkWritable(place.directory());
      file = make(place, FileType.REGULAR, mode);
    } else {
      if (createNew) {
        throw new FileAlreadyExistsException(path.text());
      }
      if (found.isDirectory() && how.isForReadingOnly()) {
        return null;
      }
      file = found.id();
      requireFile(path, found);
      if (how.has(StandardOpenOption.WRITE)) {
        fs.checkWritable(file);
      }
    }
    OpenFile open = files.open(file);
    boolean done = false;
    try {
      begin(open, place, how);
      done = true;
      return open;
    } finally {
      if (!done) {
        open.close();
      }
    }
  }

  private static void requireFile(PoolPath path, PathWalk.Found found) throws IOException {
    switch (found.type()) {
      case REGULAR -> {}
      case DIRECTORY -> throw new FileSystemException(path.text(), null, "is a directory");
      case SYMLINK ->
          throw new FileSystemException(
              path.text(), null, "is a symbolic link, and those were not to be followed");
    }
  }

  /**
   * What is done on opening. A file that was there is cut even if it is empty: its times tell that
   * it was written anew. One to be deleted goes at once: nobody else can open it any more.
   */
  private void begin(OpenFile open, Place place, Options.Open how) throws IOException {
    boolean wasThere = place.found() != null;
    if (how.has(StandardOpenOption.TRUNCATE_EXISTING) && (wasThere || open.sizeBytes() > 0)) {
      open.truncate(0);
    }
    if (how.has(StandardOpenOption.DELETE_ON_CLOSE)) {
      fs.checkWritable(open.id());
      files.unlink(place.directory(), place.requireName());
    }
  }

  void createDirectory(PoolPath path, int mode) throws IOException {
    Place place = walk.find(path.route(), LastLink.KEEP);
    if (place.found() != null) {
      throw new FileAlreadyExistsException(path.text());
    }
    fs.checkWritable(place.directory());
    make(place, FileType.DIRECTORY, mode);
  }

  void createSymbolicLink(PoolPath link, PoolPath target) throws IOException {
    if (target.text().isEmpty()) {
      throw new NoSuchFileException(link.text(), null, "a symbolic link leads somewhere");
    }
    byte[] bytes = PathText.bytes(target.text());
    if (bytes.length > Filesystem.TARGET_BYTES_MAX) {
      throw new FileSystemException(
          link.text(),
          null,
          "File name too long: the target has "
              + bytes.length
              + " bytes, and a symbolic link takes "
              + Filesystem.TARGET_BYTES_MAX);
    }
    Place place = walk.find(link.route(), LastLink.KEEP);
    fs.checkWritable(place.directory());
    FileName name = place.requireFree();
    NewFile file = newFile(place.directory(), FileType.SYMLINK, LINK_MODE);
    files.symlink(place.directory(), name, bytes, file);
  }

  void createLink(PoolPath link, PoolPath existing) throws IOException {
    PathWalk.Found file = requireAt(existing, LastLink.KEEP);
    Place place = walk.find(link.route(), LastLink.KEEP);
    fs.checkWritable(place.directory());
    FileName name = place.requireFree();
    fs.checkWritable(file.id());
    files.link(file.id(), place.directory(), name);
  }

  PoolPath readSymbolicLink(PoolPath link) throws IOException {
    PathWalk.Found found = requireAt(link, LastLink.KEEP);
    if (found.type() != FileType.SYMLINK) {
      throw new NotLinkException(link.text());
    }
    return fs.getPath(PathWalk.text(files.readLink(found.id())));
  }

  /** Deletes; false when there is nothing to delete. */
  boolean delete(PoolPath path) throws IOException {
    IOException changed = new NoSuchFileException(path.text());
    for (int i = 0; i < TRIES; i++) {
      Place place = walk.seek(path.route(), LastLink.KEEP);
      PathWalk.Found found = place == null ? null : place.found();
      if (place == null || found == null) {
        return false;
      }
      FileName name = place.requireName();
      fs.checkWritable(found.id());
      fs.checkWritable(place.directory());
      try {
        remove(place.directory(), name, found.type());
        return true;
      } catch (NoSuchFileException e) {
        return false;
      } catch (NotDirectoryException e) {
        changed = e;
      } catch (InvalidFileException e) {
        if (e.problem() == InvalidFileException.Problem.RESERVED) {
          throw e;
        }
        changed = e;
      }
    }
    throw changed;
  }

  void remove(FileId directory, FileName name, FileType type) throws IOException {
    if (type == FileType.DIRECTORY) {
      files.rmdir(directory, name);
    } else {
      files.unlink(directory, name);
    }
  }

  /** What is at a path. */
  PathWalk.Found requireAt(PoolPath path, LastLink last) throws IOException {
    PathWalk.Found found = at(path, last);
    if (found == null) {
      throw new NoSuchFileException(path.text());
    }
    return found;
  }

  /** What is at a path; null when there is nothing. */
  PathWalk.@Nullable Found at(PoolPath path, LastLink last) throws IOException {
    Place place = walk.seek(path.route(), last);
    return place == null ? null : place.found();
  }

  /**
   * As {@link #at}, for those who only ask whether and what: there is nothing below a file, and to
   * them that is no error.
   */
  PathWalk.@Nullable Found look(PoolPath path, LastLink last) throws IOException {
    try {
      return at(path, last);
    } catch (NotDirectoryException belowAFile) {
      return null;
    }
  }

  /** As {@link #look}, of something that has to be there. */
  PathWalk.Found requireLook(PoolPath path, LastLink last) throws IOException {
    PathWalk.Found found = look(path, last);
    if (found == null) {
      throw new NoSuchFileException(path.text());
    }
    return found;
  }
}
