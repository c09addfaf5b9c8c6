package io.bezoar.pool;

import io.bezoar.media.Access;
import io.bezoar.media.Allocation;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Where the media of a pool's devices come from: files, or simulations in tests. */
interface MediaSource {
  /** Files and block devices. */
  MediaSource FILES = new OfFiles();

  /** Opens what is there; see {@link MediaFiles#open}. */
  Media open(Path path, MediaChoice choice, PoolOptions.Intent intent) throws IOException;

  /** Makes something new; see {@link MediaFiles#create}. */
  Media create(Path path, long sizeBytes, Allocation allocation, MediaChoice choice)
      throws IOException;

  /** Takes away what {@link #create} made. */
  void delete(Path path) throws IOException;

  /** What the label at {@code path} says, without opening it for use. */
  LabelStore.Peek peek(Path path);

  /** What lies in a folder, a bounded number of files; empty when it cannot be read. */
  List<Path> list(Path folder);

  /** The path as labels keep it. */
  Path absolute(Path path);

  /** The real thing. */
  final class OfFiles implements MediaSource {
    /** Most files of one folder that are looked at in search of a device. */
    private static final int MAX_FILES = 4096;

    private OfFiles() {}

    @Override
    public Media open(Path path, MediaChoice choice, PoolOptions.Intent intent) throws IOException {
      Media media = openAtAll(path, choice, intent);
      long sizeBytes = media.sizeBytes();
      if (OddFile.isOdd(sizeBytes)) {
        media.close();
        throw OddFile.explain(path, sizeBytes);
      }
      return media;
    }

    private static Media openAtAll(Path path, MediaChoice choice, PoolOptions.Intent intent)
        throws IOException {
      try {
        return MediaFiles.open(path, new MediaOptions(Access.READ_WRITE, choice, Drills.ON));
      } catch (MediaOpenException e) {
        boolean notWritable = e.openReason() == Reason.READ_ONLY || e.openReason() == Reason.DENIED;
        if (intent == PoolOptions.Intent.LOOK && notWritable) {
          return MediaFiles.open(path, new MediaOptions(Access.READ_ONLY, choice, Drills.OFF));
        }
        throw e;
      }
    }

    @Override
    public Media create(Path path, long sizeBytes, Allocation allocation, MediaChoice choice)
        throws IOException {
      return MediaFiles.create(
          path, sizeBytes, allocation, new MediaOptions(Access.READ_WRITE, choice, Drills.ON));
    }

    @Override
    public void delete(Path path) throws IOException {
      Files.deleteIfExists(path);
    }

    @Override
    public LabelStore.Peek peek(Path path) {
      return LabelStore.peek(path);
    }

    @Override
    public List<Path> list(Path folder) {
      List<Path> files = new ArrayList<>();
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
        for (Path entry : entries) {
          if (files.size() == MAX_FILES) {
            break;
          }
          if (Files.isRegularFile(entry)) {
            files.add(entry);
          }
        }
      } catch (IOException | DirectoryIteratorException unreadable) {
        // A folder that cannot be read has no devices to offer; what is missing is said elsewhere.
        return files;
      }
      return files;
    }

    @Override
    public Path absolute(Path path) {
      try {
        return path.toRealPath();
      } catch (IOException notThere) {
        return path.toAbsolutePath().normalize();
      }
    }
  }
}
