package io.bezoar.guard.sidecar;

import io.bezoar.media.Access;
import io.bezoar.media.Allocation;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A file that gets its name when it is whole and durable, and not before; that leaves nothing
 * behind when it is closed unpublished. What a killed process left behind is found by its name.
 */
final class FreshFile implements AutoCloseable {
  private static final Pattern NAME = Pattern.compile(".+\\.(\\d+)-[0-9a-f]{16}\\.new");

  /** A process that is not seen from here (in another container) still writes. */
  private static final Duration ABANDONED = Duration.ofMinutes(10);

  private final Path target;
  private final Path path;
  private final Media media;
  private boolean published;

  private FreshFile(Path target, Path path, Media media) {
    this.target = target;
    this.path = path;
    this.media = media;
  }

  /** A file of so many zeroes, readable by its owner only, with room for all of it. */
  static FreshFile beside(Path target, long sizeBytes) throws IOException {
    String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    String name =
        target.getFileName() + "." + ProcessHandle.current().pid() + "-" + random + ".new";
    Path path = target.resolveSibling(name);
    MediaOptions options = new MediaOptions(Access.READ_WRITE, MediaChoice.CHANNEL, Drills.OFF);
    return new FreshFile(
        target, path, MediaFiles.create(path, sizeBytes, Allocation.PREALLOCATED, options));
  }

  Media media() {
    return media;
  }

  /** The file under the name that it has until it is published. */
  Path path() {
    return path;
  }

  /** Whoever may read {@code model} may read this; nobody else. */
  void shareLike(Path model) throws IOException {
    PosixFileAttributes wanted = Files.readAttributes(model, PosixFileAttributes.class);
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    PosixFileAttributes own = view.readAttributes();
    try {
      if (!own.owner().equals(wanted.owner())) {
        view.setOwner(wanted.owner());
      }
      if (!own.group().equals(wanted.group())) {
        view.setGroup(wanted.group());
      }
    } catch (java.nio.file.FileSystemException denied) {
      return; // stays readable by its owner only: with another group the modes would say otherwise
    }
    view.setPermissions(wanted.permissions());
  }

  /** Makes everything durable and gives the file its name. */
  void publish(CopyOption... options) throws IOException {
    media.persist();
    media.close();
    Files.move(path, target, options);
    published = true;
    Path folder = target.toAbsolutePath().getParent();
    try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
      names.force(true);
    }
  }

  @Override
  public void close() throws IOException {
    media.close();
    if (!published) {
      Files.deleteIfExists(path);
    }
  }

  static boolean isNameOfOne(Path name) {
    return NAME.matcher(name.toString()).matches();
  }

  /**
   * Removes what killed processes left behind in a folder: files of this kind whose process does
   * not run any more and that nobody has written to for a while.
   *
   * @return what was removed
   */
  static List<Path> removeAbandoned(Path folder, InstantSource clock) throws IOException {
    List<Path> removed = new ArrayList<>();
    try (DirectoryStream<Path> names = Files.newDirectoryStream(folder, "*.new")) {
      for (Path candidate : names) {
        Matcher matcher = NAME.matcher(candidate.getFileName().toString());
        if (matcher.matches()
            && ProcessHandle.of(Long.parseLong(matcher.group(1))).isEmpty()
            && isOld(candidate, clock)) {
          Files.deleteIfExists(candidate);
          removed.add(candidate);
        }
      }
    }
    return removed;
  }

  private static boolean isOld(Path candidate, InstantSource clock) throws IOException {
    try {
      return Files.getLastModifiedTime(candidate)
          .toInstant()
          .isBefore(clock.instant().minus(ABANDONED));
    } catch (NoSuchFileException gone) {
      return false;
    }
  }
}
