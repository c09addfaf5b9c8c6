package io.bezoar.nio;

import io.bezoar.fs.PathWalk;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.fs.PathWalk.Place;
import java.io.IOException;
import java.net.URI;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A path in a pool. It behaves as one of a Unix system does; relative ones begin at the root.
 *
 * <p>Immutable; what is worked out of the text is remembered, and may be worked out twice.
 */
final class PoolPath implements Path {
  private final PoolFileSystem fs;
  private final String text;

  /** Where each name begins; empty for the root. */
  private volatile int @Nullable [] starts;

  private volatile PathWalk.@Nullable Route route;

  /**
   * @param text as {@link PathText} writes it
   */
  PoolPath(PoolFileSystem fs, String text) {
    this.fs = fs;
    this.text = text;
  }

  /**
   * The path as one of ours.
   *
   * @throws ProviderMismatchException when it is another provider's
   */
  static PoolPath of(Path path) {
    if (Objects.requireNonNull(path) instanceof PoolPath ours) {
      return ours;
    }
    throw new ProviderMismatchException("not a path in a pool: " + path);
  }

  /** The way to it. */
  PathWalk.Route route() throws IOException {
    PathWalk.Route known = route;
    if (known == null) {
      known = PathWalk.Route.of(absoluteText());
      if (!isAbsolute()) {
        known = known.as(text);
      }
      route = known;
    }
    return known;
  }

  String text() {
    return text;
  }

  private String absoluteText() {
    return isAbsolute() ? text : PathText.ROOT + text;
  }

  private boolean isEmpty() {
    return text.isEmpty();
  }

  private PoolPath sibling(String other) {
    return new PoolPath(fs, other);
  }

  private int[] starts() {
    int[] known = starts;
    if (known == null) {
      known = findStarts();
      starts = known;
    }
    return known;
  }

  private int[] findStarts() {
    if (text.equals(PathText.ROOT)) {
      return new int[0];
    }
    int first = isAbsolute() ? 1 : 0;
    int count = 1;
    for (int i = first; i < text.length(); i++) {
      count += text.charAt(i) == '/' ? 1 : 0;
    }
    int[] found = new int[count];
    found[0] = first;
    for (int i = first, n = 1; n < count; i++) {
      if (text.charAt(i) == '/') {
        found[n] = i + 1;
        n++;
      }
    }
    return found;
  }

  private int end(int index) {
    int[] all = starts();
    return index + 1 < all.length ? all[index + 1] - 1 : text.length();
  }

  private String name(int index) {
    return text.substring(starts()[index], end(index));
  }

  @Override
  public PoolFileSystem getFileSystem() {
    return fs;
  }

  @Override
  public boolean isAbsolute() {
    return text.startsWith(PathText.ROOT);
  }

  @Override
  public @Nullable Path getRoot() {
    return isAbsolute() ? fs.root() : null;
  }

  @Override
  public @Nullable Path getFileName() {
    int count = getNameCount();
    if (count == 0) {
      return null;
    }
    return count == 1 && !isAbsolute() ? this : sibling(name(count - 1));
  }

  @Override
  public @Nullable Path getParent() {
    int slash = text.lastIndexOf('/');
    if (slash < 0 || text.length() == 1) {
      return null;
    }
    return slash == 0 ? fs.root() : sibling(text.substring(0, slash));
  }

  @Override
  public int getNameCount() {
    return starts().length;
  }

  @Override
  public Path getName(int index) {
    checkNames(index, index + 1);
    return sibling(name(index));
  }

  @Override
  public Path subpath(int begin, int end) {
    checkNames(begin, end);
    return sibling(text.substring(starts()[begin], end(end - 1)));
  }

  private void checkNames(int begin, int end) {
    if (begin < 0 || begin >= end || end > getNameCount()) {
      throw new IllegalArgumentException(
          "names " + begin + " to " + end + " of " + getNameCount() + " in " + text);
    }
  }

  @Override
  public boolean startsWith(Path other) {
    if (!(Objects.requireNonNull(other) instanceof PoolPath start) || start.fs != fs) {
      return false;
    }
    if (start.isEmpty() || isEmpty()) {
      return start.isEmpty() && isEmpty();
    }
    if (start.text.equals(PathText.ROOT)) {
      return isAbsolute();
    }
    return text.startsWith(start.text)
        && (text.length() == start.text.length() || text.charAt(start.text.length()) == '/');
  }

  @Override
  public boolean endsWith(Path other) {
    if (!(Objects.requireNonNull(other) instanceof PoolPath tail) || tail.fs != fs) {
      return false;
    }
    if (tail.isEmpty() || isEmpty()) {
      return tail.isEmpty() && isEmpty();
    }
    if (tail.isAbsolute()) {
      return text.equals(tail.text);
    }
    int before = text.length() - tail.text.length() - 1;
    return text.endsWith(tail.text) && (before < 0 || text.charAt(before) == '/');
  }

  @Override
  public Path normalize() {
    Deque<String> names = new ArrayDeque<>();
    boolean changed = false;
    for (int i = 0; i < getNameCount(); i++) {
      String name = name(i);
      if (name.equals(".")) {
        changed = true;
      } else if (!name.equals("..")) {
        names.addLast(name);
      } else if (!names.isEmpty() && !"..".equals(names.peekLast())) {
        names.removeLast();
        changed = true;
      } else if (isAbsolute()) {
        // The root is in itself.
        changed = true;
      } else {
        names.addLast(name);
      }
    }
    return changed ? sibling((isAbsolute() ? "/" : "") + String.join("/", names)) : this;
  }

  private boolean hasDots() {
    for (int i = 0; i < getNameCount(); i++) {
      int length = end(i) - starts()[i];
      if (length > 0 && length <= 2 && name(i).chars().allMatch(c -> c == '.')) {
        return true;
      }
    }
    return false;
  }

  @Override
  public Path resolve(Path other) {
    PoolPath tail = of(other);
    if (tail.isAbsolute() || isEmpty()) {
      return tail;
    }
    return tail.isEmpty() ? this : resolveText(tail.text);
  }

  @Override
  public Path resolve(String other) {
    return resolve(fs.getPath(other));
  }

  /** What is called so in this directory. */
  PoolPath resolveText(String relative) {
    if (isEmpty()) {
      return sibling(relative);
    }
    return sibling(text.endsWith("/") ? text + relative : text + "/" + relative);
  }

  @Override
  public Path relativize(Path other) {
    PoolPath to = of(other);
    if (to.fs != fs) {
      throw new IllegalArgumentException("not in the same pool: " + other);
    }
    if (to.isAbsolute() != isAbsolute()) {
      throw new IllegalArgumentException(
          "one of these is absolute, the other is not: " + this + ", " + other);
    }
    if (to.equals(this)) {
      return sibling("");
    }
    if (isEmpty()) {
      return to;
    }
    boolean dots = hasDots() || to.hasDots();
    PoolPath from = dots ? of(normalize()) : this;
    PoolPath goal = dots ? of(to.normalize()) : to;
    int fromNames = from.isEmpty() ? 0 : from.getNameCount();
    int goalNames = goal.isEmpty() ? 0 : goal.getNameCount();
    int common = 0;
    while (common < Math.min(fromNames, goalNames) && from.name(common).equals(goal.name(common))) {
      common++;
    }
    StringBuilder way = new StringBuilder();
    for (int i = common; i < fromNames; i++) {
      if (from.name(i).equals("..")) {
        throw new IllegalArgumentException("nobody knows the way back from " + this);
      }
      way.append(way.isEmpty() ? ".." : "/..");
    }
    for (int i = common; i < goalNames; i++) {
      way.append(way.isEmpty() ? "" : "/").append(goal.name(i));
    }
    return sibling(way.toString());
  }

  /** Of what is a directory now, with a slash at the end. */
  @Override
  public URI toUri() {
    String path = absoluteText();
    return PoolUri.of(fs.pool(), !path.endsWith("/") && isDirectory() ? path + "/" : path);
  }

  private boolean isDirectory() {
    try {
      PathWalk.Found found = fs.filesByPath().look(this, LastLink.FOLLOW);
      return found != null && found.isDirectory();
    } catch (IOException | IllegalStateException unknown) {
      // A path has a URI whatever can be found out about it.
      return false;
    }
  }

  @Override
  public PoolPath toAbsolutePath() {
    return isAbsolute() ? this : sibling(absoluteText());
  }

  @Override
  public Path toRealPath(LinkOption... options) throws IOException {
    LastLink last = Options.last(options);
    return fs.call(this, null, () -> last == LastLink.FOLLOW ? real() : realButLinks());
  }

  private PoolPath real() throws IOException {
    Place place = fs.walk().find(route(), LastLink.FOLLOW);
    PathWalk.Found found = place.require();
    if (found.isDirectory()) {
      return sibling(fs.files().paths(found.id()).getFirst());
    }
    PoolPath directory = sibling(fs.files().paths(place.directory()).getFirst());
    return directory.resolveText(place.requireName().toString());
  }

  /** As the Unix provider does: links stay, and so do the {@code ".."} behind them. */
  private PoolPath realButLinks() throws IOException {
    PoolPath real = of(fs.root());
    PoolPath from = toAbsolutePath();
    Deque<PoolPath> before = new ArrayDeque<>();
    for (int i = 0; i < from.getNameCount(); i++) {
      String name = from.name(i);
      if (name.equals(".")) {
        continue;
      }
      boolean goesBack = name.equals("..") && !real.isLink();
      if (goesBack) {
        real = before.isEmpty() ? real : before.pop();
      } else {
        before.push(real);
        real = real.resolveText(name);
      }
    }
    fs.walk().find(real.route().as(text), LastLink.KEEP).require();
    return real;
  }

  private boolean isLink() throws IOException {
    PathWalk.Found found = fs.walk().find(route(), LastLink.KEEP).require();
    return found.type() == io.bezoar.fs.FileType.SYMLINK;
  }

  @Override
  public Iterator<Path> iterator() {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < getNameCount();
      }

      @Override
      public Path next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        next++;
        return getName(next - 1);
      }
    };
  }

  /**
   * Not supported: nobody tells of changes in a pool.
   *
   * @throws ProviderMismatchException always: no watch service is one of this provider's
   */
  @Override
  public WatchKey register(
      WatchService watcher, WatchEvent.Kind<?>[] events, WatchEvent.Modifier... modifiers) {
    Objects.requireNonNull(watcher);
    throw new ProviderMismatchException("files in a pool cannot be watched");
  }

  /** In the order of the texts; of different pools, of the pools' paths. */
  @Override
  public int compareTo(Path other) {
    PoolPath path = (PoolPath) other;
    int order = text.compareTo(path.text);
    return order != 0 || path.fs == fs ? order : fs.pool().compareTo(path.fs.pool());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PoolPath path && path.fs == fs && path.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }

  /** The text of what {@link PoolFileSystem#getPath} is given. */
  static String join(String first, String... more) {
    if (more.length == 0) {
      return first;
    }
    StringBuilder joined = new StringBuilder(first);
    for (String part : more) {
      if (!part.isEmpty()) {
        joined.append(joined.isEmpty() ? "" : "/").append(part);
      }
    }
    return joined.toString();
  }
}
