package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Units;
import io.bezoar.media.Window;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One run of pages that could not be read, or were not right, from there to healed or lost. Used by
 * one thread, under a claim, once.
 *
 * <p><b>Order.</b> Everything that the file still gives is brought into private memory. What is
 * missing comes from the sidecar, then from the application, and is checked where it can be. Only
 * then is the file written: announced to the sidecar, stored, made durable, read back past the
 * cache, compared; and only then do readers of the mapping get the page. A crash in between leaves
 * the file damaged in the same pages or repaired, never silently wrong: the stored bytes differ
 * from the file's in the damaged part alone. Where the file takes no bytes, readers get them from
 * memory.
 */
final class Healing {
  private static final int PAGE = Units.PAGE_BYTES;

  /** What is shared by all runs of one file. */
  record Scene(
      Path file,
      Media media,
      Window window,
      Reference reference,
      GuardOptions options,
      Announcer announcer) {}

  private final Scene scene;
  private final ByteRange run;
  private final MemorySegment bytes;

  /** Not known yet. */
  private ByteRanges missing = ByteRanges.EMPTY;

  private Cause cause = Cause.TRAP;
  private ByteRanges fromSidecar = ByteRanges.EMPTY;
  private ByteRanges fromApplication = ByteRanges.EMPTY;
  private final List<GuardEvent> events = new ArrayList<>();

  /**
   * Begins.
   *
   * @param run whole pages; the last may end with the file
   */
  Healing(Scene scene, ByteRange run, Arena arena) {
    this.scene = scene;
    this.run = run;
    this.bytes = arena.allocate(run.length(), PAGE);
  }

  /**
   * What became of it. {@code lost} is in granules, or in pages where pages are checked; it is for
   * the owner of the damage list to tell what of it is new.
   */
  record Outcome(ByteRanges lost, Cause cause, List<GuardEvent> events) {}

  Outcome heal() throws IOException {
    readWhatThereIs();
    checkPages();
    if (!missing.isEmpty()) {
      askSidecar();
    }
    if (!missing.isEmpty()) {
      askApplication();
    }
    ByteRanges lostPages = missing.alignOutward(PAGE).intersect(run);
    ByteRanges repaired = fromSidecar.union(fromApplication).alignOutward(PAGE).intersect(run);
    repaired = repaired.minus(lostPages);
    ByteRanges untouched = ByteRanges.of(run).minus(lostPages).minus(repaired);
    for (ByteRange pages : untouched.asList()) {
      renew(pages);
    }
    for (ByteRange pages : repaired.asList()) {
      place(pages);
    }
    lostPages = missing.alignOutward(PAGE).intersect(run);
    // What is known of a page that is lost in part cannot be put anywhere.
    missing = missing.union(fromApplication.intersect(lostPages));
    for (ByteRange pages : lostPages.asList()) {
      scene.window().revoke(pages);
    }
    return new Outcome(missing, cause, events);
  }

  /**
   * For pages that are served from memory: gives the file what it did not take before. Until it has
   * taken them, readers keep getting them from memory.
   */
  Outcome putBack() throws IOException {
    if (scene.options().repairsGoTo() == GuardEvent.Place.FILE) {
      scene.window().readStaged(run, bytes);
      for (long at = run.start(); at < run.end(); at += PAGE) {
        ByteRange page = new ByteRange(at, Math.min(at + PAGE, run.end()));
        if (scene.reference().matches(at / PAGE, slice(page)) && writeBack(page) == Kept.YES) {
          giveFilesOwn(page);
        }
      }
    }
    return new Outcome(missing, cause, events);
  }

  private void giveFilesOwn(ByteRange page) throws IOException {
    scene.window().restore(page);
    if (isServed(page)) {
      tell(page, GuardEvent.Source.MEMORY, GuardEvent.Place.FILE);
    } else if (!scene.window().stage(page, slice(page))) {
      missing = missing.plus(page);
    }
  }

  private MemorySegment slice(ByteRange range) {
    return bytes.asSlice(range.start() - run.start(), range.length());
  }

  /** Past the cache: what it holds may be the very thing that is bad. */
  private void readWhatThereIs() throws IOException {
    long at = run.start();
    while (at < run.end()) {
      ByteRange rest = new ByteRange(at, run.end());
      try {
        scene.media().readPastCache(at, slice(rest));
        return;
      } catch (MediaFaultException e) {
        cause = e.faultCause();
        ByteRange bad = e.range().intersect(run);
        missing = missing.plus(bad);
        at = Math.max(at + e.goodPrefixBytes(), bad.end());
      }
    }
  }

  private void checkPages() throws IOException {
    if (!scene.reference().checks()) {
      return;
    }
    missing = missing.alignOutward(PAGE).intersect(run); // what cannot be checked is not known
    for (long at = run.start(); at < run.end(); at += PAGE) {
      ByteRange page = new ByteRange(at, Math.min(at + PAGE, run.end()));
      if (!missing.overlaps(page) && !scene.reference().matches(at / PAGE, slice(page))) {
        scene.reference().requireDamage(at / PAGE);
        cause = Cause.CHECKSUM;
        missing = missing.plus(page);
      }
    }
  }

  private void askSidecar() throws IOException {
    fromSidecar = scene.reference().rebuild(missing, run, bytes);
    missing = missing.minus(fromSidecar);
  }

  private void askApplication() throws IOException {
    for (RepairSource source : scene.options().sources()) {
      for (ByteRange range : missing.asList()) {
        if (answered(source, range)) {
          fromApplication = fromApplication.plus(range);
          missing = missing.minus(range);
        }
      }
    }
  }

  private boolean answered(RepairSource source, ByteRange range) throws IOException {
    byte[] answer;
    try {
      answer = source.bytes(scene.file(), range);
      Window.barrier(); // it may have loaded them from a mapping
    } catch (IOException | RuntimeException | InternalError e) {
      if (e instanceof InternalError error && !Window.isFault(error)) {
        throw error;
      }
      scene.announcer().sourceFailed(scene.file(), e);
      return false;
    }
    if (answer == null) {
      return false;
    }
    if (answer.length != range.length()) {
      scene
          .announcer()
          .sourceFailed(
              scene.file(),
              new IllegalArgumentException(
                  answer.length + " bytes were given for " + range + ": they were not used"));
      return false;
    }
    MemorySegment.copy(answer, 0, slice(range), ValueLayout.JAVA_BYTE, 0, answer.length);
    return isRight(range);
  }

  private boolean isRight(ByteRange pages) throws IOException {
    for (long at = pages.start(); scene.reference().checks() && at < pages.end(); at += PAGE) {
      ByteRange page = new ByteRange(at, Math.min(at + PAGE, pages.end()));
      if (!scene.reference().matches(at / PAGE, slice(page))) {
        scene
            .announcer()
            .sourceFailed(
                scene.file(),
                new IllegalArgumentException(
                    "the bytes given for " + page + " are not those of the sidecar"));
        return false;
      }
    }
    return true;
  }

  /** The file is good here, so the mapping is laid again. */
  private void renew(ByteRange pages) throws IOException {
    scene.window().restore(pages);
    if (isServed(pages)) {
      tell(pages, GuardEvent.Source.FILE, GuardEvent.Place.FILE);
    } else if (scene.reference().checks()) {
      place(pages); // the cache holds other bytes than the disk: replace them
    } else {
      stage(pages, GuardEvent.Source.FILE);
    }
  }

  private void place(ByteRange pages) throws IOException {
    GuardEvent.Source source = sourceOf(pages);
    if (scene.options().repairsGoTo() == GuardEvent.Place.FILE) {
      Kept kept = writeBack(pages);
      if (kept == Kept.YES) {
        scene.window().restore(pages);
        if (isServed(pages)) {
          tell(pages, source, GuardEvent.Place.FILE);
          return;
        }
      } else if (kept == Kept.NOT_ALL && pages.length() > PAGE) {
        for (long at = pages.start(); at < pages.end(); at += PAGE) {
          place(new ByteRange(at, Math.min(at + PAGE, pages.end())));
        }
        return;
      }
    }
    stage(pages, source);
  }

  private GuardEvent.Source sourceOf(ByteRange pages) {
    if (fromApplication.overlaps(pages)) {
      return GuardEvent.Source.APPLICATION;
    }
    return fromSidecar.overlaps(pages) ? GuardEvent.Source.SIDECAR : GuardEvent.Source.FILE;
  }

  /** What became of bytes that were to be stored in the file. */
  private enum Kept {
    /** All of them are there, read back from the media. */
    YES,
    /** The media does not take some of them: fewer at a time may do. */
    NOT_ALL,
    /** The file is not written to. */
    NONE
  }

  private Kept writeBack(ByteRange pages) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment content = slice(pages);
      scene.reference().willRepair(pages);
      scene.media().reinitialise(pages.start(), content);
      MemorySegment readBack = arena.allocate(pages.length(), PAGE);
      scene.media().readPastCache(pages.start(), readBack);
      if (readBack.mismatch(content) >= 0) {
        return Kept.NOT_ALL;
      }
      scene.reference().repaired(pages);
      return Kept.YES;
    } catch (MediaUnavailableException e) {
      throw e;
    } catch (MediaFaultException e) {
      scene.announcer().notWrittenBack(scene.file(), e);
      return Kept.NOT_ALL;
    } catch (IOException e) {
      scene.announcer().notWrittenBack(scene.file(), e);
      return Kept.NONE;
    }
  }

  /** True when readers of the mapping get the right bytes. */
  private boolean isServed(ByteRange pages) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment loaded = arena.allocate(pages.length(), PAGE);
      return scene.window().load(pages.start(), loaded) && loaded.mismatch(slice(pages)) < 0;
    }
  }

  private void stage(ByteRange pages, GuardEvent.Source source) throws IOException {
    if (scene.window().stage(pages, slice(pages))) {
      tell(pages, source, GuardEvent.Place.MEMORY);
    } else {
      missing = missing.plus(pages); // known, and nowhere to be put
    }
  }

  private void tell(ByteRange pages, GuardEvent.Source source, GuardEvent.Place place) {
    events.add(new GuardEvent.Healed(scene.file(), pages, source, place));
  }
}
