package io.bezoar.tree;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Nodes to and from the device.
 *
 * <p><b>Threat.</b> Either copy of a node may trap, rot, hold an older node (a lost write) or one
 * that belongs elsewhere.
 *
 * <p><b>Protocol.</b> A copy counts only when it is the node that the parent expects: {@link
 * NodeLayout#judge}. A bad first copy is read from the twin, and rewritten later by the executor,
 * under a pin: so the page cannot have got another content by then. A node that no durable commit
 * reaches yet is not repaired (its transaction may abort, and its pages be used again): whoever
 * reads it later does that.
 */
final class NodeStore {
  /** Most repairs that wait; what is not repaired is found again by the next reader. */
  private static final int REPAIRS_MAX = 256;

  private final DaxDevice device;
  private final long forest;
  private final PageIo io;
  private final NodeCache cache;
  private final Executor repairs;
  private final Supplier<Pin> pins;
  private final Set<Long> repairing = ConcurrentHashMap.newKeySet();

  final LongAdder repaired = new LongAdder();
  final LongAdder unrepaired = new LongAdder();
  final LongAdder reads = new LongAdder();

  /** Keeps pages that are reachable now from being used again, until it is closed. */
  interface Pin extends AutoCloseable {
    /** The newest durable commit. */
    long durableCommit();

    @Override
    void close();
  }

  NodeStore(
      DaxDevice device,
      long forest,
      PageIo io,
      NodeCache cache,
      Executor repairs,
      Supplier<Pin> pins) {
    this.device = device;
    this.forest = forest;
    this.io = io;
    this.cache = cache;
    this.repairs = repairs;
    this.pins = pins;
  }

  /** The root node of a tree that is not empty. */
  Node root(TreeRoot root) throws IOException {
    Node node = root.node();
    return node != null ? node : load(root.id(), root.height() - 1, root.ref());
  }

  /** The child at index {@code i} of a branch. */
  Node child(Node parent, int i) throws IOException {
    Node kid = parent.kid(i);
    if (kid != null) {
      return kid;
    }
    byte[] page = parent.page;
    Node hit = cache.get(NodeLayout.refAddress(page, i), NodeLayout.refGeneration(page, i));
    return hit != null
        ? hit
        : load(NodeLayout.tree(page), parent.level - 1, NodeLayout.ref(page, i));
  }

  /**
   * Reads a node.
   *
   * @throws UnreadableNodeException when both copies are lost
   * @throws DeviceUnavailableException when one copy is unavailable, and the other not to be had
   */
  Node load(int tree, int level, Ref ref) throws IOException {
    Node hit = cache.get(ref.address(), ref.generation());
    if (hit != null) {
      return hit;
    }
    reads.increment();
    Copy first = readCopy(tree, level, ref, ref.address());
    byte[] page = first.page;
    if (page == null) {
      Copy second = readCopy(tree, level, ref, ref.twin());
      page = second.page;
      if (page == null) {
        throw bothBad(ref, level, first, second);
      }
      repairLater(ref, ref.address(), page, first);
    }
    Node node = Node.stored(page, ref);
    cache.put(node);
    return node;
  }

  /**
   * The bytes of a page that says that it is a node in its place, which proves nothing; or null.
   */
  byte @Nullable [] claimedNode(long address) throws IOException {
    try {
      byte[] page = io.read(address);
      return NodeLayout.isNode(page, forest, address) ? page : null;
    } catch (PoisonedRangeException | DeviceUnavailableException says) {
      // Nothing about itself.
      return null;
    }
  }

  /** One copy of a node, as it was found. */
  private static final class Copy {
    /** Its bytes, when it is the node that was expected. */
    private final byte @Nullable [] page;

    /** What is wrong with it otherwise. */
    private final String problem;

    /** Set when it is unavailable, which is no damage. */
    private final @Nullable DeviceUnavailableException absent;

    Copy(byte @Nullable [] page, String problem, @Nullable DeviceUnavailableException absent) {
      this.page = page;
      this.problem = problem;
      this.absent = absent;
    }

    static Copy bad(String problem) {
      return new Copy(null, problem, null);
    }

    /** True when its bytes could be read, and are wrong: what the device does not know of. */
    boolean wrong() {
      return page == null && problem.startsWith("wrong");
    }
  }

  private Copy readCopy(int tree, int level, Ref ref, long address) throws IOException {
    try {
      return judged(io.read(address), tree, level, ref, address);
    } catch (PoisonedRangeException struck) {
      return Copy.bad("poisoned (" + struck.poisonCause() + ")");
    } catch (DeviceUnavailableException notThere) {
      return new Copy(null, "unavailable", notThere);
    }
  }

  private Copy judged(byte[] page, int tree, int level, Ref ref, long address) {
    return switch (NodeLayout.judge(page, forest, tree, level, ref, address)) {
      case SOUND -> new Copy(page, "", null);
      case DAMAGED -> Copy.bad("wrong bytes");
      case OTHER -> Copy.bad("wrong node: a write was lost or went elsewhere");
    };
  }

  private static IOException bothBad(Ref ref, int level, Copy first, Copy second) {
    DeviceUnavailableException absent = first.absent != null ? first.absent : second.absent;
    return absent != null
        ? absent
        : new UnreadableNodeException(
            ref, level, "first copy " + first.problem + ", second copy " + second.problem);
  }

  /**
   * Reads both copies of nodes of one level past every cache, neighbours in one go, and has bad
   * ones rewritten.
   *
   * @throws DeviceUnavailableException when one copy is unavailable, and the other not to be had
   */
  List<Checked> check(int tree, int level, List<Ref> refs) throws IOException {
    long[] addresses =
        refs.stream().flatMapToLong(ref -> LongStream.of(ref.address(), ref.twin())).toArray();
    Arrays.sort(addresses);
    byte[] @Nullable [] pages = io.readPastCache(addresses);
    List<Checked> checked = new ArrayList<>();
    for (Ref ref : refs) {
      byte[] first = pages[Arrays.binarySearch(addresses, ref.address())];
      byte[] second = pages[Arrays.binarySearch(addresses, ref.twin())];
      checked.add(check(tree, level, ref, first, second));
    }
    return checked;
  }

  /** Looks at copies that were read; null for one that is to be read by itself. */
  private Checked check(
      int tree, int level, Ref ref, byte @Nullable [] firstPage, byte @Nullable [] secondPage)
      throws IOException {
    Copy first =
        firstPage == null
            ? readPastCache(tree, level, ref, ref.address())
            : judged(firstPage, tree, level, ref, ref.address());
    byte[] page = first.page;
    if (page != null
        && secondPage != null
        && NodeLayout.isTwin(secondPage, page, ref, ref.twin())) {
      return new Checked(ref, Node.stored(page, ref), "", "", null);
    }
    Copy second =
        secondPage == null
            ? readPastCache(tree, level, ref, ref.twin())
            : judged(secondPage, tree, level, ref, ref.twin());
    page = page != null ? page : second.page;
    if (page == null) {
      IOException why = bothBad(ref, level, first, second);
      if (why instanceof UnreadableNodeException lost) {
        return new Checked(ref, null, first.problem, second.problem, lost);
      }
      throw why;
    }
    if (first.page == null) {
      repairLater(ref, ref.address(), page, first);
    }
    if (second.page == null) {
      repairLater(ref, ref.twin(), page, second);
    }
    return new Checked(ref, Node.stored(page, ref), first.problem, second.problem, null);
  }

  /**
   * A node whose two copies were looked at; the problems are empty for sound ones.
   *
   * @param node null when both are bad
   * @param lost set when both are bad
   */
  record Checked(
      Ref ref,
      @Nullable Node node,
      String firstProblem,
      String secondProblem,
      @Nullable UnreadableNodeException lost) {}

  private Copy readPastCache(int tree, int level, Ref ref, long address) throws IOException {
    try {
      byte[] page = io.readPastCache(address);
      return page == null ? Copy.bad("poisoned") : judged(page, tree, level, ref, address);
    } catch (DeviceUnavailableException notThere) {
      return new Copy(null, "unavailable", notThere);
    }
  }

  private void repairLater(Ref ref, long address, byte[] good, Copy bad) {
    if (bad.absent != null
        || device.state() != DeviceState.ONLINE
        || repairing.size() >= REPAIRS_MAX
        || !repairing.add(address)) {
      return;
    }
    Pin pin = pins.get();
    if (ref.commit() > pin.durableCommit()) {
      pin.close();
      repairing.remove(address);
      return;
    }
    try {
      repairs.execute(
          () -> {
            try (pin) {
              repair(ref, address, good, bad);
            } finally {
              repairing.remove(address);
            }
          });
    } catch (RejectedExecutionException closing) {
      pin.close();
      repairing.remove(address);
    }
  }

  /** Faults go down first: the device hears of wrong bytes before they are replaced. */
  private void repair(Ref ref, long address, byte[] good, Copy bad) {
    byte[] image = good.clone();
    NodeLayout.seal(image, forest, ref, address);
    try {
      if (bad.wrong()) {
        device.report(PageIo.pageAt(address), Cause.CHECKSUM, Confidence.EXACT);
      }
      if (io.replace(address, image)) {
        repaired.increment();
      } else {
        unrepaired.increment();
      }
    } catch (IOException cannot) {
      unrepaired.increment();
      System.getLogger(NodeStore.class.getName())
          .log(
              System.Logger.Level.WARNING,
              () -> device.info().name() + ": could not rewrite the node copy at " + address,
              cannot);
    }
  }

  /**
   * Stores nodes that have their places, both copies, and keeps them in the cache.
   *
   * @throws IOException when a node could be stored in neither of its places
   */
  void write(List<Node> nodes) throws IOException {
    BitSet refused = new BitSet();
    byte[] scratch = new byte[Units.PAGE_BYTES];
    for (boolean twin : new boolean[] {false, true}) {
      Comparator<Integer> byAddress = Comparator.comparingLong(i -> place(nodes.get(i), twin));
      List<Integer> order =
          java.util.stream.IntStream.range(0, nodes.size()).boxed().sorted(byAddress).toList();
      long[] addresses = order.stream().mapToLong(i -> place(nodes.get(i), twin)).toArray();
      BitSet now = io.write(addresses, i -> image(nodes.get(order.get(i)), twin, scratch));
      for (int i = now.nextSetBit(0); i >= 0; i = now.nextSetBit(i + 1)) {
        int index = order.get(i);
        unrepaired.increment();
        if (refused.get(index)) {
          throw new IOException(
              device.info().name()
                  + ": the media takes a node in neither of its places, "
                  + placed(nodes.get(index)));
        }
        refused.set(index);
      }
    }
    for (Node node : nodes) {
      cache.put(Node.stored(node.page, placed(node)));
      node.stored = true;
    }
  }

  private byte[] image(Node node, boolean twin, byte[] image) {
    System.arraycopy(node.page, 0, image, 0, image.length);
    NodeLayout.seal(image, forest, placed(node), place(node, twin));
    return image;
  }

  private static long place(Node node, boolean twin) {
    return twin ? placed(node).twin() : placed(node).address();
  }

  private static Ref placed(Node node) {
    Ref ref = node.placed;
    if (ref == null) {
      throw new IllegalStateException("a node is stored before it has a place");
    }
    return ref;
  }
}
