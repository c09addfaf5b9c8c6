package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.List;

/**
 * One message from a device to its holder and to those who watch it. Ranged and coalesced: a storm
 * of page errors becomes few ranges, and the loss of 64 MiB is one notice.
 */
public sealed interface DeviceNotice {

  /** Position in this device's order of notices, starting at 1, without gaps for a live holder. */
  long sequence();

  /** When the first of what it tells of happened. */
  Instant at();

  /**
   * Ranges of a device failed or were healed.
   *
   * @param sequence see {@link #sequence()}
   * @param at see {@link #at()}
   * @param severity what it means to the holder
   * @param cause how it was found
   * @param role what the struck media held
   * @param ranges the affected bytes in the device's own address space, ascending and disjoint;
   *     empty when only redundancy was struck
   * @param lowest the name of the lowest device, whose media was struck
   * @param media the struck bytes in that device's address space, ascending and disjoint
   */
  record Failure(
      long sequence,
      Instant at,
      Severity severity,
      Cause cause,
      Role role,
      List<ByteRange> ranges,
      String lowest,
      List<ByteRange> media)
      implements DeviceNotice {
    /** Copies the lists. */
    public Failure {
      ranges = List.copyOf(ranges);
      media = List.copyOf(media);
    }
  }

  /**
   * The device as a whole changed state, or other ranges of it are unavailable than before. Of
   * several changes that wait to be delivered only the latest is told: it is complete by itself.
   *
   * @param sequence see {@link #sequence()}
   * @param at see {@link #at()}
   * @param state the new state
   * @param unavailable what cannot be reached now, in the device's own address space, ascending and
   *     disjoint: all of it for a device that is gone, nothing for one that came back
   * @param detail why, for people
   */
  record StateChange(
      long sequence, Instant at, DeviceState state, List<ByteRange> unavailable, String detail)
      implements DeviceNotice {
    /** Copies the list. */
    public StateChange {
      unavailable = List.copyOf(unavailable);
    }
  }
}
