package io.bezoar.nio;

import io.bezoar.fs.FileId;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.PathWalk;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.WatchService;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files of one pool.
 *
 * <p><b>Invariant.</b> One of these for each pool in the process. A channel is in {@link #channels}
 * from before anybody has it until it is closed; so whoever closes this closes all of them, and
 * waits until none is in the middle of something, before the pool below goes. Thread-safe.
 */
final class PoolFileSystem extends FileSystem {
  private static final Set<String> VIEWS = Set.of("basic", "owner", "posix", "unix", "user");

  /** How the files may be used. */
  enum Access {
    READ_WRITE,
    READ_ONLY
  }

  /** Lets go of the pool. */
  interface Release {
    void run() throws IOException;
  }

  private final BezoarFileSystemProvider provider;
  private final Path pool;
  private final Filesystem files;
  private final PathWalk walk;
  private final FilesByPath filesByPath;
  private final Access access;
  private final Release release;
  private final PoolPath root = new PoolPath(this, PathText.ROOT);
  private final Accounts accounts = new Accounts(Path.of("/etc"));
  private final LockTable locks = new LockTable();
  private final Set<FileChannel> channels = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** Something with a file. */
  interface Op<T> {
    T run() throws IOException;
  }

  PoolFileSystem(
      BezoarFileSystemProvider provider,
      Path pool,
      Filesystem files,
      Access access,
      Release release) {
    this.provider = provider;
    this.pool = pool;
    this.files = files;
    this.walk = new PathWalk(files);
    this.access = access;
    this.release = release;
    this.filesByPath = new FilesByPath(this);
  }

  Path pool() {
    return pool;
  }

  Filesystem files() {
    return files;
  }

  FilesByPath filesByPath() {
    return filesByPath;
  }

  PathWalk walk() {
    return walk;
  }

  PoolPath root() {
    return root;
  }

  Accounts accounts() {
    return accounts;
  }

  LockTable locks() {
    return locks;
  }

  void checkOpen() {
    if (!isOpen()) {
      throw new ClosedFileSystemException();
    }
  }

  /**
   * Does something with the file at a path.
   *
   * @param other a second path that it is about; null when there is none
   * @throws FileSystemException about these paths
   * @throws ClosedFileSystemException when this was closed before, or meanwhile
   */
  <T extends @Nullable Object> T call(PoolPath path, @Nullable PoolPath other, Op<T> op)
      throws IOException {
    checkOpen();
    try {
      return op.run();
    } catch (FileSystemException said) {
      if (!isOpen()) {
        throw closedUnder(said);
      }
      throw Errors.named(said, path, other);
    } catch (IllegalStateException | IOException e) {
      if (!isOpen()) {
        throw closedUnder(e);
      }
      throw e;
    }
  }

  private static ClosedFileSystemException closedUnder(Exception e) {
    ClosedFileSystemException closed = new ClosedFileSystemException();
    closed.initCause(e);
    return closed;
  }

  /**
   * Refuses what would change a file.
   *
   * @throws ReadOnlyFileSystemException when it was opened for reading, or the file is of a
   *     snapshot
   */
  void checkWritable(FileId file) {
    String why = whyNotWritable(file);
    if (why != null) {
      ReadOnlyFileSystemException refused = new ReadOnlyFileSystemException();
      refused.initCause(new FileSystemException(pool.toString(), null, why));
      throw refused;
    }
  }

  /** Why a file takes no changes; null when it does. */
  @Nullable String whyNotWritable(FileId file) {
    if (isReadOnly()) {
      return "the pool is open for reading only";
    }
    return file.isSnapshot() || file.equals(FileId.SNAPSHOTS)
        ? "it belongs to a snapshot, and those never change"
        : null;
  }

  /**
   * Adds a channel.
   *
   * @throws ClosedFileSystemException when it came too late; then the channel is closed
   */
  void opened(FileChannel channel) throws IOException {
    channels.add(channel);
    if (closed.get()) {
      channel.close();
      throw new ClosedFileSystemException();
    }
  }

  void closed(FileChannel channel) {
    channels.remove(channel);
  }

  @Override
  public BezoarFileSystemProvider provider() {
    return provider;
  }

  /**
   * Closes all channels and, if it was opened with this, the pool. Idempotent.
   *
   * @throws IOException when something could not be made durable; all is closed all the same
   */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    List<FileChannel> open = List.copyOf(channels);
    try {
      for (FileChannel channel : open) {
        channel.close();
      }
    } finally {
      for (FileChannel channel : open) {
        if (channel instanceof PoolFileChannel file) {
          file.awaitReleased();
        }
      }
      release.run();
    }
  }

  @Override
  public boolean isOpen() {
    return !closed.get() && files.isOpen();
  }

  @Override
  public boolean isReadOnly() {
    return access == Access.READ_ONLY;
  }

  @Override
  public String getSeparator() {
    return "/";
  }

  @Override
  public Iterable<Path> getRootDirectories() {
    checkOpen();
    return List.of(root);
  }

  @Override
  public Iterable<FileStore> getFileStores() {
    checkOpen();
    return List.of(new PoolFileStore(this));
  }

  @Override
  public Set<String> supportedFileAttributeViews() {
    return VIEWS;
  }

  @Override
  public PoolPath getPath(String first, String... more) {
    return new PoolPath(this, PathText.of(PoolPath.join(first, more)));
  }

  @Override
  public PathMatcher getPathMatcher(String syntaxAndPattern) {
    int colon = syntaxAndPattern.indexOf(':');
    if (colon <= 0) {
      throw new IllegalArgumentException(
          "neither glob:PATTERN nor regex:PATTERN: " + syntaxAndPattern);
    }
    String pattern = syntaxAndPattern.substring(colon + 1);
    String syntax = syntaxAndPattern.substring(0, colon);
    Pattern regex;
    if (syntax.equalsIgnoreCase("glob")) {
      regex = Pattern.compile(Glob.toRegex(pattern), Pattern.DOTALL);
    } else if (syntax.equalsIgnoreCase("regex")) {
      regex = Pattern.compile(pattern);
    } else {
      throw new UnsupportedOperationException("patterns of the syntax " + syntax);
    }
    return path -> regex.matcher(Objects.requireNonNull(path).toString()).matches();
  }

  @Override
  public UserPrincipalLookupService getUserPrincipalLookupService() {
    return accounts;
  }

  /**
   * Not supported.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public WatchService newWatchService() {
    throw new UnsupportedOperationException("files in a pool cannot be watched");
  }

  @Override
  public String toString() {
    return pool.toString();
  }
}
