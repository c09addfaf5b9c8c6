package io.bezoar.fs;

import io.bezoar.tree.Hold;
import io.bezoar.tree.Purpose;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Snapshots are holds of the forest: one for each, of the same name. What else is known of one
 * stands in the tree {@code meta}. {@link #changing} keeps two from being made or deleted at a
 * time.
 */
final class Snapshots {
  /** Where they are found, in the root. */
  static final String DIRECTORY = ".snapshots";

  private final FsCore core;
  private final ReentrantLock changing = new ReentrantLock();

  Snapshots(FsCore core) {
    this.core = core;
  }

  SnapshotInfo create(FileName name) throws IOException {
    String text = checkName(name);
    changing.lock();
    try {
      if (find(name).isPresent()) {
        throw new FileAlreadyExistsException(path(text));
      }
      long now = core.now();
      long ticket =
          core.change(
                  FileId.ROOT,
                  Purpose.ORDINARY,
                  tx -> {
                    tx.put(
                        core.trees.meta(),
                        MetaLayout.snapshotKey(name.raw()),
                        MetaLayout.number(now));
                    core.hold(tx, text);
                    return null;
                  })
              .ticket();
      core.forest.persist(ticket);
      return find(name).orElseThrow();
    } finally {
      changing.unlock();
    }
  }

  private static String checkName(FileName name) throws FileSystemException {
    String text = name.toString();
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw new FileSystemException(path(text), null, "the name of a snapshot is UTF-8");
    }
    return text;
  }

  private static String path(String name) {
    return "/" + DIRECTORY + "/" + name;
  }

  List<SnapshotInfo> list() throws IOException {
    List<SnapshotInfo> snapshots = new ArrayList<>();
    for (Hold hold : core.forest.holds()) {
      snapshots.add(info(hold));
    }
    snapshots.sort(Comparator.comparingLong(SnapshotInfo::commit));
    return snapshots;
  }

  private SnapshotInfo info(Hold hold) throws IOException {
    byte[] key = MetaLayout.snapshotKey(hold.name().getBytes(StandardCharsets.UTF_8));
    byte[] created = core.look(FileId.ROOT, view -> view.get(core.trees.meta(), key));
    return new SnapshotInfo(
        hold.name(), hold.commit(), created == null ? 0 : MetaLayout.number(created));
  }

  Optional<SnapshotInfo> find(FileName name) throws IOException {
    String text = name.toString();
    for (Hold hold : core.forest.holds()) {
      if (hold.name().equals(text)) {
        return Optional.of(info(hold));
      }
    }
    return Optional.empty();
  }

  void delete(FileName name) throws IOException {
    changing.lock();
    try {
      SnapshotInfo snapshot =
          find(name).orElseThrow(() -> new NoSuchFileException(path(name.toString())));
      long ticket =
          core.change(
                  FileId.ROOT,
                  Purpose.RELIEF,
                  tx -> {
                    tx.delete(core.trees.meta(), MetaLayout.snapshotKey(name.raw()));
                    tx.release(new Hold(snapshot.name(), snapshot.commit()));
                    return null;
                  })
              .ticket();
      core.forest.persist(ticket);
    } finally {
      changing.unlock();
    }
  }
}
