package io.bezoar.fs;

import io.bezoar.fs.InvalidFileException.Problem;
import io.bezoar.tree.Purpose;
import io.bezoar.tree.Transaction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * Changes directories: each change is one transaction.
 *
 * <p>Who may lose its last name is locked before the transaction begins, because inodes come before
 * the right to write: the name is looked up without a lock, its inode locked, and the name looked
 * up again within the transaction; if it names something else by then, all that is done again.
 */
final class Namespace {
  private static final FileName SNAPSHOTS =
      FileName.stored(Snapshots.DIRECTORY.getBytes(StandardCharsets.US_ASCII));

  private final FsCore core;
  private final OpenInodes open;
  private final Reaper reaper;

  Namespace(FsCore core, OpenInodes open, Reaper reaper) {
    this.core = core;
    this.open = open;
    this.reaper = reaper;
  }

  static boolean isSnapshots(FileId directory, FileName name) {
    return directory.equals(FileId.ROOT) && name.equals(SNAPSHOTS);
  }

  private void requireOurs(FileId directory, FileName name) throws InvalidFileException {
    if (isSnapshots(directory, name)) {
      throw new InvalidFileException("/" + name, Problem.RESERVED);
    }
  }

  FileId create(
      FileId directory, FileName name, FileType type, NewFile file, byte @Nullable [] target)
      throws IOException {
    requireOurs(directory, name);
    return core.change(
            directory,
            Purpose.ORDINARY,
            tx -> {
              Inode parent = core.requireDirectory(tx, directory);
              requireFree(tx, directory, name);
              long now = core.now();
              long number = core.newInode(tx);
              boolean isDirectory = type == FileType.DIRECTORY;
              Inode inode =
                  new Inode(
                      number,
                      type,
                      file.mode(),
                      file.uid(),
                      file.gid(),
                      isDirectory ? 2 : 1,
                      target == null ? 0 : target.length,
                      0,
                      tx.commitNumber(),
                      now,
                      now,
                      now,
                      now);
              core.put(tx, inode);
              if (target != null) {
                core.attributes.putTarget(tx, number, target);
              }
              core.names.add(tx, directory.inode(), name, new NameTree.Target(number, type));
              core.put(tx, parent.withEntries(1, isDirectory ? 1 : 0, now));
              return FileId.live(number);
            })
        .result();
  }

  private void requireFree(Transaction tx, FileId directory, FileName name) throws IOException {
    if (core.names.get(tx, directory.inode(), name) != null) {
      throw new FileAlreadyExistsException(core.describe(directory, name));
    }
  }

  private NameTree.Target require(NameTree.@Nullable Target target, FileId directory, FileName name)
      throws NoSuchFileException {
    if (target == null) {
      throw new NoSuchFileException(core.describe(directory, name));
    }
    return target;
  }

  void link(FileId file, FileId directory, FileName name) throws IOException {
    requireOurs(directory, name);
    core.requireWritable(file);
    long ticket =
        core.edit(
            directory,
            Purpose.ORDINARY,
            tx -> {
              Inode inode = core.require(tx, file);
              Inode parent = core.requireDirectory(tx, directory);
              if (inode.isDirectory()) {
                throw new InvalidFileException(
                    core.describe(file), Problem.NO_LINKS_TO_DIRECTORIES);
              }
              if (inode.links() == 0) {
                throw core.gone(file);
              }
              requireFree(tx, directory, name);
              long now = core.now();
              core.names.add(
                  tx, directory.inode(), name, new NameTree.Target(inode.number(), inode.type()));
              core.put(tx, inode.withLinks(1, now));
              core.put(tx, parent.withEntries(1, 0, now));
            });
    open.touched(file.inode(), ticket);
  }

  /** Something is to be done with an inode locked that a name may stand for. */
  private interface WithLocked {
    /** False when the name stands for something else than what is locked. */
    boolean run(@Nullable OpenInode locked) throws IOException;
  }

  /** Runs with the inode locked that a name stands for, unless it is a directory or none. */
  private void withLocked(FileId directory, FileName name, WithLocked body) throws IOException {
    boolean done = false;
    while (!done) {
      Optional<NameTree.Target> target =
          core.look(
              directory,
              view -> Optional.ofNullable(core.names.get(view, directory.inode(), name)));
      done =
          (target.isEmpty() || target.get().type() == FileType.DIRECTORY)
              ? body.run(null)
              : runLocked(target.get().inode(), body);
    }
  }

  private boolean runLocked(long number, WithLocked body) throws IOException {
    OpenInode inode = open.acquire(number);
    Lock lock = inode.lock.asWriteLock();
    lock.lock();
    try {
      return body.run(inode);
    } finally {
      inode.changed();
      lock.unlock();
      reaper.release(inode);
    }
  }

  private static boolean isLocked(NameTree.Target target, @Nullable OpenInode locked) {
    return target.type() == FileType.DIRECTORY
        || (locked != null && locked.number == target.inode());
  }

  void unlink(FileId directory, FileName name) throws IOException {
    requireOurs(directory, name);
    core.requireWritable(directory);
    withLocked(
        directory,
        name,
        locked -> {
          FsCore.Done<Boolean> done =
              core.change(directory, Purpose.RELIEF, tx -> unlink(tx, directory, name, locked));
          if (locked != null) {
            locked.sync.otherChange(done.ticket());
          }
          return done.result();
        });
  }

  private boolean unlink(
      Transaction tx, FileId directory, FileName name, @Nullable OpenInode locked)
      throws IOException {
    Inode parent = core.requireDirectory(tx, directory);
    NameTree.Target target = require(core.names.get(tx, directory.inode(), name), directory, name);
    if (target.type() == FileType.DIRECTORY) {
      throw new InvalidFileException(core.describe(directory, name), Problem.IS_DIRECTORY);
    }
    if (!isLocked(target, locked)) {
      return false;
    }
    long now = core.now();
    core.names.remove(tx, directory.inode(), name, target);
    core.put(tx, parent.withEntries(-1, 0, now));
    dropLink(tx, target.inode(), locked, now);
    return true;
  }

  /** A file has one name less. Without any, it goes, at once if nobody has it open. */
  private void dropLink(Transaction tx, long number, @Nullable OpenInode locked, long now)
      throws IOException {
    Inode inode = core.require(tx, FileId.live(number)).withLinks(-1, now);
    if (inode.links() > 0 || locked == null) {
      core.put(tx, inode);
      return;
    }
    boolean alone = open.isAlone(locked);
    if (!alone) {
      core.put(tx, inode);
    }
    if (!alone || reaper.takeApart(tx, inode)) {
      reaper.orphan(tx, number);
      locked.nameless = true;
    }
  }

  void rmdir(FileId directory, FileName name) throws IOException {
    requireOurs(directory, name);
    core.edit(
        directory,
        Purpose.RELIEF,
        tx -> {
          Inode parent = core.requireDirectory(tx, directory);
          NameTree.Target target =
              require(core.names.get(tx, directory.inode(), name), directory, name);
          if (target.type() != FileType.DIRECTORY) {
            throw new NotDirectoryException(core.describe(directory, name));
          }
          requireEmpty(tx, target.inode(), directory, name);
          core.names.remove(tx, directory.inode(), name, target);
          removeDirectory(tx, target.inode());
          core.put(tx, parent.withEntries(-1, -1, core.now()));
        });
  }

  private void requireEmpty(Transaction tx, long inode, FileId directory, FileName name)
      throws IOException {
    if (!core.names.isEmpty(tx, inode)) {
      throw new DirectoryNotEmptyException(core.describe(directory, name));
    }
  }

  private void removeDirectory(Transaction tx, long inode) throws IOException {
    core.attributes.removeAll(tx, inode);
    tx.delete(core.trees.inodes(), Keys.of(inode));
  }

  /** Where something goes. */
  private record Place(FileId directory, FileName name) {}

  void rename(
      FileId directory,
      FileName name,
      FileId toDirectory,
      FileName toName,
      Filesystem.Replace replace)
      throws IOException {
    requireOurs(directory, name);
    requireOurs(toDirectory, toName);
    core.requireWritable(directory);
    core.requireWritable(toDirectory);
    Place from = new Place(directory, name);
    Place to = new Place(toDirectory, toName);
    long[] moved = new long[1];
    withLocked(
        toDirectory,
        toName,
        locked -> {
          FsCore.Done<Boolean> done =
              core.change(
                  directory, Purpose.ORDINARY, tx -> rename(tx, from, to, replace, locked, moved));
          if (locked != null) {
            locked.sync.otherChange(done.ticket());
          }
          open.touched(moved[0], done.ticket());
          return done.result();
        });
  }

  private boolean rename(
      Transaction tx,
      Place from,
      Place to,
      Filesystem.Replace replace,
      @Nullable OpenInode locked,
      long[] moved)
      throws IOException {
    core.requireDirectory(tx, from.directory());
    core.requireDirectory(tx, to.directory());
    NameTree.Target source =
        require(
            core.names.get(tx, from.directory().inode(), from.name()),
            from.directory(),
            from.name());
    NameTree.Target old = core.names.get(tx, to.directory().inode(), to.name());
    if (old != null && !isLocked(old, locked)) {
      return false;
    }
    boolean isDirectory = source.type() == FileType.DIRECTORY;
    if (isDirectory) {
      requireOutside(tx, source.inode(), from, to);
    }
    if (old != null) {
      if (replace == Filesystem.Replace.REFUSE) {
        throw new FileAlreadyExistsException(core.describe(to.directory(), to.name()));
      }
      if (old.inode() == source.inode()) {
        // Two names of one file: POSIX wants nothing to happen.
        return true;
      }
      replace(tx, source, old, to, locked);
    }
    moved[0] = source.inode();
    move(tx, source, from, to, old != null);
    return true;
  }

  private void requireOutside(Transaction tx, long moved, Place from, Place to) throws IOException {
    Long at = to.directory().inode();
    while (at != null && at != Inode.ROOT) {
      if (at == moved) {
        throw new InvalidFileException(
            core.describe(from.directory(), from.name()), Problem.INTO_ITSELF);
      }
      at = core.names.parent(tx, at);
    }
  }

  /** Takes away what stands where something goes. */
  private void replace(
      Transaction tx,
      NameTree.Target source,
      NameTree.Target old,
      Place to,
      @Nullable OpenInode locked)
      throws IOException {
    boolean isDirectory = source.type() == FileType.DIRECTORY;
    if (isDirectory && old.type() != FileType.DIRECTORY) {
      throw new NotDirectoryException(core.describe(to.directory(), to.name()));
    }
    if (!isDirectory && old.type() == FileType.DIRECTORY) {
      throw new InvalidFileException(
          core.describe(to.directory(), to.name()), Problem.IS_DIRECTORY);
    }
    core.names.remove(tx, to.directory().inode(), to.name(), old);
    if (isDirectory) {
      requireEmpty(tx, old.inode(), to.directory(), to.name());
      removeDirectory(tx, old.inode());
    } else {
      dropLink(tx, old.inode(), locked, core.now());
    }
  }

  private void move(Transaction tx, NameTree.Target source, Place from, Place to, boolean replaced)
      throws IOException {
    long now = core.now();
    long directories = source.type() == FileType.DIRECTORY ? 1 : 0;
    core.names.remove(tx, from.directory().inode(), from.name(), source);
    core.names.add(tx, to.directory().inode(), to.name(), source);
    Inode parent = core.require(tx, from.directory());
    core.put(tx, parent.withEntries(-1, -directories, now));
    Inode toParent = core.require(tx, to.directory());
    int gone = replaced ? 1 : 0;
    core.put(tx, toParent.withEntries(1 - gone, directories - gone * directories, now));
    core.put(tx, core.require(tx, FileId.live(source.inode())).withLinks(0, now));
  }

  void setAttributes(FileId file, AttributeChange change) throws IOException {
    update(
        file,
        tx -> {
          core.put(tx, core.require(tx, file).with(change, core.now()));
          return true;
        });
  }

  void setExtended(FileId file, AttributeName name, byte[] value) throws IOException {
    if (value.length > AttributeTree.VALUE_BYTES_MAX) {
      throw new InvalidFileException(core.describe(file), Problem.TOO_LARGE);
    }
    update(
        file,
        tx -> {
          Inode inode = core.require(tx, file);
          core.attributes.putExtended(tx, file.inode(), name, value);
          core.put(tx, inode.withLinks(0, core.now()));
          return true;
        });
  }

  boolean removeExtended(FileId file, AttributeName name) throws IOException {
    return update(
        file,
        tx -> {
          Inode inode = core.require(tx, file);
          boolean removed = core.attributes.removeExtended(tx, file.inode(), name);
          if (removed) {
            core.put(tx, inode.withLinks(0, core.now()));
          }
          return removed;
        });
  }

  private boolean update(FileId file, FsCore.Change<Boolean> change) throws IOException {
    FsCore.Done<Boolean> done = core.change(file, Purpose.ORDINARY, change);
    open.touched(file.inode(), done.ticket());
    return done.result();
  }
}
