package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * The children of a target that has each of its bytes once: which are there, and what the target as
 * a whole can do without the others.
 *
 * <p><b>Invariant.</b> What lies on a child that is not there is unavailable, never lost, and
 * served again once it is back. What it went away with, written and not persisted, is suspect then
 * and the next persist says so ({@link OwedPersists}).
 *
 * <p><b>Threat.</b> Children vanish at any moment, and come back as other objects while accesses to
 * the former ones are still under way.
 *
 * <p><b>Protocol.</b> An access takes the {@link View} once. A write marks its bytes when it has
 * ended, and then looks whether the child is still the one it wrote to ({@link #wrote}); a return
 * takes the former child out of the view before it takes the marks: so no write is both told as
 * done and forgotten. States are computed from the children when asked for, and told when they are
 * not as they were told last. Lock order: that of {@link OwedPersists}, then {@code telling}, then
 * those of children.
 */
final class ChildSlots {
  /** Unavailable ranges told and listed; beyond that, fewer that cover them. */
  static final int MAX_RANGES = 1024;

  private static final System.Logger LOG = System.getLogger(ChildSlots.class.getName());

  /** What an access must know; never changes. */
  static final class View {
    private final @Nullable DaxDevice[] children;

    /** Why nothing is written; null when it is. */
    private final @Nullable String readOnly;

    private final boolean closed;

    private View(@Nullable DaxDevice[] children, @Nullable String readOnly, boolean closed) {
      this.children = children;
      this.readOnly = readOnly;
      this.closed = closed;
    }

    @Nullable DaxDevice child(int slot) {
      return children[slot];
    }
  }

  /** What was told last. */
  private record Told(DeviceState state, List<ByteRange> unavailable) {}

  private final AddressMap map;
  private final JointInfo joint;
  private final String name;
  private final NoticeDispatcher notices;
  private final IntFunction<Holder> holders;
  private final AtomicReferenceArray<@Nullable Claim> claims;
  private final OwedPersists owed;

  /** Held for the moment in which the view changes or a state is told. */
  private final ReentrantLock telling = new ReentrantLock();

  private volatile View view; // written with telling held
  private Told told; // guarded by telling

  /**
   * Takes the children; {@link #claim} follows.
   *
   * @param children of each slot; null for one that is missing
   * @param holders makes what the child of a slot tells to
   */
  ChildSlots(
      String name,
      AddressMap map,
      List<? extends @Nullable DaxDevice> children,
      IntFunction<Holder> holders,
      NoticeDispatcher notices) {
    this.name = name;
    this.map = map;
    this.joint = JointInfo.of(name, map, children);
    this.notices = notices;
    this.holders = holders;
    this.claims = new AtomicReferenceArray<>(map.slots());
    this.owed = new OwedPersists(name, map);
    @Nullable DaxDevice[] there = children.toArray(DaxDevice[]::new);
    this.view = new View(there, readOnlyBelow(there), false);
    this.told = new Told(state(), unavailable());
  }

  /**
   * Claims every child that is there.
   *
   * @throws DeviceClaimedException when one has another holder; then none is claimed
   */
  void claim() throws DeviceClaimedException {
    try {
      for (int slot = 0; slot < map.slots(); slot++) {
        DaxDevice child = view.child(slot);
        if (child != null) {
          claims.set(slot, child.claim(holders.apply(slot)));
        }
      }
    } catch (DeviceClaimedException | RuntimeException failed) {
      closeClaims();
      throw failed;
    }
  }

  DeviceInfo info() {
    return joint.info();
  }

  /** As of now, for one access. */
  View view() {
    return view;
  }

  OwedPersists owed() {
    return owed;
  }

  /** Whoever comes and goes, the same while the target is open. */
  int failureDomain(int slot, long childOffset) {
    DaxDevice child = view.child(slot);
    return joint.failureDomain(slot, child == null ? 0 : child.failureDomain(childOffset));
  }

  // The whole.

  void checkOpen(View now) throws DeviceUnavailableException {
    if (now.closed) {
      throw new DeviceUnavailableException(name, DeviceState.OFFLINE, "the device is closed", null);
    }
  }

  void checkWritable(View now) throws DeviceUnavailableException {
    checkOpen(now);
    if (now.readOnly != null) {
      throw readOnly(now.readOnly, null);
    }
  }

  DeviceUnavailableException readOnly(String why, @Nullable Throwable cause) {
    String whatToDo = "read-only: " + why + "; close it, open it again for writing, and scrub it";
    return new DeviceUnavailableException(name, DeviceState.READ_ONLY, whatToDo, cause);
  }

  /**
   * A device that is read-only in part takes no write at all, even while other parts are missing:
   * {@link #unavailable} tells of those whatever the state.
   */
  DeviceState state() {
    View now = view;
    if (now.closed) {
      return DeviceState.OFFLINE;
    }
    boolean readOnly = now.readOnly != null;
    boolean allGone = true;
    boolean anyGone = false;
    DeviceState first = stateOf(now.child(0));
    boolean same = true;
    for (int slot = 0; slot < map.slots(); slot++) {
      DeviceState state = stateOf(now.child(slot));
      same &= state == first;
      readOnly |= state == DeviceState.READ_ONLY;
      if (state == DeviceState.ONLINE) {
        allGone = false;
      } else {
        ByteRanges gone = unavailableOn(now, slot);
        anyGone |= !gone.isEmpty();
        allGone &= gone.contains(map.used(slot));
      }
    }
    if (allGone) {
      return same && isGone(first) ? first : DeviceState.OFFLINE;
    }
    if (readOnly) {
      return DeviceState.READ_ONLY;
    }
    return anyGone ? DeviceState.PARTIAL : DeviceState.ONLINE;
  }

  /** What cannot be reached, in own ranges: at most {@link #MAX_RANGES} that cover it. */
  List<ByteRange> unavailable() {
    View now = view;
    if (now.closed) {
      return List.of(new ByteRange(0, map.sizeBytes()));
    }
    List<ByteRange> own = new ArrayList<>();
    for (int slot = 0; slot < map.slots(); slot++) {
      for (ByteRange gone : unavailableOn(now, slot).asList()) {
        own.addAll(map.toOwnCover(slot, gone, MAX_RANGES));
      }
    }
    return ByteRanges.of(own).widenTo(MAX_RANGES).asList();
  }

  /** Of the used bytes of a child, in its ranges. */
  private ByteRanges unavailableOn(View now, int slot) {
    DaxDevice child = now.child(slot);
    if (child == null || isGone(child.state())) {
      return ByteRanges.of(map.used(slot));
    }
    List<ByteRange> gone = child.unavailable();
    return gone.isEmpty() ? ByteRanges.EMPTY : ByteRanges.of(gone).intersect(map.used(slot));
  }

  private static DeviceState stateOf(@Nullable DaxDevice child) {
    return child == null ? DeviceState.OFFLINE : child.state();
  }

  private static boolean isGone(DeviceState state) {
    return switch (state) {
      case ONLINE, READ_ONLY, PARTIAL -> false;
      // A device that does not answer is not to hang those above it.
      case HUNG, OFFLINE, FOREIGN -> true;
    };
  }

  @SuppressWarnings("ReferenceEquality") // the same storage opened anew is another device
  private static boolean isSame(@Nullable DaxDevice one, @Nullable DaxDevice other) {
    return one == other;
  }

  /** The exception for {@code own}, which lies on the child of one slot that is not there. */
  DeviceUnavailableException unavailable(int slot, ByteRange own, @Nullable Exception cause) {
    DeviceState whole = state();
    String why = describe(slot) + "; bring it back";
    return isGone(whole)
        ? new DeviceUnavailableException(name, whole, "nothing of it is there: " + why, cause)
        : new DeviceUnavailableException(name, own, why, cause);
  }

  /**
   * Before something is done that is to be done whole or not at all.
   *
   * @param child a range of the slot's child
   */
  void requireThere(View now, int slot, ByteRange child) throws DeviceUnavailableException {
    if (stateOf(now.child(slot)) == DeviceState.ONLINE) {
      return;
    }
    ByteRanges gone = unavailableOn(now, slot).intersect(child);
    if (!gone.isEmpty()) {
      throw unavailable(slot, map.toOwn(slot, gone.asList().getFirst()).getFirst(), null);
    }
  }

  private String describe(int slot) {
    DaxDevice child = view.child(slot);
    return child == null
        ? "the device of slot " + slot + " is missing"
        : "slot " + slot + " (" + child.info().name() + ") is " + child.state();
  }

  /**
   * After a write, which is marked by now.
   *
   * @throws DeviceUnavailableException when the child is not the one that was written to any more
   */
  void wrote(View before, int slot, ByteRange own) throws DeviceUnavailableException {
    View now = view;
    if (now != before && !isSame(now.child(slot), before.child(slot))) {
      throw unavailable(slot, own, null);
    }
  }

  /** Persists every child that owes something. */
  void persist() throws IOException {
    View now = view;
    checkOpen(now);
    try {
      owed.persist(this::persist);
    } catch (PersistFailedException failed) {
      throw stop(failed);
    }
    if (isGone(state())) {
      throw unavailable(0, new ByteRange(0, map.sizeBytes()), null);
    }
  }

  private void persist(int slot, OwedPersists.Written written) throws IOException {
    DaxDevice child = view.child(slot);
    Exception gone = null;
    if (child != null && !isGone(child.state())) {
      try {
        child.persist();
        return;
      } catch (PersistFailedException failed) {
        throw owed.fail(describe(slot) + ": " + failed.getReason(), failed);
      } catch (DeviceUnavailableException meanwhile) {
        gone = meanwhile;
      }
    }
    owed.concern(slot);
    if (written == OwedPersists.Written.SOMETHING) {
      String why = describe(slot) + ", with writes that were not persisted";
      throw owed.failAndCount(why, gone);
    }
  }

  /** A child could not persist something else than a persist: nothing is written any more. */
  PersistFailedException persistFailed(int slot, PersistFailedException below) {
    return stop(owed.fail(describe(slot) + ": " + below.getReason(), below));
  }

  private PersistFailedException stop(PersistFailedException failed) {
    telling.lock();
    try {
      if (view.readOnly == null) {
        view = new View(view.children, failed.getReason(), view.closed);
      }
    } finally {
      telling.unlock();
    }
    settle(failed.getReason());
    return failed;
  }

  // Coming and going.

  /** Looks at the children, and tells what is not as it was told last. */
  void settle(String detail) {
    telling.lock();
    try {
      if (view.closed) {
        return;
      }
      if (view.readOnly == null) {
        view = new View(view.children, readOnlyBelow(view.children), false);
      }
      Told now = new Told(state(), unavailable());
      if (!now.equals(told)) {
        told = now;
        notices.stateChanged(now.state(), now.unavailable(), detail);
      }
    } finally {
      telling.unlock();
    }
  }

  private static @Nullable String readOnlyBelow(@Nullable DaxDevice[] children) {
    for (DaxDevice child : children) {
      if (child != null && child.state() == DeviceState.READ_ONLY) {
        return child.info().name() + " is";
      }
    }
    return null;
  }

  /** See {@link LinearTarget#childReturned}. */
  void returned(int slot, DaxDevice child) throws IOException {
    joint.requireKept(slot, child, map.used(slot));
    DaxDevice former = view.child(slot);
    if (isSame(former, child)) {
      settle(child.info().name() + " is back");
      return;
    }
    if (former != null && !isGone(former.state())) {
      throw new IllegalStateException(name + ": " + describe(slot) + ", nothing is to be replaced");
    }
    Claim formerClaim = claims.get(slot);
    Claim claim = child.claim(holders.apply(slot));
    boolean taken = false;
    try {
      replace(slot, former, child, claim);
      taken = true;
    } finally {
      if (!taken) {
        claim.close();
      }
    }
    settle(child.info().name() + " is back");
    closeFormer(former, formerClaim);
  }

  private void replace(int slot, @Nullable DaxDevice former, DaxDevice child, Claim claim)
      throws IOException {
    owed.lock();
    try {
      checkOpen(view);
      if (!isSame(view.child(slot), former)) {
        throw new IllegalStateException(name + ": slot " + slot + " is being filled twice");
      }
      swap(slot, null);
      reportDoubtful(slot, child);
      claims.set(slot, claim);
      swap(slot, child);
    } finally {
      owed.unlock();
    }
  }

  /** Where the former child was not seen to persist, anything may stand on the one now back. */
  private void reportDoubtful(int slot, DaxDevice child) throws IOException {
    ByteRanges doubtful = owed.take(slot).intersect(map.used(slot));
    boolean recorded = false;
    try {
      for (ByteRange range : doubtful.asList()) {
        child.report(range, Cause.IO_ERROR, Confidence.SUSPECT);
      }
      recorded = true;
    } finally {
      if (!recorded) {
        owed.giveBack(slot, doubtful);
      }
    }
    owed.concern(slot);
    if (!doubtful.isEmpty()) {
      owed.cameBackWithout(
          "slot "
              + slot
              + " ("
              + child.info().name()
              + ") was gone, with writes that were not persisted");
    }
  }

  private void swap(int slot, @Nullable DaxDevice child) {
    telling.lock();
    try {
      @Nullable DaxDevice[] children = Arrays.copyOf(view.children, view.children.length);
      children[slot] = child;
      view = new View(children, view.readOnly, view.closed);
    } finally {
      telling.unlock();
    }
  }

  private void closeFormer(@Nullable DaxDevice former, @Nullable Claim claim) {
    try {
      if (claim != null) {
        claim.close();
      }
      if (former != null) {
        former.close();
      }
    } catch (IOException notThere) {
      // It was gone before; what it still had was reported as doubtful.
      LOG.log(
          System.Logger.Level.WARNING,
          name + ": the device that was gone did not close cleanly",
          notThere);
    }
  }

  /** Tells what the children have to tell. */
  void drainBelow() {
    for (int slot = 0; slot < claims.length(); slot++) {
      Claim claim = claims.get(slot);
      if (claim != null) {
        claim.drain();
      }
    }
  }

  /** Closes every child, whatever becomes of the others. */
  void close() throws IOException {
    View last = markClosed();
    if (last.closed) {
      return;
    }
    closeClaims();
    IOException failed = null;
    for (int slot = 0; slot < map.slots(); slot++) {
      try {
        close(last, slot);
      } catch (IOException e) {
        failed = OwedPersists.joined(failed, e);
      }
    }
    String untold = owed.whyTheNextFails();
    if (untold != null) {
      failed = OwedPersists.joined(failed, new PersistFailedException(name, untold, null));
    }
    if (failed != null) {
      throw failed;
    }
  }

  private View markClosed() {
    owed.lock();
    telling.lock();
    try {
      View last = view;
      view = new View(new @Nullable DaxDevice[map.slots()], null, true);
      return last;
    } finally {
      telling.unlock();
      owed.unlock();
    }
  }

  private void close(View last, int slot) throws IOException {
    DaxDevice child = last.child(slot);
    boolean gone = isGone(stateOf(child));
    if (child != null) {
      child.close();
    }
    if (gone && last.readOnly == null && !owed.take(slot).isEmpty()) {
      // No persist that failed has told of it.
      throw new PersistFailedException(
          name, "closed without slot " + slot + ", where writes were not persisted", null);
    }
  }

  private void closeClaims() {
    for (int slot = 0; slot < claims.length(); slot++) {
      Claim claim = claims.getAndSet(slot, null);
      if (claim != null) {
        claim.close();
      }
    }
  }
}
