package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.fs.ExtentLayout.OwnerEntry;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.tree.Hold;
import io.bezoar.tree.PageUse;
import io.bezoar.tree.Snapshot;
import io.bezoar.tree.TreeDamagedException;
import io.bezoar.tree.View;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Says what bytes of the device belong to.
 *
 * <p>Data: one look-up in the tree of owners of the live state, and one in that of each snapshot: a
 * snapshot keeps the tree as it was, so nothing has to be noted when one is made or deleted.
 * Everything else is asked of the forest.
 */
final class OwnerQuery {
  private final FsCore core;

  OwnerQuery(FsCore core) {
    this.core = core;
  }

  List<Owner> owners(ByteRange range) throws IOException {
    if (range.start() < 0 || range.end() > core.device.sizeBytes()) {
      throw new IndexOutOfBoundsException(
          range + " is not within the device of " + core.device.sizeBytes() + " bytes");
    }
    List<Owner> owners = new ArrayList<>();
    boolean live;
    try (Snapshot view = core.forest.snapshot()) {
      live = addData(view, FileId.LIVE, range, owners);
    }
    for (Hold hold : core.forest.holds()) {
      addHeld(hold, range, owners);
    }
    if (!live) {
      addOther(range, owners);
    }
    if (owners.size() > 1) {
      owners.sort(Comparator.comparing(Owner::device));
    }
    return owners;
  }

  /**
   * Adds the data of one state.
   *
   * @return true when all of the range is that
   */
  private boolean addData(View view, long state, ByteRange range, List<Owner> owners)
      throws IOException {
    long first = range.start() / PAGE_BYTES;
    long end = Math.ceilDiv(range.end(), PAGE_BYTES);
    List<OwnerEntry> entries;
    try {
      entries = core.extents.owners(view, first, end);
    } catch (TreeDamagedException lost) {
      throw new FilesystemDamagedException(core.device.info().name(), lost);
    }
    long covered = first;
    for (OwnerEntry entry : entries) {
      ByteRange device =
          new ByteRange(entry.start() * PAGE_BYTES, entry.end() * PAGE_BYTES).intersect(range);
      owners.add(
          new Owner.Data(
              device,
              new FileId(state, entry.inode()),
              device.shift((entry.page() - entry.start()) * PAGE_BYTES)));
      if (entry.start() <= covered) {
        covered = Math.max(covered, entry.end());
      }
    }
    return covered >= end;
  }

  private void addHeld(Hold hold, ByteRange range, List<Owner> owners) throws IOException {
    Snapshot kept;
    try {
      kept = core.forest.open(hold);
    } catch (IllegalArgumentException released) {
      // Deleted meanwhile: it owns nothing any more.
      return;
    }
    try (kept) {
      addData(kept, hold.commit(), range, owners);
    }
  }

  /** Adds what is no data of anybody. */
  private void addOther(ByteRange range, List<Owner> owners) throws IOException {
    ByteRanges data =
        ByteRanges.of(owners.stream().map(Owner::device).toList()).alignOutward(PAGE_BYTES);
    ByteRanges rest = ByteRanges.of(range.alignOutward(PAGE_BYTES)).minus(data);
    for (ByteRange gap : rest.asList()) {
      for (PageUse use : core.forest.uses(gap)) {
        addUse(use, range, owners);
      }
    }
  }

  private void addUse(PageUse use, ByteRange range, List<Owner> owners) {
    ByteRange device = use.range().intersect(range);
    switch (use) {
      case PageUse.RootSlot slot ->
          owners.add(new Owner.Metadata(device, "root slot " + slot.index(), FileId.LIVE));
      case PageUse.TreeNode node -> addNode(node, device, owners);
      case PageUse.Free free -> owners.add(new Owner.Free(device));
      case PageUse.Resting resting -> owners.add(new Owner.Free(device));
      case PageUse.Quarantined bad -> owners.add(new Owner.Quarantined(device));
      // Some snapshot has it, and its own tree of owners did not say as what.
      case PageUse.Held held -> owners.add(new Owner.Unknown(device));
      case PageUse.InUse inUse -> addInUse(device, owners);
    }
  }

  private static void addNode(PageUse.TreeNode node, ByteRange device, List<Owner> owners) {
    String structure =
        "node of tree \"%s\", level %d, %s copy"
            .formatted(
                node.tree().name(),
                node.level(),
                node.copy() == PageUse.Copy.FIRST ? "first" : "second");
    if (node.holds().isEmpty()) {
      owners.add(new Owner.Metadata(device, structure, FileId.LIVE));
    }
    for (Hold hold : node.holds()) {
      owners.add(new Owner.Metadata(device, structure, hold.commit()));
    }
  }

  private void addInUse(ByteRange device, List<Owner> owners) {
    ByteRange log = core.log().intersect(device);
    if (!log.isEmpty()) {
      owners.add(new Owner.Metadata(log, "intent log", FileId.LIVE));
    }
    for (ByteRange other : ByteRanges.of(device).minus(log).asList()) {
      owners.add(new Owner.Unknown(other));
    }
  }
}
