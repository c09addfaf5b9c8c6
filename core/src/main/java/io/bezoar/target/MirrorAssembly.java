package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.target.MirrorLegException.Reason;
import io.bezoar.target.MirrorTable.Member;
import io.bezoar.target.MirrorTable.State;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Decides from the superblocks of the legs that are there which of them is right. Only looks;
 * writes nothing.
 *
 * <p>A leg may speak for the mirror when its own superblock calls it in sync. Of those that may,
 * the one with the newest event speaks, and the others are what it says they are; one that calls a
 * peer what has gone on without it is behind; but two that each call the other left behind have
 * both gone on alone, whatever their events: that is refused. A leg that is called in sync yet has
 * an older superblock than a crash between two stores explains is an old copy, and so is one that
 * comes back older than it was when it was left behind.
 */
final class MirrorAssembly {
  /** A device with a superblock that belongs to this mirror and slot. */
  record Found(int slot, DaxDevice device, MirrorTable table) {
    boolean callsItselfInSync() {
      return table.is(slot, State.IN_SYNC);
    }

    /** It went on without the other, or does not know it. */
    boolean callsOut(Found other) {
      Member member = table.member(other.slot);
      return member == null || !member.uuid().equals(other.uuid()) || member.state() == State.OUT;
    }

    /**
     * It left the other behind, which has changed its table since. Else the other is an ancestor:
     * whoever it left behind may have come back since, from those that went on with it.
     */
    boolean departedFrom(Found other) {
      Member member = table.member(other.slot);
      if (member == null || !member.uuid().equals(other.uuid())) {
        return true;
      }
      return member.state() == State.OUT && other.table.event() > member.lastEvent();
    }

    UUID uuid() {
      Member self = table.member(slot);
      return self == null ? new UUID(0, 0) : self.uuid();
    }
  }

  /** What is known of what a leg that is behind misses. */
  enum Missing {
    /**
     * The write-intent bits of those in sync say it, and its own if it was in sync when it went: it
     * may have gone on alone, or alone have part of a write that a crash cut short.
     */
    BY_BITS,
    /** Nothing: it is an old copy, and everything has to be copied. */
    ALL
  }

  /** A leg to be brought up to date. */
  record Behind(Found leg, Missing missing) {}

  /** A device that is not used. */
  record Rejected(int slot, DaxDevice device, MirrorLegException why) {}

  /**
   * The decision.
   *
   * @param table the mirror; null when no leg that is there may speak for it
   */
  record Plan(
      @Nullable MirrorTable table,
      List<Found> inSync,
      List<Behind> behind,
      List<Rejected> rejected) {}

  private final MirrorTerms terms;
  private final UUID mirror;
  private final MirrorLayout layout;

  /** The slot of the leg that is right where legs went on alone. */
  private final @Nullable Integer prefer;

  MirrorAssembly(MirrorTerms terms, UUID mirror, MirrorLayout layout, @Nullable Integer prefer) {
    this.terms = terms;
    this.prefer = prefer;
    this.mirror = mirror;
    this.layout = layout;
  }

  /**
   * Looks at a device.
   *
   * @throws MirrorLegException when it does not belong in that slot of this mirror
   */
  Found look(int slot, DaxDevice device) throws IOException {
    if (device.sizeBytes() < layout.legBytes()) {
      throw terms.tooSmall(
          slot, device, ": bring back the device at its former size, or attach a larger one");
    }
    Optional<MirrorLayout.Superblock> read = MirrorLeg.findSuperblock(device, layout);
    if (read.isEmpty()) {
      throw foreign(slot, device, "holds no superblock of a mirror of this size");
    }
    MirrorLayout.Superblock block = read.get();
    if (!block.table().mirror().equals(mirror)) {
      throw foreign(slot, device, "belongs to mirror " + block.table().mirror());
    }
    if (block.slot() != slot) {
      throw foreign(slot, device, "is leg " + block.slot() + " of this mirror");
    }
    if (block.dataBytes() != layout.dataBytes()) {
      throw terms.refused(
          slot,
          Reason.WRONG_SIZE,
          device.info().name() + " was made for " + block.dataBytes() + " bytes of content");
    }
    return new Found(slot, device, block.table());
  }

  private MirrorLegException foreign(int slot, DaxDevice device, String what) {
    return terms.refused(
        slot,
        Reason.FOREIGN,
        device.info().name()
            + " "
            + what
            + ", and not in this place: check what is attached there, or attach it as a new leg");
  }

  /** Decides. */
  Plan decide(List<Found> found) throws MirrorConflictException {
    List<Found> speakers =
        new ArrayList<>(found.stream().filter(Found::callsItselfInSync).toList());
    dropSuperseded(speakers);
    settleConflict(speakers);
    Optional<Found> newest =
        speakers.stream()
            .max(
                Comparator.<Found>comparingLong(leg -> leg.table().event())
                    .thenComparing(Comparator.comparingInt(Found::slot).reversed()));
    if (newest.isEmpty()) {
      return new Plan(null, List.of(), List.of(), found.stream().map(this::behindAlone).toList());
    }
    Found speaker = newest.get();
    List<Found> inSync = new ArrayList<>();
    List<Behind> behind = new ArrayList<>();
    List<Rejected> rejected = new ArrayList<>();
    for (Found leg : found) {
      Member member = speaker.table().member(leg.slot());
      if (member == null || !member.uuid().equals(leg.uuid())) {
        rejected.add(new Rejected(leg.slot(), leg.device(), stale(leg.slot(), leg.table())));
      } else if (member.state() == State.IN_SYNC
          && leg.table().event() >= speaker.table().event() - 1
          && !leg.table().is(leg.slot(), State.OUT)) {
        inSync.add(leg);
      } else {
        behind.add(new Behind(leg, missing(leg, member, speakers)));
      }
    }
    return new Plan(speaker.table(), inSync, behind, rejected);
  }

  /**
   * What a member that is behind misses.
   *
   * @param leg as it was found
   * @param member as the others know it
   * @param others the legs that speak for the mirror
   */
  static Missing missing(Found leg, Member member, List<Found> others) {
    if (wentOnAlone(leg, others)) {
      return Missing.BY_BITS;
    }
    return member.state() == State.IN_SYNC || leg.table().event() < member.lastEvent()
        ? Missing.ALL
        : Missing.BY_BITS;
  }

  /** True for a leg that speaks for itself and has left all others behind. */
  static boolean wentOnAlone(Found leg, List<Found> others) {
    return leg.callsItselfInSync()
        && others.stream().allMatch(other -> leg.departedFrom(other) && other.departedFrom(leg));
  }

  /** True when the leg that is right where legs went on alone is in use. */
  boolean prefersOneOf(MirrorSet set) {
    return prefer != null && set.inSlot(prefer) != null;
  }

  MirrorLegException stale(int slot, MirrorTable its) {
    return terms.refused(
        slot,
        Reason.STALE,
        "is a former member of this mirror (event "
            + its.event()
            + ", "
            + Instant.ofEpochMilli(its.atMillis())
            + ") and no longer is: attach it as a new leg if it shall be one");
  }

  private Rejected behindAlone(Found leg) {
    return new Rejected(
        leg.slot(),
        leg.device(),
        terms.refused(
            leg.slot(),
            Reason.BEHIND,
            leg.device().info().name()
                + " misses writes, by its own superblock (event "
                + leg.table().event()
                + "), and no leg that has them is here: bring back another leg first"));
  }

  /** Who knows another as a peer that has since gone on without him, is behind; not a rival. */
  private static void dropSuperseded(List<Found> speakers) {
    List<Found> all = List.copyOf(speakers);
    speakers.removeIf(
        one ->
            all.stream()
                .anyMatch(
                    other ->
                        other.slot() != one.slot() && other.callsOut(one) && !one.callsOut(other)));
  }

  /** Of speakers that went on alone, keeps those that the preferred one calls in sync. */
  private void settleConflict(List<Found> speakers) throws MirrorConflictException {
    for (Found one : speakers) {
      for (Found other : speakers) {
        if (one.departedFrom(other) && other.departedFrom(one)) {
          Optional<Found> right =
              speakers.stream().filter(leg -> prefer != null && leg.slot() == prefer).findFirst();
          if (right.isEmpty()) {
            throw conflict(one, other);
          }
          speakers.removeIf(
              leg ->
                  leg.slot() != right.get().slot()
                      && !right.get().table().is(leg.slot(), State.IN_SYNC));
          return;
        }
      }
    }
  }

  MirrorConflictException conflict(Found one, Found other) {
    return terms.conflict(one.slot(), other.slot(), describe(one) + ", " + describe(other));
  }

  private static String describe(Found leg) {
    return "leg "
        + leg.slot()
        + " ("
        + leg.device().info().name()
        + ") at event "
        + leg.table().event()
        + " of "
        + Instant.ofEpochMilli(leg.table().atMillis());
  }
}
