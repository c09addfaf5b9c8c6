package io.bezoar.nbd;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;

/**
 * A listening unix socket of mode 0600. It is bound in a folder that only this user can enter, then
 * gets its mode, and only then its name: at no moment could anybody else connect, and clients that
 * find the name find a socket that answers.
 *
 * <p>The caller holds the lock of what the socket is for; that is what makes a socket which already
 * stands there stale, so it is replaced. Anything else there is left alone.
 */
public final class UnixListener implements AutoCloseable {
  private static final int FILE_TYPE = 0170000;
  private static final int SOCKET = 0140000;
  private static final int BACKLOG = 64;

  private final Path path;
  private final ServerSocketChannel channel;
  private final Object key;

  private UnixListener(Path path, ServerSocketChannel channel, Object key) {
    this.path = path;
    this.channel = channel;
    this.key = key;
  }

  /**
   * Listens at {@code path}.
   *
   * @throws SocketPlaceException when the path is too long, its folder is missing, or something
   *     that is not a socket stands there
   * @throws IOException when the system refuses for another reason
   */
  public static UnixListener bind(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    Path folder = absolute.getParent();
    if (!SocketPlace.fits(absolute)) {
      throw SocketPlace.tooLong(absolute);
    }
    if (folder == null || !Files.isDirectory(folder) || !Files.isWritable(folder)) {
      throw new SocketPlaceException(
          absolute,
          SocketPlaceException.Reason.NO_FOLDER,
          "its folder is missing or may not be written: make it, or choose another place");
    }
    refuseNonSocket(absolute);
    Path nest = makeNest(absolute);
    Path bound = SocketPlace.boundIn(nest);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      channel.bind(UnixDomainSocketAddress.of(bound), BACKLOG);
      Files.setPosixFilePermissions(bound, PosixFilePermissions.fromString("rw-------"));
      Object key = fileKey(bound);
      Files.move(bound, absolute, StandardCopyOption.ATOMIC_MOVE);
      return new UnixListener(absolute, channel, key);
    } catch (IOException | RuntimeException failed) {
      channel.close();
      Files.deleteIfExists(bound);
      throw failed;
    } finally {
      Files.deleteIfExists(nest);
    }
  }

  private static Path makeNest(Path absolute) throws IOException {
    for (int attempt = 1; ; attempt++) {
      Path nest = SocketPlace.randomNest(absolute);
      try {
        return Files.createDirectory(
            nest,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (FileAlreadyExistsException taken) {
        if (attempt == 100) {
          throw taken;
        }
      }
    }
  }

  private static void refuseNonSocket(Path path) throws IOException {
    int mode;
    try {
      mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException free) {
      return;
    }
    if ((mode & FILE_TYPE) != SOCKET) {
      throw new SocketPlaceException(
          path,
          SocketPlaceException.Reason.NOT_A_SOCKET,
          "something that is not a socket has this name: remove it, or choose another name");
    }
  }

  /** Where the socket stands: absolute. */
  public Path path() {
    return path;
  }

  /**
   * Waits for a client.
   *
   * @throws java.nio.channels.ClosedChannelException when the listener was closed, before or
   *     meanwhile
   */
  public SocketChannel accept() throws IOException {
    return channel.accept();
  }

  /**
   * Stops listening, and removes the socket unless somebody has put another one there. Idempotent.
   */
  @Override
  public void close() throws IOException {
    channel.close();
    try {
      if (fileKey(path).equals(key)) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException gone) {
      // Removed by somebody else, which is what was wanted.
    }
  }

  private static Object fileKey(Path path) throws IOException {
    return Objects.requireNonNull(
        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).fileKey(),
        "every file of a POSIX file system has a key");
  }
}
