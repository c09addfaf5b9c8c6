package io.bezoar.tree;

import io.bezoar.dax.DaxDevice;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * At which commit a forest is opened: the newest whose trees have a readable root node; when there
 * is none, the newest. Reads only.
 *
 * @param root the commit
 * @param pair the pair of slots that names it
 * @param newestCommit number of the newest commit that was found
 * @param skipped why it is not the newest, if so
 */
record ForestOpening(
    PageIo io,
    RootSlots slots,
    ForestLayout.Root root,
    int pair,
    long newestCommit,
    @Nullable String skipped) {

  /**
   * Looks for the commit.
   *
   * @throws ForestFormatException when there is no forest that this version can open
   */
  static ForestOpening of(DaxDevice device) throws IOException {
    PageIo io = new PageIo(device);
    RootSlots.Scan scan = RootSlots.find(device, io);
    RootSlots.Scan.InSlot newest = scan.found().getFirst();
    RootSlots.Scan.InSlot chosen = newest;
    for (RootSlots.Scan.InSlot candidate : scan.found()) {
      if (rootsReadable(device, io, candidate.root())) {
        chosen = candidate;
        break;
      }
    }
    String skipped = null;
    if (chosen.root().commit() != newest.root().commit()) {
      skipped =
          "opened at commit "
              + chosen.root().commit()
              + ": commit "
              + newest.root().commit()
              + " has lost the root node of a tree in both copies";
    }
    return new ForestOpening(
        io,
        scan.slots(),
        chosen.root(),
        RootSlots.pairOf(chosen.slot()),
        newest.root().commit(),
        skipped);
  }

  private static boolean rootsReadable(DaxDevice device, PageIo io, ForestLayout.Root root)
      throws IOException {
    Executor nobody =
        task -> {
          throw new RejectedExecutionException("nothing is repaired before the forest is open");
        };
    NodeStore trial =
        new NodeStore(
            device, root.forest(), io, new NodeCache(0), nobody, () -> new Unpinned(root.commit()));
    for (TreeRoot tree : root.trees()) {
      try {
        if (!tree.isEmpty()) {
          trial.root(tree);
        }
      } catch (UnreadableNodeException lost) {
        return false;
      }
    }
    return true;
  }

  private record Unpinned(long durableCommit) implements NodeStore.Pin {
    @Override
    public void close() {}
  }

  /**
   * All holds of a commit, oldest first.
   *
   * @throws TreeDamagedException when they are not known
   */
  static List<HoldLayout.Kept> holds(DaxDevice device, NodeStore store, ForestLayout.Root root)
      throws IOException {
    TreeRoot tree = root.trees().get(SystemTrees.HOLDS);
    Cursor cursor = new Cursor(device.info().name(), store, () -> tree, () -> 0);
    List<HoldLayout.Kept> holds = new ArrayList<>();
    for (boolean at = cursor.first(); at; at = cursor.next()) {
      holds.add(HoldLayout.decode(cursor.key(), cursor.value(), root.trees()));
    }
    return List.copyOf(holds);
  }
}
