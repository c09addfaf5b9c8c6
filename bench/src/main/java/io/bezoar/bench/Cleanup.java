package io.bezoar.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Leaves nothing behind: every folder and process of a run is known here and removed when it ends,
 * also by Ctrl-C or SIGTERM. Thread-safe.
 */
final class Cleanup implements AutoCloseable {
  private final Thread hook = new Thread(this::removeAll, "bench-cleanup");
  // Guarded by this.
  private final List<Path> folders = new ArrayList<>();
  private final Set<Process> processes = new HashSet<>();
  private boolean stopped;

  Cleanup() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** A new folder within {@code parent}. */
  synchronized Path newFolder(Path parent) throws IOException {
    requireGoingOn();
    Path folder = Files.createTempDirectory(parent, "bezoar-bench-");
    folders.add(folder);
    return folder;
  }

  /** Starts a process that does not outlive the run. */
  synchronized Process start(ProcessBuilder builder) throws IOException {
    requireGoingOn();
    Process process = builder.start();
    processes.add(process);
    return process;
  }

  /** A process has ended, or is to. */
  void end(Process process) throws InterruptedException {
    process.destroy();
    process.waitFor();
    synchronized (this) {
      processes.remove(process);
    }
  }

  private void requireGoingOn() throws IOException {
    if (stopped) {
      throw new IOException("interrupted");
    }
  }

  private synchronized void removeAll() {
    stopped = true;
    processes.forEach(Process::destroyForcibly);
    for (Path folder : folders) {
      try {
        remove(folder);
      } catch (IOException failed) {
        System.err.println("bezoar bench: could not remove " + folder + ": " + failed);
      }
    }
    folders.clear();
  }

  private static void remove(Path folder) throws IOException {
    try (Stream<Path> found = Files.walk(folder)) {
      for (Path path : found.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    } catch (NoSuchFileException gone) {
      // Somebody else was faster; that is all that is wanted.
    }
  }

  @Override
  public void close() {
    removeAll();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException ending) {
      // The hook is running, and finds nothing left to do.
    }
  }
}
