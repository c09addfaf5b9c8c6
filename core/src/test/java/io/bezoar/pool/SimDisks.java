package io.bezoar.pool;

import io.bezoar.media.Allocation;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/** Devices on simulations, by path, whose power can be cut together. */
final class SimDisks implements MediaSource {
  private final Map<Path, SimMedia> disks = new TreeMap<>();

  /** What lies at {@code path}. */
  SimMedia at(String path) {
    SimMedia media = disks.get(Path.of(path));
    if (media == null) {
      throw new IllegalArgumentException("nothing at " + path + " among " + disks.keySet());
    }
    return media;
  }

  /** What lies at {@code path}, opened anew, so that a test can strike or cut it. */
  SimMedia reopened(String path) {
    SimMedia media = at(path).reopen();
    disks.put(Path.of(path), media);
    return media;
  }

  /** The media at {@code path} moves to {@code to}. */
  void move(String path, String to) {
    SimMedia media = at(path);
    disks.remove(Path.of(path));
    disks.put(Path.of(to), media);
  }

  /** The media at {@code path} stands at {@code to}, too: a copy, as far as labels can say. */
  void copy(String path, String to) {
    disks.put(Path.of(to), at(path));
  }

  /** A copy of the bytes at {@code path} as they are now: a backup. */
  SimMedia image(String path) throws IOException {
    SimMedia from = reopened(path);
    SimMedia copy = SimMedia.create(path, from.sizeBytes(), 1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(from.sizeBytes());
      from.read(0, bytes);
      copy.write(0, bytes);
      copy.persist();
    }
    return copy;
  }

  /** What was at {@code path} is not there any more; keep what is returned to {@link #put} back. */
  SimMedia take(String path) {
    SimMedia media = at(path);
    media.setPresence(Presence.GONE);
    disks.remove(Path.of(path));
    return media;
  }

  /** Puts back what was taken. */
  void put(String path, SimMedia media) {
    disks.put(Path.of(path), media.reopen());
  }

  /** The power fails for all at once. */
  void crash(RandomGenerator chance) {
    stepsLeft = Long.MAX_VALUE;
    disks.replaceAll((path, media) -> media.crash(chance));
  }

  private long stepsLeft = Long.MAX_VALUE;
  private boolean powerCut;

  /** The power fails for all before the {@code step}-th step from now, counted over all of them. */
  void cutPowerBeforeStep(long step) {
    stepsLeft = step;
    disks.values().forEach(this::watch);
  }

  /** True when it did. */
  boolean isPowerCut() {
    return powerCut;
  }

  private void watchIfAsked(SimMedia media) {
    if (stepsLeft != Long.MAX_VALUE) {
      watch(media);
    }
  }

  private void watch(SimMedia media) {
    media.onStep(
        (what, range) -> {
          boolean cutNow;
          synchronized (this) {
            cutNow = !powerCut && --stepsLeft <= 0;
            powerCut |= cutNow;
          }
          if (cutNow) {
            disks.values().forEach(each -> each.cutPowerBeforeStep(0));
            // The next step of this one is the one that is cut: taken here, in place of the other.
            media.persist();
          }
        });
  }

  @Override
  public Media open(Path path, MediaChoice choice, PoolOptions.Intent intent) throws IOException {
    SimMedia media = disks.get(path);
    if (media == null) {
      throw new MediaOpenException(path.toString(), Reason.MISSING, "nothing is there");
    }
    if (media.presence() == Presence.GONE) {
      media = media.reopen();
      disks.put(path, media);
      watchIfAsked(media);
    }
    return media;
  }

  @Override
  public Media create(Path path, long sizeBytes, Allocation allocation, MediaChoice choice)
      throws IOException {
    if (disks.containsKey(path)) {
      throw new MediaOpenException(path.toString(), Reason.EXISTS, "something is there");
    }
    SimMedia media = SimMedia.create(path.toString(), sizeBytes, path.hashCode());
    disks.put(path, media);
    watchIfAsked(media);
    return media;
  }

  @Override
  public void delete(Path path) {
    disks.remove(path);
  }

  @Override
  public LabelStore.Peek peek(Path path) {
    SimMedia media = disks.get(path);
    if (media == null) {
      return new LabelStore.Peek.Unreadable(new IOException("nothing is at " + path));
    }
    if (media.presence() == Presence.GONE) {
      // Closed: looking at it takes opening it again.
      media = media.reopen();
      disks.put(path, media);
    }
    try {
      return LabelStore.peek(media);
    } catch (IOException unreadable) {
      return new LabelStore.Peek.Unreadable(unreadable);
    }
  }

  @Override
  public List<Path> list(Path folder) {
    return disks.keySet().stream().filter(path -> folder.equals(path.getParent())).toList();
  }

  @Override
  public Path absolute(Path path) {
    return path;
  }
}
