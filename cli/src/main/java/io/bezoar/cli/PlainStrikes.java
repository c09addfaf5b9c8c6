package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultInjector;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Makes a plain file go bad on purpose, at random pages or one place. What changes bytes does it as
 * rot would, without a trace in the file's times; what refuses to be read is kept in a list beside
 * the file, and in force for everything that opens the file through Bezoar.
 */
final class PlainStrikes {
  private static final int PAGE = Units.PAGE_BYTES;

  /**
   * What is to be struck.
   *
   * @param kinds taken in turn
   * @param at where, in bytes from the start of the file; anywhere when null
   * @param lengthBytes at each place
   * @param count places
   * @param seed decides the places and what stands there afterwards
   */
  record Plan(List<FaultKind> kinds, @Nullable Long at, long lengthBytes, int count, long seed) {}

  private PlainStrikes() {}

  /**
   * Strikes.
   *
   * @param show is given one object for the plan and one for each strike
   */
  static void strike(Path file, Plan plan, Consumer<ObjectNode> show) throws IOException {
    MediaOptions options = new MediaOptions(Access.REPAIR, MediaChoice.AUTO, Drills.ON);
    try (Media media = MediaFiles.open(file, options)) {
      List<ByteRange> places = places(media, plan);
      show.accept(
          Json.object().put("type", "plan").put("count", places.size()).put("seed", plan.seed()));
      FaultInjector injector = media.injector();
      for (int i = 0; i < places.size(); i++) {
        FaultKind kind = plan.kinds().get(i % plan.kinds().size());
        ByteRange struck = injector.inject(FaultSpec.of(kind, places.get(i), plan.seed() + i));
        ObjectNode json = Json.object().put("type", "strike").put("kind", Json.word(kind));
        json.set("media", Json.range(struck));
        show.accept(json);
      }
    }
  }

  private static List<ByteRange> places(Media media, Plan plan) throws MediaOpenException {
    long size = media.sizeBytes();
    Long at = plan.at();
    if (at != null) {
      if (at >= size || plan.lengthBytes() > size - at) {
        throw refused(
            media,
            "%d bytes at %d are outside its %d bytes: choose a smaller offset"
                .formatted(plan.lengthBytes(), at, size));
      }
      return List.of(ByteRange.ofLength(at, plan.lengthBytes()));
    }
    long pagesEach = Math.ceilDiv(plan.lengthBytes(), PAGE);
    long slots = Math.ceilDiv(size, PAGE) / pagesEach;
    if (slots < plan.count()) {
      throw refused(
          media,
          "there is no room for %d strikes of %d bytes in %d bytes: ask for fewer"
              .formatted(plan.count(), plan.lengthBytes(), size));
    }
    SplittableRandom random = new SplittableRandom(plan.seed());
    TreeSet<Long> chosen = new TreeSet<>();
    while (chosen.size() < plan.count()) {
      chosen.add(random.nextLong(slots));
    }
    List<ByteRange> places = new ArrayList<>();
    for (long slot : chosen) {
      long start = slot * pagesEach * PAGE;
      places.add(new ByteRange(start, Math.min(size, start + plan.lengthBytes())));
    }
    return places;
  }

  private static MediaOpenException refused(Media media, String why) {
    return new MediaOpenException(media.info().name(), Reason.BAD_GEOMETRY, why);
  }
}
