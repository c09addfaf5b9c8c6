package io.bezoar.guard.salvage;

import io.bezoar.guard.salvage.SalvageRefusedException.Reason;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * The three paths of a rescue, and what speaks against it.
 *
 * <p>Threat: a name typed wrong must not cost the bytes that are to be rescued, nor anybody else's.
 */
final class SalvagePaths {
  private final Path source;
  private final Path destination;
  private final Path map;
  private final SalvageRequest.Devices devices;

  SalvagePaths(SalvageRequest request) throws IOException {
    this.source = request.source();
    this.destination = request.destination();
    // Saving replaces a name; a link should go on pointing to the map.
    this.map = Files.exists(request.map()) ? request.map().toRealPath() : request.map();
    this.devices = request.devices();
  }

  Reading reading() {
    return isDevice(source) ? Reading.DIRECT : Reading.CACHED;
  }

  boolean hasDestination() {
    return Files.exists(destination);
  }

  Path map() {
    return map;
  }

  /** What can be said before anything is opened. */
  void check() throws IOException {
    requireDifferent(source, destination, "is the source itself: name another destination");
    requireDifferent(source, map, "is the source itself: name another map");
    requireDifferent(destination, map, "is the destination itself: name another map");
    if (isDevice(source)) {
      requireElsewhere(destination);
      requireElsewhere(map);
    }
    if (Files.isDirectory(destination)) {
      throw new MediaOpenException(
          destination.toString(),
          MediaOpenException.Reason.NOT_A_FILE,
          "is a folder: name the file to make in it");
    }
    if (isDevice(destination) && devices == SalvageRequest.Devices.REFUSED) {
      throw refused(
          Reason.DEVICE,
          "is a device, all of which would be overwritten: name a file, or say that it may be");
    }
  }

  private static void requireDifferent(Path one, Path other, String problem) throws IOException {
    boolean bothThere = Files.exists(one) && Files.exists(other);
    boolean same =
        bothThere
            ? Files.isSameFile(one, other) || sameDevice(one, other)
            : one.toAbsolutePath().normalize().equals(other.toAbsolutePath().normalize());
    if (same) {
      throw new SalvageRefusedException(other.toString(), Reason.SAME_FILE, problem);
    }
  }

  private static boolean sameDevice(Path one, Path other) throws IOException {
    return isDevice(one)
        && isDevice(other)
        && Files.getAttribute(one, "unix:rdev").equals(Files.getAttribute(other, "unix:rdev"));
  }

  /** Files on the very file system that is being rescued are in the way of what they rescue. */
  private void requireElsewhere(Path file) throws IOException {
    Path place = Files.exists(file) ? file : file.toAbsolutePath().getParent();
    if (place != null
        && Files.exists(place)
        && Files.getAttribute(source, "unix:rdev").equals(Files.getAttribute(place, "unix:dev"))) {
      throw new SalvageRefusedException(
          file.toString(),
          Reason.ON_SOURCE,
          "lies on " + source + ", which is to be rescued: name a place on another disk");
    }
  }

  /** Neither file nor folder: {@link Files} has no word for it. */
  private static boolean isDevice(Path path) {
    return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
  }

  /** What can be said once the map was read and the source's size is known. */
  void checkContent(RescueMap known, long sourceBytes) throws IOException {
    long rescuedEnd =
        known.ranges(RescueStatus.RESCUED, known.extent()).stream()
            .mapToLong(ByteRange::end)
            .max()
            .orElse(0);
    if (!Files.exists(destination)) {
      if (rescuedEnd > 0) {
        throw refused(
            Reason.DESTINATION_CUT,
            "is missing, but "
                + map
                + " says that "
                + known.bytes(RescueStatus.RESCUED)
                + " bytes were rescued into it: restore it, or remove the map to begin anew");
      }
    } else if (!isDevice(destination)) {
      checkFile(known, rescuedEnd, sourceBytes);
    }
  }

  private void checkFile(RescueMap known, long rescuedEnd, long sourceBytes) throws IOException {
    long size = Files.size(destination);
    if (size > 0 && !Files.exists(map)) {
      throw refused(
          Reason.UNKNOWN_CONTENT,
          "has content, and there is no map "
              + map
              + " to say what of it was rescued: name its map, or another destination");
    }
    if (size < rescuedEnd) {
      throw refused(
          Reason.DESTINATION_CUT,
          "has "
              + size
              + " bytes, but "
              + map
              + " says that bytes up to "
              + rescuedEnd
              + " were rescued into it: restore it, or remove both to begin anew");
    }
    boolean fresh = known.bytes(RescueStatus.RESCUED) == 0;
    long sourceOnce = Math.max(sourceBytes, sizeOnce(known));
    boolean ofSource = size == 0 || size == sourceBytes || size == sizeOnce(known);
    if (size > Math.max(sourceOnce, rescuedEnd) || (fresh && !ofSource)) {
      throw refused(
          Reason.OTHER_SIZE,
          "has "
              + size
              + " bytes and "
              + source
              + " has "
              + sourceBytes
              + ": it is not its copy; name another destination, or remove it to begin anew");
    }
  }

  /** The size that the source had when the map was made; 0 where nobody knew. */
  private static long sizeOnce(RescueMap known) {
    long end = known.extent().end();
    return end >= SalvageJob.UNKNOWN_SIZE ? 0 : end;
  }

  private SalvageRefusedException refused(Reason reason, String whatToDo) {
    return new SalvageRefusedException(destination.toString(), reason, whatToDo);
  }

  /** Makes the destination, or makes it long enough, and opens it. */
  Media openDestination(long sourceBytes, MediaOptions options) throws IOException {
    if (!Files.exists(destination)) {
      Files.createFile(
          destination,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    if (!isDevice(destination) && Files.size(destination) < sourceBytes) {
      try (RandomAccessFile file = new RandomAccessFile(destination.toFile(), "rw")) {
        file.setLength(sourceBytes);
        file.getFD().sync();
      }
      RescueMapFile.syncFolder(destination);
    }
    Media media = MediaFiles.open(destination, options);
    if (media.sizeBytes() < sourceBytes) {
      media.close();
      throw refused(
          Reason.OTHER_SIZE,
          "has room for "
              + media.sizeBytes()
              + " bytes, and "
              + source
              + " has "
              + sourceBytes
              + ": name a larger one");
    }
    return media;
  }
}
