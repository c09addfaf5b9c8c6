package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** {@link Files}. */
abstract class FilesContract extends ProviderContract {
  @Test
  void shouldWriteAndReadAFile() throws IOException {
    Path file = path("a");
    Files.write(file, "hello".getBytes(StandardCharsets.UTF_8));
    assertThat(Files.readString(file)).isEqualTo("hello");
    Files.writeString(file, "bye");
    assertThat(Files.readString(file)).isEqualTo("bye");
    assertThat(Files.size(file)).isEqualTo(3);
    Files.writeString(file, "!", StandardOpenOption.APPEND);
    assertThat(Files.readAllLines(file)).containsExactly("bye!");
    assertThat(list(root)).containsExactly("a");
  }

  @Test
  void shouldTellByItsTimeThatAFileWasWrittenAnew() throws IOException {
    FileTime old = FileTime.from(Instant.parse("2001-02-03T04:05:06Z"));
    for (String content : List.of("", "hello")) {
      Path file = file("a", content);
      Files.setLastModifiedTime(file, old);
      Files.write(file, new byte[0], StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(old);
      Files.write(file, new byte[0]);
      assertThat(Files.getLastModifiedTime(file)).isGreaterThan(old);
      assertThat(Files.size(file)).isZero();
    }
  }

  @Test
  void shouldReadAndWriteStreams() throws IOException {
    Path file = path("a");
    try (OutputStream out = Files.newOutputStream(file)) {
      for (int i = 0; i < 1000; i++) {
        out.write(i);
      }
    }
    try (InputStream in = Files.newInputStream(file)) {
      assertThat(in.available()).isEqualTo(1000);
      assertThat(in.skip(10)).isEqualTo(10);
      assertThat(in.read()).isEqualTo(10);
      assertThat(in.readAllBytes()).hasSize(989);
      assertThat(in.read()).isEqualTo(-1);
    }
  }

  @Test
  void shouldSayWhatIsMissing() {
    Path file = path("no");
    assertFails(NoSuchFileException.class, file, () -> Files.readString(file));
    assertFails(NoSuchFileException.class, file, () -> Files.delete(file));
    assertFails(NoSuchFileException.class, file, () -> Files.size(file));
    assertFails(NoSuchFileException.class, file, () -> list(file));
    assertFails(NoSuchFileException.class, file, () -> Files.readSymbolicLink(file));
    assertFails(NoSuchFileException.class, file, () -> Files.getFileStore(file));
    assertFails(NoSuchFileException.class, file, file::toRealPath);
    assertFails(
        NoSuchFileException.class,
        file,
        () -> Files.setLastModifiedTime(file, FileTime.fromMillis(0)));
    assertFails(
        NoSuchFileException.class,
        file,
        () -> Files.writeString(file, "x", StandardOpenOption.WRITE));
    Path below = file.resolve("x");
    assertFails(NoSuchFileException.class, below, () -> Files.createDirectory(below));
    assertFails(NoSuchFileException.class, below, () -> Files.writeString(below, "x"));
    assertFails(NoSuchFileException.class, below, () -> Files.delete(below));
  }

  @Test
  void shouldTellWhatIsThereWithoutExceptions() throws IOException {
    file("a", "x");
    directory("d");
    link("l", "a");
    link("dangling", "no");
    assertThat(Files.exists(path("a"))).isTrue();
    assertThat(Files.exists(path("no"))).isFalse();
    assertThat(Files.exists(path("no/no"))).isFalse();
    assertThat(Files.exists(path("a/x"))).isFalse();
    assertThat(Files.notExists(path("no"))).isTrue();
    assertThat(Files.notExists(path("a"))).isFalse();
    assertThat(Files.exists(path("dangling"))).isFalse();
    assertThat(Files.exists(path("dangling"), LinkOption.NOFOLLOW_LINKS)).isTrue();
    assertThat(Files.isRegularFile(path("l"))).isTrue();
    assertThat(Files.isRegularFile(path("l"), LinkOption.NOFOLLOW_LINKS)).isFalse();
    assertThat(Files.isSymbolicLink(path("l"))).isTrue();
    assertThat(Files.isSymbolicLink(path("a"))).isFalse();
    assertThat(Files.isDirectory(path("d"))).isTrue();
    assertThat(Files.isDirectory(path("no"))).isFalse();
    assertThat(Files.isReadable(path("a"))).isTrue();
    assertThat(Files.isWritable(path("a"))).isTrue();
    assertThat(Files.isExecutable(path("a"))).isFalse();
    assertThat(Files.isExecutable(path("d"))).isTrue();
    assertThat(Files.isReadable(path("no"))).isFalse();
    assertThat(Files.deleteIfExists(path("no"))).isFalse();
    assertThat(Files.deleteIfExists(path("a"))).isTrue();
  }

  @Test
  void shouldCheckAccess() throws IOException {
    Path file = file("a", "x");
    assertFails(
        AccessDeniedException.class,
        file,
        () -> file.getFileSystem().provider().checkAccess(file, java.nio.file.AccessMode.EXECUTE));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr--r--"));
    assertThat(Files.isExecutable(file)).isTrue();
  }

  @Test
  void shouldNotGoThroughFiles() throws IOException {
    Path file = file("a", "x");
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.readString(file.resolve("b")))
        .satisfies(e -> assertThat(e.getFile()).isEqualTo(file.resolve("b").toString()));
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.createDirectory(file.resolve("b")));
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.readString(path("a/../a")));
    assertFails(NotDirectoryException.class, file, () -> list(file));
  }

  @Test
  void shouldSeeNothingBelowAFile() throws IOException {
    file("a", "x");
    link("l", "a");
    for (Path below : List.of(path("a/b"), path("a/b/c"), path("l/b"))) {
      assertThat(Files.exists(below)).isFalse();
      assertThat(Files.notExists(below)).isTrue();
      assertThat(Files.notExists(below, LinkOption.NOFOLLOW_LINKS)).isTrue();
      assertThat(
              below
                  .getFileSystem()
                  .provider()
                  .readAttributesIfExists(below, PosixFileAttributes.class))
          .isNull();
      for (ThrowingCallable look :
          List.<ThrowingCallable>of(
              () -> Files.readAttributes(below, BasicFileAttributes.class),
              () -> Files.readAttributes(below, "*"),
              () ->
                  Files.getFileAttributeView(below, PosixFileAttributeView.class).readAttributes(),
              () -> Files.size(below),
              () -> Files.getOwner(below),
              () -> below.getFileSystem().provider().checkAccess(below),
              () -> Files.copy(below, path("new")),
              () -> Files.move(below, path("new")))) {
        assertFails(NoSuchFileException.class, below, look);
      }
      for (ThrowingCallable use :
          List.<ThrowingCallable>of(
              () -> Files.readString(below),
              () -> Files.writeString(below, "x"),
              () -> Files.createDirectory(below),
              () -> Files.delete(below),
              () -> Files.deleteIfExists(below),
              () -> Files.readSymbolicLink(below),
              () -> Files.getFileStore(below),
              () -> Files.setLastModifiedTime(below, FileTime.fromMillis(0)),
              () -> Files.copy(path("a"), below))) {
        assertThatExceptionOfType(FileSystemException.class)
            .isThrownBy(use)
            .satisfies(
                e -> {
                  assertThat(e).isNotInstanceOf(NoSuchFileException.class);
                  assertThat(e.getFile()).isEqualTo(below.toString());
                });
      }
    }
    assertThat(list(root)).containsExactly("a", "l");
  }

  @Test
  void shouldRefuseTargetsThatAreTooLong() throws IOException {
    link("l", "x".repeat(4095));
    assertThat(Files.readSymbolicLink(path("l")).toString()).hasSize(4095);
    file("a", "x");
    for (Path link : List.of(path("long"), path("a"), path("no/long"))) {
      assertFails(
          FileSystemException.class,
          link,
          () -> Files.createSymbolicLink(link, root.getFileSystem().getPath("x".repeat(4096))));
    }
    assertThat(list(root)).containsExactly("a", "l");
  }

  @Test
  void shouldRefuseNamesThatAreTooLong() {
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.createFile(path("n".repeat(256))));
  }

  @Test
  void shouldUseNamesOfAnyLetters() throws IOException {
    for (String name :
        List.of(
            "a b",
            "ä",
            "日本",
            "😀",
            "%41",
            "a!b",
            "#?&",
            "\\",
            "*",
            "-",
            "...",
            " ",
            "n".repeat(255))) {
      Path file = file(name, name);
      assertThat(Files.readString(file)).isEqualTo(name);
      assertThat(list(root)).containsExactly(name);
      Path again = Path.of(file.toUri());
      assertThat(again).isEqualTo(file);
      Files.delete(again);
    }
  }

  @Test
  void shouldOpenAZipByItsUri() throws IOException {
    for (String name : List.of("a.zip", "ä b.jar", "%41;:.zip")) {
      Path zip = path(name);
      URI uri = URI.create("jar:" + zip.toUri());
      try (FileSystem made = FileSystems.newFileSystem(uri, Map.of("create", "true"))) {
        Files.writeString(made.getPath("/x y"), "hello");
      }
      assertThat(Files.size(zip)).isPositive();
      URI ofEntry = URI.create(uri + "!/x%20y");
      try (FileSystem opened = FileSystems.newFileSystem(ofEntry, Map.of())) {
        assertThat(FileSystems.getFileSystem(uri)).isSameAs(opened);
        Path entry = Path.of(ofEntry);
        assertThat(entry).isEqualTo(opened.getPath("/x y"));
        assertThat(Files.readString(entry)).isEqualTo("hello");
      }
    }
    Path zip = path("a.zip");
    try (FileSystem opened = FileSystems.newFileSystem(zip)) {
      assertThat(Files.readString(opened.getPath("x y"))).isEqualTo("hello");
    }
    URI uri = URI.create("jar:" + zip.toUri());
    try (FileSystem opened = FileSystems.newFileSystem(uri, Map.of())) {
      Path entry = opened.getPath("/x y");
      assertThat(Path.of(entry.toUri())).isEqualTo(entry);
    }
  }

  @Test
  void shouldEndUrisOfDirectoriesWithASlash() throws IOException {
    file("a", "x");
    directory("d");
    link("l", "d");
    link("dangling", "no");
    for (String name : List.of("d", "l", "d/.", "d/..")) {
      assertThat(path(name).toUri().toString()).as(name).endsWith("/");
    }
    for (String name : List.of("a", "no", "dangling", "a/b", "n".repeat(300))) {
      assertThat(path(name).toUri().toString()).as(name).doesNotEndWith("/");
    }
    Path directory = path("d");
    assertThat(Path.of(directory.toUri())).isEqualTo(directory);
    assertThat(Path.of(directory.toUri().resolve("x"))).isEqualTo(directory.resolve("x"));
  }

  /** What an interrupt does depends, in the default provider, on who is faster. */
  @Test
  void shouldCopySoThatItMayBeInterrupted() throws Exception {
    CopyOption interruptible =
        optionOfTheJdk(CopyOption.class, "ExtendedCopyOption", "INTERRUPTIBLE");
    Path file = file("a", "hello");
    Files.copy(file, path("b"), interruptible);
    assertThat(Files.readString(path("b"))).isEqualTo("hello");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.move(file, path("c"), interruptible));
  }

  @Test
  void shouldCreateDirectories() throws IOException {
    Path deep = path("a/b/c");
    Files.createDirectories(deep);
    Files.createDirectories(deep);
    assertThat(Files.isDirectory(deep)).isTrue();
    assertFails(FileAlreadyExistsException.class, deep, () -> Files.createDirectory(deep));
    Path file = Files.writeString(deep.resolve("f"), "x");
    assertFails(FileAlreadyExistsException.class, file, () -> Files.createDirectories(file));
    assertFails(FileAlreadyExistsException.class, file, () -> Files.createFile(file));
    link("l", "a");
    Files.createDirectories(path("l"));
    assertFails(
        FileAlreadyExistsException.class, path("l"), () -> Files.createDirectory(path("l")));
  }

  @Test
  void shouldDeleteEmptyDirectoriesOnly() throws IOException {
    Path directory = directory("d");
    Path file = file("d/f", "x");
    assertFails(DirectoryNotEmptyException.class, directory, () -> Files.delete(directory));
    assertFails(DirectoryNotEmptyException.class, directory, () -> Files.deleteIfExists(directory));
    Files.delete(file);
    Files.delete(directory);
    assertThat(list(root)).isEmpty();
  }

  @Test
  void shouldNotRemoveOrMoveWhatIsNamedFromWithin() throws IOException {
    Path directory = Files.createDirectory(path("d"));
    Path within = directory.resolve(".");
    assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> Files.delete(within));
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.move(within, path("e")));
    assertFails(FileAlreadyExistsException.class, within, () -> Files.createDirectory(within));
    Path missing = path("no").resolve(".");
    assertFails(NoSuchFileException.class, missing, () -> Files.createDirectory(missing));
    Files.createDirectories(path("f").resolve("./g"));
    assertThat(list(root)).containsExactly("d", "f");
    assertThat(within.toRealPath()).isEqualTo(directory.toRealPath());
  }

  @Test
  void shouldDeleteLinksAndNotWhatTheyLeadTo() throws IOException {
    file("a", "x");
    Files.delete(link("l", "a"));
    Files.delete(link("dangling", "no"));
    directory("d");
    Files.delete(link("ld", "d"));
    assertThat(list(root)).containsExactly("a", "d");
  }

  @Test
  void shouldFollowLinks() throws IOException {
    directory("d");
    file("d/f", "x");
    link("l", "d");
    link("ll", "l/f");
    link("d/up", "../l");
    assertThat(Files.readString(path("l/f"))).isEqualTo("x");
    assertThat(Files.readString(path("ll"))).isEqualTo("x");
    assertThat(Files.readString(path("l/up/up/f"))).isEqualTo("x");
    assertThat(Files.readString(path("l/../l/f"))).isEqualTo("x");
    assertThat(Files.readSymbolicLink(path("ll")).toString()).isEqualTo("l/f");
    assertThat(Files.readSymbolicLink(path("d/up")).toString()).isEqualTo("../l");
    assertFails(NotLinkException.class, path("d"), () -> Files.readSymbolicLink(path("d")));
    assertThat(Files.isSameFile(path("ll"), path("d/f"))).isTrue();
    assertThat(Files.isSameFile(path("ll"), path("d"))).isFalse();
    assertFails(
        FileAlreadyExistsException.class,
        path("l"),
        () -> Files.createSymbolicLink(path("l"), path("d")));
    Files.writeString(path("ll"), "y");
    assertThat(Files.readString(path("d/f"))).isEqualTo("y");
  }

  @Test
  void shouldFollowAbsoluteLinks() throws IOException {
    directory("d");
    file("d/f", "x");
    Files.createSymbolicLink(path("abs"), path("d").toAbsolutePath());
    assertThat(Files.readString(path("abs/f"))).isEqualTo("x");
    assertThat(Files.readSymbolicLink(path("abs"))).isEqualTo(path("d").toAbsolutePath());
  }

  @Test
  void shouldMakeWhatADanglingLinkLeadsTo() throws IOException {
    directory("d");
    link("dangling", "d/new");
    Files.writeString(path("dangling"), "x");
    assertThat(Files.readString(path("d/new"))).isEqualTo("x");
    link("again", "d/newer");
    assertFails(
        FileAlreadyExistsException.class, path("again"), () -> Files.createFile(path("again")));
  }

  @Test
  void shouldEndOnLoops() throws IOException {
    link("a", "b");
    link("b", "a");
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.readString(path("a")));
    assertThat(Files.exists(path("a"))).isFalse();
    directory("d");
    link("d/self", ".");
    assertThatExceptionOfType(java.io.UncheckedIOException.class)
        .isThrownBy(
            () -> {
              try (Stream<Path> walk = Files.walk(path("d"), FileVisitOption.FOLLOW_LINKS)) {
                assertThat(walk.count()).isPositive();
              }
            })
        .withCauseInstanceOf(FileSystemLoopException.class);
  }

  @Test
  void shouldNotFollowWhenToldSo() throws IOException {
    file("a", "x");
    Path link = link("l", "a");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> Files.newByteChannel(link, LinkOption.NOFOLLOW_LINKS).close());
    Files.newByteChannel(path("a"), LinkOption.NOFOLLOW_LINKS).close();
  }

  @Test
  void shouldLinkHard() throws IOException {
    Path file = file("a", "x");
    Files.createLink(path("b"), file);
    Files.writeString(path("b"), "y");
    assertThat(Files.readString(file)).isEqualTo("y");
    assertThat(Files.isSameFile(file, path("b"))).isTrue();
    assertThat(Files.getAttribute(file, "unix:nlink")).isEqualTo(2);
    assertFails(
        FileAlreadyExistsException.class, path("b"), () -> Files.createLink(path("b"), file));
    assertThatExceptionOfType(NoSuchFileException.class)
        .isThrownBy(() -> Files.createLink(path("c"), path("no")));
    directory("d");
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.createLink(path("c"), path("d")));
    Files.delete(file);
    assertThat(Files.readString(path("b"))).isEqualTo("y");
  }

  @Test
  void shouldListDirectories() throws IOException {
    for (int i = 0; i < 1500; i++) {
      Files.createFile(path("f" + i));
    }
    assertThat(list(root)).hasSize(1500).doesNotHaveDuplicates();
    try (DirectoryStream<Path> some = Files.newDirectoryStream(root, "f1?")) {
      assertThat(some).hasSize(10);
    }
    try (DirectoryStream<Path> some =
        Files.newDirectoryStream(root, entry -> entry.endsWith("f7"))) {
      assertThat(some).containsExactly(path("f7"));
    }
  }

  @Test
  void shouldListOnce() throws IOException {
    Files.createFile(path("a"));
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(root)) {
      assertThat(stream.iterator()).hasNext();
      assertThatExceptionOfType(IllegalStateException.class).isThrownBy(stream::iterator);
    }
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> closedStream().iterator());
  }

  private DirectoryStream<Path> closedStream() throws IOException {
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(root)) {
      return stream;
    }
  }

  @Test
  void shouldDeleteWhatItIteratesOver() throws IOException {
    for (int i = 0; i < 1200; i++) {
      Files.createFile(path("f" + i));
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      for (Path entry : entries) {
        Files.delete(entry);
      }
    }
    assertThat(list(root)).isEmpty();
  }

  @Test
  void shouldWalkTrees() throws IOException {
    Files.createDirectories(path("a/b"));
    file("a/b/c", "x");
    file("a/d", "y");
    try (Stream<Path> walk = Files.walk(path("a"))) {
      assertThat(walk.map(found -> root.relativize(found).toString()))
          .containsExactlyInAnyOrder("a", "a/b", "a/b/c", "a/d");
    }
    try (Stream<Path> found =
        Files.find(path("a"), 9, (_, attributes) -> attributes.isRegularFile())) {
      assertThat(found).containsExactlyInAnyOrder(path("a/b/c"), path("a/d"));
    }
    try (Stream<Path> children = Files.list(path("a"))) {
      assertThat(children).containsExactlyInAnyOrder(path("a/b"), path("a/d"));
    }
  }

  @Test
  void shouldResolveRealPaths() throws IOException {
    directory("d");
    file("d/f", "x");
    link("l", "d");
    Path real = root.toRealPath();
    assertThat(path("l/f").toRealPath()).isEqualTo(real.resolve("d/f"));
    assertThat(path("l").toRealPath()).isEqualTo(real.resolve("d"));
    assertThat(path("l/../d/./f").toRealPath()).isEqualTo(real.resolve("d/f"));
    assertThat(path("d/../l/f").toRealPath(LinkOption.NOFOLLOW_LINKS))
        .isEqualTo(real.resolve("l/f"));
    assertThat(path("l/../d").toRealPath(LinkOption.NOFOLLOW_LINKS))
        .isEqualTo(real.resolve("l/../d"));
    assertFails(NoSuchFileException.class, path("d/no"), () -> path("d/no").toRealPath());
    assertFails(
        NoSuchFileException.class,
        path("d/no"),
        () -> path("d/no").toRealPath(LinkOption.NOFOLLOW_LINKS));
  }

  // Copying.

  @Test
  void shouldCopyFiles() throws IOException {
    Path file = file("a", "hello");
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2001-02-03T04:05:06Z")));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    Path copy = Files.copy(file, path("b"));
    assertThat(Files.readString(copy)).isEqualTo("hello");
    assertThat(Files.getLastModifiedTime(copy)).isNotEqualTo(Files.getLastModifiedTime(file));
    assertThat(Files.getPosixFilePermissions(copy))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    Files.writeString(copy, "bye");
    assertThat(Files.readString(file)).isEqualTo("hello");
    assertFails(FileAlreadyExistsException.class, copy, () -> Files.copy(file, copy));
    Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES);
    assertThat(Files.readString(copy)).isEqualTo("hello");
    assertThat(Files.getLastModifiedTime(copy)).isEqualTo(Files.getLastModifiedTime(file));
  }

  @Test
  void shouldCopyDirectoriesWithoutTheirEntries() throws IOException {
    directory("d");
    file("d/f", "x");
    Files.copy(path("d"), path("e"));
    assertThat(list(path("e"))).isEmpty();
    assertFails(
        DirectoryNotEmptyException.class,
        path("d"),
        () -> Files.copy(path("e"), path("d"), StandardCopyOption.REPLACE_EXISTING));
    file("f", "x");
    Files.copy(path("f"), path("e"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.readString(path("e"))).isEqualTo("x");
  }

  @Test
  void shouldCopyLinksOrWhatTheyLeadTo() throws IOException {
    file("a", "x");
    link("l", "a");
    Files.copy(path("l"), path("b"));
    assertThat(Files.isSymbolicLink(path("b"))).isFalse();
    Files.copy(path("l"), path("c"), LinkOption.NOFOLLOW_LINKS);
    assertThat(Files.readSymbolicLink(path("c")).toString()).isEqualTo("a");
    Files.copy(path("l"), path("a"));
    assertThat(Files.readString(path("a"))).isEqualTo("x");
  }

  @Test
  void shouldCopyWithExtendedAttributes() throws IOException {
    Path file = file("a", "x");
    Files.setAttribute(file, "user:colour", "red".getBytes(StandardCharsets.UTF_8));
    Files.copy(file, path("b"), StandardCopyOption.COPY_ATTRIBUTES);
    assertThat((byte[]) Files.getAttribute(path("b"), "user:colour")).asString().isEqualTo("red");
  }

  @Test
  void shouldCopyFromAndToStreams() throws IOException {
    Path file = path("a");
    byte[] content = new byte[100_000];
    new java.util.Random(1).nextBytes(content);
    assertThat(Files.copy(new java.io.ByteArrayInputStream(content), file)).isEqualTo(100_000);
    java.io.ByteArrayOutputStream out = new java.io.ByteArrayOutputStream();
    assertThat(Files.copy(file, out)).isEqualTo(100_000);
    assertThat(out.toByteArray()).isEqualTo(content);
    assertFails(
        FileAlreadyExistsException.class,
        file,
        () -> Files.copy(InputStream.nullInputStream(), file));
    Files.copy(InputStream.nullInputStream(), file, StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.size(file)).isZero();
  }

  @Test
  void shouldRefuseOptionsThatMakeNoSense() throws IOException {
    Path file = file("a", "x");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.copy(file, path("b"), StandardCopyOption.ATOMIC_MOVE));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.move(file, path("b"), StandardCopyOption.COPY_ATTRIBUTES));
    assertThatNullPointerException()
        .isThrownBy(() -> Files.copy(file, path("b"), (CopyOption) null));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.newByteChannel(file, new java.nio.file.OpenOption() {}).close());
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.createSymbolicLink(path("l"), file, permissions("rw-------")));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(
            () ->
                Files.createFile(
                    path("b"),
                    new java.nio.file.attribute.FileAttribute<String>() {
                      @Override
                      public String name() {
                        return "user:x";
                      }

                      @Override
                      public String value() {
                        return "y";
                      }
                    }));
  }

  @Test
  void shouldRefusePathsOfOtherProviders() {
    Path other = otherProvidersPath();
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> path("a").resolve(other));
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> root.relativize(other));
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> Files.createSymbolicLink(path("l"), other));
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> Files.createLink(path("l"), other));
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> root.getFileSystem().provider().delete(other));
    assertThat(root.startsWith(other)).isFalse();
    assertThat(root.endsWith(other)).isFalse();
    assertThat(root).isNotEqualTo(other);
  }

  /** A path of another provider. */
  abstract Path otherProvidersPath();

  private static java.nio.file.attribute.FileAttribute<Set<PosixFilePermission>> permissions(
      String text) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(text));
  }

  @Test
  void shouldCreateWithPermissions() throws IOException {
    Path file = Files.createFile(path("f"), permissions("rw-------"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Path directory = Files.createDirectory(path("d"), permissions("r-x------"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
        .isEqualTo("r-x------");
  }

  @Test
  void shouldMakeTemporaryFiles() throws IOException {
    Path file = Files.createTempFile(root, "a", ".tmp");
    Path directory = Files.createTempDirectory(root, "b");
    assertThat(Files.isRegularFile(file)).isTrue();
    assertThat(Files.isDirectory(directory)).isTrue();
  }

  // Moving.

  @Test
  void shouldMoveFiles() throws IOException {
    file("a", "x");
    Files.move(path("a"), path("b"));
    assertThat(list(root)).containsExactly("b");
    file("c", "y");
    assertFails(
        FileAlreadyExistsException.class, path("c"), () -> Files.move(path("b"), path("c")));
    Files.move(path("b"), path("c"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.readString(path("c"))).isEqualTo("x");
    assertFails(NoSuchFileException.class, path("no"), () -> Files.move(path("no"), path("c")));
    Files.move(path("c"), path("c"));
    assertThat(Files.readString(path("c"))).isEqualTo("x");
  }

  @Test
  void shouldMoveDirectories() throws IOException {
    directory("d");
    file("d/f", "x");
    Files.move(path("d"), path("e"));
    assertThat(Files.readString(path("e/f"))).isEqualTo("x");
    directory("g");
    Files.move(path("e"), path("g"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.readString(path("g/f"))).isEqualTo("x");
    directory("h");
    assertFails(
        DirectoryNotEmptyException.class,
        path("g"),
        () -> Files.move(path("h"), path("g"), StandardCopyOption.REPLACE_EXISTING));
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.move(path("g"), path("g/sub")));
  }

  @Test
  void shouldReplaceOneKindByAnother() throws IOException {
    file("f", "x");
    directory("d");
    Files.move(path("f"), path("d"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.readString(path("d"))).isEqualTo("x");
    directory("e");
    Files.move(path("e"), path("d"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.isDirectory(path("d"))).isTrue();
    link("l", "d");
    file("f", "y");
    Files.move(path("f"), path("l"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(Files.isSymbolicLink(path("l"))).isFalse();
    assertThat(list(root)).containsExactly("d", "l");
  }

  @Test
  void shouldMoveAtomically() throws IOException {
    file("a", "x");
    file("b", "y");
    Files.move(path("a"), path("b"), StandardCopyOption.ATOMIC_MOVE);
    assertThat(Files.readString(path("b"))).isEqualTo("x");
    assertThat(list(root)).containsExactly("b");
    directory("d");
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.move(path("b"), path("d"), StandardCopyOption.ATOMIC_MOVE));
  }

  @Test
  void shouldMoveLinksAndNotWhatTheyLeadTo() throws IOException {
    file("a", "x");
    link("l", "a");
    Files.move(path("l"), path("m"));
    assertThat(Files.readSymbolicLink(path("m")).toString()).isEqualTo("a");
    assertThat(list(root)).containsExactly("a", "m");
  }

  @Test
  void shouldDoNothingWhenBothNamesAreOfOneFile() throws IOException {
    file("a", "x");
    Files.createLink(path("b"), path("a"));
    Files.move(path("a"), path("b"), StandardCopyOption.REPLACE_EXISTING);
    assertThat(list(root)).containsExactly("a", "b");
  }

  @Test
  void shouldTellWhatIsHidden() throws IOException {
    assertThat(Files.isHidden(file(".h", ""))).isTrue();
    assertThat(Files.isHidden(file("h", ""))).isFalse();
  }

  @Test
  void shouldCompareContent() throws IOException {
    file("a", "x".repeat(10_000) + "1");
    file("b", "x".repeat(10_000) + "2");
    assertThat(Files.mismatch(path("a"), path("b"))).isEqualTo(10_000);
    assertThat(Files.mismatch(path("a"), path("a"))).isEqualTo(-1);
  }

  @Test
  void shouldHaveAStore() throws IOException {
    java.nio.file.FileStore store = Files.getFileStore(root);
    assertThat(store.getTotalSpace()).isPositive();
    assertThat(store.getUsableSpace()).isBetween(1L, store.getTotalSpace());
    assertThat(store.getUnallocatedSpace())
        .isBetween(store.getUsableSpace(), store.getTotalSpace());
    assertThat(store.getBlockSize()).isEqualTo(4096);
    assertThat(store.getAttribute("totalSpace")).isEqualTo(store.getTotalSpace());
    assertThat(store.supportsFileAttributeView("posix")).isTrue();
    assertThat(
            store.supportsFileAttributeView(java.nio.file.attribute.PosixFileAttributeView.class))
        .isTrue();
    assertThat(store.supportsFileAttributeView("acl")).isFalse();
    assertThat(store).isEqualTo(Files.getFileStore(file("a", "")));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> store.getAttribute("no"));
  }
}
