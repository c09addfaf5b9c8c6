package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.fs.Filesystem.Replace;
import io.bezoar.fs.InvalidFileException.Problem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Names, directories, links and attributes: what works, and what each thing that does not says. */
class FilesystemTest {
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);
  private static final NewFile DIRECTORY = NewFile.standard(FileType.DIRECTORY);

  private final FsRig rig = FsRig.create(FsRig.Below.LEAF, 8, 7);
  private final Filesystem fs = rig.fs;

  FilesystemTest() throws IOException {}

  private static AttributeName attribute(String text) throws IOException {
    return AttributeName.of(text);
  }

  private static FileName name(String text) throws IOException {
    return FileName.of(text);
  }

  private FileId file(FileId in, String name) throws IOException {
    return fs.create(in, name(name), FileType.REGULAR, FILE);
  }

  private FileId directory(FileId in, String name) throws IOException {
    return fs.create(in, name(name), FileType.DIRECTORY, DIRECTORY);
  }

  private static void assertInvalid(Problem problem, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidFileException.class,
            invalid -> assertThat(invalid.problem()).isEqualTo(problem));
  }

  private List<String> names(FileId directory) throws IOException {
    return fs.list(directory, null, 1000).stream().map(entry -> entry.name().toString()).toList();
  }

  @Test
  void shouldFindWhatWasMade() throws Exception {
    FileId made = file(FileId.ROOT, "a");
    assertThat(fs.lookup(FileId.ROOT, name("a")))
        .contains(new DirectoryEntry(name("a"), FileType.REGULAR, made));
    assertThat(fs.lookup(FileId.ROOT, name("b"))).isEmpty();
    assertThat(fs.paths(made)).containsExactly("/a");
    assertThat(fs.attributes(made).links()).isEqualTo(1);
    assertThat(fs.attributes(made).mode()).isEqualTo(0644);
  }

  @Test
  void shouldTakeAnyNameOf255Bytes() throws Exception {
    byte[] longest = new byte[FileName.BYTES_MAX];
    Arrays.fill(longest, (byte) 0xff);
    List<byte[]> names =
        List.of(longest, new byte[] {1}, new byte[] {'\n'}, new byte[] {(byte) 0xc3, '.'});
    Set<FileId> made = new HashSet<>();
    for (byte[] name : names) {
      made.add(fs.create(FileId.ROOT, FileName.of(name), FileType.REGULAR, FILE));
    }
    assertThat(made).hasSameSizeAs(names);
    for (byte[] name : names) {
      FileId found = fs.lookup(FileId.ROOT, FileName.of(name)).orElseThrow().id();
      assertThat(made).contains(found);
      assertThat(FileName.of(fs.paths(found).getFirst().substring(1)).bytes()).isEqualTo(name);
    }
    rig.assertClean();
  }

  @Test
  void shouldRefuseWhatIsNoName() {
    for (String bad : List.of("", ".", "..", "a/b", "/", "a\0", "\ud800")) {
      assertThatThrownBy(() -> FileName.of(bad)).isInstanceOf(FileSystemException.class);
    }
    assertThatThrownBy(() -> FileName.of(new byte[256]))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("256");
    assertThatThrownBy(() -> FileName.of("ö".repeat(128))).isInstanceOf(FileSystemException.class);
  }

  @Test
  void shouldShowBytesThatAreNoTextAndTakeThemBack() throws Exception {
    for (byte[] bytes :
        List.of(
            new byte[] {(byte) 0x80},
            new byte[] {'a', (byte) 0xff, 'b'},
            new byte[] {(byte) 0xed, (byte) 0xb2, (byte) 0x80},
            new byte[] {(byte) 0xf0, (byte) 0x9f, (byte) 0x98, (byte) 0x80, (byte) 0xf0},
            "größe😀".getBytes(StandardCharsets.UTF_8))) {
      FileName name = FileName.of(bytes);
      assertThat(FileName.of(name.toString()).bytes()).isEqualTo(bytes);
    }
  }

  @Test
  void shouldRefuseANameThatIsTaken() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    directory(FileId.ROOT, "d");
    assertThatThrownBy(() -> file(FileId.ROOT, "a")).isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> directory(FileId.ROOT, "a"))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> fs.symlink(FileId.ROOT, name("d"), new byte[] {'x'}, FILE))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThatThrownBy(() -> fs.link(a, FileId.ROOT, name("a")))
        .isInstanceOf(FileAlreadyExistsException.class);
    assertThat(names(FileId.ROOT)).containsExactly("a", "d");
    rig.assertClean();
  }

  @Test
  void shouldSayThatAFileIsNoDirectory() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    assertThatThrownBy(() -> fs.lookup(a, name("x"))).isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> fs.list(a, null, 1)).isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> file(a, "x")).isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> fs.unlink(a, name("x"))).isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> fs.rmdir(FileId.ROOT, name("a")))
        .isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> fs.rename(FileId.ROOT, name("a"), a, name("x"), Replace.REPLACE))
        .isInstanceOf(NotDirectoryException.class);
    assertThatThrownBy(() -> fs.parent(a)).isInstanceOf(NotDirectoryException.class);
  }

  @Test
  void shouldSayThatADirectoryIsNoFile() throws Exception {
    FileId d = directory(FileId.ROOT, "d");
    FileId a = file(FileId.ROOT, "a");
    assertInvalid(Problem.IS_DIRECTORY, () -> fs.unlink(FileId.ROOT, name("d")));
    assertInvalid(Problem.IS_DIRECTORY, () -> fs.open(d));
    assertInvalid(
        Problem.IS_DIRECTORY,
        () -> fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("d"), Replace.REPLACE));
    assertThatThrownBy(
            () -> fs.rename(FileId.ROOT, name("d"), FileId.ROOT, name("a"), Replace.REPLACE))
        .isInstanceOf(NotDirectoryException.class);
    assertInvalid(Problem.NO_LINKS_TO_DIRECTORIES, () -> fs.link(d, FileId.ROOT, name("k")));
    assertInvalid(Problem.NOT_A_LINK, () -> fs.readLink(d));
    assertInvalid(Problem.NOT_A_LINK, () -> fs.readLink(a));
  }

  @Test
  void shouldKeepDirectoriesThatAreNotEmpty() throws Exception {
    FileId d = directory(FileId.ROOT, "d");
    FileId e = directory(FileId.ROOT, "e");
    file(d, "x");
    assertThatThrownBy(() -> fs.rmdir(FileId.ROOT, name("d")))
        .isInstanceOf(DirectoryNotEmptyException.class);
    assertThatThrownBy(
            () -> fs.rename(FileId.ROOT, name("e"), FileId.ROOT, name("d"), Replace.REPLACE))
        .isInstanceOf(DirectoryNotEmptyException.class);
    fs.rename(FileId.ROOT, name("d"), FileId.ROOT, name("e"), Replace.REPLACE);
    assertThat(names(FileId.ROOT)).containsExactly("e");
    assertThat(fs.lookup(FileId.ROOT, name("e")).orElseThrow().id()).isEqualTo(d);
    assertInvalid(Problem.GONE, () -> fs.attributes(e));
    assertInvalid(Problem.GONE, () -> fs.list(e, null, 1));
    assertInvalid(Problem.GONE, () -> file(e, "x"));
    rig.assertClean();
  }

  @Test
  void shouldSayThatThereIsNothing() throws Exception {
    assertThatThrownBy(() -> fs.unlink(FileId.ROOT, name("a")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> fs.rmdir(FileId.ROOT, name("a")))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(
            () -> fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("b"), Replace.REPLACE))
        .isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> fs.deleteSnapshot(name("s"))).isInstanceOf(NoSuchFileException.class);
    FileId never = FileId.live(1L << 50);
    assertInvalid(Problem.GONE, () -> fs.attributes(never));
    assertInvalid(Problem.GONE, () -> fs.open(never));
    assertInvalid(Problem.GONE, () -> fs.link(never, FileId.ROOT, name("k")));
    assertInvalid(Problem.GONE, () -> fs.setAttributes(never, AttributeChange.NONE.withMode(0)));
    assertInvalid(Problem.GONE, () -> fs.setExtended(never, attribute("x"), new byte[1]));
    assertInvalid(Problem.GONE, () -> fs.paths(never));
  }

  @Test
  void shouldNotMoveADirectoryIntoItself() throws Exception {
    FileId d = directory(FileId.ROOT, "d");
    FileId e = directory(d, "e");
    FileId f = directory(e, "f");
    for (FileId into : List.of(d, e, f)) {
      assertInvalid(
          Problem.INTO_ITSELF,
          () -> fs.rename(FileId.ROOT, name("d"), into, name("x"), Replace.REPLACE));
    }
    // Over its own parent, which is not empty.
    assertThatThrownBy(() -> fs.rename(d, name("e"), FileId.ROOT, name("d"), Replace.REPLACE))
        .isInstanceOf(DirectoryNotEmptyException.class);
    fs.rename(e, name("f"), FileId.ROOT, name("f"), Replace.REPLACE);
    fs.rename(FileId.ROOT, name("d"), f, name("d"), Replace.REPLACE);
    assertThat(fs.paths(e)).containsExactly("/f/d/e");
    assertThat(fs.parent(e)).isEqualTo(d);
    assertThat(fs.parent(d)).isEqualTo(f);
    assertThat(fs.parent(FileId.ROOT)).isEqualTo(FileId.ROOT);
    rig.assertClean();
  }

  @Test
  void shouldRefuseToReplaceWhenAsked() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    file(FileId.ROOT, "b");
    assertThatThrownBy(
            () -> fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("b"), Replace.REFUSE))
        .isInstanceOf(FileAlreadyExistsException.class);
    fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("c"), Replace.REFUSE);
    assertThat(fs.paths(a)).containsExactly("/c");
  }

  @Test
  void shouldLeaveBothNamesOfOneFileWhenOneIsRenamedToTheOther() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    fs.link(a, FileId.ROOT, name("b"));
    fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("b"), Replace.REPLACE);
    assertThat(names(FileId.ROOT)).containsExactly("a", "b");
    fs.rename(FileId.ROOT, name("a"), FileId.ROOT, name("a"), Replace.REPLACE);
    assertThat(names(FileId.ROOT)).containsExactly("a", "b");
    rig.assertClean();
  }

  @Test
  void shouldCountLinks() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    FileId d = directory(FileId.ROOT, "d");
    fs.link(a, d, name("b"));
    fs.link(a, d, name("c"));
    assertThat(fs.attributes(a).links()).isEqualTo(3);
    assertThat(fs.paths(a)).containsExactlyInAnyOrder("/a", "/d/b", "/d/c");
    fs.unlink(FileId.ROOT, name("a"));
    assertThat(fs.attributes(a).links()).isEqualTo(2);
    fs.rename(d, name("b"), d, name("c"), Replace.REPLACE);
    assertThat(fs.attributes(a).links()).isEqualTo(2);
    file(d, "x");
    fs.rename(d, name("x"), d, name("c"), Replace.REPLACE);
    assertThat(fs.attributes(a).links()).isEqualTo(1);
    fs.unlink(d, name("b"));
    assertInvalid(Problem.GONE, () -> fs.attributes(a));
    rig.assertClean();
  }

  @Test
  void shouldCountDirectoriesInDirectories() throws Exception {
    FileId d = directory(FileId.ROOT, "d");
    assertThat(fs.attributes(FileId.ROOT).links()).isEqualTo(3);
    assertThat(fs.attributes(d).links()).isEqualTo(2);
    FileId e = directory(d, "e");
    file(d, "x");
    assertThat(fs.attributes(d).links()).isEqualTo(3);
    assertThat(fs.attributes(d).sizeBytes()).isEqualTo(2);
    fs.rename(d, name("e"), FileId.ROOT, name("e"), Replace.REPLACE);
    assertThat(fs.attributes(d).links()).isEqualTo(2);
    assertThat(fs.attributes(FileId.ROOT).links()).isEqualTo(4);
    directory(FileId.ROOT, "f");
    fs.rename(FileId.ROOT, name("e"), FileId.ROOT, name("f"), Replace.REPLACE);
    assertThat(fs.attributes(FileId.ROOT).links()).isEqualTo(4);
    fs.rmdir(FileId.ROOT, name("f"));
    assertThat(fs.attributes(FileId.ROOT).links()).isEqualTo(3);
    assertInvalid(Problem.GONE, () -> fs.attributes(e));
    rig.assertClean();
  }

  @Test
  void shouldKeepTimes() throws Exception {
    FileId d = directory(FileId.ROOT, "d");
    long made = rig.clock.nanos();
    FileId a = file(d, "a");
    Attributes first = fs.attributes(a);
    assertThat(
            List.of(
                first.accessedNanos(),
                first.modifiedNanos(),
                first.changedNanos(),
                first.createdNanos()))
        .containsOnly(made);
    rig.clock.advance();
    fs.setAttributes(a, AttributeChange.NONE.withAccessed(-5).withModified(17));
    Attributes set = fs.attributes(a);
    assertThat(set.accessedNanos()).isEqualTo(-5);
    assertThat(set.modifiedNanos()).isEqualTo(17);
    assertThat(set.changedNanos()).isEqualTo(rig.clock.nanos());
    assertThat(set.createdNanos()).isEqualTo(made);
    assertThat(fs.attributes(d).modifiedNanos()).isEqualTo(made);
    rig.clock.advance();
    fs.link(a, FileId.ROOT, name("k"));
    assertThat(fs.attributes(a).changedNanos()).isEqualTo(rig.clock.nanos());
    assertThat(fs.attributes(a).modifiedNanos()).isEqualTo(17);
    assertThat(fs.attributes(FileId.ROOT).modifiedNanos()).isEqualTo(rig.clock.nanos());
    rig.clock.advance();
    fs.unlink(d, name("a"));
    assertThat(fs.attributes(d).modifiedNanos()).isEqualTo(rig.clock.nanos());
    assertThat(fs.attributes(d).createdNanos()).isEqualTo(made);
    assertThat(fs.attributes(a).changedNanos()).isEqualTo(rig.clock.nanos());
  }

  @Test
  void shouldKeepModesAndOwners() throws Exception {
    FileId a =
        fs.create(FileId.ROOT, name("a"), FileType.REGULAR, new NewFile(07777, -1, 0x7fffffff));
    assertThat(fs.attributes(a).mode()).isEqualTo(07777);
    assertThat(fs.attributes(a).uid()).isEqualTo(-1);
    assertThat(fs.attributes(a).gid()).isEqualTo(0x7fffffff);
    fs.setAttributes(a, AttributeChange.NONE.withMode(0).withOwner(3, 4).withCreated(9));
    assertThat(fs.attributes(a).mode()).isZero();
    assertThat(fs.attributes(a).uid()).isEqualTo(3);
    assertThat(fs.attributes(a).gid()).isEqualTo(4);
    assertThat(fs.attributes(a).createdNanos()).isEqualTo(9);
    assertThatThrownBy(() -> AttributeChange.NONE.withMode(010000))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new NewFile(-1, 0, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldKeepLongTargets() throws Exception {
    byte[] target = new byte[4095];
    Arrays.fill(target, (byte) 0xfe);
    FileId s = fs.symlink(FileId.ROOT, name("s"), target, FILE);
    assertThat(fs.readLink(s)).isEqualTo(target);
    assertThat(fs.attributes(s).sizeBytes()).isEqualTo(4095);
    assertThat(fs.attributes(s).type()).isEqualTo(FileType.SYMLINK);
    assertInvalid(Problem.NOT_A_FILE, () -> fs.open(s));
    fs.link(s, FileId.ROOT, name("t"));
    assertThat(fs.attributes(s).links()).isEqualTo(2);
    for (int bad : new int[] {0, 4096}) {
      assertThatThrownBy(() -> fs.symlink(FileId.ROOT, name("u"), new byte[bad], FILE))
          .isInstanceOfAny(IllegalArgumentException.class, FileSystemException.class);
    }
    assertThatThrownBy(() -> fs.symlink(FileId.ROOT, name("u"), new byte[] {'a', 0}, FILE))
        .isInstanceOfAny(IllegalArgumentException.class, FileSystemException.class);
    assertThat(names(FileId.ROOT)).containsExactly("s", "t");
    rig.assertClean();
  }

  @Test
  void shouldKeepExtendedAttributes() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    byte[] large = new byte[64 << 10];
    Arrays.fill(large, (byte) 7);
    fs.setExtended(a, attribute("user.large"), large);
    fs.setExtended(a, attribute("user.empty"), new byte[0]);
    fs.setExtended(FileId.ROOT, attribute("user.root"), new byte[] {1});
    fs.setExtended(FileId.ROOT, attribute("user.a/b"), new byte[] {2});
    assertThat(fs.listExtended(FileId.ROOT))
        .containsOnlyKeys(attribute("user.a/b"), attribute("user.root"));
    assertThat(fs.extended(a, attribute("user.large"))).contains(large);
    assertThat(fs.extended(a, attribute("user.empty"))).contains(new byte[0]);
    assertThat(fs.extended(a, attribute("user.none"))).isEmpty();
    assertThat(fs.listExtended(a))
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(attribute("user.large"), 64 << 10, attribute("user.empty"), 0));
    fs.setExtended(a, attribute("user.large"), new byte[] {2});
    assertThat(fs.extended(a, attribute("user.large"))).contains(new byte[] {2});
    assertThat(fs.removeExtended(a, attribute("user.large"))).isTrue();
    assertThat(fs.removeExtended(a, attribute("user.large"))).isFalse();
    assertThatThrownBy(() -> fs.setExtended(a, attribute("user.l"), new byte[(64 << 10) + 1]))
        .isInstanceOfAny(IllegalArgumentException.class, FileSystemException.class);
    assertThat(fs.listExtended(a)).containsOnlyKeys(attribute("user.empty"));
    rig.assertClean();
    fs.unlink(FileId.ROOT, name("a"));
    rig.settle();
    rig.assertClean();
  }

  @Test
  void shouldReserveThePlaceOfSnapshots() throws Exception {
    FileId a = file(FileId.ROOT, "a");
    FileName reserved = name(".snapshots");
    assertInvalid(Problem.RESERVED, () -> file(FileId.ROOT, ".snapshots"));
    assertInvalid(Problem.RESERVED, () -> fs.link(a, FileId.ROOT, reserved));
    assertInvalid(Problem.RESERVED, () -> fs.unlink(FileId.ROOT, reserved));
    assertInvalid(Problem.RESERVED, () -> fs.rmdir(FileId.ROOT, reserved));
    assertInvalid(
        Problem.RESERVED,
        () -> fs.rename(FileId.ROOT, name("a"), FileId.ROOT, reserved, Replace.REPLACE));
    assertInvalid(
        Problem.RESERVED,
        () -> fs.rename(FileId.ROOT, reserved, FileId.ROOT, name("b"), Replace.REPLACE));
    assertThat(fs.lookup(FileId.ROOT, reserved).orElseThrow().id()).isEqualTo(FileId.SNAPSHOTS);
    assertThat(names(FileId.ROOT)).containsExactly("a");
    assertThat(names(FileId.SNAPSHOTS)).isEmpty();
    assertThat(fs.attributes(FileId.SNAPSHOTS).type()).isEqualTo(FileType.DIRECTORY);
    assertThat(fs.parent(FileId.SNAPSHOTS)).isEqualTo(FileId.ROOT);
    assertThatThrownBy(() -> file(FileId.SNAPSHOTS, "x"))
        .isInstanceOfAny(InvalidFileException.class, FilesystemReadOnlyException.class);
    FileId d = directory(FileId.ROOT, "d");
    file(d, ".snapshots");
    assertThat(names(d)).containsExactly(".snapshots");
  }

  @Test
  void shouldListInTheOrderOfBytesFromAnywhere() throws Exception {
    for (String name : List.of("b", "a", "ab", "B", "ä", "aa")) {
      file(FileId.ROOT, name);
    }
    assertThat(names(FileId.ROOT)).containsExactly("B", "a", "aa", "ab", "b", "ä");
    assertThat(fs.list(FileId.ROOT, name("a"), 2))
        .extracting(entry -> entry.name().toString())
        .containsExactly("aa", "ab");
    assertThat(fs.list(FileId.ROOT, name("aaa"), 1))
        .extracting(entry -> entry.name().toString())
        .containsExactly("ab");
    assertThat(fs.list(FileId.ROOT, name("ä"), 10)).isEmpty();
  }

  @Test
  void shouldHoldManyEntries() throws Exception {
    FsRig large = FsRig.create(FsRig.Below.LEAF, 48, 3);
    Filesystem many = large.fs;
    int count = Integer.getInteger("bezoar.entries", 20_000);
    FileId d = many.create(FileId.ROOT, name("d"), FileType.DIRECTORY, DIRECTORY);
    for (int i = 0; i < count; i++) {
      many.create(d, name("entry " + i), FileType.REGULAR, FILE);
    }
    assertThat(many.attributes(d).sizeBytes()).isEqualTo(count);
    assertThat(many.lookup(d, name("entry " + count / 2))).isPresent();
    FileName after = null;
    int found = 0;
    while (true) {
      List<DirectoryEntry> some = many.list(d, after, 1000);
      if (some.isEmpty()) {
        break;
      }
      found += some.size();
      after = some.getLast().name();
    }
    assertThat(found).isEqualTo(count);
    large.reopen();
    CheckReport report = large.assertClean();
    assertThat(report.files()).isEqualTo(count);
    for (int i = 0; i < count; i++) {
      large.fs.unlink(d, name("entry " + i));
    }
    large.fs.rmdir(FileId.ROOT, name("d"));
    large.settle();
    assertThat(large.assertClean().files()).isZero();
  }

  @Test
  void shouldNeverUseANumberAgain() throws Exception {
    Set<Long> numbers = new HashSet<>();
    Filesystem now = fs;
    for (int i = 0; i < 20; i++) {
      FileId made = now.create(FileId.ROOT, name("a"), FileType.REGULAR, FILE);
      assertThat(numbers.add(made.inode())).isTrue();
      now.unlink(FileId.ROOT, name("a"));
      if (i % 5 == 4) {
        rig.reopen();
        now = rig.fs;
      }
    }
  }
}
