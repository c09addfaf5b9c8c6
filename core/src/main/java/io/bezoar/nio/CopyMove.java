package io.bezoar.nio;

import io.bezoar.fs.AttributeChange;
import io.bezoar.fs.AttributeName;
import io.bezoar.fs.Attributes;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.Filesystem.Replace;
import io.bezoar.fs.InvalidFileException;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk.Found;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.fs.PathWalk.Place;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * Copies and moves within a pool and from pool to pool.
 *
 * <p>Within a pool a copy of a file shares its bytes with it, and a move is one step. From a
 * snapshot, and from pool to pool, bytes are copied, and what was a hole stays one. A copy that
 * cannot be finished is removed again.
 */
final class CopyMove {
  private static final int TRIES = 100;

  private final PoolPath source;
  private final PoolPath target;
  private final Options.Copy how;
  private final Filesystem from;
  private final Filesystem to;

  CopyMove(PoolPath source, PoolPath target, Options.Copy how) {
    this.source = source;
    this.target = target;
    this.how = how;
    this.from = source.getFileSystem().files();
    this.to = target.getFileSystem().files();
  }

  private boolean isWithinPool() {
    return source.getFileSystem() == target.getFileSystem();
  }

  private Place find(PoolPath path, LastLink last) throws IOException {
    return path.getFileSystem().walk().find(path.route(), last);
  }

  /**
   * Where the source is.
   *
   * @throws NoSuchFileException when it is not there, be it that something on the way is a file
   */
  private Place findSource(LastLink last) throws IOException {
    try {
      Place place = find(source, last);
      place.require();
      return place;
    } catch (NotDirectoryException belowAFile) {
      NoSuchFileException missing = new NoSuchFileException(source.text());
      missing.initCause(belowAFile);
      throw missing;
    }
  }

  private boolean isSame(Found a, Place b) {
    Found other = b.found();
    return isWithinPool() && other != null && other.id().equals(a.id());
  }

  // Copying.

  void copy() throws IOException {
    if (how.has(StandardCopyOption.ATOMIC_MOVE)) {
      throw new UnsupportedOperationException("a copy is not atomic");
    }
    Found file = findSource(how.last()).require();
    Place place = find(target, LastLink.KEEP);
    if (isSame(file, place)) {
      return;
    }
    target.getFileSystem().checkWritable(place.directory());
    makeRoom(place);
    copyTo(file, place);
  }

  private void makeRoom(Place place) throws IOException {
    Found old = place.found();
    if (old == null) {
      return;
    }
    if (!how.has(StandardCopyOption.REPLACE_EXISTING)) {
      throw new FileAlreadyExistsException(target.text());
    }
    target.getFileSystem().checkWritable(old.id());
    target.getFileSystem().filesByPath().remove(place.directory(), place.requireName(), old.type());
  }

  private void copyTo(Found file, Place place) throws IOException {
    FileName name = place.requireName();
    Attributes attributes = from.attributes(file.id());
    int mode = attributes.mode() & ~Host.NOW.umask() & 0777;
    NewFile like =
        target.getFileSystem().filesByPath().newFile(place.directory(), file.type(), mode);
    FileId made =
        file.type() == FileType.SYMLINK
            ? to.symlink(place.directory(), name, from.readLink(file.id()), like)
            : to.create(place.directory(), name, file.type(), like);
    boolean done = false;
    try {
      if (file.type() == FileType.REGULAR) {
        copyContent(file.id(), made);
      }
      if (how.has(StandardCopyOption.COPY_ATTRIBUTES)) {
        copyAttributes(attributes, made);
      }
      done = true;
    } finally {
      if (!done) {
        target.getFileSystem().filesByPath().remove(place.directory(), name, file.type());
      }
    }
  }

  private void copyAttributes(Attributes attributes, FileId made) throws IOException {
    for (AttributeName name : from.listExtended(attributes.id()).keySet()) {
      Optional<byte[]> value = from.extended(attributes.id(), name);
      if (value.isPresent()) {
        to.setExtended(made, name, value.get());
      }
    }
    to.setAttributes(
        made,
        new AttributeChange(
            attributes.mode(),
            attributes.uid(),
            attributes.gid(),
            attributes.accessedNanos(),
            attributes.modifiedNanos(),
            attributes.createdNanos()));
  }

  private void copyContent(FileId file, FileId made) throws IOException {
    checkInterrupt();
    try (OpenFile in = from.open(file);
        OpenFile out = to.open(made)) {
      if (!isWithinPool() || file.isSnapshot() || !share(in, out)) {
        copyBytes(in, out);
      }
    }
  }

  /** False when the file is never of one size for long enough. */
  private boolean share(OpenFile in, OpenFile out) throws IOException {
    for (int i = 0; i < TRIES; i++) {
      long size = in.sizeBytes();
      if (size == 0) {
        return true;
      }
      try {
        to.reflink(in, new ByteRange(0, size), out, 0);
        return true;
      } catch (IllegalArgumentException changed) {
        // It has another size by now. What was shared before, if anything, is shared over.
        out.truncate(0);
      }
    }
    return false;
  }

  private void checkInterrupt() throws FileSystemException {
    if (how.isInterruptible() && Thread.currentThread().isInterrupted()) {
      throw new FileSystemException(source.text(), target.text(), "the thread was interrupted");
    }
  }

  private void copyBytes(OpenFile in, OpenFile out) throws IOException {
    MemorySegment buffer = NativeBuffers.SHARED.take(NativeBuffers.LARGE_BYTES);
    try {
      Optional<ByteRange> data = in.nextData(0);
      while (data.isPresent()) {
        long at = data.get().start();
        while (at < data.get().end()) {
          checkInterrupt();
          long wanted = Math.min(buffer.byteSize(), data.get().end() - at);
          long read = in.read(at, buffer.asSlice(0, wanted));
          if (read == 0) {
            break;
          }
          out.write(at, buffer.asSlice(0, read));
          at += read;
        }
        data = in.nextData(data.get().end());
      }
      long size = in.sizeBytes();
      if (out.sizeBytes() < size) {
        out.truncate(size);
      }
    } finally {
      NativeBuffers.SHARED.give(buffer);
    }
  }

  // Moving.

  void move() throws IOException {
    if (how.has(StandardCopyOption.COPY_ATTRIBUTES) || how.isInterruptible()) {
      throw new UnsupportedOperationException("COPY_ATTRIBUTES and INTERRUPTIBLE are for copies");
    }
    boolean atomic = how.has(StandardCopyOption.ATOMIC_MOVE);
    if (!isWithinPool()) {
      if (atomic) {
        throw new AtomicMoveNotSupportedException(
            source.text(), target.text(), "they are in different pools");
      }
      moveAcross();
      return;
    }
    Place file = findSource(LastLink.KEEP);
    Place place = find(target, LastLink.KEEP);
    checkMovable(file);
    target.getFileSystem().checkWritable(place.directory());
    if (atomic) {
      rename(file, place, Replace.REPLACE);
    } else if (!isSame(file.require(), place)) {
      if (how.has(StandardCopyOption.REPLACE_EXISTING)) {
        replace(file, place);
      } else {
        rename(file, place, Replace.REFUSE);
      }
    }
  }

  private void checkMovable(Place file) throws IOException {
    source.getFileSystem().checkWritable(file.require().id());
    source.getFileSystem().checkWritable(file.directory());
    file.requireName();
  }

  private void rename(Place file, Place place, Replace replace) throws IOException {
    from.rename(
        file.directory(), file.requireName(), place.directory(), place.requireName(), replace);
  }

  /** A file and a directory cannot replace one another in one step: the old one goes first. */
  private void replace(Place file, Place place) throws IOException {
    try {
      rename(file, place, Replace.REPLACE);
    } catch (NotDirectoryException e) {
      makeRoom(place);
      rename(file, place, Replace.REFUSE);
    } catch (InvalidFileException e) {
      if (e.problem() != InvalidFileException.Problem.IS_DIRECTORY) {
        throw e;
      }
      makeRoom(place);
      rename(file, place, Replace.REFUSE);
    }
  }

  private void moveAcross() throws IOException {
    Place file = findSource(LastLink.KEEP);
    checkMovable(file);
    if (file.require().isDirectory() && !from.list(file.require().id(), null, 1).isEmpty()) {
      throw new DirectoryNotEmptyException(source.text());
    }
    Place place = find(target, LastLink.KEEP);
    target.getFileSystem().checkWritable(place.directory());
    makeRoom(place);
    Options.Copy whole = Options.Copy.of(StandardCopyOption.COPY_ATTRIBUTES);
    new CopyMove(source, target, whole).copyTo(file.require(), place);
    source
        .getFileSystem()
        .filesByPath()
        .remove(file.directory(), file.requireName(), file.require().type());
  }
}
