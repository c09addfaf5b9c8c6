package io.bezoar.media;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Decides how one open file is reached, and builds the media. A mapping is for files whose faults
 * are memory faults, on a JVM whose guard has passed its self-test; everything else is reached by
 * channel. When the choice was left to us an obstacle to mapping is a reason for the channel; when
 * it was not, it is an error.
 */
record MediaAssembly(
    Path path,
    Descriptor file,
    FileStat stat,
    long sizeBytes,
    MediaOptions options,
    DrillList list,
    ArmedFaults armed) {

  Media make() throws IOException {
    if (options.choice() == MediaChoice.CHANNEL) {
      return channel();
    }
    @Nullable String objection = objectionToMapping();
    if (objection == null) {
      return mapped();
    }
    if (options.choice() == MediaChoice.MAPPED) {
      throw new MediaOpenException(
          path.toString(),
          MediaOpenException.Reason.NOT_MAPPABLE,
          objection + ": put it on tmpfs or a DAX file system, or let it be reached by channel");
    }
    return channel();
  }

  private @Nullable String objectionToMapping() {
    if (sizeBytes == 0) {
      return "there is nothing in it to map";
    }
    if (!stat.isRegular() || !(stat.dax() || FileStat.onTmpfs(file))) {
      return "a fault of its mapping would be a disk fault, which stalls the JVM";
    }
    GuardReport guard = GuardSelfTest.report();
    return guard.sound() ? null : guard.detail();
  }

  private Media mapped() throws IOException {
    boolean dax = stat.dax();
    Mapping mapping;
    try {
      mapping = Mapping.of(file, sizeBytes, mode(dax));
    } catch (IOException | UnsupportedOperationException e) {
      if (options.choice() == MediaChoice.AUTO) {
        return channel();
      }
      throw new MediaOpenException(
          path.toString(),
          MediaOpenException.Reason.NOT_MAPPABLE,
          "cannot be mapped: " + e.getMessage());
    }
    MediaKind kind = dax ? MediaKind.MAPPED_DAX : MediaKind.MAPPED_MEMORY;
    Persistence persistence = dax ? Persistence.CPU_WRITE_BACK : Persistence.PROCESS_CRASH;
    try {
      return new MappedMedia(
          path, info(kind, Units.PAGE_BYTES, persistence), file, mapping, options, list, armed);
    } catch (IOException | RuntimeException | Error e) {
      mapping.close();
      throw e;
    }
  }

  private Mapping.Mode mode(boolean dax) {
    if (options.access() == Access.READ_WRITE) {
      return dax ? Mapping.Mode.READ_WRITE_SYNC : Mapping.Mode.READ_WRITE;
    }
    return dax ? Mapping.Mode.READ_SYNC : Mapping.Mode.READ;
  }

  private Media channel() {
    int granule = stat.isBlockDevice() ? FileStat.blockDeviceSectorBytes(file) : Units.SECTOR_BYTES;
    Persistence persistence =
        FileStat.onTmpfs(file) ? Persistence.PROCESS_CRASH : Persistence.FDATASYNC;
    MediaInfo info = info(MediaKind.CHANNEL, granule, persistence);
    PastCache pastCache = PastCache.of(file, options.access(), granule);
    return new ChannelMedia(path, info, file, pastCache, options, list, armed);
  }

  private MediaInfo info(MediaKind kind, int granule, Persistence persistence) {
    return new MediaInfo(
        path.toString(),
        kind,
        sizeBytes,
        granule,
        Math.max(Units.PAGE_BYTES, granule),
        persistence,
        kind == MediaKind.CHANNEL,
        options.access() == Access.READ_WRITE);
  }
}
