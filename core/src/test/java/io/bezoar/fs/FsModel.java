package io.bezoar.fs;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a filesystem should hold now, and what it may hold after a crash.
 *
 * <p>The history is the list of states after each operation since everything was durable at last (a
 * sync of the whole, a snapshot, a tick, a close). After a crash the filesystem holds one of them,
 * state k. A file that was synced at a later state than k has every byte that it had then: content,
 * size and time of modification are those of a state between that sync and the end. What else a
 * sync of a file promises (names, mode, attributes) must be in state k itself, because the intent
 * log carries nothing of the kind.
 */
final class FsModel {
  private final List<FsState> states = new ArrayList<>();

  /** Index of the state at the last sync that was begun, by file. */
  private final Map<Long, Integer> begun = new HashMap<>();

  /** Index of the state at the last sync that was done, by file. */
  private final Map<Long, Integer> synced = new HashMap<>();

  FsModel(FsState first) {
    states.add(first);
  }

  FsState now() {
    return states.getLast();
  }

  /** An operation begins that leads to this state; the power may be cut in it. */
  void begins(FsState next) {
    states.add(next);
  }

  /** The operation did not happen. */
  void refused() {
    states.removeLast();
  }

  /** The last state is known better now. */
  void correct(FsState last) {
    states.set(states.size() - 1, last);
  }

  /** Everything so far survives every crash. */
  void durable() {
    states.subList(0, states.size() - 1).clear();
    begun.clear();
    synced.clear();
  }

  void syncBegins(long inode) {
    begun.put(inode, states.size() - 1);
  }

  void synced(long inode) {
    synced.put(inode, states.size() - 1);
  }

  /** Synced writes may be gone: a fault took what has one copy. */
  void forgetSyncs() {
    synced.clear();
  }

  /** How many states a crash may lead to. */
  int stateCount() {
    return states.size();
  }

  /** Goes on from what was found. */
  void continueFrom(FsState found) {
    states.clear();
    states.add(found);
    begun.clear();
    synced.clear();
  }

  /**
   * Whether a crash may have led to this.
   *
   * @return why not, for people; null when it may
   */
  @Nullable String whyNotAfterCrash(FsState found) {
    StringBuilder why = new StringBuilder();
    for (int k = states.size() - 1; k >= 0; k--) {
      String difference = differenceFrom(k, found);
      if (difference == null) {
        return null;
      }
      why.append("\n  state ").append(k).append(": ").append(difference);
    }
    return "none of " + states.size() + " states:" + why;
  }

  private @Nullable String differenceFrom(int k, FsState found) {
    FsState state = states.get(k);
    for (Map.Entry<Long, Integer> sync : synced.entrySet()) {
      if (sync.getValue() > k) {
        String broken = brokenPromise(sync.getKey(), states.get(sync.getValue()), state);
        if (broken != null) {
          return broken;
        }
      }
    }
    return FsDiff.between(state, found, inode -> contents(inode, k));
  }

  /** Contents that a file may have on top of state k. */
  private List<FsNode> contents(long inode, int k) {
    if (begun.getOrDefault(inode, -1) <= k) {
      return List.of();
    }
    List<FsNode> allowed = new ArrayList<>();
    for (int j = Math.max(k, synced.getOrDefault(inode, -1)); j < states.size(); j++) {
      FsNode node = states.get(j).find(inode);
      if (node != null) {
        allowed.add(node);
      }
    }
    return allowed;
  }

  /** What a sync promised besides content, and this state does not have. */
  private static @Nullable String brokenPromise(long inode, FsState synced, FsState state) {
    FsNode then = synced.node(inode);
    FsNode node = state.find(inode);
    if (then.links == 0) {
      return null;
    }
    if (node == null) {
      return "inode " + inode + " was synced and is not there";
    }
    if (!names(synced, inode).equals(names(state, inode))) {
      return "inode " + inode + " was synced and has other names";
    }
    String difference = FsDiff.attributes(node, then, List.of(then));
    return difference == null ? null : "inode " + inode + " was synced; " + difference;
  }

  private static NavigableSet<String> names(FsState state, long inode) {
    NavigableSet<String> names = new TreeSet<>();
    state
        .nodes()
        .forEach(
            (directory, node) ->
                node.entries.forEach(
                    (name, child) -> {
                      if (child == inode) {
                        names.add(directory + "/" + name);
                      }
                    }));
    return names;
  }
}
