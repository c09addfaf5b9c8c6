package io.bezoar.nio;

import io.bezoar.fs.FileType;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk.Found;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.media.MediaOpenException;
import io.bezoar.nio.PoolFileChannel.Interrupts;
import io.bezoar.pool.Pool;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Files in pools for {@code java.nio.file}: URIs {@code bezoar:/folder/data.pool!:/path}.
 *
 * <p>{@code FileSystems.newFileSystem(Path.of("data.pool"))} opens a pool that was made for files,
 * and closing the file system closes the pool. A pool is open once in a process; the property
 * {@code accessMode} with the value {@code readOnly} opens it for reading.
 *
 * <p>It passes for the default provider of a Unix system: the same paths, attributes, options and
 * exceptions. What makes a difference: relative paths begin at the root; permissions are kept and
 * not enforced; a change in a snapshot is a {@link java.nio.file.ReadOnlyFileSystemException}; lost
 * bytes are a {@link io.bezoar.fs.DamagedRangeException}, after the good ones before them. Not
 * supported are asynchronous channels, secure directory streams and watch services.
 *
 * <p>Thread-safe.
 */
public final class BezoarFileSystemProvider extends FileSystemProvider {
  private static final int FILE_MODE = 0666;

  /** For the service loader; one does for a process. */
  public BezoarFileSystemProvider() {}

  @Override
  public String getScheme() {
    return PoolUri.SCHEME;
  }

  // Pools.

  /**
   * Opens the pool of a URI.
   *
   * @throws IllegalArgumentException when the URI or {@code accessMode} is none
   * @throws FileSystemAlreadyExistsException when it is open in this process
   * @throws MediaOpenException when it cannot be opened: says why and what to do
   */
  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> env) throws IOException {
    Path pool = PoolUri.parse(uri).pool();
    PoolFileSystem.Access access = access(env);
    return NativeAccess.explaining(pool, () -> OpenPools.ALL.open(this, pool, access));
  }

  /**
   * Opens the pool at a path.
   *
   * @throws UnsupportedOperationException when there is no pool that was made for files, so that
   *     other providers are asked
   * @throws FileSystemAlreadyExistsException when it is open in this process
   * @throws MediaOpenException when it cannot be opened: says why and what to do
   */
  @Override
  public FileSystem newFileSystem(Path path, Map<String, ?> env) throws IOException {
    if (!path.getFileSystem().equals(FileSystems.getDefault())
        || !NativeAccess.explaining(path, () -> Pool.mayHoldFiles(path))) {
      throw new UnsupportedOperationException(path + " is no pool that holds files");
    }
    PoolFileSystem.Access access = access(env);
    return NativeAccess.explaining(path, () -> OpenPools.ALL.open(this, path, access));
  }

  private static PoolFileSystem.Access access(Map<String, ?> env) {
    Object asked = env.get("accessMode");
    if (asked == null || asked.equals("readWrite")) {
      return PoolFileSystem.Access.READ_WRITE;
    }
    if (asked.equals("readOnly")) {
      return PoolFileSystem.Access.READ_ONLY;
    }
    throw new IllegalArgumentException("accessMode is readOnly or readWrite, and not " + asked);
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return find(uri, PoolUri.parse(uri));
  }

  private static PoolFileSystem find(URI uri, PoolUri parsed) {
    PoolFileSystem found = OpenPools.ALL.find(parsed.pool());
    if (found == null) {
      throw new FileSystemNotFoundException(
          uri + ": the pool is not open; FileSystems.newFileSystem opens it");
    }
    return found;
  }

  @Override
  public Path getPath(URI uri) {
    PoolUri parsed = PoolUri.parse(uri);
    String path = parsed.path();
    if (path == null) {
      throw new IllegalArgumentException(uri + " names a pool and no path in it: add !:/path");
    }
    return find(uri, parsed).getPath(path);
  }

  // Files.

  private static FilesByPath files(PoolPath path) {
    return path.getFileSystem().filesByPath();
  }

  private static FileChannel open(PoolPath path, Options.Open how, int mode, Interrupts interrupts)
      throws IOException {
    PoolFileSystem fs = path.getFileSystem();
    return fs.call(
        path,
        null,
        () -> {
          OpenFile open = files(path).open(path, how, mode);
          FileChannel channel =
              open == null
                  ? new PoolDirectoryChannel(path)
                  : new PoolFileChannel(fs, open, how, interrupts);
          fs.opened(channel);
          return channel;
        });
  }

  private static FileChannel open(
      Path file,
      Collection<? extends OpenOption> options,
      Interrupts interrupts,
      FileAttribute<?>... attributes)
      throws IOException {
    PoolPath path = PoolPath.of(file);
    Options.Open how = Options.Open.of(options);
    int mode = Options.mode(FILE_MODE, attributes) & ~Host.NOW.umask();
    return open(path, how, mode, interrupts);
  }

  @Override
  public FileChannel newFileChannel(
      Path file, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return open(file, options, Interrupts.CLOSE, attributes);
  }

  /**
   * As {@link #newFileChannel}, but without any option an interrupt does not close the channel:
   * {@code Files.readAllBytes} opens a file so, and with the default provider it goes on when the
   * thread is interrupted.
   */
  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return options.isEmpty() && attributes.length == 0
        ? open(path, options, Interrupts.IGNORE)
        : newFileChannel(path, options, attributes);
  }

  /** Of a channel that no interrupt closes, as the default provider's. */
  @Override
  public InputStream newInputStream(Path path, OpenOption... options) throws IOException {
    List<OpenOption> how = Arrays.asList(options);
    for (StandardOpenOption writing :
        List.of(StandardOpenOption.APPEND, StandardOpenOption.WRITE)) {
      if (how.contains(writing)) {
        throw new UnsupportedOperationException("'" + writing + "' not allowed");
      }
    }
    return Channels.newInputStream(open(path, how, Interrupts.IGNORE));
  }

  /** Of a channel that no interrupt closes, as the default provider's. */
  @Override
  public OutputStream newOutputStream(Path path, OpenOption... options) throws IOException {
    List<OpenOption> how = new ArrayList<>(Arrays.asList(options));
    if (how.contains(StandardOpenOption.READ)) {
      throw new IllegalArgumentException("READ not allowed");
    }
    if (how.isEmpty()) {
      how.addAll(List.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING));
    }
    how.add(StandardOpenOption.WRITE);
    return Channels.newOutputStream(open(path, how, Interrupts.IGNORE));
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path directory, DirectoryStream.Filter<? super Path> filter) throws IOException {
    Objects.requireNonNull(filter);
    PoolPath path = PoolPath.of(directory);
    return path.getFileSystem()
        .call(
            path,
            null,
            () -> {
              Found found = files(path).requireAt(path, LastLink.FOLLOW);
              if (!found.isDirectory()) {
                throw new NotDirectoryException(path.text());
              }
              return new PoolDirectoryStream(path, found.id(), filter);
            });
  }

  @Override
  public void createDirectory(Path directory, FileAttribute<?>... attributes) throws IOException {
    PoolPath path = PoolPath.of(directory);
    int mode = Options.mode(FilesByPath.DIRECTORY_MODE, attributes) & ~Host.NOW.umask();
    change(path, null, () -> files(path).createDirectory(path, mode));
  }

  /** A change of something. */
  private interface Change {
    void run() throws IOException;
  }

  private static void change(PoolPath path, @Nullable PoolPath other, Change change)
      throws IOException {
    path.getFileSystem()
        .call(
            path,
            other,
            () -> {
              change.run();
              return true;
            });
  }

  @Override
  public void createSymbolicLink(Path link, Path target, FileAttribute<?>... attributes)
      throws IOException {
    PoolPath path = PoolPath.of(link);
    PoolPath to = PoolPath.of(target);
    if (attributes.length > 0) {
      Options.mode(0, attributes);
      throw new UnsupportedOperationException("a symbolic link has no permissions");
    }
    change(path, null, () -> files(path).createSymbolicLink(path, to));
  }

  @Override
  public void createLink(Path link, Path existing) throws IOException {
    PoolPath path = PoolPath.of(link);
    PoolPath file = PoolPath.of(existing);
    if (path.getFileSystem() != file.getFileSystem()) {
      throw new UnsupportedOperationException("a hard link from one pool to another");
    }
    change(path, file, () -> files(path).createLink(path, file));
  }

  @Override
  public Path readSymbolicLink(Path link) throws IOException {
    PoolPath path = PoolPath.of(link);
    return path.getFileSystem().call(path, null, () -> files(path).readSymbolicLink(path));
  }

  @Override
  public void delete(Path file) throws IOException {
    if (!deleteIfExists(file)) {
      throw new NoSuchFileException(file.toString());
    }
  }

  @Override
  public boolean deleteIfExists(Path file) throws IOException {
    PoolPath path = PoolPath.of(file);
    return path.getFileSystem().call(path, null, () -> files(path).delete(path));
  }

  @Override
  public void copy(Path source, Path target, CopyOption... options) throws IOException {
    PoolPath from = PoolPath.of(source);
    PoolPath to = PoolPath.of(target);
    CopyMove copying = new CopyMove(from, to, Options.Copy.of(options));
    to.getFileSystem().checkOpen();
    change(from, to, copying::copy);
  }

  @Override
  public void move(Path source, Path target, CopyOption... options) throws IOException {
    PoolPath from = PoolPath.of(source);
    PoolPath to = PoolPath.of(target);
    CopyMove moving = new CopyMove(from, to, Options.Copy.of(options));
    to.getFileSystem().checkOpen();
    change(from, to, moving::move);
  }

  // Attributes.

  @Override
  public boolean isSameFile(Path one, Path two) throws IOException {
    if (one.equals(two)) {
      return true;
    }
    if (!(one instanceof PoolPath a)
        || !(two instanceof PoolPath b)
        || a.getFileSystem() != b.getFileSystem()) {
      return false;
    }
    return a.getFileSystem()
        .call(
            a,
            b,
            () ->
                files(a)
                    .requireAt(a, LastLink.FOLLOW)
                    .id()
                    .equals(files(b).requireAt(b, LastLink.FOLLOW).id()));
  }

  @Override
  public boolean isHidden(Path path) {
    Path name = PoolPath.of(path).getFileName();
    return name != null && name.toString().startsWith(".");
  }

  @Override
  public FileStore getFileStore(Path file) throws IOException {
    PoolPath path = PoolPath.of(file);
    change(path, null, () -> files(path).requireAt(path, LastLink.FOLLOW));
    return new PoolFileStore(path.getFileSystem());
  }

  /**
   * Whether something is there, takes changes, and is a directory or may be run.
   *
   * @throws NoSuchFileException when there is nothing
   * @throws AccessDeniedException when it takes no changes, or nobody may run it
   */
  @Override
  public void checkAccess(Path file, AccessMode... modes) throws IOException {
    PoolPath path = PoolPath.of(file);
    PoolFileSystem fs = path.getFileSystem();
    change(
        path,
        null,
        () -> {
          Found found = files(path).requireLook(path, LastLink.FOLLOW);
          for (AccessMode mode : modes) {
            checkAccess(fs, path, found, mode);
          }
        });
  }

  private static void checkAccess(PoolFileSystem fs, PoolPath path, Found found, AccessMode mode)
      throws IOException {
    switch (mode) {
      case READ -> {}
      case WRITE -> {
        String why = fs.whyNotWritable(found.id());
        if (why != null) {
          throw new AccessDeniedException(path.text(), null, why);
        }
      }
      case EXECUTE -> {
        if (found.type() == FileType.REGULAR
            && (fs.files().attributes(found.id()).mode() & 0111) == 0) {
          throw new AccessDeniedException(path.text(), null, "nobody may run it");
        }
      }
    }
  }

  @Override
  public boolean exists(Path file, LinkOption... options) {
    PoolPath path = PoolPath.of(file);
    LastLink last = Options.last(options);
    try {
      return path.getFileSystem().call(path, null, () -> files(path).look(path, last) != null);
    } catch (IOException e) {
      // As the specification has it: what cannot be found out is taken for "no".
      return false;
    }
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path file, Class<A> type, LinkOption... options) throws IOException {
    A attributes = readAttributesIfExists(file, type, options);
    if (attributes == null) {
      throw new NoSuchFileException(file.toString());
    }
    return attributes;
  }

  @Override
  public <A extends BasicFileAttributes> @Nullable A readAttributesIfExists(
      Path file, Class<A> type, LinkOption... options) throws IOException {
    PoolPath path = PoolPath.of(file);
    if (type != BasicFileAttributes.class && type != PosixFileAttributes.class) {
      throw new UnsupportedOperationException(
          Objects.requireNonNull(type).getName() + " is not supported");
    }
    LastLink last = Options.last(options);
    return path.getFileSystem().call(path, null, () -> type.cast(attributes(path, last)));
  }

  private static @Nullable PoolFileAttributes attributes(PoolPath path, LastLink last)
      throws IOException {
    PoolFileSystem fs = path.getFileSystem();
    Found found = files(path).look(path, last);
    return found == null ? null : new PoolFileAttributes(fs, fs.files().attributes(found.id()));
  }

  @Override
  public <V extends FileAttributeView> @Nullable V getFileAttributeView(
      Path file, Class<V> type, LinkOption... options) {
    PoolPath path = PoolPath.of(file);
    LastLink last = Options.last(options);
    if (Objects.requireNonNull(type) == BasicFileAttributeView.class) {
      return type.cast(new PosixView("basic", path, last));
    }
    if (type == PosixFileAttributeView.class) {
      return type.cast(new PosixView("posix", path, last));
    }
    if (type == FileOwnerAttributeView.class) {
      return type.cast(new PosixView("owner", path, last));
    }
    return type == UserDefinedFileAttributeView.class ? type.cast(new UserView(path, last)) : null;
  }

  @Override
  public Map<String, Object> readAttributes(Path file, String attributes, LinkOption... options)
      throws IOException {
    return new NamedAttributes(PoolPath.of(file), Options.last(options)).read(attributes);
  }

  @Override
  public void setAttribute(
      Path file, String attribute, @Nullable Object value, LinkOption... options)
      throws IOException {
    new NamedAttributes(PoolPath.of(file), Options.last(options)).set(attribute, value);
  }
}
