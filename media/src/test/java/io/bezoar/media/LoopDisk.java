package io.bezoar.media;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A real disk that can be made to fail: a sparse image on a small file system in memory, attached
 * as a loop device. Filling the host makes the disk's writes fail; cutting the image makes its end
 * unreadable, to the sector. Needs root; without it the test is skipped, loudly.
 */
public final class LoopDisk implements AutoCloseable {
  private final Path folder;
  private final Path host;
  private final Path image;
  private final Path mounted;
  private final String device;
  private boolean fileSystem;

  private LoopDisk(Path folder, Path host, Path image, Path mounted, String device) {
    this.folder = folder;
    this.host = host;
    this.image = image;
    this.mounted = mounted;
    this.device = device;
  }

  /** A disk of {@code sizeBytes} bytes on a host with {@code hostBytes} bytes of room. */
  public static LoopDisk of(long sizeBytes, long hostBytes) throws Exception {
    if (!"root".equals(System.getProperty("user.name"))) {
      throw skipped("not root: run the tests as root to have disks that really fail");
    }
    for (String tool : List.of("losetup", "mkfs.ext4", "filefrag")) {
      if (!run("sh", "-c", "command -v " + tool + " || true").contains(tool)) {
        throw skipped("no " + tool + ": install e2fsprogs and util-linux");
      }
    }
    Path folder = MediaFolders.onDisk();
    Path host = Files.createDirectory(folder.resolve("host"));
    Path mounted = Files.createDirectory(folder.resolve("mounted"));
    try {
      run("mount", "-t", "tmpfs", "-o", "size=" + hostBytes, "bezoar-test", host.toString());
    } catch (IOException e) {
      MediaFolders.remove(folder);
      throw skipped("mount is not allowed here: " + e.getMessage());
    }
    Path image = host.resolve("image");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    String device;
    try {
      device = run("losetup", "-f", "--show", image.toString()).strip();
    } catch (IOException e) {
      run("umount", host.toString());
      MediaFolders.remove(folder);
      throw skipped("no loop devices here: " + e.getMessage());
    }
    return new LoopDisk(folder, host, image, mounted, device);
  }

  private static RuntimeException skipped(String why) {
    System.err.println("SKIPPED: tests on a disk that really fails: " + why);
    return abort(why);
  }

  Path device() {
    return Path.of(device);
  }

  /** Where the image lives; has no room left after {@link #fillHost}. */
  Path host() {
    return host;
  }

  /** Makes an ext4 on the disk and returns where it is mounted. */
  public Path mountExt4() throws IOException {
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", device);
    run("mount", device, mounted.toString());
    fileSystem = true;
    return mounted;
  }

  /** Leaves the host without a free page. */
  void fillHost() throws IOException {
    try (OutputStream filler = Files.newOutputStream(host.resolve("filler"))) {
      while (true) {
        filler.write(new byte[1 << 16]);
      }
    } catch (IOException e) {
      if (!String.valueOf(e.getMessage()).contains("No space left")) {
        throw e;
      }
    }
  }

  /** Makes the disk end at {@code sizeBytes}; everything beyond fails with EIO. */
  public void cut(long sizeBytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    run("losetup", "-c", device);
  }

  /** Byte of the disk where byte 0 of {@code file} lies; the file is one extent. */
  public static long placeOf(Path file) throws IOException {
    String extents = run("filefrag", "-e", "-b512", file.toString());
    Matcher first = Pattern.compile("\\s0:\\s+0\\.\\.\\s*\\d+:\\s+(\\d+)\\.\\.").matcher(extents);
    if (!first.find()) {
      throw new IOException("unexpected answer of filefrag: " + extents);
    }
    return Long.parseLong(first.group(1)) * 512;
  }

  @Override
  public void close() throws IOException {
    if (fileSystem) {
      run("umount", mounted.toString());
    }
    run("losetup", "-d", device);
    run("umount", host.toString());
    MediaFolders.remove(folder);
  }

  /** Runs a command and returns what it printed. */
  public static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (process.waitFor() != 0) {
        throw new IOException(String.join(" ", command) + ": " + out.strip());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
    return out;
  }
}
