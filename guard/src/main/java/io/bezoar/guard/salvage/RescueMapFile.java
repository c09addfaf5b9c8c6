package io.bezoar.guard.salvage;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A mapfile, replaced as a whole: new file, fsync, rename, fsync of the folder.
 *
 * <p>The room for the next map is taken when this one is saved, as a file of zeroes that the next
 * one overwrites: a destination that fills the file system they share must not cost the map of what
 * was rescued. It is removed by {@link #close}; one that a crash left is used by the next save.
 *
 * <p>Not thread-safe; its user holds the destination's lock.
 */
public final class RescueMapFile implements RescueMapStore, AutoCloseable {
  /** By how much a map may grow between two saves when there is no room left at all. */
  private static final int SPARE_BYTES = 64 << 10;

  private final Path path;
  private final Path next;
  private final Supplier<List<String>> remarks;

  /**
   * The map at {@code path}, which need not exist.
   *
   * @param remarks lines for people that head the map, asked for at each save
   */
  public RescueMapFile(Path path, Supplier<List<String>> remarks) {
    this.path = path;
    this.next = path.resolveSibling(path.getFileName() + ".new");
    this.remarks = remarks;
  }

  /**
   * Reads the map.
   *
   * @return nothing when there is no such file
   * @throws RescueMapException when it is not a whole mapfile
   */
  public Optional<RescueMap> load() throws IOException {
    try (BufferedReader text = Files.newBufferedReader(path, StandardCharsets.ISO_8859_1)) {
      return Optional.of(RescueMapFormat.read(path.toString(), text));
    } catch (NoSuchFileException missing) {
      return Optional.empty();
    }
  }

  @Override
  public void save(RescueMap map) throws IOException {
    try (FileChannel file =
        FileChannel.open(next, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      BufferedWriter text =
          new BufferedWriter(Channels.newWriter(file, StandardCharsets.UTF_8), 1 << 16);
      List<String> head = new ArrayList<>(remarks.get());
      head.add(doing(map.point()));
      RescueMapFormat.write(map, head, text);
      text.flush();
      file.truncate(file.position());
      file.force(true);
    } catch (IOException e) {
      throw notSaved(e);
    }
    long sizeBytes = Files.size(next);
    Files.move(next, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncFolder(path);
    takeRoom(sizeBytes + SPARE_BYTES);
  }

  private FileSystemException notSaved(IOException cause) {
    String whatToDo =
        switch (cause) {
          case NoSuchFileException missing -> "its folder does not exist: make it, or name another";
          case AccessDeniedException denied -> "its folder may not be written: name another map";
          default ->
              "cannot be saved ("
                  + cause.getMessage()
                  + "), what was saved before is kept: free space beside it, then start again";
        };
    FileSystemException notSaved = new FileSystemException(path.toString(), null, whatToDo);
    notSaved.initCause(cause);
    return notSaved;
  }

  private static String doing(RescuePoint point) {
    String way = Direction.ofPass(point.pass()) == Direction.FORWARD ? "forwards" : "backwards";
    String pass = "... Pass " + point.pass() + " (" + way + ")";
    return switch (point.phase()) {
      case COPYING -> "Copying non-tried blocks" + pass;
      case TRIMMING -> "Trimming failed blocks" + pass;
      case SCRAPING -> "Scraping failed blocks" + pass;
      case RETRYING -> "Retrying bad sectors" + pass;
      case FILLING -> "Filling blocks";
      case GENERATING -> "Generating mapfile";
      case FINISHED -> "Finished";
    };
  }

  /** Takes the room for the next save, if it is there. */
  private void takeRoom(long sizeBytes) throws IOException {
    ByteBuffer zeroes = ByteBuffer.allocate(1 << 16);
    try (FileChannel file =
        FileChannel.open(next, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long left = sizeBytes; left > 0; left -= zeroes.capacity()) {
        file.write(zeroes.clear().limit((int) Math.min(left, zeroes.capacity())));
      }
    } catch (IOException full) {
      Files.deleteIfExists(next); // the next save finds its own room, or says that there is none
    }
  }

  static void syncFolder(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      try (FileChannel open = FileChannel.open(folder, StandardOpenOption.READ)) {
        open.force(true);
      }
    }
  }

  /** Gives back the room for the next map. */
  @Override
  public void close() throws IOException {
    Files.deleteIfExists(next);
  }
}
