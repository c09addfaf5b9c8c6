package io.bezoar.pool;

import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceState;
import io.bezoar.media.MediaInfo;
import io.bezoar.target.CacheStatus;
import io.bezoar.target.LegStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How one node of a pool's stack is, at one moment, with the nodes below it. */
public sealed interface StackStatus {
  /** Bytes of its address space. */
  long sizeBytes();

  /** The nodes below, in order. */
  List<StackStatus> children();

  /**
   * A device.
   *
   * @param entry what the config says of it
   * @param presence whether it is there
   * @param detail why it is not, for people; empty when it is
   * @param path where it lies now
   * @param state its state as a whole
   * @param media what it lies on; null when it is not there
   * @param contentBytes what it gives to its mirror, whose notes are at the end of it; 0 for a
   *     spare and for a device that is not there
   * @param counters what went wrong since it was opened
   * @param poisonBytes bytes of its media that cannot be trusted
   * @param leg how it does as a leg of its mirror; null for a spare and in a pool of version 1
   */
  record Device(
      DeviceEntry entry,
      Presence presence,
      String detail,
      String path,
      DeviceState state,
      @Nullable MediaInfo media,
      long contentBytes,
      DeviceCounters counters,
      long poisonBytes,
      @Nullable LegStatus leg)
      implements StackStatus {
    @Override
    public long sizeBytes() {
      return entry.sizeBytes();
    }

    @Override
    public List<StackStatus> children() {
      return List.of();
    }
  }

  /** Whether a device is there. */
  enum Presence {
    /** In use. */
    THERE,
    /** Was not found, or went away; used again when it comes back. */
    MISSING,
    /** Taken offline by somebody; used again when somebody says so. */
    OFFLINE
  }

  /**
   * A mirror; of one leg where a device stands alone.
   *
   * @param state its state as a whole
   * @param sizeBytes bytes of content
   * @param legs how each leg does, in order of the children
   */
  record Mirror(DeviceState state, long sizeBytes, List<LegStatus> legs, List<StackStatus> children)
      implements StackStatus {
    /** Copies the lists. */
    public Mirror {
      legs = List.copyOf(legs);
      children = List.copyOf(children);
    }
  }

  /** One after the other. */
  record Linear(long sizeBytes, List<StackStatus> children) implements StackStatus {
    /** Copies the list. */
    public Linear {
      children = List.copyOf(children);
    }
  }

  /** A chunk of each in turn. */
  record Striped(long chunkBytes, long sizeBytes, List<StackStatus> children)
      implements StackStatus {
    /** Copies the list. */
    public Striped {
      children = List.copyOf(children);
    }
  }

  /**
   * A write cache: the fast side, then the origin.
   *
   * @param cache what it holds
   */
  record Cached(CacheStatus cache, long sizeBytes, List<StackStatus> children)
      implements StackStatus {
    /** Copies the list. */
    public Cached {
      children = List.copyOf(children);
    }
  }
}
