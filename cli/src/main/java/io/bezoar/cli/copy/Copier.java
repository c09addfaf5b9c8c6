package io.bezoar.cli.copy;

import io.bezoar.fs.FileName;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.FilesystemFullException;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Copies trees of files, and keeps what they are: bytes, holes, modes, owners, times, symbolic and
 * hard links, extended attributes.
 *
 * <p><b>Invariant.</b> A name that is there holds what it held before or a whole copy, never part
 * of one; what cannot be copied is told, and not counted. <b>Protocol.</b> A tree is walked once, a
 * directory gets its times when everything in it is done. A file that fails does not keep the
 * others from being copied, unless nothing more can be: then the copy ends there. Not thread-safe.
 */
public final class Copier {
  /** What is copied where. */
  public enum Way {
    /** From this machine into the pool. */
    IN,
    /** Out of the pool. */
    OUT,
    /** Within the pool: content is shared. */
    WITHIN
  }

  /** What is done in another way than that of cp without options. */
  public enum Rule {
    /** Whole trees; symbolic links stay what they are. */
    TREES,
    /** Symbolic links that are named stay what they are, too. */
    LINKS,
    /** What is there is not replaced. */
    KEEP,
    /** The copy is to be called so, also when there is a directory of this name. */
    EXACT
  }

  /** How far it went. */
  public enum End {
    /** To the end; some may have failed. */
    COMPLETE,
    /** Until it was asked to stop, or could not go on. */
    STOPPED
  }

  /**
   * What was done.
   *
   * @param end how far it went
   * @param copied how much
   * @param durable whether it has been made durable
   */
  public record Result(End end, CopyCounts copied, boolean durable) {}

  private static final int CHUNK_BYTES = 1 << 20;
  private static final int PAGE_BYTES = 4096;

  private final CopySource source;
  private final CopyTarget target;
  private final Set<Rule> rules;
  private final CopyListener listener;
  private final Map<Object, Where> copiedFiles = new HashMap<>();

  /** What was put into the directory that was named, by whose order. */
  private final Map<FileName, String> placed = new HashMap<>();

  private CopyCounts done = CopyCounts.NONE;
  private CopyCounts total = CopyCounts.NONE;

  private Copier(CopySource source, CopyTarget target, Set<Rule> rules, CopyListener listener) {
    this.source = source;
    this.target = target;
    this.rules = Set.copyOf(rules);
    this.listener = listener;
  }

  /**
   * A copy.
   *
   * @param devices the files that the pool is made of
   */
  public static Copier of(
      Way way, Filesystem files, Iterable<Path> devices, Set<Rule> rules, CopyListener listener)
      throws IOException {
    LocalFiles local = new LocalFiles(devices);
    return switch (way) {
      case IN -> new Copier(new LocalSource(local), new PoolTarget(files), rules, listener);
      case OUT -> new Copier(new PoolSource(files), new LocalTarget(local), rules, listener);
      case WITHIN -> new Copier(new PoolSource(files), new PoolTarget(files), rules, listener);
    };
  }

  /** Nothing more can be copied. */
  private static final class StopException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  /** Looks through what is to be copied, so that progress has an end. */
  public void measure(List<String> from) {
    try {
      for (String path : from) {
        measure(source.find(path, last()));
      }
    } catch (IOException told) {
      // Whatever it is, copying meets it again, and tells.
      total = CopyCounts.NONE;
    }
  }

  private void measure(CopyItem first) throws IOException {
    Deque<CopySource.Children> open = new ArrayDeque<>();
    @Nullable CopyItem item = first;
    while (item != null || !open.isEmpty()) {
      if (item != null) {
        total = total.plus(item);
        if (item.kind() == CopyItem.Kind.FILE) {
          total = total.plusBytes(item.attributes().sizeBytes());
        } else if (item.kind() == CopyItem.Kind.DIRECTORY && rules.contains(Rule.TREES)) {
          open.push(source.children(item));
        }
      } else {
        open.pop();
      }
      if (listener.stopRequested()) {
        return;
      }
      item = open.isEmpty() ? null : open.peek().next();
    }
  }

  private PathWalk.LastLink last() {
    boolean isKept = rules.contains(Rule.TREES) || rules.contains(Rule.LINKS);
    return isKept ? PathWalk.LastLink.KEEP : PathWalk.LastLink.FOLLOW;
  }

  /**
   * Copies.
   *
   * @param from what; into {@code to} when that is a directory, else to be called so
   * @throws IOException when nothing was copied because {@code to} is no place for it, or when what
   *     was copied could not be made durable
   */
  public Result copy(List<String> from, String to) throws IOException {
    CopyTarget.Spot spot = target.spot(to);
    if (from.size() > 1 && !rules.contains(Rule.EXACT)) {
      target.requireDirectory(to);
    }
    End end = End.COMPLETE;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(CHUNK_BYTES, PAGE_BYTES);
      MemorySegment zeroes = arena.allocate(PAGE_BYTES, PAGE_BYTES);
      for (String path : from) {
        copy(path, to, spot, new Buffers(buffer, zeroes));
      }
    } catch (StopException stopped) {
      end = End.STOPPED;
    }
    return new Result(end, done, target.sync());
  }

  /**
   * Memory to copy through.
   *
   * @param chunk what is read at once
   * @param zeroPage to compare with
   */
  private record Buffers(MemorySegment chunk, MemorySegment zeroPage) {}

  private void copy(String path, String to, CopyTarget.Spot spot, Buffers buffers)
      throws StopException {
    try {
      CopyItem item = source.find(path, last());
      boolean isTree = item.kind() == CopyItem.Kind.DIRECTORY;
      if (isTree && !rules.contains(Rule.TREES)) {
        throw new RefusedCopyException(path, "is a directory: to copy it with all in it: -r");
      }
      boolean isExact = rules.contains(Rule.EXACT);
      Where directory = isExact ? null : spot.directory();
      if (isExact && spot.directory() != null && !isTree) {
        throw new RefusedCopyException(to, "is a directory, and the copy is none");
      }
      if (directory == null && !isTree && to.endsWith("/")) {
        throw new NotDirectoryException(to);
      }
      FileName name = directory == null ? spot.name() : item.name();
      if (isTree) {
        target.refuseInside(item, spot.parent());
        copyTree(item, spot.parent(), name, buffers);
      } else if (name == null) {
        throw new RefusedCopyException(path, "has no name that its copy could have");
      } else {
        place(path, item, new Named(spot.parent(), name), buffers);
      }
    } catch (IOException failed) {
      tell(path, failed);
    }
  }

  /**
   * A place for a copy.
   *
   * @param parent the directory
   * @param name in it
   */
  private record Named(Where parent, FileName name) {}

  /** Copies something that was named itself: not over another one that was. */
  private void place(String path, CopyItem item, Named to, Buffers buffers)
      throws IOException, StopException {
    String before = placed.get(to.name());
    if (before == null) {
      copyEntry(item, to.parent(), to.name(), buffers);
      placed.put(to.name(), path);
    } else if (!before.equals(path)) {
      throw RefusedCopyException.justMade(path, to.parent().child(to.name()));
    }
  }

  /** A directory on the way. */
  private record Frame(CopyItem item, CopySource.Children children, Where made) {}

  private void copyTree(CopyItem top, Where parent, @Nullable FileName name, Buffers buffers)
      throws IOException, StopException {
    Deque<Frame> open = new ArrayDeque<>();
    // Without a name it is the content of a root that is copied.
    Where made = name == null ? parent : target.directory(parent, name, top.attributes());
    open.push(new Frame(top, source.children(top), made));
    listener.copied(top.path(), made.path());
    while (!open.isEmpty()) {
      Frame frame = open.element();
      @Nullable CopyItem item;
      try {
        item = frame.children().next();
      } catch (CopySource.ChildException child) {
        tell(child.path(), child.why());
        continue;
      } catch (IOException unlistable) {
        tell(frame.item().path(), unlistable);
        item = null;
      }
      if (item == null) {
        open.pop();
        if (name != null || !open.isEmpty()) {
          finish(frame);
        }
      } else if (item.kind() == CopyItem.Kind.DIRECTORY) {
        enter(item, frame.made(), open);
      } else {
        copyOne(item, frame.made(), nameOf(item), buffers);
      }
    }
  }

  private static FileName nameOf(CopyItem item) throws FileSystemException {
    FileName name = item.name();
    if (name == null) {
      throw new RefusedCopyException(item.path(), "has no name that its copy could have");
    }
    return name;
  }

  private void enter(CopyItem directory, Where parent, Deque<Frame> open) throws StopException {
    stopIfAsked();
    try {
      Where made = target.directory(parent, nameOf(directory), directory.attributes());
      open.push(new Frame(directory, source.children(directory), made));
      listener.copied(directory.path(), made.path());
    } catch (IOException failed) {
      tell(directory.path(), failed);
    }
  }

  private void finish(Frame frame) throws StopException {
    try {
      target.finish(frame.made(), frame.item().attributes(), source.extended(frame.item()));
      done = done.plus(frame.item());
    } catch (IOException failed) {
      tell(frame.item().path(), failed);
    }
  }

  private void stopIfAsked() throws StopException {
    if (listener.stopRequested()) {
      throw new StopException();
    }
  }

  private void copyOne(CopyItem item, Where parent, FileName name, Buffers buffers)
      throws StopException {
    try {
      copyEntry(item, parent, name, buffers);
    } catch (IOException failed) {
      tell(item.path(), failed);
    }
  }

  private void copyEntry(CopyItem item, Where parent, FileName name, Buffers buffers)
      throws IOException, StopException {
    stopIfAsked();
    String path = parent.child(name);
    if (rules.contains(Rule.KEEP) && target.exists(parent, name)) {
      throw new RefusedCopyException(path, "is there already");
    }
    switch (item.kind()) {
      case FILE -> copyFile(item, parent, name, buffers);
      case LINK -> target.link(parent, name, source.target(item), item);
      case SPECIAL ->
          throw new RefusedCopyException(
              item.path(), "is a device, a pipe or a socket, and is not copied");
      case POOL_DEVICE ->
          throw new RefusedCopyException(
              item.path(), "is a device of this pool, and is not copied into it");
      case DIRECTORY -> throw new IllegalArgumentException(item.path() + " is a directory");
    }
    done = done.plus(item);
    listener.copied(item.path(), path);
    listener.progress(done, total, item.path());
  }

  private void copyFile(CopyItem item, Where parent, FileName name, Buffers buffers)
      throws IOException, StopException {
    Object key = item.sameAs();
    Where first = key == null ? null : copiedFiles.get(key);
    if (first != null) {
      target.hardLink(first, parent, name);
      return;
    }
    long before = done.bytes();
    try (CopySource.Content in = source.open(item);
        CopyTarget.Output out = target.create(parent, name, item)) {
      long sizeBytes = out.share(in) ? in.sizeBytes() : copyBytes(item, in, out, buffers);
      Where made = out.finish(sizeBytes, item.attributes(), source.extended(item));
      if (key != null) {
        copiedFiles.put(key, made);
      }
      done = new CopyCounts(done.files(), done.directories(), done.links(), before + sizeBytes);
    } catch (IOException | StopException failed) {
      done = new CopyCounts(done.files(), done.directories(), done.links(), before);
      throw failed;
    }
  }

  /** Returns the size of what was copied. */
  private long copyBytes(
      CopyItem item, CopySource.Content in, CopyTarget.Output out, Buffers buffers)
      throws IOException, StopException {
    long offset = 0;
    while (true) {
      Optional<ByteRange> data = in.nextData(offset);
      if (data.isEmpty()) {
        return in.sizeBytes();
      }
      long end = data.get().end();
      done = done.plusBytes(data.get().start() - offset);
      for (offset = data.get().start(); offset < end; ) {
        MemorySegment chunk =
            buffers.chunk().asSlice(0, Math.min(CHUNK_BYTES - offset % PAGE_BYTES, end - offset));
        long count = in.read(offset, chunk);
        if (count == 0) {
          // Where it ends, now that it is copied.
          return offset;
        }
        writeData(offset, chunk.asSlice(0, count), out, buffers.zeroPage());
        offset += count;
        done = done.plusBytes(count);
        listener.progress(done, total, item.path());
        stopIfAsked();
      }
    }
  }

  /** Writes what is not zero, by pages of the file: what is left out reads as zeroes. */
  private static void writeData(
      long offset, MemorySegment bytes, CopyTarget.Output out, MemorySegment zeroPage)
      throws IOException {
    long length = bytes.byteSize();
    long run = 0;
    long at = 0;
    while (at < length) {
      long next = Math.min(length, at + PAGE_BYTES - (offset + at) % PAGE_BYTES);
      boolean isZero = MemorySegment.mismatch(bytes, at, next, zeroPage, 0, next - at) < 0;
      if (isZero) {
        writeRun(offset, bytes, run, at, out);
        run = next;
      }
      at = next;
    }
    writeRun(offset, bytes, run, length, out);
  }

  private static void writeRun(
      long offset, MemorySegment bytes, long from, long to, CopyTarget.Output out)
      throws IOException {
    if (from < to) {
      out.write(offset + from, bytes.asSlice(from, to - from));
    }
  }

  private void tell(String path, IOException failed) throws StopException {
    listener.failed(path, failed);
    if (failed instanceof FilesystemFullException || isLocalFull(failed)) {
      throw new StopException();
    }
  }

  private static boolean isLocalFull(IOException failed) {
    String message = String.valueOf(failed.getMessage());
    return message.contains("No space left on device")
        || message.contains("Disk quota exceeded")
        || message.contains("Read-only file system");
  }
}
