package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.FileName;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;

/** Folders of this machine, that files of a pool are copied to. */
final class LocalTarget implements CopyTarget {
  // Nobody else looks at a copy before it has the modes of what it is a copy of.
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_FILE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE_FOLDER =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final LocalFiles files;

  LocalTarget(LocalFiles files) {
    this.files = files;
  }

  @Override
  public Spot spot(String text) throws IOException {
    Path path = LocalNames.of(text);
    Path real = Files.exists(path) ? path.toRealPath() : path;
    Path parent = real.getParent();
    if (parent == null || Files.isDirectory(real)) {
      return new Spot(new Where.Local(real), new Where.Local(real), null);
    }
    if (!Files.exists(parent)) {
      throw new NoSuchFileException(parent.toString());
    }
    if (!Files.isDirectory(parent)) {
      throw new NotDirectoryException(parent.toString());
    }
    return new Spot(null, new Where.Local(parent), LocalNames.name(real));
  }

  @Override
  public void requireDirectory(String text) throws IOException {
    Path path = LocalNames.of(text);
    if (!Files.exists(path)) {
      throw NoDirectory.at(text);
    }
    if (!Files.isDirectory(path)) {
      throw new NotDirectoryException(text);
    }
  }

  @Override
  public void refuseInside(CopyItem source, Where directory) {
    // What is in a pool holds no folder of this machine.
  }

  private static Path in(Where parent, FileName name) {
    return LocalNames.resolve(LocalFiles.local(parent), name);
  }

  @Override
  public Where directory(Where parent, FileName name, CopyAttributes attributes)
      throws IOException {
    Path path = in(parent, name);
    try {
      Files.createDirectory(path, PRIVATE_FOLDER);
    } catch (FileAlreadyExistsException there) {
      if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new RefusedCopyException(path.toString(), "is there, and is no directory");
      }
    }
    return new Where.Local(path);
  }

  @Override
  public boolean exists(Where parent, FileName name) {
    return Files.exists(in(parent, name), LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public void link(Where parent, FileName name, byte[] target, CopyItem source) throws IOException {
    Path path = in(parent, name);
    Path to = LocalNames.of(target);
    try {
      Files.createSymbolicLink(path, to);
    } catch (FileAlreadyExistsException there) {
      replace(
          path,
          temporary -> {
            Files.createSymbolicLink(temporary, to);
            return temporary;
          });
    }
    files.applyToLink(path, source.attributes());
  }

  @Override
  public void hardLink(Where copied, Where parent, FileName name) throws IOException {
    Path path = in(parent, name);
    Path first = LocalFiles.local(copied);
    try {
      Files.createLink(path, first);
    } catch (FileAlreadyExistsException there) {
      if (!Files.isSameFile(path, first)) {
        replace(path, temporary -> Files.createLink(temporary, first));
      }
    }
  }

  /** Makes something elsewhere. */
  @FunctionalInterface
  private interface Maker {
    Path make(Path temporary) throws IOException;
  }

  private void replace(Path path, Maker maker) throws IOException {
    requireReplaceable(path);
    Path temporary = maker.make(LocalFiles.temporary(folder(path)));
    move(temporary, path);
  }

  private static Path folder(Path path) {
    Path folder = path.getParent();
    return folder == null ? path : folder;
  }

  private static void move(Path temporary, Path path) throws IOException {
    try {
      Files.move(
          temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException failed) {
      Files.deleteIfExists(temporary);
      throw failed;
    }
  }

  private void requireReplaceable(Path path) throws IOException {
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new RefusedCopyException(path.toString(), "is a directory, and the copy is none");
    }
    if (!Files.isSymbolicLink(path)) {
      if (!Files.isRegularFile(path)) {
        throw new RefusedCopyException(path.toString(), "is a device, and is not replaced");
      }
      if (files.isPoolDevice(path)) {
        throw new RefusedCopyException(path.toString(), "is a device of this pool");
      }
    }
  }

  @Override
  public Output create(Where parent, FileName name, CopyItem source) throws IOException {
    Path path = in(parent, name);
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      requireReplaceable(path);
    }
    Path temporary = LocalFiles.temporary(folder(path));
    return new OfFile(temporary, path, open(temporary));
  }

  private static FileChannel open(Path path) throws IOException {
    return FileChannel.open(
        path, Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW), PRIVATE_FILE);
  }

  @Override
  public void finish(
      Where directory, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
      throws IOException {
    files.apply(LocalFiles.local(directory), attributes, extended);
  }

  @Override
  public boolean sync() {
    return false;
  }

  /** A file being made; it gets its name when it is whole. */
  private final class OfFile implements Output {
    private final Path temporary;
    private final Path path;
    private final FileChannel channel;
    private boolean finished;

    OfFile(Path temporary, Path path, FileChannel channel) {
      this.temporary = temporary;
      this.path = path;
      this.channel = channel;
    }

    @Override
    public void write(long offset, MemorySegment bytes) throws IOException {
      ByteBuffer buffer = bytes.asByteBuffer();
      while (buffer.hasRemaining()) {
        channel.write(buffer, offset + buffer.position());
      }
    }

    @Override
    public boolean share(CopySource.Content content) {
      return false;
    }

    @Override
    public Where finish(
        long sizeBytes, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
        throws IOException {
      if (channel.size() < sizeBytes) {
        endInHole(sizeBytes);
      }
      channel.close();
      try {
        files.apply(temporary, attributes, extended);
      } catch (FileSystemException cannot) {
        // By the name that people know.
        FileSystemException known =
            new FileSystemException(path.toString(), null, cannot.getReason());
        known.initCause(cannot);
        throw known;
      }
      move(temporary, path);
      finished = true;
      return new Where.Local(path);
    }

    /** A channel does not grow a file by itself: the byte behind its end is taken away again. */
    private void endInHole(long sizeBytes) throws IOException {
      channel.write(ByteBuffer.allocate(1), sizeBytes);
      channel.truncate(sizeBytes);
    }

    @Override
    public void close() throws IOException {
      channel.close();
      if (!finished) {
        Files.deleteIfExists(temporary);
      }
    }
  }
}
