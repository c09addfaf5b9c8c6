package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.fs.Attributes;
import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.PathWalk.Found;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sums up the space of trees. A file with several names counts once; shared pages count for all.
 */
final class DiskUsage {
  private static final int BATCH = 512;

  private final Filesystem files;
  private final Replies replies;
  private final FileTally tally;
  private final Set<Flag> flags;
  private final Set<FileId> counted = new HashSet<>();

  /** What all that was named takes. */
  private final Frame total = new Frame("total", FileId.ROOT);

  DiskUsage(Filesystem files, Replies replies, FileTally tally, Set<Flag> flags) {
    this.files = files;
    this.replies = replies;
    this.tally = tally;
    this.flags = flags;
  }

  /** A directory on the way, and what has been found in it. */
  private static final class Frame {
    private final String path;
    private final FileId id;
    private final Deque<DirectoryEntry> batch = new ArrayDeque<>();
    private @Nullable FileName after;
    private long allocatedBytes;
    private long sizeBytes;

    Frame(String path, FileId id) {
      this.path = path;
      this.id = id;
    }
  }

  /** The sum of all, if somebody wants it. */
  void end() {
    if (flags.contains(Flag.TOTAL)) {
      send(total);
    }
  }

  void of(String path, Found found) throws IOException {
    Deque<Frame> open = new ArrayDeque<>();
    Frame top = new Frame(path, found.id());
    count(top, found.id());
    if (!found.isDirectory()) {
      add(top, total);
      send(top);
      return;
    }
    open.push(top);
    while (!open.isEmpty() && !replies.gone()) {
      Frame frame = open.element();
      DirectoryEntry entry = next(frame);
      if (entry == null) {
        leave(open);
        continue;
      }
      if (entry.type() == FileType.DIRECTORY) {
        Frame below = new Frame(FileLooks.child(frame.path, entry.name().toString()), entry.id());
        tally.attempt(() -> count(below, entry.id()));
        open.push(below);
      } else {
        countFile(frame, entry);
      }
    }
  }

  private void leave(Deque<Frame> open) {
    Frame done = open.pop();
    Frame above = open.peek();
    add(done, above == null ? total : above);
    if (above == null || !flags.contains(Flag.SUMMARY)) {
      send(done);
    }
  }

  private static void add(Frame part, Frame sum) {
    sum.allocatedBytes += part.allocatedBytes;
    sum.sizeBytes += part.sizeBytes;
  }

  private void countFile(Frame frame, DirectoryEntry entry) {
    Frame own = new Frame(FileLooks.child(frame.path, entry.name().toString()), entry.id());
    tally.attempt(
        () -> {
          if (count(own, entry.id()) && flags.contains(Flag.ALL)) {
            send(own);
          }
        });
    add(own, frame);
  }

  private @Nullable DirectoryEntry next(Frame frame) {
    if (frame.batch.isEmpty()) {
      tally.attempt(
          () -> {
            List<DirectoryEntry> batch = files.list(frame.id, frame.after, BATCH);
            frame.batch.addAll(batch);
          });
    }
    DirectoryEntry entry = frame.batch.poll();
    if (entry != null) {
      frame.after = entry.name();
    }
    return entry;
  }

  /** False for a file that has been counted by another name. */
  private boolean count(Frame frame, FileId id) throws IOException {
    Attributes all = files.attributes(id);
    boolean isShared = all.type() != FileType.DIRECTORY && all.links() > 1;
    if (isShared && !counted.add(id)) {
      return false;
    }
    frame.allocatedBytes += all.allocatedBytes();
    if (all.type() != FileType.DIRECTORY) {
      frame.sizeBytes += all.sizeBytes();
    }
    return true;
  }

  private void send(Frame frame) {
    replies.send(
        Json.object()
            .put("type", "du")
            .put("path", frame.path)
            .put("allocated", frame.allocatedBytes)
            .put("size", frame.sizeBytes));
  }
}
