package io.bezoar.nbd;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Where a unix socket stands. A socket's address holds 107 bytes of path (sun_path of unix(7) less
 * its NUL), of which the JDK uses 106, and a pool may lie deeper than that. So: beside the pool
 * where that fits, else under a name made from the pool's path in {@code $XDG_RUNTIME_DIR/bezoar},
 * else in {@code /tmp/bezoar-UID}. The same wanted path always leads to the same place, so that
 * clients find it.
 */
public final class SocketPlace {
  /** Most bytes in the path of a socket to which the JDK can bind or connect. */
  public static final int MAX_PATH_BYTES = 106;

  /** Where a socket is bound before it gets its name: a folder beside it, as short as can be. */
  static final String NEST_PREFIX = ".bz";

  private static final int NEST_RANDOM_CHARS = 5;
  private static final long RANDOM_NAMES = 36L * 36 * 36 * 36 * 36;
  private static final String BOUND_NAME = "s";

  private final Map<String, String> environment;
  private final Path temporary;

  /**
   * Looks for a runtime folder in {@code environment}, else below {@code temporary}; for tests.
   *
   * @param environment the variables of the process
   * @param temporary where every user may make a folder
   */
  SocketPlace(Map<String, String> environment, Path temporary) {
    this.environment = environment;
    this.temporary = temporary;
  }

  /**
   * The place for a socket that should stand at {@code wanted}. The runtime folder is made when it
   * is needed and missing.
   *
   * @return {@code wanted} made absolute, or a path in the user's runtime folder
   * @throws SocketPlaceException when the runtime folder is not the user's own, or is too deep too
   * @throws IOException when it cannot be made
   */
  public static Path choose(Path wanted) throws IOException {
    return new SocketPlace(System.getenv(), Path.of("/tmp")).place(wanted);
  }

  /** Whether a socket can get the name {@code path}, an absolute one. */
  public static boolean fits(Path path) {
    Path bound = boundIn(path.resolveSibling(NEST_PREFIX + "x".repeat(NEST_RANDOM_CHARS)));
    return lengthBytes(path) <= MAX_PATH_BYTES && lengthBytes(bound) <= MAX_PATH_BYTES;
  }

  /** A name for the folder in which the socket {@code path} is bound; different every time. */
  static Path randomNest(Path path) {
    long random = ThreadLocalRandom.current().nextLong(RANDOM_NAMES) + RANDOM_NAMES;
    return path.resolveSibling(NEST_PREFIX + Long.toString(random, 36).substring(1));
  }

  /** Where a socket is bound within its {@code nest}. */
  static Path boundIn(Path nest) {
    return nest.resolve(BOUND_NAME);
  }

  Path place(Path wanted) throws IOException {
    Path absolute = wanted.toAbsolutePath().normalize();
    if (fits(absolute)) {
      return absolute;
    }
    Path place = runtimeFolder().resolve(shortName(absolute));
    if (!fits(place)) {
      throw tooLong(place);
    }
    return place;
  }

  static SocketPlaceException tooLong(Path path) {
    return new SocketPlaceException(
        path,
        SocketPlaceException.Reason.TOO_LONG,
        "a socket's path has at most "
            + MAX_PATH_BYTES
            + " bytes, and its folder needs room for a name of "
            + (NEST_PREFIX.length() + NEST_RANDOM_CHARS + 1 + BOUND_NAME.length())
            + "; this path has "
            + lengthBytes(path)
            + ": use a shorter path, or set XDG_RUNTIME_DIR to a short one so that the socket stands"
            + " there");
  }

  private Path runtimeFolder() throws IOException {
    String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (!runtime.isEmpty()
        && Path.of(runtime).isAbsolute()
        && Files.isDirectory(Path.of(runtime))) {
      return privateFolder(Path.of(runtime).resolve("bezoar"), uid);
    }
    return privateFolder(temporary.resolve("bezoar-" + uid), uid);
  }

  /** Makes sure that nobody else can put a socket of his own where clients will look for ours. */
  private static Path privateFolder(Path folder, Object uid) throws IOException {
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException exists) {
      Object owner = Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      int mode = (Integer) Files.getAttribute(folder, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      boolean isFolder = Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS);
      if (!isFolder || !owner.equals(uid) || (mode & 0077) != 0) {
        throw new SocketPlaceException(
            folder,
            SocketPlaceException.Reason.UNSAFE_FOLDER,
            "not a folder of user "
                + uid
                + " alone (mode 0700): remove it, or set XDG_RUNTIME_DIR");
      }
    }
    return folder;
  }

  private static String shortName(Path absolute) {
    String file = String.valueOf(absolute.getFileName());
    int dot = file.lastIndexOf('.');
    String extension = dot < 0 ? "" : file.substring(dot);
    return hash(absolute) + (extension.length() <= 8 ? extension : "");
  }

  private static String hash(Path absolute) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(absolute.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every JDK has SHA-256", impossible);
    }
  }

  private static int lengthBytes(Path path) {
    return path.toString().getBytes(StandardCharsets.UTF_8).length;
  }
}
