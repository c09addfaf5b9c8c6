package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.fs.InvalidFileException.Problem;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Content of files: sparse, shared, taken in advance, deleted while open, and where it lies. */
class OpenFileTest extends FilesFixture {
  OpenFileTest() throws IOException {}

  private static ByteRange pages(long from, long to) {
    return new ByteRange(from * PAGE, to * PAGE);
  }

  @Test
  void shouldReadWhatWasWritten() throws Exception {
    try (OpenFile a = file("a")) {
      assertThat(a.sizeBytes()).isZero();
      assertThat(FsObserver.read(a, 0, 10)).isEmpty();
      write(a, 0, bytes(5000, 1));
      write(a, 4090, bytes(10, 2));
      assertThat(a.append(FsObserver.segment(arena, bytes(3, 3)))).isEqualTo(5000);
      assertThat(a.sizeBytes()).isEqualTo(5003);
      byte[] expected = bytes(5003, 1);
      Arrays.fill(expected, 4090, 4100, (byte) 2);
      Arrays.fill(expected, 5000, 5003, (byte) 3);
      assertThat(FsObserver.read(a, 0, 6000)).isEqualTo(expected);
      assertThat(FsObserver.read(a, 5002, 10)).isEqualTo(new byte[] {3});
      assertThat(FsObserver.read(a, 5003, 10)).isEmpty();
      assertThat(FsObserver.read(a, 1L << 50, 10)).isEmpty();
    }
  }

  @Test
  void shouldDoNothingForNoBytes() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 100, new byte[0]);
      assertThat(a.sizeBytes()).isZero();
      assertThat(a.append(FsObserver.segment(arena, new byte[0]))).isZero();
    }
  }

  @Test
  void shouldKeepHolesAsHoles() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 10L * PAGE + 5, bytes(1, 9));
      assertThat(a.attributes().allocatedBytes()).isEqualTo(PAGE);
      assertThat(a.nextData(0)).contains(new ByteRange(10L * PAGE, 10L * PAGE + 6));
      assertThat(a.nextData(10L * PAGE + 3))
          .contains(new ByteRange(10L * PAGE + 3, 10L * PAGE + 6));
      assertThat(a.nextData(10L * PAGE + 6)).isEmpty();
      assertThat(FsObserver.read(a, 0, 10 * PAGE)).isEqualTo(new byte[10 * PAGE]);
      a.truncate(1L << 42);
      assertThat(a.attributes().allocatedBytes()).isEqualTo(PAGE);
      assertThat(FsObserver.read(a, (1L << 42) - 3, 10)).isEqualTo(new byte[3]);
      assertThat(a.nextData(11L * PAGE)).isEmpty();
      assertThat(a.extents(new ByteRange(0, 1L << 42))).hasSize(1);
      a.truncate(0);
      assertThat(a.attributes().allocatedBytes()).isZero();
    }
    rig.settle();
    rig.assertClean();
  }

  @Test
  void shouldShowNothingOldWhenAFileGrowsAgain() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(3 * PAGE, 1));
      a.truncate(PAGE + 1);
      a.truncate(3L * PAGE);
      byte[] expected = new byte[3 * PAGE];
      Arrays.fill(expected, 0, PAGE + 1, (byte) 1);
      assertThat(FsObserver.read(a, 0, 3 * PAGE)).isEqualTo(expected);
      a.truncate(10);
      write(a, 20, bytes(1, 2));
      expected = new byte[21];
      Arrays.fill(expected, 0, 10, (byte) 1);
      expected[20] = 2;
      assertThat(FsObserver.read(a, 0, 100)).isEqualTo(expected);
    }
  }

  @Test
  void shouldTakeSpaceInAdvance() throws Exception {
    try (OpenFile a = file("a")) {
      a.allocate(new ByteRange(100, 3L * PAGE));
      assertThat(a.sizeBytes()).isZero();
      assertThat(a.attributes().allocatedBytes()).isEqualTo(3 * PAGE);
      a.truncate(4L * PAGE);
      assertThat(FsObserver.read(a, 0, 4 * PAGE)).isEqualTo(new byte[4 * PAGE]);
      assertThat(a.extents(pages(0, 4)))
          .allSatisfy(
              extent -> assertThat(extent.content()).isEqualTo(FileExtent.Content.UNWRITTEN));
      write(a, PAGE, bytes(10, 1));
      assertThat(FsObserver.read(a, 0, 4 * PAGE))
          .startsWith(new byte[PAGE])
          .containsSequence(bytes(10, 1))
          .endsWith(new byte[2 * PAGE]);
      assertThat(a.attributes().allocatedBytes()).isEqualTo(3 * PAGE);
      a.punch(pages(0, 1));
      assertThat(a.attributes().allocatedBytes()).isEqualTo(2 * PAGE);
    }
    rig.assertClean();
  }

  @Test
  void shouldPunchHoles() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(5 * PAGE, 1));
      a.punch(new ByteRange(100, 3L * PAGE + 1));
      byte[] expected = bytes(5 * PAGE, 1);
      Arrays.fill(expected, 100, 3 * PAGE + 1, (byte) 0);
      assertThat(FsObserver.read(a, 0, 6 * PAGE)).isEqualTo(expected);
      assertThat(a.attributes().allocatedBytes()).isEqualTo(3 * PAGE);
      assertThat(a.nextData(100)).hasValueSatisfying(d -> assertThat(d.start()).isEqualTo(100));
      assertThat(a.nextData(PAGE)).contains(new ByteRange(3L * PAGE, 5L * PAGE));
      a.punch(new ByteRange(4L * PAGE, 1L << 40));
      assertThat(a.sizeBytes()).isEqualTo(5 * PAGE);
      assertThat(a.nextData(4L * PAGE)).isEmpty();
    }
    rig.assertClean();
  }

  @Test
  void shouldRefuseOffsetsThatNoFileHas() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(10, 1));
      assertThatThrownBy(() -> write(a, -1, bytes(1, 1)))
          .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> a.truncate(-1))
          .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> FsObserver.read(a, -1, 1))
          .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> a.nextData(-1))
          .isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class);
      for (long large : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 5, Long.MAX_VALUE - PAGE}) {
        assertTooLarge(() -> write(a, large, bytes(10, 1)));
        assertTooLarge(() -> a.truncate(large));
        assertTooLarge(() -> a.allocate(new ByteRange(large - 1, large)));
      }
      assertThat(a.sizeBytes()).isEqualTo(10);
      assertThat(FsObserver.read(a, 0, 20)).isEqualTo(bytes(10, 1));
    }
    rig.assertClean();
  }

  private static void assertTooLarge(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidFileException.class,
            invalid -> assertThat(invalid.problem()).isEqualTo(Problem.TOO_LARGE));
  }

  @Test
  void shouldKeepAnUnlinkedFileWhileItIsOpen() throws Exception {
    OpenFile a = file("a");
    FileId id = a.id();
    write(a, 0, bytes(PAGE, 1));
    try (OpenFile again = fs.open(id)) {
      fs.unlink(FileId.ROOT, FileName.of("a"));
      rig.settle();
      assertThat(a.attributes().links()).isZero();
      assertThat(FsObserver.read(a, 0, PAGE)).isEqualTo(bytes(PAGE, 1));
      write(a, PAGE, bytes(PAGE, 2));
      a.close();
      a.close();
      assertThat(FsObserver.read(again, PAGE, PAGE)).isEqualTo(bytes(PAGE, 2));
      rig.assertClean();
      again.sync();
      rig.assertClean();
    }
    assertThatThrownBy(() -> fs.open(id))
        .isInstanceOfSatisfying(
            InvalidFileException.class, gone -> assertThat(gone.problem()).isEqualTo(Problem.GONE));
    rig.settle();
    assertThat(rig.assertClean().files()).isZero();
  }

  @Test
  void shouldGiveAllSpaceBack() throws Exception {
    rig.settle();
    long free = fs.status().freeBytes();
    try (OpenFile a = file("a");
        OpenFile b = file("b")) {
      write(a, 0, bytes(400 * PAGE, 1));
      fs.reflink(a, pages(0, 400), b, 0);
      assertThat(b.attributes().allocatedBytes()).isEqualTo(400 * PAGE);
      fs.snapshot(FileName.of("s"));
      rig.settle();
      assertThat(fs.status().freeBytes())
          .isLessThanOrEqualTo(free - 400 * PAGE)
          .isGreaterThan(free - 500 * PAGE);
    }
    fs.unlink(FileId.ROOT, FileName.of("a"));
    fs.unlink(FileId.ROOT, FileName.of("b"));
    rig.settle();
    assertThat(fs.status().freeBytes()).isLessThanOrEqualTo(free - 400 * PAGE);
    rig.assertClean();
    fs.deleteSnapshot(FileName.of("s"));
    rig.settle();
    assertThat(fs.status().freeBytes()).isGreaterThan(free - 50 * PAGE);
    rig.assertClean();
  }

  @Test
  void shouldShareRangesUntilOneIsWritten() throws Exception {
    try (OpenFile a = file("a");
        OpenFile b = file("b")) {
      write(a, 0, bytes(3 * PAGE + 7, 1));
      write(b, 0, bytes(PAGE, 2));
      fs.reflink(a, new ByteRange(PAGE, 3L * PAGE + 7), b, PAGE);
      assertThat(b.sizeBytes()).isEqualTo(3 * PAGE + 7);
      assertThat(FsObserver.read(b, 0, 4 * PAGE))
          .startsWith(bytes(PAGE, 2))
          .endsWith(bytes(2 * PAGE + 7, 1));
      assertThat(b.extents(pages(1, 4)).getFirst().device().start())
          .isEqualTo(a.extents(pages(1, 4)).getFirst().device().start());
      write(b, 2L * PAGE, bytes(10, 3));
      a.truncate(PAGE);
      assertThat(FsObserver.read(b, PAGE, 4 * PAGE))
          .startsWith(bytes(PAGE, 1))
          .containsSequence(bytes(10, 3))
          .endsWith(bytes(PAGE + 7 - 10, 1));
      // Behind the shared end there is nothing of the other file.
      b.truncate(4L * PAGE);
      assertThat(FsObserver.read(b, 3L * PAGE + 7, PAGE)).isEqualTo(new byte[PAGE - 7]);
    }
    rig.assertClean();
  }

  @Test
  void shouldRefuseToSharePartsOfPages() throws Exception {
    try (OpenFile a = file("a");
        OpenFile b = file("b")) {
      write(a, 0, bytes(3 * PAGE + 7, 1));
      write(b, 0, bytes(5 * PAGE, 2));
      for (ByteRange odd :
          List.of(
              new ByteRange(1, PAGE),
              new ByteRange(0, PAGE + 1),
              // A part of a page in the middle of the other file.
              new ByteRange(0, 3L * PAGE + 7))) {
        assertThatThrownBy(() -> fs.reflink(a, odd, b, 0))
            .isInstanceOfAny(IllegalArgumentException.class, InvalidFileException.class);
      }
      assertThatThrownBy(() -> fs.reflink(a, pages(0, 1), b, 5))
          .isInstanceOfAny(IllegalArgumentException.class, InvalidFileException.class);
      assertThatThrownBy(() -> fs.reflink(a, pages(0, 9), b, 0))
          .isInstanceOfAny(
              IllegalArgumentException.class,
              InvalidFileException.class,
              IndexOutOfBoundsException.class);
      assertThat(FsObserver.read(b, 0, 5 * PAGE)).isEqualTo(bytes(5 * PAGE, 2));
    }
    rig.assertClean();
  }

  @Test
  void shouldNameAllOwnersOfSharedBytes() throws Exception {
    try (OpenFile a = file("a");
        OpenFile b = file("b")) {
      write(a, 0, bytes(4 * PAGE, 1));
      fs.reflink(a, pages(1, 3), b, 5L * PAGE);
      SnapshotInfo old = fs.snapshot(FileName.of("s"));
      fs.sync();
      long at = a.extents(pages(1, 2)).getFirst().device().start();
      ByteRange page = ByteRange.ofLength(at, PAGE);
      assertThat(fs.owners(page))
          .containsExactlyInAnyOrder(
              new Owner.Data(page, a.id(), pages(1, 2)),
              new Owner.Data(page, b.id(), pages(5, 6)),
              new Owner.Data(page, new FileId(old.commit(), a.id().inode()), pages(1, 2)),
              new Owner.Data(page, new FileId(old.commit(), b.id().inode()), pages(5, 6)));
      // Clipped to what was asked for.
      ByteRange some = ByteRange.ofLength(at + 100, 10);
      assertThat(fs.owners(some))
          .contains(new Owner.Data(some, a.id(), ByteRange.ofLength(PAGE + 100, 10)));
      a.truncate(0);
      fs.unlink(FileId.ROOT, FileName.of("b"));
    }
    rig.settle();
    try (OpenFile a = fs.open(fs.lookup(FileId.ROOT, FileName.of("a")).orElseThrow().id())) {
      assertThat(a.extents(pages(0, 10))).isEmpty();
    }
    List<Owner> all = fs.owners(new ByteRange(0, rig.device.sizeBytes()));
    assertThat(all)
        .filteredOn(owner -> owner instanceof Owner.Data)
        .isNotEmpty()
        .allSatisfy(owner -> assertThat(((Owner.Data) owner).file().isSnapshot()).isTrue());
    assertThat(all).noneMatch(owner -> owner instanceof Owner.Unknown);
    fs.deleteSnapshot(FileName.of("s"));
    rig.settle();
    assertThat(fs.owners(new ByteRange(0, rig.device.sizeBytes())))
        .noneMatch(owner -> owner instanceof Owner.Data || owner instanceof Owner.Unknown);
  }

  @Test
  void shouldKeepSnapshotsAsTheyWere() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(2 * PAGE, 1));
      rig.clock.advance();
      SnapshotInfo info = fs.snapshot(FileName.of("s"));
      assertThat(info.createdNanos()).isEqualTo(rig.clock.nanos());
      assertThatThrownBy(() -> fs.snapshot(FileName.of("s")))
          .isInstanceOf(FileAlreadyExistsException.class);
      write(a, 0, bytes(PAGE, 2));
      fs.rename(
          FileId.ROOT, FileName.of("a"), FileId.ROOT, FileName.of("b"), Filesystem.Replace.REPLACE);
      FileId root = fs.lookup(FileId.SNAPSHOTS, FileName.of("s")).orElseThrow().id();
      FileId old = fs.lookup(root, FileName.of("a")).orElseThrow().id();
      assertThat(old).isEqualTo(new FileId(info.commit(), a.id().inode()));
      assertThat(fs.paths(old)).containsExactly("/.snapshots/s/a");
      assertThat(fs.parent(root)).isEqualTo(FileId.SNAPSHOTS);
      try (OpenFile then = fs.open(old)) {
        assertThat(FsObserver.read(then, 0, 3 * PAGE)).isEqualTo(bytes(2 * PAGE, 1));
        assertReadOnly(() -> write(then, 0, bytes(1, 1)));
        assertReadOnly(() -> then.append(FsObserver.segment(arena, bytes(1, 1))));
        assertReadOnly(() -> then.truncate(0));
        assertReadOnly(() -> then.punch(pages(0, 1)));
        assertReadOnly(() -> then.allocate(pages(0, 1)));
        assertReadOnly(() -> fs.reflink(a, pages(0, 1), then, 0));
        assertThatThrownBy(() -> fs.reflink(then, pages(0, 1), a, 0))
            .isInstanceOf(IllegalArgumentException.class);
        assertThat(FsObserver.read(a, 0, PAGE)).isEqualTo(bytes(PAGE, 2));
      }
      assertReadOnly(() -> fs.setAttributes(old, AttributeChange.NONE.withMode(0)));
      assertReadOnly(() -> fs.link(old, root, FileName.of("x")));
      rig.assertClean();
      fs.deleteSnapshot(FileName.of("s"));
      assertThat(fs.lookup(FileId.SNAPSHOTS, FileName.of("s"))).isEmpty();
      assertThat(fs.snapshots()).isEmpty();
      rig.settle();
      assertThatThrownBy(() -> fs.attributes(old)).isInstanceOf(InvalidFileException.class);
      rig.assertClean();
    }
  }

  private static void assertReadOnly(ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(FilesystemReadOnlyException.class);
  }

  @Test
  void shouldGiveFilesThatGrowInTurnsFewExtents() throws Exception {
    try (OpenFile a = file("a");
        OpenFile b = file("b")) {
      for (int i = 0; i < 100; i++) {
        a.append(FsObserver.segment(arena, bytes(PAGE, i)));
        b.append(FsObserver.segment(arena, bytes(PAGE, i)));
      }
      assertThat(a.extents(pages(0, 100)).size() + b.extents(pages(0, 100)).size()).isLessThan(40);
    }
  }

  @Test
  void shouldStayAsItIsWhenAnOpenFileIsClosed() throws Exception {
    OpenFile a = file("a");
    write(a, 0, bytes(10, 1));
    a.close();
    assertThatThrownBy(() -> FsObserver.read(a, 0, 1))
        .isInstanceOfAny(IOException.class, IllegalStateException.class);
    rig.reopen();
    FileId id = rig.fs.lookup(FileId.ROOT, FileName.of("a")).orElseThrow().id();
    try (OpenFile again = rig.fs.open(id)) {
      assertThat(FsObserver.read(again, 0, 20)).isEqualTo(bytes(10, 1));
      assertThat(again.attributes().modifiedNanos()).isEqualTo(rig.clock.nanos());
    }
  }

  /** Found by hand: after a few bad pages a write gave up, though there were many good ones. */
  @Test
  void shouldWriteAroundAsManyBadPagesAsThereAre() throws Exception {
    int struck = 0;
    for (Owner owner : fs.owners(new ByteRange(0, rig.device.sizeBytes()))) {
      if (owner instanceof Owner.Free) {
        for (long at = owner.device().start(); at < owner.device().end(); at += 20 * PAGE) {
          rig.strike(FaultKind.POISON, at, at);
          struck++;
        }
      }
    }
    assertThat(struck).isGreaterThan(50);
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(500 * PAGE, 1));
      write(a, 100 * PAGE, bytes(200 * PAGE, 2));
      assertThat(FsObserver.read(a, 0, 100 * PAGE)).isEqualTo(bytes(100 * PAGE, 1));
      assertThat(FsObserver.read(a, 100 * PAGE, 200 * PAGE)).isEqualTo(bytes(200 * PAGE, 2));
    }
    rig.assertClean();
  }

  @Test
  void shouldTakePrivateNativeMemoryOnly() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(100, 1));
      MemorySegment heap = MemorySegment.ofArray(bytes(10, 2));
      assertThatThrownBy(() -> a.write(5, heap)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> a.append(heap)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> a.read(0, heap)).isInstanceOf(IllegalArgumentException.class);
      assertThat(FsObserver.read(a, 0, PAGE)).isEqualTo(bytes(100, 1));
    }
  }
}
