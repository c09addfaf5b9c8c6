package io.bezoar.target;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Who belongs to a mirror, as of one event. Every change of membership makes the next event, and is
 * durable on every leg that is left before anything that relies on it is acknowledged. Immutable.
 *
 * @param mirror the mirror's identity
 * @param event number of the latest change
 * @param atMillis when it happened, wall clock, milliseconds since 1970
 * @param members by slot, null where a slot is free; always {@value #SLOTS}
 */
record MirrorTable(UUID mirror, long event, long atMillis, List<@Nullable Member> members) {
  static final int SLOTS = 8;

  /** What a leg is to the others. The codes are stored on media. */
  enum State {
    /** Holds everything that was acknowledged. */
    IN_SYNC(1),
    /** Was left behind; the write-intent bits of the others say what it misses. */
    OUT(2),
    /** Gets all writes, and what it misses is being copied. */
    RESYNCING(3);

    private final int code;

    State(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static State ofCode(int code) {
      for (State state : values()) {
        if (state.code == code) {
          return state;
        }
      }
      throw new IllegalArgumentException("unknown leg state " + code);
    }
  }

  /**
   * One leg.
   *
   * @param lastEvent number of the latest event that was stored on that leg itself: a leg that
   *     comes back with an older one is an old copy, of which the bits do not say what it misses
   */
  record Member(UUID uuid, State state, long lastEvent) {}

  /** Copies the list. */
  MirrorTable {
    if (members.size() != SLOTS) {
      throw new IllegalArgumentException(members.size() + " slots");
    }
    members = Collections.unmodifiableList(new ArrayList<>(members));
  }

  @Nullable Member member(int slot) {
    return members.get(slot);
  }

  /** True when there is a leg with this state in this slot. */
  boolean is(int slot, State state) {
    Member member = member(slot);
    return member != null && member.state() == state;
  }

  boolean has(int slot, UUID uuid) {
    Member member = member(slot);
    return member != null && member.uuid().equals(uuid);
  }

  int count() {
    return (int) members.stream().filter(member -> member != null).count();
  }

  /** The next event, with another leg, or none, in a slot. */
  MirrorTable with(int slot, @Nullable Member member, long nowMillis) {
    List<@Nullable Member> next = new ArrayList<>(members);
    next.set(slot, member);
    return new MirrorTable(mirror, event + 1, nowMillis, next);
  }

  /** The next event, with those in sync of which {@code gone} holds marked as left behind. */
  MirrorTable without(Predicate<Integer> gone, long nowMillis) {
    List<@Nullable Member> next = new ArrayList<>(members);
    for (int slot = 0; slot < SLOTS; slot++) {
      Member member = member(slot);
      if (member != null && member.state() == State.IN_SYNC && gone.test(slot)) {
        next.set(slot, new Member(member.uuid(), State.OUT, member.lastEvent()));
      }
    }
    return new MirrorTable(mirror, event + 1, nowMillis, next);
  }

  /** As it is about to be stored on the legs of which {@code stored} holds. */
  MirrorTable storedOn(Predicate<Integer> stored) {
    List<@Nullable Member> next = new ArrayList<>(members);
    for (int slot = 0; slot < SLOTS; slot++) {
      Member member = member(slot);
      if (member != null && stored.test(slot)) {
        next.set(slot, new Member(member.uuid(), member.state(), event));
      }
    }
    return new MirrorTable(mirror, event, atMillis, next);
  }

  /** A table of one event with these legs in sync in slots 0, 1, ... */
  static MirrorTable first(UUID mirror, List<UUID> legs, long nowMillis) {
    List<@Nullable Member> members = new ArrayList<>();
    for (int slot = 0; slot < SLOTS; slot++) {
      members.add(slot < legs.size() ? new Member(legs.get(slot), State.IN_SYNC, 1) : null);
    }
    return new MirrorTable(mirror, 1, nowMillis, members);
  }
}
