package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Files of this machine, to be copied into a pool. */
final class LocalSource implements CopySource {
  /** What is tried to read behind what a file says is its end. */
  private static final long BEHIND_BYTES = 1 << 20;

  private final LocalFiles files;

  LocalSource(LocalFiles files) {
    this.files = files;
  }

  @Override
  public CopyItem find(String path, PathWalk.LastLink last) throws IOException {
    Path at = LocalNames.of(path);
    CopyItem item = files.item(at);
    if (item.kind() == CopyItem.Kind.LINK && last == PathWalk.LastLink.FOLLOW) {
      CopyItem real = files.item(at.toRealPath());
      return new CopyItem(real.where(), item.name(), real.kind(), real.attributes(), real.sameAs());
    }
    return item;
  }

  @Override
  public Children children(CopyItem directory) throws IOException {
    List<Path> paths = new ArrayList<>();
    try (DirectoryStream<Path> stream =
        Files.newDirectoryStream(LocalFiles.local(directory.where()))) {
      stream.forEach(paths::add);
    } catch (DirectoryIteratorException broken) {
      throw broken.getCause();
    }
    paths.sort(null);
    Iterator<Path> left = paths.iterator();
    return () -> {
      if (!left.hasNext()) {
        return null;
      }
      Path path = left.next();
      try {
        return files.item(path);
      } catch (IOException why) {
        throw new ChildException(path.toString(), why);
      }
    };
  }

  @Override
  public byte[] target(CopyItem link) throws IOException {
    return LocalNames.bytes(Files.readSymbolicLink(LocalFiles.local(link.where())));
  }

  @Override
  public Map<AttributeName, byte[]> extended(CopyItem item) throws IOException {
    return LocalFiles.extended(LocalFiles.local(item.where()));
  }

  @Override
  public Content open(CopyItem file) throws IOException {
    Path path = LocalFiles.local(file.where());
    return new OfFile(path, FileChannel.open(path, StandardOpenOption.READ));
  }

  /**
   * Nobody tells where its holes are: they are read as zeroes. Nor is its size the end of it: files
   * that the kernel makes up as they are read say that they have none. The end is where nothing
   * more is read.
   */
  private record OfFile(Path path, FileChannel channel) implements Content {
    @Override
    public long sizeBytes() throws IOException {
      return channel.size();
    }

    @Override
    public Optional<ByteRange> nextData(long offset) throws IOException {
      return Optional.of(new ByteRange(offset, Math.max(channel.size(), offset + BEHIND_BYTES)));
    }

    @Override
    public long read(long offset, MemorySegment dst) throws IOException {
      ByteBuffer buffer = dst.asByteBuffer();
      try {
        while (buffer.hasRemaining() && channel.read(buffer, offset + buffer.position()) >= 0) {
          // Until it is full, or the file ends.
        }
      } catch (IOException cannot) {
        long at = offset + buffer.position();
        throw new UnreadableSourceException(
            path.toString(), new ByteRange(at, offset + dst.byteSize()), cannot);
      }
      return buffer.position();
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
