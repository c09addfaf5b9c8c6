package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.VmaBudget;
import io.bezoar.tree.Forest;
import io.bezoar.tree.ForestFormatException;
import io.bezoar.tree.ForestOptions;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.Transaction;
import io.bezoar.tree.TreeDamagedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes and opens filesystems.
 *
 * <p>Opening: forest → what it is → log → synced writes that the commit has not → a commit → the
 * log begins anew. A crash on the way leaves the log as it was, and no commit that has some of its
 * writes and not all: they are one transaction, and the commit that a forest makes by itself after
 * opening, which changes nothing, does not count.
 */
final class Opening {
  private static final long DEVICE_BYTES_MIN = 4L << 20;
  private static final long LOG_SHARE = 64;
  private static final long LOG_BYTES_MAX = 8L << 20;
  private static final long DIRTY_BYTES = 32L << 20;

  private Opening() {}

  static void format(DaxDevice device, long id, NewFile root, FilesystemOptions options)
      throws IOException {
    if (device.sizeBytes() < DEVICE_BYTES_MIN) {
      throw new IllegalArgumentException(
          "a filesystem needs "
              + DEVICE_BYTES_MIN
              + " bytes, and the device has "
              + device.sizeBytes());
    }
    Forest.format(device, id);
    try (Forest forest = Forest.open(device, forestOptions(options));
        Transaction tx = forest.begin(Purpose.ORDINARY)) {
      Trees trees = Trees.create(tx);
      long nanos = FsCore.nanos(options.clock());
      MetaLayout.Superblock superblock =
          new MetaLayout.Superblock(
              MetaLayout.VERSION, MetaLayout.VERSION, id, takeLog(device, tx), nanos);
      tx.put(trees.meta(), MetaLayout.FILESYSTEM, MetaLayout.encode(superblock));
      Inode directory =
          new Inode(
              Inode.ROOT,
              FileType.DIRECTORY,
              root.mode(),
              root.uid(),
              root.gid(),
              2,
              0,
              0,
              tx.commitNumber(),
              nanos,
              nanos,
              nanos,
              nanos);
      tx.put(trees.inodes(), Keys.of(Inode.ROOT), InodeLayout.encode(directory));
      forest.persist(tx.apply());
    }
  }

  /** One run of pages for the log, without a record in it. */
  private static ByteRange takeLog(DaxDevice device, Transaction tx) throws IOException {
    long bytes =
        Math.clamp(
            device.sizeBytes() / LOG_SHARE / PAGE_BYTES * PAGE_BYTES,
            IntentLog.REGION_BYTES_MIN,
            LOG_BYTES_MAX);
    List<ByteRange> runs = tx.allocate(bytes / PAGE_BYTES);
    if (runs.size() != 1) {
      throw new IllegalStateException("an empty device has no run of " + bytes + " bytes");
    }
    return runs.getFirst();
  }

  private static ForestOptions forestOptions(FilesystemOptions options) {
    return new ForestOptions(options.cacheBytes(), DIRTY_BYTES, options.executor());
  }

  static Filesystem open(DaxDevice device, FilesystemOptions options) throws IOException {
    return open(device, options, VmaBudget.process());
  }

  /**
   * @param vmas what mappings of files may be splintered into
   */
  static Filesystem open(DaxDevice device, FilesystemOptions options, VmaBudget vmas)
      throws IOException {
    Forest forest;
    try {
      forest = Forest.open(device, forestOptions(options));
    } catch (ForestFormatException none) {
      throw new FilesystemFormatException(device.info().name(), none.getReason(), none);
    }
    try {
      return open(device, forest, options, vmas);
    } catch (IOException | RuntimeException | Error failed) {
      try {
        forest.close();
      } catch (IOException | RuntimeException too) {
        failed.addSuppressed(too);
      }
      throw failed;
    }
  }

  private static Filesystem open(
      DaxDevice device, Forest forest, FilesystemOptions options, VmaBudget vmas)
      throws IOException {
    String name = device.info().name();
    List<String> notes = new ArrayList<>();
    forest.skipped().ifPresent(notes::add);
    Trees trees = Trees.find(name, forest);
    FsCore core;
    Reaper reaper;
    OpenInodes inodes = new OpenInodes(forest::appliedTicket);
    try {
      core =
          new FsCore(
              device,
              forest,
              trees,
              superblock(name, forest, trees),
              inodes,
              options.clock(),
              vmas);
      reaper = new Reaper(core, inodes);
      reaper.load();
    } catch (TreeDamagedException lost) {
      throw new FilesystemDamagedException(name, lost);
    }
    FileContent content = new FileContent(core, reaper);
    IntentLog log = openLog(core, name);
    replay(core, content, log, notes);
    return new Filesystem(core, inodes, reaper, content, new SyncLog(forest, log), notes, options);
  }

  private static MetaLayout.Superblock superblock(String name, Forest forest, Trees trees)
      throws IOException {
    byte[] value;
    try (Snapshot view = forest.snapshot()) {
      value = view.get(trees.meta(), MetaLayout.FILESYSTEM);
    }
    MetaLayout.Superblock superblock = value == null ? null : MetaLayout.decode(value);
    if (superblock == null) {
      throw new FilesystemFormatException(
          name, "its trees are not those of a filesystem: it was made by another program", null);
    }
    if (superblock.leastVersion() > MetaLayout.VERSION) {
      throw new FilesystemFormatException(
          name,
          "it needs version "
              + superblock.leastVersion()
              + " of the format, and this program knows "
              + MetaLayout.VERSION
              + ": use a newer program",
          null);
    }
    return superblock;
  }

  private static IntentLog openLog(FsCore core, String name) throws IOException {
    try {
      return IntentLog.open(core.device, core.log(), core.superblock().id());
    } catch (IntentLogNewerException newer) {
      throw new FilesystemFormatException(
          name, newer.getMessage() + ": use a newer program", newer);
    }
  }

  private static void replay(FsCore core, FileContent content, IntentLog log, List<String> notes)
      throws IOException {
    // What cannot be done again now is kept, and so nothing may change until it can be.
    boolean writable = core.isWritable() && core.forest.isUsable();
    long commit = core.forest.changingCommit();
    IntentReplay found = log.replay(commit, (sequence, record) -> {});
    if (!writable && found.replayed() > 0) {
      notes.add(
          found.replayed()
              + " synced writes are in the log only: they are seen once it is opened for writing");
    }
    if (found.unfounded() > 0) {
      notes.add(
          found.unfounded()
              + " synced writes belong to a commit that is lost; they cannot be done again");
    }
    for (IntentDamage damage : found.damage()) {
      notes.add("synced writes may be missing: the log is damaged at " + damage.range());
    }
    if (!writable) {
      core.onlyRead();
      return;
    }
    if (found.replayed() + found.unfounded() > 0 || !found.damage().isEmpty()) {
      try {
        for (IOException lost : content.replay(log, commit)) {
          notes.add("a synced write cannot be done again: " + lost.getMessage());
        }
        core.forest.persist();
      } catch (IOException cannot) {
        core.onlyRead();
        notes.add(
            found.replayed()
                + " synced writes are in the log only, and cannot be done again now: they are seen"
                + " once it is opened without this: "
                + cannot.getMessage());
        return;
      }
    }
    log.restart(core.forest.durableCommit());
  }
}
