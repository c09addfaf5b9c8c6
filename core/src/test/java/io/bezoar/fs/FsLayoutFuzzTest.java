package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.fs.FileExtent.Content;
import io.bezoar.media.ByteRange;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * Entries of the filesystem's trees: whatever bytes stand in a node, they are taken for an entry
 * that encodes to the same bytes, or refused by one type of exception.
 */
class FsLayoutFuzzTest {
  private static final Inode INODE =
      new Inode(7, FileType.REGULAR, 0644, 1000, -1, 2, 1L << 40, 9, 3, -5, 6, 7, Long.MAX_VALUE);

  @FuzzTest
  void shouldTakeNoBytesForAnInodeThatAreNone(FuzzedDataProvider data) {
    long number = data.consumeLong();
    byte[] value = data.consumeRemainingAsBytes();
    Inode inode;
    try {
      inode = InodeLayout.decode(number, value);
    } catch (IllegalArgumentException refused) {
      return;
    }
    assertThat(InodeLayout.encode(inode)).isEqualTo(value);
    assertThat(inode.number()).isEqualTo(number);
  }

  @FuzzTest
  void shouldTakeNoBytesForAnExtentThatAreNone(FuzzedDataProvider data) {
    byte[] key = data.consumeBytes(16);
    byte[] value = data.consumeRemainingAsBytes();
    Extent extent;
    try {
      extent = ExtentLayout.extent(key, value);
    } catch (IllegalArgumentException refused) {
      return;
    }
    assertThat(extent.count()).isPositive();
    assertThat(ExtentLayout.key(extent.inode(), extent.page())).isEqualTo(key);
    assertThat(ExtentLayout.value(extent)).isEqualTo(value);
  }

  @FuzzTest
  void shouldTakeNoBytesForAnOwnerThatAreNone(FuzzedDataProvider data) {
    byte[] key = data.consumeBytes(24);
    byte[] value = data.consumeRemainingAsBytes();
    ExtentLayout.OwnerEntry owner;
    try {
      owner = ExtentLayout.owner(key, value);
    } catch (IllegalArgumentException refused) {
      return;
    }
    Extent same =
        new Extent(
            owner.inode(),
            owner.page(),
            owner.count(),
            owner.start(),
            owner.born(),
            Content.WRITTEN);
    assertThat(owner.count()).isPositive();
    assertThat(ExtentLayout.ownerKey(same)).isEqualTo(key);
    assertThat(ExtentLayout.ownerValue(same)).isEqualTo(value);
  }

  @FuzzTest
  void shouldTakeNoBytesForOtherEntriesThatAreNone(FuzzedDataProvider data) {
    byte[] value = data.consumeRemainingAsBytes();
    try {
      NameTree.Target target = NameTree.target(value);
      assertThat(NameTree.value(target.inode(), target.type())).isEqualTo(value);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not a name");
    }
    try {
      assertThat(MetaLayout.orphan(MetaLayout.orphan(value))).isEqualTo(value);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not an orphan");
    }
    try {
      assertThat(MetaLayout.number(MetaLayout.number(value))).isEqualTo(value);
    } catch (IllegalArgumentException refused) {
      assertThat(refused).hasMessageContaining("not a number");
    }
    MetaLayout.Superblock superblock = MetaLayout.decode(value);
    if (superblock != null) {
      assertThat(superblock.log().start()).isNotNegative();
      assertThat(superblock.log().end()).isGreaterThanOrEqualTo(superblock.log().start());
    }
  }

  @Test
  void shouldGiveBackWhatWasEncoded() {
    assertThat(InodeLayout.decode(7, InodeLayout.encode(INODE))).isEqualTo(INODE);
    for (Content content : Content.values()) {
      Extent extent = new Extent(7, 1L << 50, 1000, 1L << 40, 99, content);
      byte[] key = ExtentLayout.key(7, 1L << 50);
      assertThat(ExtentLayout.extent(key, ExtentLayout.value(extent))).isEqualTo(extent);
    }
    MetaLayout.Superblock superblock =
        new MetaLayout.Superblock(1, 1, -7, new ByteRange(4096, 1 << 20), -3);
    assertThat(MetaLayout.decode(MetaLayout.encode(superblock))).isEqualTo(superblock);
  }

  @Test
  void shouldRefuseEveryLengthButItsOwn() {
    byte[] inode = InodeLayout.encode(INODE);
    for (int length = 0; length < inode.length; length++) {
      byte[] cut = Arrays.copyOf(inode, length);
      assertThatThrownBy(() -> InodeLayout.decode(7, cut))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(MetaLayout.decode(new byte[0])).isNull();
  }
}
