package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeChange;
import io.bezoar.fs.AttributeName;
import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NotDirectoryException;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A pool that files are copied to. */
final class PoolTarget implements CopyTarget {
  private final Filesystem files;

  PoolTarget(Filesystem files) {
    this.files = files;
  }

  @Override
  public Spot spot(String path) throws IOException {
    PathWalk.Place place = new PathWalk(files).find(path, PathWalk.LastLink.FOLLOW);
    PathWalk.Found found = place.found();
    FileName name = place.name();
    if (found != null && found.isDirectory()) {
      Where directory = new Where.Stored(found.id(), path);
      return new Spot(directory, directory, null);
    }
    return new Spot(null, new Where.Stored(place.directory(), folder(path)), name);
  }

  @Override
  public void requireDirectory(String path) throws IOException {
    PathWalk.Found found = new PathWalk(files).find(path, PathWalk.LastLink.FOLLOW).found();
    if (found == null) {
      throw NoDirectory.at(path);
    }
    if (!found.isDirectory()) {
      throw new NotDirectoryException(path);
    }
  }

  /** What stands before the last name; of a path that ends in a link it is only nearly so. */
  private static String folder(String path) {
    int end = path.length();
    while (end > 1 && path.charAt(end - 1) == '/') {
      end--;
    }
    int slash = path.lastIndexOf('/', end - 1);
    return slash <= 0 ? "/" : path.substring(0, slash);
  }

  @Override
  public void refuseInside(CopyItem source, Where directory) throws IOException {
    if (!(source.where() instanceof Where.Stored(FileId copied, String path))) {
      return;
    }
    FileId at = PoolSource.stored(directory).id();
    while (!at.equals(copied)) {
      FileId above = files.parent(at);
      if (above.equals(at)) {
        return;
      }
      at = above;
    }
    throw new RefusedCopyException(path, "cannot be copied into itself");
  }

  private static NewFile made(CopyAttributes attributes) {
    return new NewFile(attributes.mode(), attributes.uid(), attributes.gid());
  }

  private static AttributeChange change(CopyAttributes attributes) {
    return new AttributeChange(
        attributes.mode(),
        attributes.uid(),
        attributes.gid(),
        attributes.accessedNanos(),
        attributes.modifiedNanos(),
        attributes.createdNanos());
  }

  @Override
  public Where directory(Where parent, FileName name, CopyAttributes attributes)
      throws IOException {
    Where.Stored in = PoolSource.stored(parent);
    String path = in.child(name);
    try {
      FileId made = files.create(in.id(), name, FileType.DIRECTORY, made(attributes));
      return new Where.Stored(made, path);
    } catch (FileAlreadyExistsException there) {
      Optional<DirectoryEntry> entry = files.lookup(in.id(), name);
      if (entry.isEmpty() || entry.get().type() != FileType.DIRECTORY) {
        throw new RefusedCopyException(path, "is there, and is no directory");
      }
      return new Where.Stored(entry.get().id(), path);
    }
  }

  @Override
  public boolean exists(Where parent, FileName name) throws IOException {
    return files.lookup(PoolSource.stored(parent).id(), name).isPresent();
  }

  /** Makes something under some name. */
  @FunctionalInterface
  private interface Maker {
    void make(FileName name) throws IOException;
  }

  /** Makes something new, or takes its place as one step. */
  private void make(Where.Stored in, FileName name, Maker maker) throws IOException {
    try {
      maker.make(name);
    } catch (FileAlreadyExistsException there) {
      requireReplaceable(in, name, null);
      FileName temporary = FileName.of(TemporaryName.next());
      maker.make(temporary);
      replace(in, temporary, name);
    }
  }

  private void replace(Where.Stored in, FileName temporary, FileName name) throws IOException {
    try {
      files.rename(in.id(), temporary, in.id(), name, Filesystem.Replace.REPLACE);
    } catch (IOException failed) {
      removeAfter(failed, in, temporary);
      throw failed;
    }
  }

  private void removeAfter(IOException failed, Where.Stored in, FileName name) {
    try {
      files.unlink(in.id(), name);
    } catch (IOException suppressed) {
      failed.addSuppressed(suppressed);
    }
  }

  private void requireReplaceable(Where.Stored in, FileName name, @Nullable CopyItem source)
      throws IOException {
    Optional<DirectoryEntry> entry = files.lookup(in.id(), name);
    if (entry.isPresent() && entry.get().type() == FileType.DIRECTORY) {
      throw new RefusedCopyException(in.child(name), "is a directory, and the copy is none");
    }
    boolean isSame =
        entry.isPresent()
            && source != null
            && source.where() instanceof Where.Stored(FileId copied, _)
            && copied.equals(entry.get().id());
    if (isSame) {
      throw new RefusedCopyException(in.child(name), "is what was to be copied there");
    }
  }

  @Override
  public void link(Where parent, FileName name, byte[] target, CopyItem source) throws IOException {
    Where.Stored in = PoolSource.stored(parent);
    make(
        in,
        name,
        free -> {
          FileId made = files.symlink(in.id(), free, target, made(source.attributes()));
          files.setAttributes(made, change(source.attributes()));
        });
  }

  @Override
  public void hardLink(Where copied, Where parent, FileName name) throws IOException {
    Where.Stored in = PoolSource.stored(parent);
    FileId file = PoolSource.stored(copied).id();
    Optional<DirectoryEntry> there = files.lookup(in.id(), name);
    if (there.isPresent() && there.get().id().equals(file)) {
      return;
    }
    make(in, name, free -> files.link(file, in.id(), free));
  }

  @Override
  public Output create(Where parent, FileName name, CopyItem source) throws IOException {
    Where.Stored in = PoolSource.stored(parent);
    requireReplaceable(in, name, source);
    FileName temporary = FileName.of(TemporaryName.next());
    FileId made = files.create(in.id(), temporary, FileType.REGULAR, made(source.attributes()));
    try {
      return new OfFile(in, temporary, name, files.open(made));
    } catch (IOException failed) {
      removeAfter(failed, in, temporary);
      throw failed;
    }
  }

  @Override
  public void finish(
      Where directory, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
      throws IOException {
    finish(PoolSource.stored(directory).id(), attributes, extended);
  }

  private void finish(FileId file, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
      throws IOException {
    for (Map.Entry<AttributeName, byte[]> attribute : extended.entrySet()) {
      files.setExtended(file, attribute.getKey(), attribute.getValue());
    }
    files.setAttributes(file, change(attributes));
  }

  @Override
  public boolean sync() throws IOException {
    files.sync();
    return true;
  }

  /** A file being made; it gets its name when it is whole. */
  private final class OfFile implements Output {
    private final Where.Stored in;
    private final FileName temporary;
    private final FileName name;
    private final OpenFile file;
    private boolean finished;

    OfFile(Where.Stored in, FileName temporary, FileName name, OpenFile file) {
      this.in = in;
      this.temporary = temporary;
      this.name = name;
      this.file = file;
    }

    @Override
    public void write(long offset, MemorySegment bytes) throws IOException {
      file.write(offset, bytes);
    }

    @Override
    public boolean share(CopySource.Content content) throws IOException {
      // What a snapshot has is kept by it alone, and is copied.
      if (!(content instanceof PoolSource.OfFile(OpenFile from)) || from.id().isSnapshot()) {
        return false;
      }
      long sizeBytes = from.sizeBytes();
      if (sizeBytes > 0) {
        files.reflink(from, new ByteRange(0, sizeBytes), file, 0);
      }
      return true;
    }

    @Override
    public Where finish(
        long sizeBytes, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
        throws IOException {
      if (file.sizeBytes() < sizeBytes) {
        file.truncate(sizeBytes);
      }
      PoolTarget.this.finish(file.id(), attributes, extended);
      files.rename(in.id(), temporary, in.id(), name, Filesystem.Replace.REPLACE);
      finished = true;
      return new Where.Stored(file.id(), in.child(name));
    }

    @Override
    public void close() throws IOException {
      file.close();
      if (!finished) {
        files.unlink(in.id(), temporary);
      }
    }
  }
}
