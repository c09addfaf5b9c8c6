package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.fs.PathWalk.Found;
import io.bezoar.fs.PathWalk.LastLink;
import io.bezoar.fs.PathWalk.NameException;
import io.bezoar.fs.PathWalk.Place;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

/** Where paths lead, and what is said of those that lead nowhere. */
class PathWalkTest {
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);
  private static final NewFile DIRECTORY = NewFile.standard(FileType.DIRECTORY);

  private final FsRig rig = FsRig.create(FsRig.Below.LEAF, 8, 7);
  private final Filesystem fs = rig.fs;
  private final PathWalk walk = new PathWalk(fs);
  private final FileId a = fs.create(FileId.ROOT, name("a"), FileType.DIRECTORY, DIRECTORY);
  private final FileId b = fs.create(a, name("b"), FileType.DIRECTORY, DIRECTORY);
  private final FileId file = fs.create(b, name("file"), FileType.REGULAR, FILE);

  PathWalkTest() throws IOException {}

  private static FileName name(String text) throws IOException {
    return FileName.of(text);
  }

  private FileId link(FileId in, String name, String target) throws IOException {
    return fs.symlink(in, name(name), PathWalk.bytes(target), FILE);
  }

  private FileId follow(String path) throws IOException {
    return walk.get(path, LastLink.FOLLOW).id();
  }

  private void expect(Class<? extends FileSystemException> type, String path) {
    assertThatThrownBy(() -> walk.get(path, LastLink.FOLLOW))
        .isInstanceOfSatisfying(type, e -> assertThat(e.getFile()).isEqualTo(path));
  }

  @Test
  void shouldFindFilesAndDirectories() throws Exception {
    assertThat(walk.find("/a/b/file", LastLink.KEEP))
        .isEqualTo(new Place("/a/b/file", b, name("file"), new Found(file, FileType.REGULAR)));
    assertThat(follow("//a/./b//file")).isEqualTo(file);
    assertThat(follow("/a/b/")).isEqualTo(b);
    assertThat(follow("/a/b/.")).isEqualTo(b);
    for (String root : new String[] {"/", "//", "/.", "/..", "/a/..", "/../../a/b/../.."}) {
      Place place = walk.find(root, LastLink.KEEP);
      assertThat(place.require()).as(root).isEqualTo(new Found(FileId.ROOT, FileType.DIRECTORY));
      assertThat(place.name()).as(root).isNull();
      assertThatThrownBy(place::requireName).isInstanceOf(NameException.class);
    }
    assertThat(follow("/a/b/../b/file")).isEqualTo(file);
  }

  @Test
  void shouldTellWhereSomethingCouldBeMade() throws Exception {
    Place place = walk.find("/a/new", LastLink.KEEP);
    assertThat(place.directory()).isEqualTo(a);
    assertThat(place.requireFree()).isEqualTo(name("new"));
    assertThatThrownBy(place::require).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> walk.find("/a/b", LastLink.KEEP).requireFree())
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void shouldFollowSymbolicLinks() throws Exception {
    FileId relative = link(a, "relative", "b/file");
    link(FileId.ROOT, "absolute", "/a/b/");
    link(b, "up", "../relative");
    link(FileId.ROOT, "nowhere", "/a/missing");
    assertThat(follow("/a/relative")).isEqualTo(file);
    assertThat(walk.get("/a/relative", LastLink.KEEP).id()).isEqualTo(relative);
    assertThat(follow("/absolute/file")).isEqualTo(file);
    assertThat(follow("/absolute/up")).isEqualTo(file);
    // As on Unix: the directory above the one that the link led to.
    assertThat(follow("/absolute/..")).isEqualTo(a);
    assertThat(walk.get("/absolute/", LastLink.KEEP).id()).isEqualTo(b);
    expect(NoSuchFileException.class, "/nowhere");
    Place place = walk.find("/nowhere", LastLink.FOLLOW);
    assertThat(place.directory()).isEqualTo(a);
    assertThat(place.name()).isEqualTo(name("missing"));
  }

  @Test
  void shouldGiveUpOnTooManyLinks() throws Exception {
    link(FileId.ROOT, "me", "me");
    expect(FileSystemLoopException.class, "/me");
    expect(FileSystemLoopException.class, "/me/x");
    link(FileId.ROOT, "l0", "a");
    for (int i = 1; i <= PathWalk.LINKS_MAX; i++) {
      link(FileId.ROOT, "l" + i, "l" + (i - 1));
    }
    assertThat(follow("/l" + (PathWalk.LINKS_MAX - 1))).isEqualTo(a);
    expect(FileSystemLoopException.class, "/l" + PathWalk.LINKS_MAX);
  }

  @Test
  void shouldNameTheWholePathOfWhatIsWrong() throws Exception {
    link(a, "file", "b/file");
    expect(NoSuchFileException.class, "/a/missing/x");
    expect(NoSuchFileException.class, "/a/missing");
    expect(NotDirectoryException.class, "/a/b/file/x");
    expect(NotDirectoryException.class, "/a/b/file/");
    expect(NotDirectoryException.class, "/a/b/file/.");
    expect(NotDirectoryException.class, "/a/file/");
    expect(NotDirectoryException.class, "/a/file/..");
    expect(NotDirectoryException.class, "/a/b/file/..");
    expect(NameException.class, "/a/" + "x".repeat(256));
    expect(NameException.class, "/a/" + "x".repeat(256) + "/y");
    expect(NameException.class, "/a/x\0y");
    expect(NameException.class, "a/b");
    expect(NameException.class, "");
    assertThat(walk.find("/a/" + "x".repeat(255), LastLink.KEEP).found()).isNull();
  }

  @Test
  void shouldWalkInSnapshots() throws Exception {
    link(a, "relative", "b/file");
    link(a, "absolute", "/a/b");
    fs.snapshot(name("s"));
    fs.unlink(b, name("file"));
    assertThat(follow("/.snapshots")).isEqualTo(FileId.SNAPSHOTS);
    FileId kept = follow("/.snapshots/s/a/b/file");
    assertThat(kept.isSnapshot()).isTrue();
    assertThat(kept.inode()).isEqualTo(file.inode());
    assertThat(follow("/.snapshots/s/a/relative")).isEqualTo(kept);
    assertThat(follow("/.snapshots/s/a/b/..")).isEqualTo(follow("/.snapshots/s/a"));
    assertThat(follow("/.snapshots/s/..")).isEqualTo(FileId.SNAPSHOTS);
    assertThat(follow("/.snapshots/s/../..")).isEqualTo(FileId.ROOT);
    // What it says is a path of the live state.
    assertThat(follow("/.snapshots/s/a/absolute")).isEqualTo(b);
    expect(NoSuchFileException.class, "/.snapshots/t/a");
  }

  @Test
  void shouldKeepBytesThatAreNoText() throws Exception {
    byte[] odd = {'x', (byte) 0xff, (byte) 0xc3, 'y'};
    FileId made = fs.create(a, FileName.of(odd), FileType.REGULAR, FILE);
    String text = PathWalk.text(odd);
    assertThat(PathWalk.bytes(text)).isEqualTo(odd);
    assertThat(follow("/a/" + text)).isEqualTo(made);
    fs.symlink(a, name("link"), odd, FILE);
    assertThat(follow("/a/link")).isEqualTo(made);
  }

  @Test
  void shouldGiveNoNameToWhatIsNamedFromWithin() throws Exception {
    link(a, "link", "b/.");
    for (String path : new String[] {"/a/b/.", "/a/b/./", "/a/./b/.//", "/a/link/", "/a/link/."}) {
      Place place = walk.find(path, LastLink.KEEP);
      assertThat(place.require().id()).as(path).isEqualTo(b);
      assertThatThrownBy(place::requireName)
          .isInstanceOfSatisfying(
              NameException.class, e -> assertThat(e.getFile()).isEqualTo(path));
    }
    assertThat(walk.find("/a/b/", LastLink.KEEP).requireName()).isEqualTo(name("b"));
    assertThat(walk.find("/a/link", LastLink.KEEP).requireName()).isEqualTo(name("link"));
    assertThat(walk.find("/a/new/", LastLink.KEEP).requireFree()).isEqualTo(name("new"));
    assertThatThrownBy(() -> walk.find("/a/new/.", LastLink.KEEP))
        .isInstanceOf(NoSuchFileException.class);
  }
}
