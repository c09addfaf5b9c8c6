package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.FileName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Attributes of this machine's files. */
final class LocalFiles {
  /** Extended attributes that everybody may set; Java leaves this out of their names. */
  private static final String USER = "user.";

  private static final String ATTRIBUTES =
      "unix:mode,uid,gid,nlink,size,lastAccessTime,lastModifiedTime,creationTime,isRegularFile,"
          + "isDirectory,isSymbolicLink,fileKey";
  private static final Set<String> NO_NAMES = Set.of(".", "..");
  private static final long NANOS_PER_SECOND = 1_000_000_000;
  private static final int SET_ID = 06000;
  private static final int PERMISSIONS = 07777;

  private final Set<Object> poolDevices = new HashSet<>();
  private final int ownUid;

  /**
   * Files beside a pool.
   *
   * @param devices the pool's own, which are no files to be copied or replaced
   */
  LocalFiles(Iterable<Path> devices) throws IOException {
    for (Path device : devices) {
      if (Files.exists(device)) {
        poolDevices.add(key(device));
      }
    }
    this.ownUid = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  private static Object key(Path path) throws IOException {
    return Files.getAttribute(path, "unix:fileKey");
  }

  boolean isPoolDevice(Path path) throws IOException {
    return poolDevices.contains(key(path));
  }

  /** Looks at one; symbolic links are not followed. */
  CopyItem item(Path path) throws IOException {
    Map<String, Object> all = Files.readAttributes(path, ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
    CopyItem.Kind kind = kind(all);
    Object key = get(all, "fileKey", Object.class);
    boolean shared = kind == CopyItem.Kind.FILE && number(all, "nlink") > 1;
    CopyAttributes attributes =
        new CopyAttributes(
            number(all, "mode") & PERMISSIONS,
            number(all, "uid"),
            number(all, "gid"),
            get(all, "size", Long.class),
            nanos(all, "lastAccessTime"),
            nanos(all, "lastModifiedTime"),
            nanos(all, "creationTime"));
    Path last = path.getFileName();
    boolean isNamed = last != null && !NO_NAMES.contains(last.toString());
    FileName name = isNamed ? LocalNames.name(path) : null;
    return new CopyItem(new Where.Local(path), name, kind, attributes, shared ? key : null);
  }

  private CopyItem.Kind kind(Map<String, Object> all) {
    if (poolDevices.contains(get(all, "fileKey", Object.class))) {
      return CopyItem.Kind.POOL_DEVICE;
    }
    if (get(all, "isRegularFile", Boolean.class)) {
      return CopyItem.Kind.FILE;
    }
    if (get(all, "isDirectory", Boolean.class)) {
      return CopyItem.Kind.DIRECTORY;
    }
    return get(all, "isSymbolicLink", Boolean.class) ? CopyItem.Kind.LINK : CopyItem.Kind.SPECIAL;
  }

  private static <T> T get(Map<String, Object> all, String name, Class<T> type) {
    return type.cast(Objects.requireNonNull(all.get(name), name));
  }

  private static int number(Map<String, Object> all, String name) {
    return get(all, name, Integer.class);
  }

  private static long nanos(Map<String, Object> all, String name) {
    return get(all, name, FileTime.class).to(TimeUnit.NANOSECONDS);
  }

  static Path local(Where where) {
    return switch (where) {
      case Where.Local(Path at) -> at;
      case Where.Stored stored -> throw new IllegalArgumentException(stored + " is not local");
    };
  }

  static Map<AttributeName, byte[]> extended(Path path) throws IOException {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(
            path, UserDefinedFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    Map<AttributeName, byte[]> attributes = new LinkedHashMap<>();
    for (String name : namesIn(view)) {
      ByteBuffer value = ByteBuffer.allocate(view.size(name));
      view.read(name, value);
      attributes.put(AttributeName.of(USER + name), value.array());
    }
    return attributes;
  }

  private static Iterable<String> namesIn(UserDefinedFileAttributeView view) throws IOException {
    try {
      return view.list();
    } catch (FileSystemException cannot) {
      String reason = String.valueOf(cannot.getReason());
      // A file system that knows none has none.
      if (reason.contains("not supported") || reason.contains("not implemented")) {
        return Set.of();
      }
      throw cannot;
    }
  }

  /** Gives a file or directory everything that is kept; times last, as all else changes them. */
  void apply(Path path, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
      throws IOException {
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
    for (Map.Entry<AttributeName, byte[]> attribute : extended.entrySet()) {
      String name = attribute.getKey().toString();
      if (!name.startsWith(USER)) {
        throw new FileSystemException(
            path.toString(), null, "extended attribute " + name + " can only be kept in a pool");
      }
      view.write(name.substring(USER.length()), ByteBuffer.wrap(attribute.getValue()));
    }
    boolean owned = own(path, attributes);
    int mode = owned ? attributes.mode() : attributes.mode() & ~SET_ID;
    Files.setAttribute(path, "unix:mode", mode);
    setTimes(path, attributes);
  }

  /** Gives a symbolic link what is kept of it; it has no mode of its own. */
  void applyToLink(Path path, CopyAttributes attributes) throws IOException {
    own(path, attributes);
    setTimes(path, attributes);
  }

  /** As cp does: only the superuser can give files away, and for others they are their own. */
  private boolean own(Path path, CopyAttributes attributes) throws IOException {
    if (ownUid != 0) {
      return attributes.uid() == ownUid;
    }
    Files.setAttribute(path, "unix:uid", attributes.uid(), LinkOption.NOFOLLOW_LINKS);
    Files.setAttribute(path, "unix:gid", attributes.gid(), LinkOption.NOFOLLOW_LINKS);
    return true;
  }

  private static void setTimes(Path path, CopyAttributes attributes) throws IOException {
    Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
        .setTimes(time(attributes.modifiedNanos()), time(attributes.accessedNanos()), null);
  }

  /** Java makes 1970 of times before that are not whole seconds. */
  private static FileTime time(long nanos) {
    if (nanos < 0) {
      return FileTime.from(Math.floorDiv(nanos, NANOS_PER_SECOND), TimeUnit.SECONDS);
    }
    return FileTime.from(nanos, TimeUnit.NANOSECONDS);
  }

  /** A name in {@code folder} that nobody has chosen. */
  static Path temporary(Path folder) {
    return folder.resolve(TemporaryName.next());
  }
}
