package io.bezoar.pool;

import io.bezoar.media.Media;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.UUID;

/** Makes devices for a pool that is open: everything but the label, which comes with the config. */
final class DeviceMaker {
  private final String pool;
  private final PoolOptions options;
  private final MediaSource source;
  private final PoolTools tools;
  private final PoolLabels labels;

  DeviceMaker(
      String pool, PoolOptions options, MediaSource source, PoolTools tools, PoolLabels labels) {
    this.pool = pool;
    this.options = options;
    this.source = source;
    this.tools = tools;
    this.labels = labels;
  }

  /**
   * Makes a device.
   *
   * @param like the one whose size and redundancy it takes where {@code device} says nothing
   */
  Made make(NewDevice device, DeviceEntry like, DeviceEntry.Use use, int replaces)
      throws IOException {
    PoolLabel newest = labels.newest();
    DeviceEntry entry =
        new DeviceEntry(
            newest.config().nextNumber(),
            UUID.randomUUID(),
            source.absolute(device.path()).toString(),
            device.sizeBytes() < 0 ? like.sizeBytes() : device.sizeBytes(),
            device.redundancy() == null ? like.redundancy() : device.redundancy(),
            use,
            replaces);
    PoolFactory.checkSize(entry.path(), entry.sizeBytes());
    PoolLabel label =
        PoolFactory.label(
            newest.config().withSpare(entry.withUse(DeviceEntry.Use.SPARE, DeviceEntry.NONE)),
            entry.number(),
            newest.uuid(),
            newest.content(),
            newest.drill(),
            tools.clock());
    Media media =
        source.create(device.path(), entry.sizeBytes(), device.allocation(), options.choice());
    boolean done = false;
    try {
      Member member = PoolFactory.format(device.path(), media, label, tools);
      done = true;
      return new Made(device.path(), entry, member);
    } finally {
      if (!done) {
        source.delete(device.path());
      }
    }
  }

  /** A device that was made, and is taken away again unless somebody keeps it. */
  final class Made implements AutoCloseable {
    private final Path path;
    private final DeviceEntry entry;
    private final Member member;
    private boolean kept;

    private Made(Path path, DeviceEntry entry, Member member) {
      this.path = path;
      this.entry = entry;
      this.member = member;
    }

    DeviceEntry entry() {
      return entry;
    }

    int number() {
      return entry.number();
    }

    Member member() {
      return member;
    }

    /** It belongs to the pool now. */
    Member keep() {
      kept = true;
      return member;
    }

    void requireContentFor(PoolDevices.Place place) throws MediaOpenException {
      long needed = place.config().dataBytes();
      long offered = MirroredTarget.dataBytes(PoolFactory.contentBytes(entry));
      if (offered < needed) {
        throw new MediaOpenException(
            path.toString(),
            Reason.BAD_GEOMETRY,
            "room for %d bytes of content is too little for a leg of %s, which holds %d: choose a larger size"
                .formatted(offered, pool, needed));
      }
    }

    @Override
    public void close() throws IOException {
      if (!kept) {
        try {
          member.close();
        } finally {
          source.delete(path);
        }
      }
    }
  }
}
