package io.bezoar.pool;

import io.bezoar.media.MediaChoice;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How to open a pool.
 *
 * @param intent what for
 * @param choice how its media is to be reached
 * @param clock the wall clock
 * @param foregroundBusy true while users of the volume wait for it; scrubs and resyncs give way
 * @param missing what to do when devices that nothing stands in for are not there
 * @param searchIn folders to look for devices in, besides where they were last and where the opened
 *     one lies
 * @param prefer the device whose content is right where mirror legs both went on alone: a number, a
 *     path or the beginning of a uuid; null while nobody has said so
 */
public record PoolOptions(
    Intent intent,
    MediaChoice choice,
    InstantSource clock,
    BooleanSupplier foregroundBusy,
    Missing missing,
    List<Path> searchIn,
    @Nullable String prefer) {

  /** What a pool is opened for. */
  public enum Intent {
    /** To look at it: its history gets no entry for that. A file that is not writable will do. */
    LOOK,
    /** To work on it; its history says so. */
    WORK
  }

  /** What to do when part of the volume is not there. */
  public enum Missing {
    /** Refuse to open, and name what is missing. */
    REFUSE,
    /** Open all the same: the missing ranges are unavailable, the others are served. */
    ALLOW
  }

  /** Copies the list. */
  public PoolOptions {
    searchIn = List.copyOf(searchIn);
  }

  /** All of the pool, on whatever way the path suggests, with the system's clock. */
  public static PoolOptions of(Intent intent) {
    return of(intent, MediaChoice.AUTO, InstantSource.system(), () -> false);
  }

  /** All of the pool. */
  public static PoolOptions of(
      Intent intent, MediaChoice choice, InstantSource clock, BooleanSupplier foregroundBusy) {
    return new PoolOptions(intent, choice, clock, foregroundBusy, Missing.REFUSE, List.of(), null);
  }

  /** The same, but opening what is there when not all is. */
  public PoolOptions with(Missing newMissing) {
    return new PoolOptions(intent, choice, clock, foregroundBusy, newMissing, searchIn, prefer);
  }

  /** The same, looking in these folders too. */
  public PoolOptions searching(List<Path> folders) {
    return new PoolOptions(intent, choice, clock, foregroundBusy, missing, folders, prefer);
  }

  /** The same, with one device's word for what is right. */
  public PoolOptions preferring(@Nullable String device) {
    return new PoolOptions(intent, choice, clock, foregroundBusy, missing, searchIn, device);
  }
}
