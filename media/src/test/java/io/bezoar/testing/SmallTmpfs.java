package io.bezoar.testing;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system in memory that is really full when it is full. Needs root. */
public final class SmallTmpfs implements AutoCloseable {
  private final Path folder;

  private SmallTmpfs(Path folder) {
    this.folder = folder;
  }

  /** Mounts one with room for {@code sizeBytes} bytes. */
  public static SmallTmpfs of(long sizeBytes) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("small-tmpfs");
    Tools.Result mounted =
        Tools.run("mount", "-t", "tmpfs", "-o", "size=" + sizeBytes, "bezoar-test", "" + folder);
    if (mounted.exitCode() != 0) {
      Files.delete(folder);
      String why = "SKIPPED: tests on a full file system: " + mounted.output().strip();
      System.err.println(why);
      abort(why);
    }
    return new SmallTmpfs(folder);
  }

  /** Where it is mounted. */
  public Path folder() {
    return folder;
  }

  /** Makes it larger or smaller. */
  public void resize(long sizeBytes) throws IOException, InterruptedException {
    Tools.run("mount", "-o", "remount,size=" + sizeBytes, folder.toString()).orFail();
  }

  @Override
  public void close() throws IOException {
    run("umount", folder.toString());
    Files.delete(folder);
  }

  /** As {@link Tools#run(String...)}, for {@code close}, which should not be interrupted. */
  static void run(String... command) throws IOException {
    try {
      Tools.run(command).orFail();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
