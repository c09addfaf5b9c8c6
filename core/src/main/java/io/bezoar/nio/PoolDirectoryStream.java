package io.bezoar.nio;

import io.bezoar.fs.DirectoryEntry;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.InvalidFileException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Entries of a directory, some at a time, in the order of their names. What is there all the time
 * is seen once; what comes and goes meanwhile may be. The directory may be moved; one that is
 * deleted has no more entries.
 *
 * <p>Closing may come from any thread; otherwise for one thread at a time.
 */
final class PoolDirectoryStream implements DirectoryStream<Path> {
  private static final int AT_ONCE = 512;

  private final PoolPath path;
  private final FileId directory;
  private final DirectoryStream.Filter<? super Path> filter;
  private final AtomicBoolean begun = new AtomicBoolean();
  private volatile boolean closed;

  PoolDirectoryStream(
      PoolPath path, FileId directory, DirectoryStream.Filter<? super Path> filter) {
    this.path = path;
    this.directory = directory;
    this.filter = filter;
  }

  @Override
  public Iterator<Path> iterator() {
    if (closed) {
      throw new IllegalStateException("the stream is closed");
    }
    if (!begun.compareAndSet(false, true)) {
      throw new IllegalStateException("the entries can be iterated once");
    }
    return new Entries();
  }

  @Override
  public void close() {
    closed = true;
  }

  private final class Entries implements Iterator<Path> {
    private List<DirectoryEntry> some = List.of();
    private int at;
    private @Nullable FileName after;
    private boolean last;
    private @Nullable Path next;

    @Override
    public boolean hasNext() {
      if (next == null) {
        try {
          next = find();
        } catch (IOException e) {
          throw new DirectoryIteratorException(e);
        }
      }
      return next != null;
    }

    @Override
    public Path next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Path found = next;
      next = null;
      if (found == null) {
        throw new NoSuchElementException();
      }
      return found;
    }

    private @Nullable Path find() throws IOException {
      while (!closed) {
        if (at == some.size() && !more()) {
          return null;
        }
        Path entry = path.resolveText(some.get(at).name().toString());
        at++;
        if (filter.accept(entry)) {
          return entry;
        }
      }
      return null;
    }

    private boolean more() throws IOException {
      if (last) {
        return false;
      }
      PoolFileSystem fs = path.getFileSystem();
      some = fs.call(path, null, this::list);
      at = 0;
      last = some.size() < AT_ONCE;
      if (some.isEmpty()) {
        return false;
      }
      after = some.getLast().name();
      return true;
    }

    private List<DirectoryEntry> list() throws IOException {
      try {
        return path.getFileSystem().files().list(directory, after, AT_ONCE);
      } catch (InvalidFileException e) {
        if (e.problem() == InvalidFileException.Problem.GONE) {
          return List.of();
        }
        throw e;
      }
    }
  }
}
