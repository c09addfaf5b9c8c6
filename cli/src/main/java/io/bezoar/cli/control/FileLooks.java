package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.fs.AttributeName;
import io.bezoar.fs.CheckReport;
import io.bezoar.fs.DamagedRangeException;
import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileExtent;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.Owner;
import io.bezoar.fs.PathWalk;
import io.bezoar.fs.PathWalk.Found;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What can be asked about the files in a pool without changing them. */
final class FileLooks {
  private static final int BATCH = 512;

  /** Space may be taken in advance behind the end of a file. */
  private static final ByteRange EVERYWHERE = new ByteRange(0, 1L << 60);

  private static final int READ_BYTES = 1 << 20;

  /** What fits into a line of JSON that every reader takes. */
  private static final int SEND_BYTES = 32 << 10;

  private final Filesystem files;
  private final PathWalk walk;
  private final Replies replies;
  private final FileTally tally;

  FileLooks(Filesystem files, Replies replies) {
    this.files = files;
    this.walk = new PathWalk(files);
    this.replies = replies;
    this.tally = new FileTally(replies);
  }

  /** A directory that is to be shown. */
  private record Directory(String path, FileId id) {}

  int ls(FileRequest.Ls request) {
    Set<Flag> flags = request.flags();
    List<Directory> directories = new ArrayList<>();
    for (String path : request.paths()) {
      tally.attempt(
          () -> {
            Found found = walk.get(path, lastLink(path, flags));
            if (found.isDirectory() && !flags.contains(Flag.SELF)) {
              directories.add(new Directory(path, found.id()));
            } else {
              send(path, path, found.type(), found.id(), flags);
            }
          });
    }
    Deque<Directory> left = new ArrayDeque<>(directories);
    while (!left.isEmpty() && !replies.gone()) {
      Directory directory = left.pop();
      replies.send(Json.object().put("type", "directory").put("path", directory.path()));
      tally.attempt(() -> list(directory, flags, left));
    }
    return tally.exit();
  }

  /** A link that is named is followed where that shows more than the link: as ls does. */
  private static LastLink lastLink(String path, Set<Flag> flags) {
    boolean keep = flags.contains(Flag.LONG) || flags.contains(Flag.SELF);
    return keep && !path.endsWith("/") ? LastLink.KEEP : LastLink.FOLLOW;
  }

  private void list(Directory directory, Set<Flag> flags, Deque<Directory> left)
      throws IOException {
    List<Directory> below = new ArrayList<>();
    @Nullable FileName after = null;
    while (!replies.gone()) {
      List<DirectoryEntry> batch = files.list(directory.id(), after, BATCH);
      if (batch.isEmpty()) {
        break;
      }
      for (DirectoryEntry entry : batch) {
        String name = entry.name().toString();
        if (name.startsWith(".") && !flags.contains(Flag.ALL)) {
          continue;
        }
        String path = child(directory.path(), name);
        tally.attempt(() -> send(path, name, entry.type(), entry.id(), flags));
        if (entry.type() == FileType.DIRECTORY) {
          below.add(new Directory(path, entry.id()));
        }
      }
      after = batch.getLast().name();
    }
    if (flags.contains(Flag.RECURSIVE)) {
      below.reversed().forEach(left::push);
    }
  }

  static String child(String directory, String name) {
    return directory.endsWith("/") ? directory + name : directory + "/" + name;
  }

  private void send(String path, String name, FileType type, FileId id, Set<Flag> flags)
      throws IOException {
    ObjectNode json = FileJson.entry(path, name, type, id);
    if (flags.contains(Flag.LONG)) {
      FileJson.putAttributes(json, files.attributes(id));
      if (type == FileType.SYMLINK) {
        json.put("target", PathWalk.text(files.readLink(id)));
      }
    }
    replies.send(json);
  }

  int stat(FileRequest.Stat request) {
    for (String path : request.paths()) {
      tally.attempt(() -> stat(path, request.flags()));
    }
    return tally.exit();
  }

  private void stat(String path, Set<Flag> flags) throws IOException {
    Found found = walk.get(path, LastLink.KEEP);
    FileId id = found.id();
    ObjectNode json = FileJson.entry(path, path, found.type(), id);
    json.put("type", "stat").remove("name");
    FileJson.putAttributes(json, files.attributes(id));
    if (found.type() == FileType.SYMLINK) {
      json.put("target", PathWalk.text(files.readLink(id)));
    }
    ObjectNode extended = json.putObject("extended");
    for (AttributeName name : files.listExtended(id).keySet()) {
      Optional<byte[]> value = files.extended(id, name);
      value.ifPresent(bytes -> extended.put(name.toString(), shorten(bytes)));
    }
    if (flags.contains(Flag.EXTENTS) && found.type() == FileType.REGULAR) {
      ArrayNode extents = json.putArray("extents");
      try (OpenFile file = files.open(id)) {
        for (FileExtent extent : file.extents(EVERYWHERE)) {
          extents.add(FileJson.extent(extent));
        }
      }
    }
    replies.send(json);
  }

  /** Values may be of 64 KiB and of any bytes; this is for people. */
  private static String shorten(byte[] value) {
    String text = PathWalk.text(value);
    return text.length() <= 1024 ? text : text.substring(0, 1024) + "...";
  }

  int cat(FileRequest.Cat request) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(READ_BYTES, 4096);
      for (String path : request.paths()) {
        tally.attempt(() -> cat(path, buffer));
      }
    }
    return tally.exit();
  }

  private void cat(String path, MemorySegment buffer) throws IOException {
    Found found = walk.get(path, LastLink.FOLLOW);
    if (found.isDirectory()) {
      tally.tell(new Problem(path + ": is a directory", "what is in it: bezoar ls", Exit.REFUSED));
      return;
    }
    try (OpenFile file = files.open(found.id())) {
      long offset = 0;
      while (!replies.gone()) {
        long count;
        try {
          count = file.read(offset, buffer);
        } catch (DamagedRangeException damaged) {
          sendData(buffer, damaged.goodPrefixBytes());
          throw damaged;
        }
        if (count == 0) {
          return;
        }
        sendData(buffer, count);
        offset += count;
      }
    }
  }

  private void sendData(MemorySegment buffer, long count) {
    for (long at = 0; at < count && !replies.gone(); at += SEND_BYTES) {
      byte[] bytes =
          buffer.asSlice(at, Math.min(SEND_BYTES, count - at)).toArray(ValueLayout.JAVA_BYTE);
      replies.send(Json.object().put("type", "data").put("bytes", bytes));
    }
  }

  int df(String pool) {
    replies.send(FileJson.figures(files.status()).put("type", "df").put("pool", pool));
    return Exit.OK;
  }

  int snapshots() throws IOException {
    files.snapshots().forEach(snapshot -> replies.send(FileJson.snapshot(snapshot)));
    return Exit.OK;
  }

  int owners(ByteRange range, String pool) throws IOException {
    long volumeBytes = files.status().totalBytes();
    if (range.end() > volumeBytes) {
      throw new MediaOpenException(
          pool,
          MediaOpenException.Reason.REFUSED,
          "%s reaches beyond its volume, which has %d bytes".formatted(range, volumeBytes));
    }
    Map<FileId, List<String>> paths = new HashMap<>();
    for (Owner owner : files.owners(range)) {
      if (replies.gone()) {
        break;
      }
      ObjectNode json = FileJson.owner(owner);
      if (owner instanceof Owner.Data data) {
        ArrayNode all = json.putArray("paths");
        pathsOf(data.file(), paths).forEach(all::add);
      }
      replies.send(json);
    }
    return tally.exit();
  }

  private List<String> pathsOf(FileId file, Map<FileId, List<String>> known) {
    List<String> paths = known.get(file);
    if (paths == null) {
      List<String> found = new ArrayList<>();
      tally.attempt(() -> found.addAll(files.paths(file)));
      paths = found;
      known.put(file, paths);
    }
    return paths;
  }

  int check() throws IOException {
    CheckReport report = files.check();
    replies.send(FileJson.check(report));
    return report.clean() ? Exit.OK : Exit.DAMAGED;
  }

  int du(FileRequest.Du request) {
    DiskUsage usage = new DiskUsage(files, replies, tally, request.flags());
    for (String path : request.paths()) {
      tally.attempt(() -> usage.of(path, walk.get(path, LastLink.KEEP)));
    }
    usage.end();
    return tally.exit();
  }
}
