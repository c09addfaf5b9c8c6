package io.bezoar.cli;

import io.bezoar.testing.Tools;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Trees of files with everything that files can have, and what there is to say about one. */
final class LocalTree {
  private static final int MIB = 1 << 20;

  private LocalTree() {}

  /** A tree of some dozen files at {@code root}, of about 6 MiB. */
  static void make(Path root, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    Files.createDirectories(root.resolve("folder/deeper/still"));
    Files.createDirectory(root.resolve("empty folder"));
    for (int size : new int[] {0, 1, 4095, 4096, 4097, MIB - 1, MIB, 2 * MIB + 7}) {
      Files.write(root.resolve("of " + size), bytes(random, size));
    }
    for (int i = 0; i < 40; i++) {
      Files.write(root.resolve("folder/deeper/" + i), bytes(random, random.nextInt(9000)));
    }
    for (String odd :
        new String[] {"%0A", "%C3%A4%E2%82%AC", "x%FF%C3y", "-rf", "%5C%20'%22", ".x"}) {
      Files.write(raw(root, odd), bytes(random, 10));
    }
    Files.write(root.resolve("x".repeat(255)), bytes(random, 10));
    sparse(root.resolve("sparse"), random);
    hole(root.resolve("hole"));
    links(root);
    modes(root);
    extended(root, random);
    times(root, random);
  }

  private static byte[] bytes(SplittableRandom random, int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return bytes;
  }

  /** A name that may hold any byte. */
  static Path raw(Path folder, String encoded) {
    String uri = folder.toUri().toString();
    return Path.of(URI.create((uri.endsWith("/") ? uri : uri + "/") + encoded));
  }

  private static void sparse(Path file, SplittableRandom random) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes(random, 5000)), 8L * MIB + 123);
      channel.write(ByteBuffer.wrap(bytes(random, 4096)), 40L * MIB);
    }
  }

  private static void hole(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(1), 3L * MIB);
      channel.truncate(3L * MIB);
    }
  }

  private static void links(Path root) throws IOException {
    Files.createSymbolicLink(root.resolve("relative"), Path.of("folder/deeper/1"));
    Files.createSymbolicLink(root.resolve("absolute"), Path.of("/etc/hostname"));
    Files.createSymbolicLink(root.resolve("folder/dangling"), Path.of("../no/such/thing"));
    Files.createSymbolicLink(root.resolve("to a folder"), Path.of("folder"));
    Files.createSymbolicLink(root.resolve("far"), Path.of("y/".repeat(1000) + "y"));
    Path odd = raw(Path.of("/"), "x%FF%C3y");
    Files.createSymbolicLink(root.resolve("odd"), odd.subpath(0, 1));
    Files.createLink(root.resolve("folder/hard"), root.resolve("of 4097"));
    Files.createLink(root.resolve("folder/deeper/harder"), root.resolve("of 4097"));
    Files.createLink(root.resolve("empty folder/hard"), root.resolve("of 0"));
  }

  private static void modes(Path root) throws IOException {
    Files.setAttribute(root.resolve("of 1"), "unix:mode", 0);
    Files.setAttribute(root.resolve("of 4095"), "unix:mode", 04755);
    Files.setAttribute(root.resolve("of 4096"), "unix:mode", 0444);
    Files.setAttribute(root.resolve("folder/deeper/still"), "unix:mode", 01777);
    Files.setAttribute(root.resolve("folder/deeper"), "unix:mode", 0550);
    if ((int) Files.getAttribute(root, "unix:uid") == 0) {
      Files.setAttribute(root.resolve("of 1"), "unix:uid", 12345);
      Files.setAttribute(root.resolve("of 1"), "unix:gid", 54321);
      Files.setAttribute(
          root.resolve("folder/dangling"), "unix:uid", 77, LinkOption.NOFOLLOW_LINKS);
    }
  }

  private static void extended(Path root, SplittableRandom random) throws IOException {
    if (knowsExtended(root)) {
      for (String name : List.of("of 4097", "folder")) {
        UserDefinedFileAttributeView view =
            Files.getFileAttributeView(root.resolve(name), UserDefinedFileAttributeView.class);
        view.write("origin", ByteBuffer.wrap(bytes(random, 20)));
        view.write("empty", ByteBuffer.allocate(0));
      }
    }
  }

  static boolean knowsExtended(Path root) throws IOException {
    return Files.getFileStore(root).supportsFileAttributeView(UserDefinedFileAttributeView.class);
  }

  private static void times(Path root, SplittableRandom random) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(root)) {
      all = walk.toList();
    }
    // From the leaves up, because making a time in a folder is none of the folder's.
    for (Path path : all.reversed()) {
      // Java sets times before 1970 by whole seconds only.
      long modified =
          random.nextInt(4) == 0
              ? -1_000_000_000L * random.nextLong(1_000_000_000)
              : random.nextLong(1_700_000_000_000_000_000L);
      Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
          .setTimes(
              FileTime.from(modified, TimeUnit.NANOSECONDS),
              FileTime.from(modified + 1_000_000_000L * random.nextInt(1000), TimeUnit.NANOSECONDS),
              null);
    }
  }

  /** Everything that a copy keeps, by path; the times of last access were taken before reading. */
  static Map<String, String> describe(Path root) throws IOException {
    Map<String, String> described = new TreeMap<>();
    Map<Object, String> firstNames = new HashMap<>();
    List<Path> all = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(root)) {
      walk.sorted().forEach(all::add);
    }
    for (Path path : all) {
      String name = name(root, path);
      Map<String, Object> has = Files.readAttributes(path, "unix:*", LinkOption.NOFOLLOW_LINKS);
      boolean isLink = Files.isSymbolicLink(path);
      StringBuilder text = new StringBuilder();
      text.append(
          "mode %o uid %s gid %s"
              .formatted(
                  (int) Objects.requireNonNull(has.get("mode")), has.get("uid"), has.get("gid")));
      text.append(" modified ").append(nanos(has.get("lastModifiedTime")));
      if (isLink) {
        text.append(" to ").append(raw(Files.readSymbolicLink(path)));
      } else if (Files.isRegularFile(path)) {
        // Those of folders and links change by being looked at.
        text.append(" accessed ").append(nanos(has.get("lastAccessTime")));
        text.append(" size ").append(Files.size(path));
        String first = firstNames.putIfAbsent(has.get("fileKey"), name);
        text.append(" same as ").append(first == null ? "none" : first);
        text.append(" links ").append(has.get("nlink"));
      }
      described.put(name, text.toString());
    }
    for (Path path : all) {
      if (!Files.isSymbolicLink(path)) {
        String content = Files.isRegularFile(path) ? " content " + checksum(path) : "";
        described.merge(name(root, path), content + extended(path), String::concat);
      }
    }
    return described;
  }

  private static String name(Path root, Path path) {
    String whole = path.toAbsolutePath().toUri().getRawPath();
    String base = root.toAbsolutePath().toUri().getRawPath();
    return whole.substring(Math.min(base.length(), whole.length()));
  }

  private static String raw(Path target) {
    return Path.of("/").resolve(target).toUri().getRawPath() + " " + target.isAbsolute();
  }

  private static long nanos(@Nullable Object time) {
    return ((FileTime) Objects.requireNonNull(time)).to(TimeUnit.NANOSECONDS);
  }

  private static String checksum(Path path) throws IOException {
    CRC32C crc = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocateDirect(MIB);
    try (FileChannel channel = FileChannel.open(path)) {
      while (channel.read(buffer.clear()) >= 0) {
        crc.update(buffer.flip());
      }
    }
    return Long.toHexString(crc.getValue());
  }

  private static String extended(Path path) throws IOException {
    if (!knowsExtended(path)) {
      return "";
    }
    UserDefinedFileAttributeView view =
        Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
    TreeMap<String, String> values = new TreeMap<>();
    for (String name : view.list()) {
      ByteBuffer value = ByteBuffer.allocate(view.size(name));
      view.read(name, value);
      values.put(name, HexFormat.of().formatHex(value.array()));
    }
    return values.isEmpty() ? "" : " " + values;
  }

  /** Bytes that a file takes on its disk. */
  static long allocatedBytes(Path file) throws IOException, InterruptedException {
    return 512 * Long.parseLong(Tools.run("stat", "-c", "%b", file.toString()).orFail().strip());
  }
}
