package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Random operations on a forest and on plain maps: both always say the same. States that are kept
 * (snapshots, holds) go on saying what they said.
 */
class ForestModelTest {
  /** The content of a forest, by tree. */
  private static final class Model {
    final List<NavigableMap<byte[], byte[]>> trees = new ArrayList<>();

    static Model empty(int trees) {
      Model model = new Model();
      for (int i = 0; i < trees; i++) {
        model.trees.add(new TreeMap<>(Arrays::compareUnsigned));
      }
      return model;
    }

    Model copy() {
      Model copy = new Model();
      for (NavigableMap<byte[], byte[]> tree : trees) {
        copy.trees.add(new TreeMap<>(tree));
      }
      return copy;
    }
  }

  private record Kept(Snapshot snapshot, Model model) {}

  private static final int TREES = 3;

  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final List<Kept> kept = new ArrayList<>();
  private final Map<String, Model> held = new TreeMap<>();
  private final List<Tree> trees = new ArrayList<>();
  private TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 256, seed);
  private Model model = Model.empty(TREES);
  private int keys;
  private int longest;

  ForestModelTest() throws IOException {}

  @Test
  void shouldSayWhatPlainMapsSayOfFewKeys() throws Exception {
    // Comparing everything after every transaction.
    run(new ForestOptions(64 << 10, 64 << 10, Runnable::run), 3000, 60, 200, 2000);
  }

  @Test
  void shouldSayWhatPlainMapsSayOfManyKeys() throws Exception {
    run(new ForestOptions(256 << 10, 256 << 10, Runnable::run), 20_000, 20_000, 12, 60);
  }

  @Test
  void shouldSayWhatPlainMapsSayOfLongKeysAndValues() throws Exception {
    run(new ForestOptions(128 << 10, 128 << 10, Runnable::run), 16_000, 1500, 512, 300);
  }

  private void run(ForestOptions options, int pages, int keys, int longest, int rounds)
      throws IOException {
    this.keys = keys;
    this.longest = longest;
    rounds *= Integer.getInteger("bezoar.rounds", 1);
    try {
      rig = TreeRig.create(TreeRig.Below.LEAF, pages, seed, options);
      for (int i = 0; i < TREES; i++) {
        trees.add(rig.tree("tree " + i));
      }
      for (int round = 0; round < rounds; round++) {
        try {
          step();
        } catch (ForestFullException full) {
          // Snapshots and holds keep pages; the transaction left nothing.
          assertThat(kept.size() + held.size()).as("%s", rig.forest.status()).isPositive();
          forget();
        }
        if (keys < 1000 || round % 10 == 0) {
          compareAll();
        }
        if (random.nextInt(60) == 0) {
          checkAll();
        }
      }
      checkAll();
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; replay: mvn -pl core -am test -Dtest=ForestModelTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  /** Lets go of all states that are kept. */
  private void forget() throws IOException {
    kept.forEach(one -> one.snapshot().close());
    kept.clear();
    held.clear();
    rig.forest.persist();
    for (Hold hold : rig.forest.holds()) {
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        tx.release(hold);
        tx.commit().join();
      }
    }
    while (rig.forest.prune()) {
      compareAll();
    }
  }

  private void step() throws IOException {
    switch (random.nextInt(24)) {
      case 0 -> {
        kept.forEach(one -> one.snapshot().close());
        kept.clear();
        rig.reopen();
      }
      case 1 -> kept.add(new Kept(rig.forest.snapshot(), model.copy()));
      case 2 -> {
        if (!kept.isEmpty()) {
          kept.remove(random.nextInt(kept.size())).snapshot().close();
        }
      }
      case 3 -> changeHolds();
      case 4 -> rig.forest.persist();
      case 5 -> reload();
      default -> transaction();
    }
    if (kept.size() > 4) {
      kept.removeFirst().snapshot().close();
    }
  }

  private void changeHolds() throws IOException {
    List<Hold> holds = rig.forest.holds();
    if (holds.size() > 3 || (!holds.isEmpty() && random.nextBoolean())) {
      Hold going = holds.get(random.nextInt(holds.size()));
      held.remove(going.name());
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        tx.release(going);
        tx.commit().join();
      }
      for (int i = random.nextInt(8); i > 0 && rig.forest.prune(); i--) {
        compareAll();
      }
    } else if (model.trees.stream().mapToInt(NavigableMap::size).sum() < 30_000) {
      String name = "hold " + random.nextInt(1_000_000_000);
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        Model next = model.copy();
        change(tx, next);
        tx.hold(name);
        tx.apply();
        model = next;
      }
      rig.forest.persist();
      held.put(name, model.copy());
    }
  }

  /** Empties a tree and fills it by a bulk load. */
  private void reload() throws IOException {
    int at = random.nextInt(TREES);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.deleteRange(trees.get(at), new byte[0], null);
      NavigableMap<byte[], byte[]> content = new TreeMap<>(Arrays::compareUnsigned);
      for (int i = random.nextInt(keys); i > 0; i--) {
        content.put(anyKey(), anyValue());
      }
      BulkLoad load = tx.load(trees.get(at));
      for (Map.Entry<byte[], byte[]> entry : content.entrySet()) {
        load.add(entry.getKey(), entry.getValue());
      }
      load.finish();
      if (random.nextInt(3) > 0) {
        tx.commit().join();
        model.trees.set(at, content);
      }
    }
  }

  private void transaction() throws IOException {
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      Model next = model.copy();
      for (int i = 1 + random.nextInt(3); i > 0; i--) {
        change(tx, next);
      }
      switch (random.nextInt(5)) {
        case 0 -> tx.abort();
        case 1, 2 -> {
          tx.apply();
          model = next;
        }
        default -> {
          tx.commit().join();
          model = next;
        }
      }
    }
  }

  private void change(Transaction tx, Model next) throws IOException {
    int at = random.nextInt(TREES);
    Tree tree = trees.get(at);
    NavigableMap<byte[], byte[]> map = next.trees.get(at);
    int ops = 1 + random.nextInt(random.nextInt(10) == 0 ? keys : 40);
    switch (random.nextInt(8)) {
      case 0 -> {
        byte[] from = anyKey();
        byte[] to = anyKey();
        if (Arrays.compareUnsigned(from, to) < 0) {
          tx.deleteRange(tree, from, to);
          map.subMap(from, true, to, false).clear();
        }
      }
      case 1 -> {
        byte[] from = anyKey();
        NavigableMap<byte[], byte[]> head = map.headMap(from, false);
        List<byte[]> going = new ArrayList<>(head.keySet());
        byte[] border = going.size() < ops ? null : going.get(going.size() - ops);
        tx.deleteRange(tree, border == null ? new byte[0] : border, from);
        (border == null ? head : head.tailMap(border, true)).clear();
      }
      case 2, 3 -> {
        for (int i = 0; i < ops; i++) {
          byte[] key = anyKey();
          assertThat(tx.delete(tree, key)).isEqualTo(map.remove(key) != null);
        }
      }
      case 4 -> {
        long from = random.nextInt(keys);
        for (int i = 0; i < ops; i++) {
          byte[] key = TreeRig.key(from + i);
          byte[] value = anyValue();
          tx.put(tree, key, value);
          map.put(key, value);
        }
      }
      default -> {
        for (int i = 0; i < ops; i++) {
          byte[] key = anyKey();
          byte[] value = anyValue();
          tx.put(tree, key, value);
          map.put(key, value);
          assertThat(tx.get(tree, key)).isEqualTo(value);
        }
      }
    }
    scanSome(tx, tree, map);
  }

  private byte[] anyKey() {
    SplittableRandom of = new SplittableRandom(random.nextInt(keys) * 77L);
    byte[] key = new byte[of.nextInt(of.nextInt(1, longest + 1))];
    of.nextBytes(key);
    if (of.nextBoolean()) {
      // Long shared beginnings.
      Arrays.fill(key, 0, key.length * 2 / 3, (byte) 'a');
    }
    return key;
  }

  private byte[] anyValue() {
    byte[] value = new byte[random.nextInt(100) == 0 ? random.nextInt(1025) : random.nextInt(40)];
    random.nextBytes(value);
    return value;
  }

  private void scanSome(View view, Tree tree, NavigableMap<byte[], byte[]> map) throws IOException {
    byte[] from = anyKey();
    Cursor cursor = view.cursor(tree);
    assertAt(cursor, cursor.seek(from), map.ceilingEntry(from));
    Map.Entry<byte[], byte[]> expected = map.ceilingEntry(from);
    for (int i = 0; i < 20 && expected != null; i++) {
      expected = map.higherEntry(expected.getKey());
      assertAt(cursor, cursor.next(), expected);
    }
    assertAt(cursor, cursor.seekFloor(from), map.floorEntry(from));
    expected = map.floorEntry(from);
    for (int i = 0; i < 20 && expected != null; i++) {
      expected = map.lowerEntry(expected.getKey());
      assertAt(cursor, cursor.previous(), expected);
    }
    assertThat(view.get(tree, from)).isEqualTo(map.get(from));
    assertThat(view.contains(tree, from)).isEqualTo(map.containsKey(from));
  }

  private static void assertAt(
      Cursor cursor, boolean at, Map.@Nullable Entry<byte[], byte[]> expected) {
    assertThat(at).isEqualTo(expected != null);
    assertThat(cursor.valid()).isEqualTo(at);
    if (expected != null) {
      assertThat(cursor.key()).isEqualTo(expected.getKey());
      assertThat(cursor.value()).isEqualTo(expected.getValue());
    }
  }

  private void compareAll() throws IOException {
    try (Snapshot now = rig.forest.snapshot()) {
      compare(now, model);
    }
    if (!kept.isEmpty()) {
      Kept one = kept.get(random.nextInt(kept.size()));
      compare(one.snapshot(), one.model());
    }
    for (Hold hold : rig.forest.holds()) {
      if (random.nextInt(4) == 0) {
        try (Snapshot then = rig.forest.open(hold)) {
          compare(then, Objects.requireNonNull(held.get(hold.name())));
        }
      }
    }
  }

  private void compare(Snapshot snapshot, Model expected) throws IOException {
    for (int i = 0; i < TREES; i++) {
      Cursor cursor = snapshot.cursor(trees.get(i));
      boolean at = cursor.first();
      for (Map.Entry<byte[], byte[]> entry : expected.trees.get(i).entrySet()) {
        if (!at
            || cursor.compareKey(entry.getKey()) != 0
            || !Arrays.equals(cursor.value(), entry.getValue())) {
          assertAt(cursor, at, entry);
        }
        at = cursor.next();
      }
      assertThat(at).isFalse();
    }
  }

  private void checkAll() throws IOException {
    kept.forEach(one -> one.snapshot().close());
    kept.clear();
    rig.forest.persist();
    rig.assertClean();
    ForestReport report = rig.forest.check(DataPages.NONE);
    assertThat(report.badCopies()).isEqualTo(List.<ByteRange>of());
    assertThat(rig.forest.status().cachedNodes())
        .isLessThanOrEqualTo(rig.forest.status().cachedNodesMax());
    compareAll();
  }
}
