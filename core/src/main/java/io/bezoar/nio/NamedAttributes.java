package io.bezoar.nio;

import io.bezoar.fs.AttributeChange;
import io.bezoar.fs.PathWalk.LastLink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.UserPrincipal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Attributes by their names, {@code view:name}: those of the default provider's views {@code
 * basic}, {@code posix}, {@code owner}, {@code unix} and {@code user}.
 */
final class NamedAttributes {
  private static final int MODE_BITS = 07777;

  private static final Map<String, Function<PoolFileAttributes, Object>> BASIC =
      Map.of(
          "size", PoolFileAttributes::size,
          "creationTime", PoolFileAttributes::creationTime,
          "lastAccessTime", PoolFileAttributes::lastAccessTime,
          "lastModifiedTime", PoolFileAttributes::lastModifiedTime,
          "fileKey", PoolFileAttributes::fileKey,
          "isDirectory", PoolFileAttributes::isDirectory,
          "isRegularFile", PoolFileAttributes::isRegularFile,
          "isSymbolicLink", PoolFileAttributes::isSymbolicLink,
          "isOther", PoolFileAttributes::isOther);

  private static final Map<String, Function<PoolFileAttributes, Object>> OWNER =
      Map.of("owner", PoolFileAttributes::owner);

  private static final Map<String, Function<PoolFileAttributes, Object>> POSIX =
      joined(
          BASIC,
          Map.of(
              "permissions", PoolFileAttributes::permissions,
              "owner", PoolFileAttributes::owner,
              "group", PoolFileAttributes::group));

  private static final Map<String, Function<PoolFileAttributes, Object>> UNIX =
      joined(
          POSIX,
          Map.of(
              "mode", PoolFileAttributes::modeWithType,
              "ino", attributes -> attributes.key().ino(),
              "dev", attributes -> attributes.key().dev(),
              "rdev", _ -> 0L,
              "nlink", attributes -> (int) attributes.of().links(),
              "uid", attributes -> attributes.of().uid(),
              "gid", attributes -> attributes.of().gid(),
              "ctime", PoolFileAttributes::changeTime));

  private final PoolPath path;
  private final LastLink last;

  NamedAttributes(PoolPath path, LastLink last) {
    this.path = path;
    this.last = last;
  }

  private static Map<String, Function<PoolFileAttributes, Object>> joined(
      Map<String, Function<PoolFileAttributes, Object>> some,
      Map<String, Function<PoolFileAttributes, Object>> more) {
    Map<String, Function<PoolFileAttributes, Object>> all = new LinkedHashMap<>(some);
    all.putAll(more);
    return Map.copyOf(all);
  }

  /**
   * What an attribute's name means.
   *
   * @param view before the colon, {@code basic} if there is none
   * @param name behind it
   */
  private record Name(String view, String name) {
    static Name of(String written) {
      int colon = written.indexOf(':');
      return colon < 0
          ? new Name("basic", written)
          : new Name(written.substring(0, colon), written.substring(colon + 1));
    }

    UnsupportedOperationException noView() {
      return new UnsupportedOperationException("View '" + view + "' not available");
    }

    IllegalArgumentException unknown(String attribute) {
      return new IllegalArgumentException("'" + view + ":" + attribute + "' not recognized");
    }
  }

  /** Reads the attributes of a list such as {@code "posix:owner,size"} or {@code "*"}. */
  Map<String, Object> read(String list) throws IOException {
    Name asked = Name.of(list);
    if (asked.name.isEmpty()) {
      throw new IllegalArgumentException("No attributes specified");
    }
    List<String> names = List.of(asked.name.split(","));
    return switch (asked.view) {
      case "basic" -> read(BASIC, asked, names);
      case "posix" -> read(POSIX, asked, names);
      case "unix" -> read(UNIX, asked, names);
      case "owner" -> read(OWNER, asked, names);
      case "user" -> readUser(names);
      default -> throw asked.noView();
    };
  }

  private Map<String, Object> read(
      Map<String, Function<PoolFileAttributes, Object>> known, Name asked, List<String> names)
      throws IOException {
    boolean all = names.contains("*");
    for (String name : names) {
      if (!name.equals("*") && !known.containsKey(name)) {
        throw asked.unknown(name);
      }
    }
    PoolFileAttributes attributes = new PosixView("basic", path, last).readAttributes();
    Map<String, Object> values = new LinkedHashMap<>();
    for (String name : all ? known.keySet() : Set.copyOf(names)) {
      Function<PoolFileAttributes, Object> value = known.get(name);
      if (value != null) {
        values.put(name, value.apply(attributes));
      }
    }
    return values;
  }

  private Map<String, Object> readUser(List<String> names) throws IOException {
    UserView view = new UserView(path, last);
    Map<String, Object> values = new LinkedHashMap<>();
    for (String name : names.contains("*") ? view.list() : names) {
      values.put(name, view.value(name));
    }
    return values;
  }

  /** Sets one attribute. */
  void set(String written, @Nullable Object value) throws IOException {
    Name name = Name.of(written);
    PosixView view = new PosixView("basic", path, last);
    boolean done =
        switch (name.view) {
          case "basic" -> setBasic(view, name.name, value);
          case "posix" -> setBasic(view, name.name, value) || setPosix(view, name.name, value);
          case "unix" ->
              setBasic(view, name.name, value)
                  || setPosix(view, name.name, value)
                  || setUnix(view, name.name, value);
          case "owner" -> name.name.equals("owner") && setPosix(view, name.name, value);
          case "user" -> setUser(name.name, value);
          default -> throw name.noView();
        };
    if (!done) {
      throw name.unknown(name.name);
    }
  }

  private static <T> T require(@Nullable T value) {
    if (value == null) {
      throw new NullPointerException("the value of an attribute is null");
    }
    return value;
  }

  private static boolean setBasic(PosixView view, String name, @Nullable Object value)
      throws IOException {
    switch (name) {
      case "lastModifiedTime" -> view.setTimes((FileTime) value, null, null);
      case "lastAccessTime" -> view.setTimes(null, (FileTime) value, null);
      case "creationTime" -> view.setTimes(null, null, (FileTime) value);
      default -> {
        return false;
      }
    }
    return true;
  }

  private static boolean setPosix(PosixView view, String name, @Nullable Object value)
      throws IOException {
    switch (name) {
      case "permissions" ->
          view.set(AttributeChange.NONE.withMode(Options.mode((Set<?>) require(value))));
      case "owner" -> view.setOwner((UserPrincipal) require(value));
      case "group" -> view.setGroup((GroupPrincipal) require(value));
      default -> {
        return false;
      }
    }
    return true;
  }

  private static boolean setUnix(PosixView view, String name, @Nullable Object value)
      throws IOException {
    switch (name) {
      case "mode" -> view.set(AttributeChange.NONE.withMode((Integer) require(value) & MODE_BITS));
      case "uid" -> view.set(new AttributeChange(null, owner(value), null, null, null, null));
      case "gid" -> view.set(new AttributeChange(null, null, owner(value), null, null, null));
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Of -1 chown(2) says that the owner stays; null says so here. */
  private static @Nullable Integer owner(@Nullable Object value) {
    int number = (Integer) require(value);
    return number == -1 ? null : number;
  }

  private boolean setUser(String name, @Nullable Object value) throws IOException {
    ByteBuffer bytes =
        value instanceof byte[] array ? ByteBuffer.wrap(array) : (ByteBuffer) require(value);
    return new UserView(path, last).write(name, bytes) >= 0;
  }
}
