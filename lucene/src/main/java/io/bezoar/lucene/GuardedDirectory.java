package io.bezoar.lucene;

import io.bezoar.guard.Damage;
import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.ReadOnceHint;
import org.apache.lucene.util.IOSupplier;

/**
 * The files of an index, read through guarded mappings; written, listed and locked by Lucene's own
 * directory underneath.
 *
 * <p><b>Why.</b> Under Lucene's MMapDirectory a page that cannot be read is an {@link
 * InternalError}, thrown late, after a search has used bytes which were never read; nobody can say
 * of which file it is, and servers end themselves. Here it is healed, or it is an {@link
 * IOException} of one file and range, and the rest of the index is served.
 *
 * <p><b>Three ways to read</b>, by what they promise:
 *
 * <ul>
 *   <li>{@link GuardedIndexSearcher} and {@link #run} read as fast as MMapDirectory. What met a bad
 *       page is dropped and done again; what is returned comes of bytes that were really read.
 *   <li>{@link #exactly} reads by guarded copies, more slowly: for what has effects and cannot be
 *       done twice, such as a merge ({@link GuardedMergeScheduler}). The same is true, always, of
 *       stored fields, term vectors, and all that a reader loads when it is opened.
 *   <li>Anything else reads as under MMapDirectory: it costs nothing, and promises nothing.
 * </ul>
 *
 * <p>An input must be cloned, or an enumeration be asked for, inside of the body that uses it. That
 * is Lucene's own rule for threads.
 *
 * <p>Thread-safe, as any directory is.
 */
public final class GuardedDirectory extends FilterDirectory {
  private final Path folder;
  private final GuardOptions options;
  private final OpenFiles files = new OpenFiles();

  /** The index in {@code folder}, with {@link GuardOptions#DEFAULT}. */
  public static GuardedDirectory open(Path folder) throws IOException {
    return new GuardedDirectory(new MMapDirectory(folder), GuardOptions.DEFAULT);
  }

  /**
   * The index that {@code in} holds.
   *
   * @param in writes, lists, deletes and locks; closed with this directory
   * @param options how its files are guarded while they are read
   */
  public GuardedDirectory(FSDirectory in, GuardOptions options) {
    super(in);
    this.folder = in.getDirectory();
    this.options = Objects.requireNonNull(options);
  }

  /**
   * Does {@code body}, which reads and has no effects, perhaps more than once: when it met a bad
   * page its result, or exception, is dropped, and it runs again on guarded copies, which heal what
   * they meet. Inside of another run, or of {@link #exactly}, it simply is a part of that.
   *
   * <p>It must make inside what it reads with, must not swallow {@link Error}s, and must not hand
   * work to other threads but those of a {@link GuardedIndexSearcher}'s executor.
   *
   * @return what the body returned in the run that met no bad page
   * @throws org.apache.lucene.index.CorruptIndexException when bytes that it needs are lost: names
   *     the file and the range
   * @throws IOException when a file was cut or is gone, and what the body throws
   */
  public <T> T run(IOSupplier<T> body) throws IOException {
    return Reruns.run(body);
  }

  /**
   * Does {@code body}, once: inputs that it opens, clones or slices read by guarded copies, which
   * heal what is bad before they return. For what cannot be repeated: merges, commits, copies.
   *
   * @throws org.apache.lucene.index.CorruptIndexException when bytes that it needs are lost: names
   *     the file and the range
   * @throws IOException when a file was cut or is gone, and what the body throws
   */
  public <T> T exactly(IOSupplier<T> body) throws IOException {
    return Reruns.exactly(body);
  }

  /**
   * Looks at all bytes of every file, under live searches: heals pages that cannot be read, and, in
   * files with a sidecar, bytes that changed silently. Reads the whole index.
   *
   * @return what is lost, by the names of the files
   * @throws IOException when a file was cut or cannot be opened
   */
  public Map<String, List<Damage>> verify() throws IOException {
    Map<String, List<Damage>> lost = new TreeMap<>();
    for (String name : listAll()) {
      OpenFiles.Lease lease;
      try {
        lease = lease(name);
      } catch (NoSuchFileException e) {
        continue; // deleted since it was listed
      }
      try {
        lease.guard().scrub();
        if (!lease.guard().damage().isEmpty()) {
          lost.put(name, lease.guard().damage());
        }
      } finally {
        lease.close();
      }
    }
    return lost;
  }

  /** What is lost of the files that are open now, by their names. */
  public Map<String, List<Damage>> damage() {
    Map<String, List<Damage>> byName = new TreeMap<>();
    files
        .guards()
        .forEach(
            (name, guard) -> {
              if (!guard.damage().isEmpty()) {
                byName.put(name, guard.damage());
              }
            });
    return byName;
  }

  @Override
  public IndexInput openInput(String name, IOContext context) throws IOException {
    ensureOpen();
    OpenFiles.Lease lease = lease(name);
    Guard guard = lease.guard();
    String description = "GuardedIndexInput(path=\"" + guard.file() + "\")";
    FileView.Precision precision = precision(name, context);
    FileView view = new FileView(guard, description, 0, guard.sizeBytes(), precision);
    return view.opened(lease);
  }

  private OpenFiles.Lease lease(String name) throws IOException {
    Path path = folder.resolve(name);
    try {
      return files.acquire(name, () -> Guard.map(path, options));
    } catch (MediaOpenException e) {
      if (e.openReason() == MediaOpenException.Reason.MISSING) {
        NoSuchFileException missing = new NoSuchFileException(path.toString());
        missing.initCause(e);
        throw missing;
      }
      throw e;
    }
  }

  /** What is read once at the opening of a reader is kept by it. */
  static FileView.Precision precision(String name, IOContext context) {
    return context.hints().contains(ReadOnceHint.INSTANCE)
        ? FileView.Precision.EXACT
        : FileView.Precision.ofName(name);
  }

  @Override
  public void deleteFile(String name) throws IOException {
    super.deleteFile(name);
    files.forget(name);
  }

  @Override
  public void rename(String source, String dest) throws IOException {
    super.rename(source, dest);
    files.forget(source);
    files.forget(dest);
  }

  /** The mapping of a file that is open, on which drills can be held. */
  Optional<Guard> guard(String name) {
    return Optional.ofNullable(files.guards().get(name));
  }
}
