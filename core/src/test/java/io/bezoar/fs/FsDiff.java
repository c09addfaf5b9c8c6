package io.bezoar.fs;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Says where two states differ, going down from the root: what has no name does not count. */
final class FsDiff {
  /** What a file may hold, if not what the expected state says. */
  @FunctionalInterface
  interface Contents {
    /** One of these, in content and time of modification; empty for just the expected one. */
    List<FsNode> allowed(long inode);
  }

  static final Contents AS_EXPECTED = _ -> List.of();

  private final FsState expected;
  private final FsState observed;
  private final Contents contents;
  private final Map<Long, Long> same = new HashMap<>();

  private FsDiff(FsState expected, FsState observed, Contents contents) {
    this.expected = expected;
    this.observed = observed;
    this.contents = contents;
  }

  /** For people; null when there is no difference. */
  static @Nullable String between(FsState expected, FsState observed, Contents contents) {
    if (!List.copyOf(expected.snapshots().keySet())
        .equals(List.copyOf(observed.snapshots().keySet()))) {
      return "snapshots "
          + expected.snapshots().keySet()
          + " but found "
          + observed.snapshots().keySet();
    }
    String difference = new FsDiff(expected, observed, contents).node("/", FsState.ROOT, 1);
    for (Map.Entry<String, FsState> snapshot : expected.snapshots().entrySet()) {
      if (difference != null) {
        return difference;
      }
      FsState found = Objects.requireNonNull(observed.snapshots().get(snapshot.getKey()));
      difference =
          new FsDiff(snapshot.getValue(), found, AS_EXPECTED)
              .node("/.snapshots/" + snapshot.getKey() + "/", FsState.ROOT, 1);
    }
    return difference;
  }

  private @Nullable String node(String path, long inode, long observedInode) {
    if (inode != FsState.PROVISIONAL && inode != observedInode) {
      return path + ": inode " + inode + " but found " + observedInode;
    }
    Long before = same.put(inode, observedInode);
    if (before != null) {
      return before == observedInode ? null : path + ": names of one file lead to two";
    }
    FsNode want = expected.node(inode);
    FsNode found = observed.node(observedInode);
    String difference = attributes(want, found, contents.allowed(inode));
    if (difference == null && want.isDirectory()) {
      return entries(path, want, found);
    }
    return difference == null ? null : path + ": " + difference;
  }

  private @Nullable String entries(String path, FsNode want, FsNode found) {
    if (!want.entries.keySet().equals(found.entries.keySet())) {
      return path + ": entries " + want.entries.keySet() + " but found " + found.entries.keySet();
    }
    for (Map.Entry<FileName, Long> entry : want.entries.entrySet()) {
      Long there = Objects.requireNonNull(found.entries.get(entry.getKey()));
      String difference = node(path + entry.getKey() + "/", entry.getValue(), there);
      if (difference != null) {
        return difference;
      }
    }
    return null;
  }

  /** Differences of everything but names. */
  static @Nullable String attributes(FsNode want, FsNode found, List<FsNode> alternatives) {
    if (want.type != found.type) {
      return "type " + want.type + " but found " + found.type;
    }
    return Stream.of(
            unlike("mode", want.mode, found.mode),
            unlike("uid", want.uid, found.uid),
            unlike("gid", want.gid, found.gid),
            unlike("links", want.links, found.links),
            anyContent(want, found, alternatives),
            unlike("accessed", want.accessed, found.accessed),
            unlike("created", want.created, found.created),
            want.generation == -1 ? null : unlike("generation", want.generation, found.generation),
            want.isDirectory() ? unlike("parent", want.parent, found.parent) : null,
            alternatives.isEmpty() ? unlike("changed", want.changed, found.changed) : null,
            Arrays.equals(want.target, found.target) ? null : "another target",
            extended(want.extended, found.extended))
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  private static @Nullable String unlike(String what, long want, long found) {
    return want == found ? null : what + " " + want + " but found " + found;
  }

  private static @Nullable String anyContent(FsNode want, FsNode found, List<FsNode> alternatives) {
    String difference = content(want, found);
    for (FsNode alternative : alternatives) {
      difference = content(alternative, found);
      if (difference == null) {
        return null;
      }
    }
    return difference;
  }

  private static @Nullable String content(FsNode want, FsNode found) {
    String difference = unlike("size", want.content.size(), found.content.size());
    long at = want.content.mismatch(found.content);
    if (difference == null && at >= 0) {
      difference =
          "byte "
              + at
              + " is "
              + Arrays.toString(found.content.read(at, 8))
              + " and not "
              + Arrays.toString(want.content.read(at, 8));
    }
    return difference != null ? difference : unlike("modified", want.modified, found.modified);
  }

  private static @Nullable String extended(
      NavigableMap<AttributeName, byte[]> want, NavigableMap<AttributeName, byte[]> found) {
    if (!want.keySet().equals(found.keySet())) {
      return "extended attributes " + want.keySet() + " but found " + found.keySet();
    }
    for (Map.Entry<AttributeName, byte[]> entry : want.entrySet()) {
      if (!Arrays.equals(entry.getValue(), found.get(entry.getKey()))) {
        return "another value of the extended attribute " + entry.getKey();
      }
    }
    return null;
  }
}
