package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Whatever stands in a root slot, decoding answers; what it answers can be written again. */
class ForestLayoutFuzzTest {
  private static final int PAGE = TreeRig.PAGE;

  @FuzzTest
  void shouldAnswerToAnyBytes(byte[] bytes) {
    byte[] page = Arrays.copyOf(bytes, PAGE);
    check(page);
    seal(page);
    check(page);
    hold(bytes);
  }

  @Test
  void shouldAnswerToChangedSlotsUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(3);
    int valid = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] page = ForestLayout.encode(root(random), 0);
      for (int c = random.nextInt(3); c > 0; c--) {
        page[12 + random.nextInt(400)] = (byte) random.nextInt(256);
      }
      seal(page);
      if (check(page)) {
        valid++;
      }
    }
    assertThat(valid).isBetween(5_000, 19_999);
  }

  @Test
  void shouldSayWhatIsNewerForeignOrDamaged() {
    byte[] page = ForestLayout.encode(root(new SplittableRandom(4)), 0);
    assertThat(new String(page, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("BZROFRST");
    assertThat(ForestLayout.decode(page, 0)).isInstanceOf(ForestLayout.Slot.Valid.class);
    assertThat(ForestLayout.decode(page, PAGE)).isInstanceOf(ForestLayout.Slot.Damaged.class);
    assertThat(ForestLayout.decode(new byte[PAGE], 0))
        .isInstanceOf(ForestLayout.Slot.Foreign.class);
    page[100] ^= 1;
    assertThat(ForestLayout.decode(page, 0)).isInstanceOf(ForestLayout.Slot.Damaged.class);
    page[12] = 2;
    seal(page);
    assertThat(ForestLayout.decode(page, 0)).isEqualTo(new ForestLayout.Slot.Newer(2));
  }

  private static ForestLayout.Root root(SplittableRandom random) {
    List<TreeRoot> trees = new ArrayList<>();
    for (int i = random.nextInt(ForestLayout.TREES_MAX + 1); i > 0; i--) {
      boolean empty = random.nextBoolean();
      Ref ref = empty ? Ref.NONE : new Ref(PAGE, 2L * PAGE, random.nextLong());
      trees.add(new TreeRoot(trees.size(), "tree " + i, empty ? 0 : 3, ref, null));
    }
    return new ForestLayout.Root(
        random.nextLong(),
        random.nextLong(),
        100L * PAGE,
        50,
        List.of(0L, 4096L, 8192L, 12288L),
        trees);
  }

  private static boolean check(byte[] page) {
    if (ForestLayout.decode(page, 0) instanceof ForestLayout.Slot.Valid(var root)) {
      boolean text =
          root.trees().stream()
              .allMatch(
                  tree ->
                      tree.name().getBytes(StandardCharsets.UTF_8).length
                          <= ForestLayout.NAME_BYTES_MAX);
      if (text) {
        assertThat(ForestLayout.decode(ForestLayout.encode(root, 0), 0))
            .isEqualTo(new ForestLayout.Slot.Valid(root));
      }
      return true;
    }
    return false;
  }

  private static void seal(byte[] page) {
    byte[] magic = "BZROFRST".getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(magic, 0, page, 0, 8);
    CRC32C crc = new CRC32C();
    crc.update(page, 0, 8);
    crc.update(page, 12, PAGE - 12);
    for (int i = 0; i < 4; i++) {
      page[8 + i] = (byte) (crc.getValue() >>> (8 * i));
    }
  }

  /** Values of the forest's own trees are decoded, or refused with an argument exception. */
  private static void hold(byte[] bytes) {
    int cut = bytes.length == 0 ? 0 : (bytes[0] & 0xff) % (bytes.length + 1);
    byte[] key = Arrays.copyOf(bytes, 8);
    byte[] value = Arrays.copyOfRange(bytes, cut, bytes.length);
    try {
      HoldLayout.Kept kept = HoldLayout.decode(key, value, SystemTrees.empty());
      assertThat(HoldLayout.holdKey(kept.commit())).isEqualTo(key);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not a");
    }
    try {
      HoldLayout.Held held = HoldLayout.decodeHeld(Arrays.copyOf(bytes, 16), value);
      assertThat(HoldLayout.heldValue(held.count(), held.born())).isEqualTo(value);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not held");
    }
    try {
      assertThat(SpaceLayout.encode(SpaceLayout.decode(value))).isEqualTo(value);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not a group");
    }
  }

  @Test
  void shouldTakeHoldsApartAsTheyWerePutTogether() {
    SplittableRandom random = new SplittableRandom(8);
    for (int i = 0; i < 1000; i++) {
      List<TreeRoot> trees = root(random).trees();
      HoldLayout.Kept kept =
          new HoldLayout.Kept(random.nextLong(), "hold " + i, random.nextBoolean(), trees);
      byte[] value = HoldLayout.encode(kept);
      assertThat(value.length).isLessThanOrEqualTo(Tree.VALUE_BYTES_MAX);
      assertThat(HoldLayout.decode(HoldLayout.holdKey(kept.commit()), value, trees))
          .isEqualTo(kept);
      byte[] bytes = new byte[random.nextInt(600)];
      random.nextBytes(bytes);
      hold(bytes);
    }
  }
}
