package io.bezoar.fs;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds files by their paths.
 *
 * <p>A path is absolute: it begins with {@code /}. Empty parts and {@code "."} are passed over;
 * {@code ".."} is the directory that a directory is in, also behind a symbolic link that led there.
 * Symbolic links on the way are followed, at most {@value #LINKS_MAX} of them, relative ones from
 * where they stand; an absolute one leads to the live state, also out of a snapshot. A path that
 * ends with a slash names a directory.
 *
 * <p>Every error names the path that was asked for. A walk sees each directory as it is when it
 * comes by; it holds nothing. Thread-safe.
 */
public final class PathWalk {
  /** Most symbolic links on one path. */
  public static final int LINKS_MAX = 40;

  private final Filesystem files;

  /** Walks in {@code files}. */
  public PathWalk(Filesystem files) {
    this.files = files;
  }

  /** What to do with a symbolic link that is the last part of a path. */
  public enum LastLink {
    /** Go on to where it leads. */
    FOLLOW,
    /** It is what was looked for. */
    KEEP
  }

  /** A part of a path is no name that a file can have: too long, or with bytes that no name has. */
  public static final class NameException extends FileSystemException {
    private static final long serialVersionUID = 1L;

    NameException(String path, String reason) {
      super(path, null, reason);
    }
  }

  /**
   * Where a path leads.
   *
   * @param path as it was asked for
   * @param directory the directory that the last part of the path is in
   * @param name the last part; null for the root and for what was named by {@code "."} or {@code
   *     ".."}, which cannot be made, moved or removed by such a path
   * @param found what is there; null when there is nothing of this name
   */
  public record Place(
      String path, FileId directory, @Nullable FileName name, @Nullable Found found) {
    /**
     * What is there.
     *
     * @throws NoSuchFileException when nothing is
     */
    public Found require() throws NoSuchFileException {
      Found there = found;
      if (there == null) {
        throw new NoSuchFileException(path);
      }
      return there;
    }

    /**
     * The name, of something that can be made, moved or removed.
     *
     * @throws FileSystemException when the path has none
     */
    public FileName requireName() throws FileSystemException {
      FileName last = name;
      if (last == null) {
        throw new NameException(path, "ends in '.' or '..': write the name of what is meant");
      }
      return last;
    }

    /**
     * The name, of something that is not there yet.
     *
     * @throws FileAlreadyExistsException when it is
     */
    public FileName requireFree() throws FileSystemException {
      if (found != null) {
        throw new FileAlreadyExistsException(path);
      }
      return requireName();
    }
  }

  /**
   * Something that is there.
   *
   * @param id which file
   * @param type what it is
   */
  public record Found(FileId id, FileType type) {
    /** True for a directory. */
    public boolean isDirectory() {
      return type == FileType.DIRECTORY;
    }
  }

  /**
   * A path that was taken apart, so that one that is walked again and again is read once.
   *
   * <p>Immutable.
   */
  public static final class Route {
    private final String path;

    /** Null stands for {@code ".."}. */
    private final @Nullable FileName[] parts;

    private final Ending ending;

    private Route(String path, @Nullable FileName[] parts, Ending ending) {
      this.path = path;
      this.parts = parts;
      this.ending = ending;
    }

    /**
     * Takes an absolute path apart.
     *
     * @throws NameException when it is not absolute, or a part is no name
     */
    public static Route of(String path) throws NameException {
      if (!path.startsWith("/")) {
        throw new NameException(path, "a path in a pool begins with \"/\"");
      }
      return new Route(path, parts(path, path), Ending.of(path));
    }

    /** The same way under another name, for errors. */
    public Route as(String asked) {
      return new Route(asked, parts, ending);
    }

    /** The path as it was asked for. */
    public String path() {
      return path;
    }
  }

  /** What the end of a path says of what it names. */
  private enum Ending {
    /** Nothing. */
    NAME,
    /** A slash: it is a directory. */
    SLASH,
    /** A dot: it is a directory, and named from within. */
    DOT;

    static Ending of(String path) {
      int end = path.length();
      while (end > 0 && path.charAt(end - 1) == '/') {
        end--;
      }
      boolean isDot = end > 0 && path.charAt(end - 1) == '.';
      if (isDot && (end == 1 || path.charAt(end - 2) == '/')) {
        return DOT;
      }
      return end < path.length() ? SLASH : NAME;
    }

    Ending and(Ending behind) {
      return compareTo(behind) > 0 ? this : behind;
    }
  }

  private static @Nullable FileName[] parts(String text, String path) throws NameException {
    List<@Nullable FileName> parts = new ArrayList<>();
    int start = 0;
    while (start < text.length()) {
      int slash = text.indexOf('/', start);
      int end = slash < 0 ? text.length() : slash;
      String part = text.substring(start, end);
      start = end + 1;
      if (part.equals("..")) {
        parts.add(null);
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(name(part, path));
      }
    }
    return parts.toArray(new @Nullable FileName[0]);
  }

  /**
   * The name of a snapshot.
   *
   * @throws NameException when it is no name
   */
  public static FileName snapshotName(String name) throws NameException {
    return name(name, "/" + Snapshots.DIRECTORY + "/" + name);
  }

  private static FileName name(String part, String path) throws NameException {
    try {
      return FileName.of(part);
    } catch (FileSystemException wrong) {
      throw new NameException(path, part + ": " + wrong.getReason());
    }
  }

  /**
   * Follows a path to its last part, which need not be there.
   *
   * @throws NoSuchFileException when a directory on the way is not there
   * @throws NotDirectoryException when something on the way, or before a slash at the end, is no
   *     directory
   * @throws FileSystemLoopException when there are too many symbolic links on the way
   * @throws NameException when a part is no name
   */
  public Place find(String path, LastLink last) throws IOException {
    return find(Route.of(path), last);
  }

  /**
   * Follows a path to its last part, which need not be there.
   *
   * @throws NoSuchFileException when a directory on the way is not there, and as above
   */
  public Place find(Route route, LastLink last) throws IOException {
    Place place = seek(route, last);
    if (place == null) {
      throw new NoSuchFileException(route.path());
    }
    return place;
  }

  /**
   * As {@link #find}, but null when a directory on the way is not there: for those to whom that is
   * no error.
   */
  public @Nullable Place seek(Route route, LastLink last) throws IOException {
    return new Walk(route, last).run();
  }

  /**
   * What is at a path.
   *
   * @throws NoSuchFileException when nothing is there, and as above
   */
  public Found get(String path, LastLink last) throws IOException {
    return find(path, last).require();
  }

  /** One path on the way. */
  private final class Walk {
    private final String path;
    private final LastLink last;

    /** What lies ahead: the parts from {@link #next} on. */
    private @Nullable FileName[] parts;

    private int next;
    private Ending ending;
    private FileId at = FileId.ROOT;
    private int links;

    Walk(Route route, LastLink last) {
      this.path = route.path;
      this.last = last;
      this.parts = route.parts;
      this.ending = route.ending;
    }

    private boolean isLast() {
      return next == parts.length;
    }

    @Nullable Place run() throws IOException {
      while (!isLast()) {
        FileName name = parts[next];
        next++;
        if (name == null) {
          at = files.parent(at);
          continue;
        }
        Optional<DirectoryEntry> entry = files.lookup(at, name);
        if (entry.isEmpty()) {
          return isLast() && ending != Ending.DOT ? new Place(path, at, name, null) : null;
        }
        Found found = new Found(entry.get().id(), entry.get().type());
        if (found.type() == FileType.SYMLINK && isFollowed()) {
          follow(found.id());
        } else if (isLast()) {
          return end(name, found);
        } else if (found.isDirectory()) {
          at = found.id();
        } else {
          throw new NotDirectoryException(path);
        }
      }
      return new Place(path, files.parent(at), null, new Found(at, FileType.DIRECTORY));
    }

    private boolean isFollowed() {
      return !isLast() || ending != Ending.NAME || last == LastLink.FOLLOW;
    }

    private Place end(FileName name, Found found) throws NotDirectoryException {
      if (ending != Ending.NAME && !found.isDirectory()) {
        throw new NotDirectoryException(path);
      }
      return new Place(path, at, ending == Ending.DOT ? null : name, found);
    }

    private void follow(FileId link) throws IOException {
      links++;
      if (links > LINKS_MAX) {
        throw new FileSystemLoopException(path);
      }
      String target = FileName.decode(files.readLink(link));
      if (target.startsWith("/")) {
        at = FileId.ROOT;
      }
      if (isLast()) {
        ending = ending.and(Ending.of(target));
      }
      @Nullable FileName[] ahead = parts(target, path);
      int left = parts.length - next;
      @Nullable FileName[] joined = Arrays.copyOf(ahead, ahead.length + left);
      System.arraycopy(parts, next, joined, ahead.length, left);
      parts = joined;
      next = 0;
    }
  }

  /** The bytes of a text, where bytes that are not UTF-8 stand as {@link FileName} says. */
  public static byte[] bytes(String text) throws FileSystemException {
    return FileName.encode(text);
  }

  /** The text of bytes, as {@link #bytes} reads it. */
  public static String text(byte[] bytes) {
    return FileName.decode(bytes);
  }
}
