package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Finds out everything that a filesystem holds, by looking. */
final class FsObserver {
  private static final int CHUNK = 256 << 10;

  private FsObserver() {}

  /** The live state, and all snapshots. */
  static FsState observe(Filesystem fs) throws IOException {
    FsState state = tree(fs, FileId.ROOT);
    for (SnapshotInfo info : fs.snapshots()) {
      DirectoryEntry root = fs.lookup(FileId.SNAPSHOTS, FileName.of(info.name())).orElseThrow();
      assertThat(root.id().snapshot()).isEqualTo(info.commit());
      state = state.withSnapshot(info.name(), tree(fs, root.id()));
    }
    return state;
  }

  static FsState tree(Filesystem fs, FileId root) throws IOException {
    FsState state = FsState.empty(node(fs, root));
    assertThat(root.inode()).isEqualTo(FsState.ROOT);
    ArrayDeque<Long> directories = new ArrayDeque<>(List.of(FsState.ROOT));
    while (!directories.isEmpty()) {
      long directory = directories.remove();
      for (Long child : state.node(directory).entries.values()) {
        if (state.find(child) == null) {
          FsNode node = node(fs, root.of(child));
          state.nodes().put(child, node);
          if (node.isDirectory()) {
            directories.add(child);
          }
        }
      }
    }
    return state;
  }

  /** Everything about one file. */
  static FsNode node(Filesystem fs, FileId id) throws IOException {
    Attributes attributes = fs.attributes(id);
    assertThat(attributes.id()).isEqualTo(id);
    FsNode node = of(attributes);
    switch (node.type) {
      case DIRECTORY -> {
        list(fs, id, node);
        boolean keptRoot = id.isSnapshot() && id.inode() == FsState.ROOT;
        node.parent = keptRoot ? FsState.ROOT : fs.parent(id).inode();
      }
      case SYMLINK -> node.target = fs.readLink(id);
      case REGULAR -> {
        try (OpenFile file = fs.open(id)) {
          node.content = content(file);
        }
      }
    }
    for (Map.Entry<AttributeName, Integer> entry : fs.listExtended(id).entrySet()) {
      byte[] value = fs.extended(id, entry.getKey()).orElseThrow();
      assertThat(value).hasSize(entry.getValue());
      node.extended.put(entry.getKey(), value);
    }
    assertThat(attributes.sizeBytes()).isEqualTo(node.size());
    return node;
  }

  static FsNode of(Attributes attributes) {
    FsNode node = new FsNode(attributes.type());
    node.mode = attributes.mode();
    node.uid = attributes.uid();
    node.gid = attributes.gid();
    node.links = attributes.links();
    node.accessed = attributes.accessedNanos();
    node.modified = attributes.modifiedNanos();
    node.changed = attributes.changedNanos();
    node.created = attributes.createdNanos();
    node.generation = attributes.generation();
    return node;
  }

  /** Lists in pieces, as somebody with little memory does. */
  private static void list(Filesystem fs, FileId id, FsNode node) throws IOException {
    FileName after = null;
    int max = 7;
    while (true) {
      List<DirectoryEntry> some = fs.list(id, after, max);
      assertThat(some).hasSizeLessThanOrEqualTo(max);
      for (DirectoryEntry entry : some) {
        assertThat(after == null || after.compareTo(entry.name()) < 0).isTrue();
        assertThat(entry.id().snapshot()).isEqualTo(id.snapshot());
        assertThat(fs.lookup(id, entry.name())).contains(entry);
        node.entries.put(entry.name(), entry.id().inode());
        after = entry.name();
      }
      if (some.isEmpty()) {
        return;
      }
      max = 1000;
    }
  }

  /** Reads what is said to be data; the rest must be a hole. */
  static FsContent content(OpenFile file) throws IOException {
    long size = file.sizeBytes();
    FsContent content = FsContent.EMPTY.truncate(size);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(CHUNK, FsRig.PAGE);
      long at = 0;
      while (at < size) {
        Optional<ByteRange> data = file.nextData(at);
        if (data.isEmpty()) {
          return content;
        }
        ByteRange run = data.get();
        assertThat(run.start()).isGreaterThanOrEqualTo(at);
        assertThat(run.end()).isGreaterThan(run.start()).isLessThanOrEqualTo(size);
        for (at = run.start(); at < run.end(); at += CHUNK) {
          MemorySegment some = buffer.asSlice(0, Math.min(CHUNK, run.end() - at));
          assertThat(file.read(at, some)).isEqualTo(some.byteSize());
          content = content.write(at, some.toArray(ValueLayout.JAVA_BYTE));
        }
        at = run.end();
      }
    }
    return content;
  }

  static byte[] read(OpenFile file, long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, length), FsRig.PAGE).asSlice(0, length);
      buffer.fill((byte) 0x5a);
      long count = file.read(offset, buffer);
      return buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** Native memory with these bytes. */
  static MemorySegment segment(Arena arena, byte[] bytes) {
    MemorySegment segment =
        arena.allocate(Math.max(1, bytes.length), FsRig.PAGE).asSlice(0, bytes.length);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    return segment;
  }
}
