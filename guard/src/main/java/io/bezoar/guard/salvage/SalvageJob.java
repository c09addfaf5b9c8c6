package io.bezoar.guard.salvage;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Presence;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A rescue by paths: checks that it may be done, opens or makes what it needs, and runs it.
 *
 * <p>Everything is checked before anything is made. The map is made before the destination, so that
 * a crash between the two leaves a map of nothing rescued, which is gone on with, and not a file of
 * unknown content, which would be refused. The destination is locked until {@link #close}.
 *
 * <p>A source that became smaller than its map is rescued as far as it goes; what is missing is
 * reported as absent.
 */
public final class SalvageJob implements AutoCloseable {
  /** Beyond this ddrescue's map speaks of bytes that no source has: its size was not known. */
  static final long UNKNOWN_SIZE = 1L << 62;

  private static final MediaOptions SOURCE =
      new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF);
  private static final MediaOptions DESTINATION =
      new MediaOptions(Access.READ_WRITE, MediaChoice.CHANNEL, Drills.OFF);

  private final Media source;
  private final Reading reading;
  private final Media destination;
  private final RescueMap map;
  private final RescueMapFile file;

  private SalvageJob(
      Media source, Reading reading, Media destination, RescueMap map, RescueMapFile file) {
    this.source = source;
    this.reading = reading;
    this.destination = destination;
    this.map = map;
    this.file = file;
  }

  /**
   * Prepares a rescue.
   *
   * @throws SalvageRefusedException when it is refused; nothing was made or changed then
   * @throws RescueMapException when the map is not a whole mapfile
   * @throws io.bezoar.media.MediaOpenException when source or destination cannot be opened
   */
  public static SalvageJob open(SalvageRequest request) throws IOException {
    SalvagePaths paths = new SalvagePaths(request);
    paths.check();
    RescueMapFile file = new RescueMapFile(paths.map(), () -> remarks(request));
    Media source = MediaFiles.open(request.source(), SOURCE);
    try {
      RescueMap map = file.load().orElseGet(() -> RescueMap.untried(0)).fromZero();
      paths.checkContent(map, source.sizeBytes());
      map.extendTo(source.sizeBytes());
      if (!paths.hasDestination()) {
        file.save(map);
      }
      Media destination = paths.openDestination(source.sizeBytes(), DESTINATION);
      try {
        file.save(map); // where there is no room for a map there is none for a rescue
        return new SalvageJob(source, paths.reading(), destination, map, file);
      } catch (IOException | RuntimeException | Error e) {
        destination.close();
        throw e;
      }
    } catch (IOException | RuntimeException | Error e) {
      source.close();
      throw e;
    }
  }

  private static List<String> remarks(SalvageRequest request) {
    List<String> remarks = new ArrayList<>(request.remarks());
    remarks.add("Current time: " + Instant.now().truncatedTo(ChronoUnit.SECONDS));
    return remarks;
  }

  /** What was done up to now; the rescue's own, to be looked at while it does not run. */
  public RescueMap map() {
    return map;
  }

  /** Size of the source now. */
  public long sizeBytes() {
    return source.sizeBytes();
  }

  /**
   * Runs; see {@link Salvage#run}.
   *
   * @param listener is told of the progress
   * @param stop is asked between reads whether to end now
   */
  public SalvageEnding run(
      SalvageOptions options, Consumer<? super SalvageProgress> listener, BooleanSupplier stop)
      throws IOException {
    SalvageEnding ending =
        new Salvage(source, reading, destination, map, file, options, listener, stop).run();
    long missing = absentBytes();
    return ending instanceof SalvageEnding.Finished && missing > 0
        ? new SalvageEnding.SourceAbsent(
            Presence.TRUNCATED,
            "ends "
                + missing
                + " bytes before the end of what was never rescued of it: they are absent, not bad;"
                + " restore its full length and start again")
        : ending;
  }

  /** Bytes that the source had once, has no more, and that were not rescued in time. */
  public long absentBytes() {
    long mapEnd = map.extent().end();
    if (mapEnd >= UNKNOWN_SIZE) {
      return 0;
    }
    ByteRange beyond = new ByteRange(source.sizeBytes(), mapEnd);
    return EnumSet.complementOf(EnumSet.of(RescueStatus.RESCUED)).stream()
        .flatMap(status -> map.ranges(status, beyond).stream())
        .mapToLong(ByteRange::length)
        .sum();
  }

  /** Closes source, destination and map; what was rescued is durable already. */
  @Override
  public void close() throws IOException {
    try (source;
        destination;
        file) {
      // All three are closed, whichever fails.
    }
  }
}
