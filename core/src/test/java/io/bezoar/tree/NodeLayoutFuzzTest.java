package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/** Whatever stands in a page, it is judged; and what is judged sound can be worked with. */
class NodeLayoutFuzzTest {
  private static final int PAGE = TreeRig.PAGE;
  private static final long FOREST = 77;
  private static final Ref REF = new Ref(8L * PAGE, 99L * PAGE, 1234);

  @FuzzTest
  void shouldJudgeAnyBytes(byte[] bytes) {
    byte[] page = Arrays.copyOf(bytes, PAGE);
    check(page);
    NodeLayout.seal(page, FOREST, REF, REF.address());
    check(page);
    // The header of a node before bytes of any kind gets furthest.
    byte[] node = NodeLayout.empty(5, bytes.length > 0 ? bytes[0] & 1 : 0);
    System.arraycopy(page, 44, node, 44, 8);
    System.arraycopy(page, 64, node, 64, PAGE - 64);
    NodeLayout.seal(node, FOREST, REF, REF.address());
    check(node);
  }

  @Test
  void shouldJudgeChangedNodesUnderAValidChecksum() {
    SplittableRandom random = new SplittableRandom(5);
    int sound = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] page = node(random);
      MemorySegment segment = MemorySegment.ofArray(page);
      int changes = random.nextInt(4);
      for (int c = 0; c < changes; c++) {
        int at = random.nextBoolean() ? 44 + random.nextInt(60) : random.nextInt(PAGE);
        segment.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt(256));
      }
      NodeLayout.seal(page, FOREST, REF, REF.twin());
      if (check(page)) {
        sound++;
      }
    }
    assertThat(sound).isBetween(5_000, 19_999);
  }

  @Test
  void shouldTellATwinFromEverythingElse() {
    byte[] page = node(new SplittableRandom(7));
    NodeLayout.seal(page, FOREST, REF, REF.address());
    byte[] twin = page.clone();
    NodeLayout.seal(twin, FOREST, REF, REF.twin());
    assertThat(NodeLayout.isTwin(twin, page, REF, REF.twin())).isTrue();
    assertThat(NodeLayout.isTwin(page, page, REF, REF.twin())).isFalse();
    for (int bit = 0; bit < PAGE * 8; bit++) {
      twin[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(NodeLayout.isTwin(twin, page, REF, REF.twin())).as("bit %s", bit).isFalse();
      twin[bit / 8] ^= (byte) (1 << bit % 8);
    }
    for (Ref other :
        new Ref[] {
          new Ref(REF.address() + PAGE, REF.twin(), REF.generation()),
          new Ref(REF.address(), REF.twin(), REF.generation() + 1)
        }) {
      NodeLayout.seal(twin, FOREST, other, REF.twin());
      assertThat(NodeLayout.isTwin(twin, page, REF, REF.twin())).isFalse();
    }
    NodeLayout.seal(twin, FOREST + 1, REF, REF.twin());
    assertThat(NodeLayout.isTwin(twin, page, REF, REF.twin())).isFalse();
  }

  @Test
  void shouldTellEveryChangedBitAndEveryOtherPlace() {
    SplittableRandom random = new SplittableRandom(6);
    byte[] page = node(random);
    NodeLayout.seal(page, FOREST, REF, REF.address());
    int level = NodeLayout.level(page);
    assertThat(NodeLayout.judge(page, FOREST, 5, level, REF, REF.address()))
        .isEqualTo(NodeLayout.Verdict.SOUND);
    for (int bit = 0; bit < PAGE * 8; bit++) {
      page[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(NodeLayout.judge(page, FOREST, 5, level, REF, REF.address()))
          .as("bit %s", bit)
          .isEqualTo(NodeLayout.Verdict.DAMAGED);
      page[bit / 8] ^= (byte) (1 << bit % 8);
    }
    Ref older = new Ref(REF.address(), REF.twin(), REF.generation() - 1);
    Ref elsewhere = new Ref(REF.address(), REF.twin() + PAGE, REF.generation());
    assertThat(NodeLayout.judge(page, FOREST, 5, level, older, REF.address()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
    assertThat(NodeLayout.judge(page, FOREST, 5, level, elsewhere, REF.address()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
    assertThat(NodeLayout.judge(page, FOREST, 5, level, REF, REF.twin()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
    assertThat(NodeLayout.judge(page, FOREST, 6, level, REF, REF.address()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
    assertThat(NodeLayout.judge(page, FOREST, 5, level + 1, REF, REF.address()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
    assertThat(NodeLayout.judge(page, FOREST + 1, 5, level, REF, REF.address()))
        .isEqualTo(NodeLayout.Verdict.OTHER);
  }

  private static byte[] node(SplittableRandom random) {
    int level = random.nextInt(2);
    byte[] page = NodeLayout.empty(5, level);
    byte[] key = {};
    int entries = 1 + random.nextInt(60);
    for (int i = 0; i < entries; i++) {
      byte[] value = new byte[level > 0 ? NodeLayout.REF_BYTES : random.nextInt(40)];
      random.nextBytes(value);
      if (NodeLayout.fits(page, key.length, value.length)) {
        NodeLayout.insert(page, i, key, value);
      } else {
        break;
      }
      key = new byte[] {1, (byte) i, 3, 4};
    }
    return page;
  }

  private static boolean check(byte[] page) {
    boolean any = false;
    for (long address : new long[] {REF.address(), REF.twin()}) {
      for (int level = 0; level < 2; level++) {
        if (NodeLayout.judge(page, FOREST, 5, level, REF, address) == NodeLayout.Verdict.SOUND) {
          work(page.clone());
          any = true;
        }
      }
    }
    return any;
  }

  private static void work(byte[] page) {
    byte[] key = {1, 7};
    NodeLayout.find(page, key);
    for (int i = 0; i < NodeLayout.count(page); i++) {
      NodeLayout.key(page, i);
      NodeLayout.value(page, i);
      if (NodeLayout.level(page) > 0) {
        NodeLayout.ref(page, i);
        NodeLayout.childIndex(page, NodeLayout.key(page, i));
      }
    }
    int used = NodeLayout.usedBytes(page);
    byte[] copy = NodeLayout.empty(5, NodeLayout.level(page));
    NodeLayout.append(copy, page, 0, NodeLayout.count(page));
    assertThat(NodeLayout.usedBytes(copy)).isEqualTo(used);
    if (NodeLayout.count(page) > 0) {
      NodeLayout.remove(page, 0, 1);
    }
    if (NodeLayout.fits(page, 2, 24)) {
      NodeLayout.insert(page, 0, key, new byte[24]);
    }
  }

  /** The checksum is that of the page without its own bytes, as the format says. */
  @Test
  void shouldSealAsTheFormatSays() {
    byte[] page = node(new SplittableRandom(9));
    NodeLayout.seal(page, FOREST, REF, REF.address());
    CRC32C crc = new CRC32C();
    crc.update(page, 0, 8);
    crc.update(page, 12, PAGE - 12);
    assertThat(MemorySegment.ofArray(page).get(ValueLayout.JAVA_INT_UNALIGNED, 8))
        .isEqualTo((int) crc.getValue());
    assertThat(new String(page, 0, 8, StandardCharsets.US_ASCII)).isEqualTo("BZRNODE1");
  }
}
