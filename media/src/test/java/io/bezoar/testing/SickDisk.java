package io.bezoar.testing;

import static org.junit.jupiter.api.Assumptions.abort;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A file whose bad sectors the kernel itself refuses to read: nbdkit serves the content and fails
 * what a ddrescue map calls bad, nbdfuse makes a file of it, and, when asked for, a loop device
 * makes a disk of that. Unlike a drill nothing of it is known to Bezoar. Needs root.
 */
public final class SickDisk implements AutoCloseable {
  private static final long SECONDS_MAX = 30;

  private final Path folder;
  private final Path file;
  private final Process server;
  private final List<String> devices = new ArrayList<>();

  private SickDisk(Path folder, Path file, Process server) {
    this.folder = folder;
    this.file = file;
    this.server = server;
  }

  /**
   * Serves {@code content} with these bad places.
   *
   * @param bad in whole sectors
   */
  public static SickDisk of(Path content, Collection<ByteRange> bad)
      throws IOException, InterruptedException {
    Path nbdfuse = Tools.require("nbdfuse", "libnbd-bin");
    Path nbdkit = Tools.require("nbdkit", "nbdkit");
    if (!"root".equals(System.getProperty("user.name")) || !Files.exists(Path.of("/dev/fuse"))) {
      String why = "SKIPPED: tests on a disk with bad sectors: needs root and /dev/fuse";
      System.err.println(why);
      abort(why);
    }
    Path folder = Files.createTempDirectory("sick-disk");
    Path map = folder.resolve("bad.map");
    Files.writeString(map, mapOf(Files.size(content), bad));
    Path file = Files.createFile(folder.resolve("disk"));
    Path pid = folder.resolve("ready.pid");
    try (WatchService watch = folder.getFileSystem().newWatchService()) {
      folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
      Process server =
          new ProcessBuilder(
                  nbdfuse.toString(),
                  "-r",
                  "-P",
                  pid.toString(),
                  file.toString(),
                  "--command",
                  nbdkit.toString(),
                  "-s",
                  "--exit-with-parent",
                  "--filter=ddrescue",
                  "file",
                  content.toString(),
                  "ddrescue-mapfile=" + map)
              .redirectErrorStream(true)
              .redirectOutput(folder.resolve("log").toFile())
              .start();
      SickDisk disk = new SickDisk(folder, file, server);
      while (!Files.exists(pid)) {
        WatchKey key = watch.poll(SECONDS_MAX, TimeUnit.SECONDS);
        if (key == null || !server.isAlive()) {
          server.destroyForcibly();
          throw new IOException(
              "nbdfuse did not start: " + Files.readString(folder.resolve("log")));
        }
        key.reset();
      }
      return disk;
    }
  }

  private static String mapOf(long sizeBytes, Collection<ByteRange> bad) {
    StringBuilder map = new StringBuilder("# Mapfile\n0x0 + 1\n");
    long at = 0;
    for (ByteRange range : bad.stream().sorted().toList()) {
      if (range.start() > at) {
        map.append("0x%x 0x%x +\n".formatted(at, range.start() - at));
      }
      map.append("0x%x 0x%x -\n".formatted(range.start(), range.length()));
      at = range.end();
    }
    if (at < sizeBytes) {
      map.append("0x%x 0x%x +\n".formatted(at, sizeBytes - at));
    }
    return map.toString();
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** The same as a block device, which does its I/O past the page cache of the file. */
  public Path device() throws IOException, InterruptedException {
    String device =
        Tools.run("losetup", "-f", "-r", "--direct-io=on", "--show", file.toString())
            .orFail()
            .strip();
    devices.add(device);
    return Path.of(device);
  }

  /** How many reads it has refused up to now. */
  public long refusedReads() throws IOException {
    try (Stream<String> lines = Files.lines(folder.resolve("log"))) {
      return lines.filter(line -> line.contains("read: command failed")).count();
    }
  }

  /** From now on it does not answer at all, as when it is pulled out. */
  public void vanish() throws InterruptedException {
    server.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws IOException {
    for (String device : devices) {
      SmallTmpfs.run("losetup", "-d", device);
    }
    SmallTmpfs.run("umount", file.toString());
    try {
      if (!server.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
        server.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      server.destroyForcibly();
    }
    for (Path left : List.of(file, folder.resolve("bad.map"), folder.resolve("log"))) {
      Files.deleteIfExists(left);
    }
    Files.deleteIfExists(folder.resolve("ready.pid"));
    Files.delete(folder);
  }
}
