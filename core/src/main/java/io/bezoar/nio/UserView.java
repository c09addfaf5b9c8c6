package io.bezoar.nio;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.FileId;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.PathWalk.LastLink;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Extended attributes of what is at a path. A pool keeps them as Linux does, under names that begin
 * with {@code user.}; others are not shown here.
 */
record UserView(PoolPath path, LastLink last) implements UserDefinedFileAttributeView {
  private static final String PREFIX = "user.";

  /** Something with the attributes of a file. */
  private interface Work<T> {
    T run(Filesystem files, FileId file) throws IOException;
  }

  @Override
  public String name() {
    return "user";
  }

  private <T> T call(Work<T> work) throws IOException {
    PoolFileSystem fs = path.getFileSystem();
    return fs.call(
        path,
        null,
        () -> {
          FileId file = fs.walk().find(path.route(), last).require().id();
          return work.run(fs.files(), file);
        });
  }

  private AttributeName stored(String name) throws FileSystemException {
    try {
      return AttributeName.of(PREFIX + Objects.requireNonNull(name));
    } catch (FileSystemException wrong) {
      throw new FileSystemException(path.text(), null, name + ": " + wrong.getReason());
    }
  }

  @Override
  public List<String> list() throws IOException {
    return call(
        (files, file) ->
            files.listExtended(file).keySet().stream()
                .map(AttributeName::toString)
                .filter(name -> name.startsWith(PREFIX))
                .map(name -> name.substring(PREFIX.length()))
                .toList());
  }

  byte[] value(String name) throws IOException {
    AttributeName stored = stored(name);
    Optional<byte[]> value = call((files, file) -> files.extended(file, stored));
    return value.orElseThrow(() -> missing(name));
  }

  private FileSystemException missing(String name) {
    return new FileSystemException(path.text(), null, "it has no attribute \"" + name + "\"");
  }

  @Override
  public int size(String name) throws IOException {
    return value(name).length;
  }

  @Override
  public int read(String name, ByteBuffer dst) throws IOException {
    if (dst.isReadOnly()) {
      throw new IllegalArgumentException("the buffer is read-only");
    }
    byte[] value = value(name);
    if (value.length > dst.remaining()) {
      throw new FileSystemException(
          path.text(),
          null,
          "attribute \"%s\" has %d bytes, and the buffer has room for %d"
              .formatted(name, value.length, dst.remaining()));
    }
    MemorySegment to = MemorySegment.ofBuffer(dst).asSlice(0, value.length);
    CallerMemory.copy(MemorySegment.ofArray(value), to);
    dst.position(dst.position() + value.length);
    return value.length;
  }

  @Override
  public int write(String name, ByteBuffer src) throws IOException {
    AttributeName stored = stored(name);
    byte[] value = new byte[src.remaining()];
    CallerMemory.copy(MemorySegment.ofBuffer(src), MemorySegment.ofArray(value));
    call(
        (files, file) -> {
          path.getFileSystem().checkWritable(file);
          files.setExtended(file, stored, value);
          return true;
        });
    src.position(src.limit());
    return value.length;
  }

  @Override
  public void delete(String name) throws IOException {
    AttributeName stored = stored(name);
    boolean removed =
        call(
            (files, file) -> {
              path.getFileSystem().checkWritable(file);
              return files.removeExtended(file, stored);
            });
    if (!removed) {
      throw missing(name);
    }
  }
}
