package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.Attributes;
import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Files of a pool, snapshots included. */
final class PoolSource implements CopySource {
  private static final int BATCH = 512;

  private final Filesystem files;

  PoolSource(Filesystem files) {
    this.files = files;
  }

  static Where.Stored stored(Where where) {
    return switch (where) {
      case Where.Stored stored -> stored;
      case Where.Local local -> throw new IllegalArgumentException(local + " is not in a pool");
    };
  }

  @Override
  public CopyItem find(String path, PathWalk.LastLink last) throws IOException {
    PathWalk.Place place = new PathWalk(files).find(path, last);
    return item(new Where.Stored(place.require().id(), path), place.name());
  }

  private CopyItem item(Where.Stored where, @Nullable FileName name) throws IOException {
    Attributes all = files.attributes(where.id());
    CopyItem.Kind kind =
        switch (all.type()) {
          case REGULAR -> CopyItem.Kind.FILE;
          case DIRECTORY -> CopyItem.Kind.DIRECTORY;
          case SYMLINK -> CopyItem.Kind.LINK;
        };
    CopyAttributes attributes =
        new CopyAttributes(
            all.mode(),
            all.uid(),
            all.gid(),
            all.sizeBytes(),
            all.accessedNanos(),
            all.modifiedNanos(),
            all.createdNanos());
    boolean shared = kind == CopyItem.Kind.FILE && all.links() > 1;
    return new CopyItem(where, name, kind, attributes, shared ? where.id() : null);
  }

  @Override
  public Children children(CopyItem directory) {
    return new InDirectory(stored(directory.where()));
  }

  /** Entries a batch at a time, so that a large directory needs no more memory than a small one. */
  private final class InDirectory implements Children {
    private final Where.Stored directory;
    private final Deque<DirectoryEntry> batch = new ArrayDeque<>();
    private @Nullable FileName after;
    private boolean last;

    InDirectory(Where.Stored directory) {
      this.directory = directory;
    }

    @Override
    public @Nullable CopyItem next() throws IOException {
      if (batch.isEmpty() && !last) {
        batch.addAll(files.list(directory.id(), after, BATCH));
        last = batch.isEmpty();
      }
      DirectoryEntry entry = batch.poll();
      if (entry == null) {
        return null;
      }
      after = entry.name();
      String path = directory.child(entry.name());
      try {
        return item(new Where.Stored(entry.id(), path), entry.name());
      } catch (IOException why) {
        throw new ChildException(path, why);
      }
    }
  }

  @Override
  public byte[] target(CopyItem link) throws IOException {
    return files.readLink(stored(link.where()).id());
  }

  @Override
  public Map<AttributeName, byte[]> extended(CopyItem item) throws IOException {
    FileId id = stored(item.where()).id();
    Map<AttributeName, byte[]> attributes = new LinkedHashMap<>();
    for (AttributeName name : files.listExtended(id).keySet()) {
      Optional<byte[]> value = files.extended(id, name);
      value.ifPresent(bytes -> attributes.put(name, bytes));
    }
    return attributes;
  }

  @Override
  public Content open(CopyItem file) throws IOException {
    return new OfFile(files.open(stored(file.where()).id()));
  }

  /**
   * The content of a file of the pool.
   *
   * @param file the file
   */
  record OfFile(OpenFile file) implements Content {
    @Override
    public long sizeBytes() throws IOException {
      return file.sizeBytes();
    }

    @Override
    public Optional<ByteRange> nextData(long offset) throws IOException {
      return file.nextData(offset);
    }

    @Override
    public long read(long offset, MemorySegment dst) throws IOException {
      return file.read(offset, dst);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}
