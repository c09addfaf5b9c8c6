package io.bezoar.lucene;

import io.bezoar.guard.Damage;
import io.bezoar.guard.Guard;
import io.bezoar.guard.GuardOptions;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.SegmentInfos;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.Lock;
import org.apache.lucene.store.MMapDirectory;
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
 * <p><b>Ways to read</b>, by what they promise:
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
 * <p><b>Bytes that change silently</b> make no load fail. With {@link SidecarUse#CHECK_AT_OPEN}
 * every byte is checked when its file is opened; from then on it is found by {@link #verify}, by
 * exact reads, and by a search that stumbles over it. A search that reads it before, and does not
 * stumble, may answer wrong: that is not promised away.
 *
 * <p><b>Sidecars</b> are written when Lucene syncs a file, that is, at a commit, and go when it
 * goes; a file that goes bad before its first commit is healed by nothing but a {@link
 * io.bezoar.guard.RepairSource}. Lucene is not shown them. An index with sidecars can still be read
 * by MMapDirectory; an IndexWriter on MMapDirectory deletes most of them as unknown files, and
 * {@link #protect} makes them again.
 *
 * <p>A file of which bytes are lost is opened all the same, and {@link #damage} says so: what needs
 * those bytes fails, and nothing else. Whoever wants a clean index or none asks after opening.
 *
 * <p>Lucene's requests to read ahead are passed to the kernel; what MMapDirectory itself is set to
 * (read advice, preloading) is not.
 *
 * <p>Thread-safe, as any directory is.
 */
public final class GuardedDirectory extends FilterDirectory {
  private final Path folder;
  private final SidecarUse use;
  private final SidecarFiles sidecars;
  private final Mapper mapper;
  private final OpenFiles files = new OpenFiles();

  /** The index in {@code folder}, with sidecars that are checked when a file is opened. */
  public static GuardedDirectory open(Path folder) throws IOException {
    return new GuardedDirectory(
        new MMapDirectory(folder), SidecarUse.CHECK_AT_OPEN, GuardOptions.DEFAULT);
  }

  /**
   * The index that {@code in} holds.
   *
   * @param in writes, lists, deletes and locks; closed with this directory
   * @param use what is done with sidecars
   * @param options how files are guarded while they are read; those about sidecars are set by
   *     {@code use}
   */
  public GuardedDirectory(FSDirectory in, SidecarUse use, GuardOptions options) {
    super(in);
    this.folder = in.getDirectory();
    this.use = Objects.requireNonNull(use);
    this.sidecars = new SidecarFiles(in.getDirectory());
    this.mapper = new Mapper(options, use, sidecars);
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
   * Gives a sidecar to every file of the last commit that has none: for an index that was written
   * without this directory. Reads those files once, at some GB/s. Wrong bytes that are in them by
   * then would be taken for right ones: run CheckIndex before.
   *
   * @throws org.apache.lucene.index.IndexNotFoundException when there is no commit
   * @throws io.bezoar.guard.sidecar.SidecarException when a file is damaged, or something else has
   *     the name of its sidecar
   */
  public void protect() throws IOException {
    for (String name : SegmentInfos.readLatestCommit(this).files(true)) {
      sidecars.make(name);
    }
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
    String description = "GuardedIndexInput(path=\"" + folder.resolve(name) + "\")";
    FileView.Precision precision = FileView.Precision.of(name, context);
    FileView view =
        new FileView(guard, lease.readAhead(), description, 0, guard.sizeBytes(), precision);
    return view.opened(lease);
  }

  private OpenFiles.Lease lease(String name) throws IOException {
    if (SidecarFiles.isOurs(name)) {
      throw new NoSuchFileException(name, null, "no file of an index has such a name");
    }
    Guard.barrier(); // an error that is on its way must not be taken for one of the checks here
    return files.acquire(name, () -> mapper.map(name));
  }

  @Override
  public String[] listAll() throws IOException {
    return Arrays.stream(super.listAll())
        .filter(name -> !SidecarFiles.isOurs(name))
        .toArray(String[]::new);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException when the name is one of a sidecar
   */
  @Override
  public IndexOutput createOutput(String name, IOContext context) throws IOException {
    if (SidecarFiles.isOurs(name)) {
      throw new IllegalArgumentException("a file of an index cannot be called " + name);
    }
    IndexOutput output = super.createOutput(name, context);
    files.forget(name);
    sidecars.delete(name);
    return output;
  }

  /** {@inheritDoc} Then the sidecars of the files are written, and are durable as well. */
  @Override
  public void sync(Collection<String> names) throws IOException {
    super.sync(names);
    if (use != SidecarUse.NONE) {
      sidecars.synced(names);
    }
  }

  @Override
  public void rename(String source, String dest) throws IOException {
    super.rename(source, dest);
    files.forget(source);
    files.forget(dest);
    if (use != SidecarUse.NONE) {
      sidecars.renamed(source, dest);
    } else {
      sidecars.delete(source);
      sidecars.delete(dest);
    }
  }

  @Override
  public void deleteFile(String name) throws IOException {
    super.deleteFile(name);
    files.forget(name);
    sidecars.delete(name);
  }

  @Override
  public Lock obtainLock(String name) throws IOException {
    Lock lock = super.obtainLock(name);
    if (!name.equals(IndexWriter.WRITE_LOCK_NAME)) {
      return lock;
    }
    try {
      sidecars.sweep();
      return lock;
    } catch (IOException | RuntimeException | Error e) {
      try (lock) {
        throw e;
      }
    }
  }

  /** Where the sidecar of a file stands beside. */
  Path guardedPath(String name) throws IOException {
    return sidecars.path(name);
  }

  /** The mapping of a file that is open, on which drills can be held. */
  Optional<Guard> guard(String name) {
    return Optional.ofNullable(files.guards().get(name));
  }
}
