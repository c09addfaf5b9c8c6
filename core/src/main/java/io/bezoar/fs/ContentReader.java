package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.View;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Reads the content of one file, without a lock while nobody changes it; see {@link OpenInode}.
 * Thread-safe.
 */
final class ContentReader {
  private static final int OPTIMISTIC_MAX = 3;
  private static final int PART_EXTENTS = 32;

  private final FsCore core;
  private final FileId file;
  private final OpenInode inode;
  private final ViewSource views;

  /** Gives a view of the file's state as it is now. */
  interface ViewSource {
    <T> T look(FsCore.Look<T> look) throws IOException;
  }

  private interface Read<T> {
    T run() throws IOException;
  }

  private ContentReader(FsCore core, FileId file, OpenInode inode, ViewSource views) {
    this.core = core;
    this.file = file;
    this.inode = inode;
    this.views = views;
  }

  static ContentReader live(FsCore core, OpenInode inode) {
    FileId file = FileId.live(inode.number);
    return new ContentReader(
        core,
        file,
        inode,
        new ViewSource() {
          @Override
          public <T> T look(FsCore.Look<T> look) throws IOException {
            return core.look(file, look);
          }
        });
  }

  static ContentReader of(FsCore core, FileId file, Snapshot view) {
    return new ContentReader(
        core,
        file,
        new OpenInode(file.inode(), 0),
        new ViewSource() {
          @Override
          public <T> T look(FsCore.Look<T> look) throws IOException {
            return core.lookAt(view, file, look);
          }
        });
  }

  long size() throws IOException {
    return consistently(() -> window(0).size());
  }

  long read(long offset, MemorySegment dst) throws IOException {
    return consistently(() -> readOnce(offset, dst));
  }

  /** As if nobody changed the file meanwhile. */
  private <T> T consistently(Read<T> read) throws IOException {
    for (int i = 0; i < OPTIMISTIC_MAX; i++) {
      long stamp = inode.lock.tryOptimisticRead();
      if (stamp == 0) {
        break;
      }
      try {
        T result = read.run();
        if (inode.lock.validate(stamp)) {
          return result;
        }
      } catch (IOException | RuntimeException e) {
        // What was looked for may have been changed, or taken away, under the reader.
        if (inode.lock.validate(stamp)) {
          throw e;
        }
      }
    }
    long stamp = inode.lock.readLock();
    try {
      return read.run();
    } finally {
      inode.lock.unlockRead(stamp);
    }
  }

  private long readOnce(long offset, MemorySegment dst) throws IOException {
    FileWindow window = window(offset / PAGE_BYTES);
    long end = offset + Math.min(dst.byteSize(), window.size() - offset);
    long at = offset;
    while (at < end) {
      long page = at / PAGE_BYTES;
      if (!window.knows(page)) {
        window = window(page);
      }
      int i = window.indexOf(page);
      boolean hole = i == window.extents().size() || window.extents().get(i).page() > page;
      long to;
      if (hole) {
        long next = i == window.extents().size() ? window.to() : window.extents().get(i).page();
        to = Math.min(end, next * PAGE_BYTES);
        dst.asSlice(at - offset, to - at).fill((byte) 0);
      } else {
        Extent extent = window.extents().get(i);
        to = Math.min(end, extent.end() * PAGE_BYTES);
        readExtent(extent, at, dst.asSlice(at - offset, to - at), at - offset);
      }
      at = to;
    }
    return Math.max(0, end - offset);
  }

  private void readExtent(Extent extent, long at, MemorySegment dst, long before)
      throws IOException {
    if (!extent.isWritten()) {
      dst.fill((byte) 0);
      return;
    }
    try {
      core.device.read((extent.start() - extent.page()) * PAGE_BYTES + at, dst);
    } catch (PoisonedRangeException lost) {
      long good = before + lost.goodPrefixBytes();
      throw DamagedRangeException.of(core.describe(file), extent, lost, good);
    }
  }

  /** What is known around a page. */
  private FileWindow window(long page) throws IOException {
    FileWindow known = inode.window();
    if (known != null && known.knows(page)) {
      return known;
    }
    long version = inode.version();
    FileWindow loaded = views.look(view -> load(view, page, known == null));
    inode.see(version, loaded);
    return loaded;
  }

  private FileWindow load(View view, long page, boolean first) throws IOException {
    long size = core.require(view, file).size();
    if (first) {
      List<Extent> all =
          core.extents.find(view, file.inode(), 0, Long.MAX_VALUE, FileWindow.EXTENTS_MAX + 1);
      if (all.size() <= FileWindow.EXTENTS_MAX) {
        return new FileWindow(size, 0, FileWindow.END, all);
      }
    }
    List<Extent> some = core.extents.find(view, file.inode(), page, Long.MAX_VALUE, PART_EXTENTS);
    boolean last = some.size() < PART_EXTENTS;
    return new FileWindow(size, page, last ? FileWindow.END : some.getLast().end(), some);
  }
}
