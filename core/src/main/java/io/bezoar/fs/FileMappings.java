package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.VmaBudget;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.View;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All mappings of files.
 *
 * <p><b>Invariant.</b> A page of the device that a mapping shows is not written: nobody stores into
 * a page that a file shares with those who map it, and it is not used again before every mapping
 * that showed it shows something else.
 *
 * <p><b>Protocol.</b> Every change of the content of a file goes through {@link #changing}, with
 * the inode's lock held for writing. If the file is mapped, the state before is pinned, the change
 * is applied, all mappings of the file are brought up to date, and only then the pin and the lock
 * are given up. Beside what was freed there is what passes to somebody else: of two files that
 * shared a page of the running commit, one lets go of it and is still shown with it, while the
 * other is its only owner now and could write it in place; so in between nobody writes in place
 * ({@link #mayOverwrite}). A file that is not mapped pays one volatile read for all of this.
 *
 * <p><b>Locks.</b> Inode → {@link FileMapping} → the device, or the mapping's memory. An arena is
 * closed with whatever locks its user holds: what that runs here takes none but the innermost ones.
 */
final class FileMappings {
  private static final System.Logger LOG = System.getLogger(FileMappings.class.getName());

  private final FsCore core;
  private final VmaBudget budget;

  /** By inode; of the live state. Lists never change. */
  private final ConcurrentHashMap<Long, List<FileMapping>> live = new ConcurrentHashMap<>();

  private final Set<FileMapping> all = ConcurrentHashMap.newKeySet();

  /** Goes up before a mapping is entered in {@link #live}, and down after it was taken out. */
  private final AtomicInteger liveCount = new AtomicInteger();

  /** Changes of mapped files that are under way. */
  private final AtomicInteger changes = new AtomicInteger();

  /** What pins pages that a mapping shows and that could not be taken away from it. */
  private final Queue<Snapshot> stuck = new ConcurrentLinkedQueue<>();

  private volatile boolean closed;

  FileMappings(FsCore core, VmaBudget budget) {
    this.core = core;
    this.budget = budget;
  }

  /**
   * Maps a part of a file.
   *
   * @param inode of a live file, else null
   * @param kept the state of a file of a snapshot, else null
   * @param release run when the arena was closed, or this failed; more than once does no harm
   */
  MemorySegment map(
      FileId file,
      @Nullable OpenInode inode,
      @Nullable Snapshot kept,
      ByteRange range,
      Arena arena,
      Runnable release)
      throws IOException {
    FileMapping mapping;
    if (kept != null) {
      mapping = show(kept, file, range, release);
    } else if (inode != null) {
      long stamp = inode.lock.readLock();
      try (Snapshot now = core.forest.snapshot()) {
        mapping = show(now, file, range, release);
      } finally {
        inode.lock.unlockRead(stamp);
      }
    } else {
      throw new IllegalArgumentException("a file is of the live state or of a snapshot");
    }
    MemorySegment whole = mapping.memory().open(arena, mapping::forget);
    return range.isEmpty() ? whole : whole.asSlice(range.start() % PAGE_BYTES, range.length());
  }

  private FileMapping show(View state, FileId file, ByteRange range, Runnable release)
      throws IOException {
    long size = core.lookAt(state, file, view -> core.require(view, file).size());
    if (range.end() > size) {
      throw new FileSystemException(
          core.describe(file),
          null,
          "cannot be mapped beyond its end: bytes " + range + " of " + size);
    }
    FileMapping[] made = new FileMapping[1];
    FileMapping mapping =
        new FileMapping(
            core,
            file,
            range,
            budget,
            () -> {
              leave(made[0]);
              release.run();
            });
    made[0] = mapping;
    enter(mapping);
    boolean done = false;
    try {
      core.lookAt(
          state,
          file,
          view -> {
            mapping.showAll(view, size);
            return mapping;
          });
      if (closed) {
        throw new IllegalStateException("the filesystem is closed");
      }
      done = true;
      return mapping;
    } finally {
      if (!done) {
        mapping.forget();
      }
    }
  }

  private void enter(FileMapping mapping) {
    all.add(mapping);
    if (mapping.file().isSnapshot()) {
      return;
    }
    liveCount.incrementAndGet();
    live.merge(
        mapping.file().inode(),
        List.of(mapping),
        (before, one) -> Stream.concat(before.stream(), one.stream()).toList());
  }

  private void leave(FileMapping mapping) {
    all.remove(mapping);
    if (mapping.file().isSnapshot()) {
      return;
    }
    live.computeIfPresent(
        mapping.file().inode(),
        (inode, before) -> {
          List<FileMapping> rest = before.stream().filter(other -> other != mapping).toList();
          return rest.isEmpty() ? null : rest;
        });
    liveCount.decrementAndGet();
  }

  /** Changes the content of a file. */
  interface Change<T> {
    T run() throws IOException;
  }

  /**
   * Changes the content of a file, whose lock is held for writing, and shows the change in all
   * mappings of the file.
   *
   * @param changed bytes of the file whose content is another one afterwards; what comes of another
   *     size need not be in it
   */
  <T> T changing(long inode, ByteRange changed, Change<T> change) throws IOException {
    List<FileMapping> mappings = liveCount.get() == 0 ? null : live.get(inode);
    if (mappings == null) {
      return change.run();
    }
    changes.incrementAndGet();
    Snapshot before = core.forest.snapshot();
    // Until it is known better; what throws here has changed nothing.
    boolean swapped = true;
    try {
      T result = change.run();
      swapped = false;
      swapped = swap(inode, mappings, changed);
      return result;
    } finally {
      if (swapped) {
        before.close();
        changes.decrementAndGet();
      } else {
        stuck.add(before);
      }
    }
  }

  /** False when a mapping may still show what was there before. */
  private boolean swap(long inode, List<FileMapping> mappings, ByteRange changed) {
    boolean all = true;
    for (FileMapping mapping : mappings) {
      try (Snapshot after = core.forest.snapshot()) {
        Inode now = core.inode(after, inode);
        mapping.swap(after, changed, now == null ? 0 : now.size());
      } catch (IOException | RuntimeException unknown) {
        LOG.log(
            System.Logger.Level.WARNING,
            "a mapping of " + mapping.file() + " cannot be brought up to date: it ends",
            unknown);
        all &= end(mapping);
      }
    }
    return all;
  }

  /** For a mapping of which it cannot be told, or not be shown, what the file is now. */
  private static boolean end(FileMapping mapping) {
    try {
      mapping.end();
      return true;
    } catch (IOException stays) {
      LOG.log(
          System.Logger.Level.WARNING,
          "pages of "
              + mapping.file()
              + " cannot be taken from a mapping: they are not used again until the filesystem is"
              + " closed",
          stays);
      return false;
    }
  }

  /** True when a page of the running commit that only this file has may be written in place. */
  boolean mayOverwrite(long inode) {
    return liveCount.get() == 0 || (changes.get() == 0 && !live.containsKey(inode));
  }

  /** Pages {@code [from, to)} of the device fault wherever they are laid; how many mappings. */
  int revoke(long from, long to) throws IOException {
    int count = 0;
    for (FileMapping mapping : all) {
      count += mapping.revoke(from, to) ? 1 : 0;
    }
    return count;
  }

  /** Pages that were revoked are shown again; in how many mappings. */
  int restore(long from, long to) throws IOException {
    int count = 0;
    for (FileMapping mapping : all) {
      count += mapping.restore(from, to) ? 1 : 0;
    }
    return count;
  }

  /**
   * All mappings fault from now on, and there will be no others.
   *
   * @throws IOException when pages could not be taken from readers; all others were
   */
  void close() throws IOException {
    closed = true;
    IOException failed = null;
    for (FileMapping mapping : all) {
      try {
        mapping.end();
      } catch (IOException e) {
        if (failed == null) {
          failed = e;
        } else {
          failed.addSuppressed(e);
        }
      }
    }
    stuck.forEach(Snapshot::close);
    stuck.clear();
    if (failed != null) {
      throw failed;
    }
  }
}
