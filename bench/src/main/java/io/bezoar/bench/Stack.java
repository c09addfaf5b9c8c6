package io.bezoar.bench;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.MirrorOptions;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.WriteCacheOptions;
import io.bezoar.target.WriteCachedTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Devices made of devices, put together as a pool does it; its files are removed with it. */
final class Stack implements AutoCloseable {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Site site;
  private final AdvancingClock clock = new AdvancingClock();
  private final ExecutorService workers =
      Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("bench-stack-", 0).factory());
  private final Deque<DaxDevice> devices = new ArrayDeque<>();
  private final List<Volume> volumes = new ArrayList<>();
  private final List<Path> files = new ArrayList<>();

  Stack(Site site) {
    this.site = site;
  }

  /**
   * A device without protection.
   *
   * @param content what of the leaf is used, from its first byte on
   */
  record Bare(Path path, Media media, LeafDevice leaf, LinearTarget content) {}

  ExecutorService workers() {
    return workers;
  }

  /** A protected volume in a file of its own. */
  Volume volume(long fileBytes) throws IOException {
    Path path = site.newFile("leg");
    Volume volume = Volume.create(path, fileBytes);
    volumes.add(volume);
    files.add(path);
    return volume;
  }

  /** An unprotected device in a file of its own. */
  Bare bare(long contentBytes, long listPages, Allocation allocation) throws IOException {
    Path path = site.newFile("bare");
    long listBytes = listPages * PAGE;
    PoisonRegion region =
        new PoisonRegion(
            ByteRange.ofLength(contentBytes, listBytes),
            ByteRange.ofLength(contentBytes + listBytes, listBytes));
    Media media =
        MediaFiles.create(path, contentBytes + 2 * listBytes, allocation, MediaOptions.READ_WRITE);
    files.add(path);
    LeafDevice.format(media, region);
    LeafDevice leaf = LeafDevice.open(media, region, clock, dispatcher(path.toString()));
    devices.push(leaf);
    LinearTarget content =
        LinearTarget.open(
            "content", leaf, new ByteRange(0, contentBytes), dispatcher(path + " content"));
    devices.push(content);
    return new Bare(path, media, leaf, content);
  }

  /** As {@link #bare(long, long, Allocation)}, with the usual list, and all of it allocated. */
  Bare bare(long contentBytes) throws IOException {
    return bare(contentBytes, Math.max(4, contentBytes / PAGE / 4096), Allocation.PREALLOCATED);
  }

  MirroredTarget mirror(List<? extends DaxDevice> legs) throws IOException {
    long least = legs.stream().mapToLong(DaxDevice::sizeBytes).min().orElseThrow();
    long bytes = MirroredTarget.dataBytes(least);
    UUID id = UUID.randomUUID();
    MirroredTarget.format(id, bytes, List.copyOf(legs));
    Map<Integer, DaxDevice> slots = new HashMap<>();
    for (DaxDevice leg : legs) {
      slots.put(slots.size(), leg);
    }
    MirroredTarget mirror =
        MirroredTarget.open(
            "mirror", id, bytes, slots, MirrorOptions.of(clock, workers), dispatcher("mirror"));
    devices.push(mirror);
    return mirror;
  }

  LinearTarget linear(List<? extends DaxDevice> children) throws IOException {
    List<LinearTarget.Piece> pieces = new ArrayList<>();
    for (DaxDevice child : children) {
      long bytes = child.sizeBytes() / PAGE * PAGE;
      pieces.add(new LinearTarget.Piece(child, new ByteRange(0, bytes)));
    }
    LinearTarget linear = LinearTarget.open("linear", pieces, dispatcher("linear"));
    devices.push(linear);
    return linear;
  }

  WriteCachedTarget cached(DaxDevice fast, DaxDevice origin) throws IOException {
    UUID id = UUID.randomUUID();
    long bytes = origin.sizeBytes() / PAGE * PAGE;
    WriteCachedTarget.format(id, fast, bytes);
    WriteCachedTarget cached =
        WriteCachedTarget.open(
            "cache",
            id,
            fast,
            origin,
            bytes,
            WriteCacheOptions.standard(workers),
            dispatcher("cache"));
    devices.push(cached);
    return cached;
  }

  private NoticeDispatcher dispatcher(String device) {
    return new NoticeDispatcher(device, clock, workers, NoticeDispatcher.later(workers));
  }

  /** From the top down: what has a parent is closed by it already. */
  @Override
  public void close() throws IOException {
    try {
      while (!devices.isEmpty()) {
        devices.pop().close();
      }
      for (Volume volume : volumes) {
        volume.close();
      }
    } finally {
      workers.shutdown();
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }
}
