package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.bezoar.fs.DamagedRangeException;
import io.bezoar.fs.FileExtent;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FilesystemFullException;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.ProviderMismatchException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What only a pool has: damage, snapshots, shared bytes, other pools, an end. */
class PoolFileSystemTest {
  private static final int PAGE = 4096;
  private static final FileTime OLD = FileTime.from(Instant.parse("2001-02-03T04:05:06.789Z"));

  private final PoolRig rig;
  private final Path root;

  PoolFileSystemTest() throws IOException {
    rig = PoolRig.create(32);
    root = rig.root();
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  private Path file(String name, int bytes) throws IOException {
    byte[] content = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      content[i] = (byte) (i / PAGE + 1);
    }
    return Files.write(root.resolve(name), content);
  }

  // Damage.

  @Test
  void shouldReadUpToWhatIsLostAndThenSaySo() throws IOException {
    Path file = file("a", 10 * PAGE);
    rig.files.sync();
    rig.lose("/a", 6);
    try (FileChannel channel = FileChannel.open(file)) {
      for (boolean direct : new boolean[] {false, true}) {
        ByteBuffer buffer =
            direct ? ByteBuffer.allocateDirect(20 * PAGE) : ByteBuffer.allocate(20 * PAGE);
        channel.position(100);
        assertThat(channel.read(buffer)).isEqualTo(6 * PAGE - 100);
        assertThat(channel.position()).isEqualTo(6 * PAGE);
        assertThat(buffer.get(6 * PAGE - 101)).isEqualTo((byte) 6);
        assertThatExceptionOfType(DamagedRangeException.class)
            .isThrownBy(() -> channel.read(buffer))
            .satisfies(
                e -> {
                  assertThat(e.getFile()).isEqualTo("/a");
                  assertThat(e.range()).isEqualTo(new ByteRange(6 * PAGE, 7 * PAGE));
                });
        assertThat(channel.position()).isEqualTo(6 * PAGE);
        assertThat(channel.read(buffer.clear(), 7 * PAGE)).isEqualTo(3 * PAGE);
        assertThat(buffer.get(0)).isEqualTo((byte) 8);
      }
      ByteBuffer[] many = {ByteBuffer.allocate(5 * PAGE), ByteBuffer.allocate(5 * PAGE)};
      assertThat(channel.position(0).read(many)).isEqualTo(6 * PAGE);
      assertThat(many[1].position()).isEqualTo(PAGE);
    }
  }

  @Test
  void shouldTransferUpToWhatIsLost() throws IOException {
    Path file = file("a", 3 << 20);
    rig.files.sync();
    rig.lose("/a", 400);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FileChannel channel = FileChannel.open(file)) {
      long moved = channel.transferTo(0, 3 << 20, Channels.newChannel(out));
      assertThat(moved).isEqualTo(400 * PAGE);
      assertThatExceptionOfType(DamagedRangeException.class)
          .isThrownBy(() -> channel.transferTo(moved, 3 << 20, Channels.newChannel(out)));
    }
    assertThatExceptionOfType(DamagedRangeException.class)
        .isThrownBy(() -> Files.readAllBytes(file));
    // Bytes that are shared are not read.
    Files.copy(file, root.resolve("b"));
    assertThatExceptionOfType(DamagedRangeException.class)
        .isThrownBy(() -> Files.readAllBytes(root.resolve("b")));
  }

  @Test
  void shouldTellPartOfAPageFromAWholeOne() throws IOException {
    Path file = file("a", 3 * PAGE);
    rig.files.sync();
    rig.lose("/a", 1);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertThatExceptionOfType(DamagedRangeException.class)
          .isThrownBy(() -> channel.write(ByteBuffer.allocate(10), PAGE + 5));
      channel.write(ByteBuffer.allocate(PAGE), PAGE);
    }
    assertThat(Files.readAllBytes(file)).hasSize(3 * PAGE);
  }

  @Test
  void shouldSayWhenThePoolIsFull() throws IOException {
    Path file = root.resolve("a");
    ByteBuffer piece = ByteBuffer.allocate(7 << 20);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertThatExceptionOfType(FilesystemFullException.class)
          .isThrownBy(
              () -> {
                while (true) {
                  int written = channel.write(piece.clear());
                  assertThat(written).isPositive();
                  assertThat(channel.size()).isEqualTo(channel.position());
                }
              });
      assertThat(channel.size()).isGreaterThan(20L << 20);
    }
    Files.delete(file);
  }

  private void fill(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      int bytes = 4 << 20;
      while (bytes >= PAGE) {
        try {
          channel.write(ByteBuffer.allocate(bytes));
        } catch (FilesystemFullException full) {
          bytes /= 2;
        }
      }
    }
  }

  @Test
  void shouldNameWhatAFullPoolHasNoRoomFor() throws IOException {
    Files.createDirectory(root.resolve("d"));
    Path file = file("d/small", 10);
    fill(root.resolve("d/large"));
    Path made = rig.fs.getPath("d/new");
    assertFull(made, null, () -> Files.createDirectory(made));
    assertFull(made, null, () -> Files.createSymbolicLink(made, file));
    assertFull(made, null, () -> Files.createFile(made));
    assertFull(made, null, () -> Files.writeString(made, "x"));
    assertFull(made, file, () -> Files.createLink(made, file));
    assertFull(file, made, () -> Files.copy(file, made));
    assertFull(file, made, () -> Files.move(file, made));
    Files.write(file, new byte[0]);
    Files.delete(root.resolve("d/large"));
    Files.move(file, made);
  }

  private static void assertFull(Path file, @Nullable Path other, ThrowingCallable code) {
    assertThatExceptionOfType(FilesystemFullException.class)
        .isThrownBy(code)
        .satisfies(
            e -> {
              assertThat(e.getFile()).isEqualTo(file.toString());
              assertThat(e.getOtherFile()).isEqualTo(other == null ? null : other.toString());
              assertThat(e.getReason()).startsWith("no space left");
            });
  }

  // Snapshots.

  @Test
  void shouldShowSnapshots() throws IOException {
    Path file = file("a", PAGE);
    Files.createSymbolicLink(root.resolve("l"), root.getFileSystem().getPath("a"));
    rig.files.snapshot(FileName.of("monday"));
    Files.writeString(file, "changed");
    Path old = root.resolve(".snapshots/monday/a");
    assertThat(Files.size(old)).isEqualTo(PAGE);
    assertThat(Files.size(root.resolve(".snapshots/monday/l"))).isEqualTo(PAGE);
    assertThat(ProviderContract.list(root)).containsExactly("a", "l");
    assertThat(ProviderContract.list(root.resolve(".snapshots"))).containsExactly("monday");
    assertThat(ProviderContract.list(root.resolve(".snapshots/monday"))).containsExactly("a", "l");
    assertThat(root.resolve(".snapshots/monday/l").toRealPath()).isEqualTo(old);
    assertThat(Files.isSameFile(old, file)).isFalse();
    assertThat(Files.readAttributes(old, "unix:dev,ino"))
        .isNotEqualTo(Files.readAttributes(file, "unix:dev,ino"));
    assertThat(Files.isReadable(old)).isTrue();
    assertThat(Files.isWritable(old)).isFalse();
    Path copy = Files.copy(old, root.resolve("back"), StandardCopyOption.COPY_ATTRIBUTES);
    assertThat(Files.mismatch(old, copy)).isEqualTo(-1);
    assertThat(Files.getLastModifiedTime(copy)).isEqualTo(Files.getLastModifiedTime(old));
  }

  @Test
  void shouldNotChangeSnapshots() throws IOException {
    file("a", PAGE);
    rig.files.snapshot(FileName.of("monday"));
    Path old = root.resolve(".snapshots/monday/a");
    Path directory = root.resolve(".snapshots/monday");
    List<Callable<Object>> changes =
        List.of(
            () -> Files.writeString(old, "x"),
            () -> FileChannel.open(old, StandardOpenOption.APPEND),
            () -> Files.createFile(directory.resolve("b")),
            () -> Files.createDirectory(directory.resolve("b")),
            () -> Files.createDirectory(root.resolve(".snapshots/b")),
            () -> Files.createSymbolicLink(directory.resolve("b"), old),
            () -> Files.createLink(directory.resolve("b"), root.resolve("a")),
            () -> Files.createLink(root.resolve("b"), old),
            () -> Files.deleteIfExists(old),
            () -> Files.deleteIfExists(directory),
            () -> Files.deleteIfExists(root.resolve(".snapshots")),
            () -> Files.move(old, root.resolve("b")),
            () -> Files.move(root.resolve("a"), directory.resolve("b")),
            () -> Files.copy(root.resolve("a"), directory.resolve("b")),
            () -> Files.setLastModifiedTime(old, OLD),
            () -> Files.setAttribute(old, "user:a", new byte[1]));
    for (Callable<Object> change : changes) {
      assertThatExceptionOfType(ReadOnlyFileSystemException.class).isThrownBy(change::call);
    }
    try (FileChannel channel = FileChannel.open(old)) {
      assertThat(channel.size()).isEqualTo(PAGE);
      channel.force(true);
      channel.lock(0, 1, true).release();
    }
    assertThatExceptionOfType(FileSystemException.class)
        .isThrownBy(() -> Files.createDirectory(root.resolve(".snapshots")));
  }

  // Shared bytes and holes.

  @Test
  void shouldShareTheBytesOfCopies() throws IOException {
    Path file = file("a", 1 << 20);
    Path copy = Files.copy(file, root.resolve("b"));
    assertThat(extents(copy)).isEqualTo(extents(file));
    assertThat(Files.mismatch(file, copy)).isEqualTo(-1);
    Files.write(copy, new byte[10]);
    assertThat(Files.size(file)).isEqualTo(1 << 20);
  }

  private List<ByteRange> extents(Path path) throws IOException {
    FileId id = new PathWalk(rig.files).get(path.toString(), PathWalk.LastLink.FOLLOW).id();
    try (OpenFile open = rig.files.open(id)) {
      return open.extents(new ByteRange(0, open.sizeBytes())).stream()
          .map(FileExtent::device)
          .toList();
    }
  }

  @Test
  void shouldKeepHolesFromPoolToPool() throws IOException {
    Path file = root.resolve("a");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}), 500L << 30);
      channel.write(ByteBuffer.wrap(new byte[] {2}), 0);
    }
    try (PoolRig other = PoolRig.create(8)) {
      Path copy = Files.copy(file, other.root().resolve("a"));
      assertThat(Files.size(copy)).isEqualTo((500L << 30) + 1);
      try (FileChannel channel = FileChannel.open(copy)) {
        ByteBuffer read = ByteBuffer.allocate(1);
        assertThat(channel.read(read, 500L << 30)).isEqualTo(1);
        assertThat(read.get(0)).isEqualTo((byte) 1);
      }
      try (FileChannel channel = FileChannel.open(copy, StandardOpenOption.WRITE)) {
        channel.truncate(1000);
        channel.truncate(0);
      }
    }
  }

  // Other pools and providers.

  @Test
  void shouldCopyAndMoveFromPoolToPool() throws IOException {
    try (PoolRig other = PoolRig.create(16)) {
      Path file = file("a", 3 << 20);
      Files.setLastModifiedTime(file, OLD);
      Files.setAttribute(file, "user:colour", new byte[] {1, 2});
      Path target = other.root().resolve("a");
      assertThatExceptionOfType(AtomicMoveNotSupportedException.class)
          .isThrownBy(() -> Files.move(file, target, StandardCopyOption.ATOMIC_MOVE));
      Files.copy(file, target);
      assertThat(Files.mismatch(file, target)).isEqualTo(-1);
      Files.move(file, target, StandardCopyOption.REPLACE_EXISTING);
      assertThat(Files.exists(file)).isFalse();
      assertThat(Files.getLastModifiedTime(target)).isEqualTo(OLD);
      assertThat((byte[]) Files.getAttribute(target, "user:colour")).containsExactly(1, 2);
      Path link = root.resolve("l");
      Files.createSymbolicLink(link, root.getFileSystem().getPath("a"));
      Files.move(link, other.root().resolve("l"));
      assertThat(Files.readSymbolicLink(other.root().resolve("l"))).hasToString("a");
      Path directory = Files.createDirectory(root.resolve("d"));
      file("d/f", 1);
      assertThatExceptionOfType(DirectoryNotEmptyException.class)
          .isThrownBy(() -> Files.move(directory, other.root().resolve("d")));
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> Files.createLink(root.resolve("x"), target));
      assertThat(Files.isSameFile(root, other.root())).isFalse();
    }
  }

  @Test
  void shouldCopyAndMoveToAndFromOtherProviders(@TempDir Path folder) throws IOException {
    Path file = file("a", 3 << 20);
    Files.setLastModifiedTime(file, OLD);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    Path outside = folder.resolve("a");
    Files.copy(file, outside, StandardCopyOption.COPY_ATTRIBUTES);
    assertThat(Files.mismatch(file, outside)).isEqualTo(-1);
    assertThat(Files.getLastModifiedTime(outside)).isEqualTo(OLD);
    assertThat(Files.getPosixFilePermissions(outside))
        .isEqualTo(Files.getPosixFilePermissions(file));
    Files.move(outside, root.resolve("b"));
    assertThat(Files.exists(outside)).isFalse();
    assertThat(Files.getLastModifiedTime(root.resolve("b"))).isEqualTo(OLD);
    Files.move(root.resolve("b"), outside);
    assertThat(Files.size(outside)).isEqualTo(3 << 20);
    try (FileChannel in = FileChannel.open(outside);
        FileChannel out =
            FileChannel.open(
                root.resolve("c"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertThat(in.transferTo(0, 3 << 20, out)).isPositive();
      assertThat(out.transferFrom(in, 0, 3 << 20)).isEqualTo(3 << 20);
    }
  }

  @Test
  void shouldTakeOwnersOfOtherProvidersByTheirNames() throws IOException {
    Path file = file("a", 1);
    UserPrincipal user =
        Path.of("/")
            .getFileSystem()
            .getUserPrincipalLookupService()
            .lookupPrincipalByName("daemon");
    Files.setOwner(file, user);
    assertThat(Files.getOwner(file).getName()).isEqualTo("daemon");
    assertThat((Integer) Files.getAttribute(file, "unix:uid")).isEqualTo(1);
    Files.setAttribute(file, "unix:uid", 123_456);
    assertThat(Files.getOwner(file).getName()).isEqualTo("123456");
    UserPrincipal nobody = () -> "no such user";
    assertThatExceptionOfType(ProviderMismatchException.class)
        .isThrownBy(() -> Files.setOwner(file, nobody));
    GroupPrincipal group =
        Path.of("/")
            .getFileSystem()
            .getUserPrincipalLookupService()
            .lookupPrincipalByGroupName("daemon");
    assertThatExceptionOfType(IOException.class).isThrownBy(() -> Files.setOwner(file, group));
  }

  @Test
  void shouldKeepWhenAFileWasMade() throws IOException {
    Path file = file("a", 1);
    Files.setAttribute(file, "creationTime", OLD);
    assertThat(Files.getAttribute(file, "creationTime")).isEqualTo(OLD);
  }

  // What is not there.

  @Test
  void shouldSayWhatIsNotSupported() throws IOException {
    Path file = file("a", PAGE);
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> AsynchronousFileChannel.open(file).close());
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> rig.fs.newWatchService());
    try (WatchService other = Path.of("/").getFileSystem().newWatchService()) {
      assertThatExceptionOfType(ProviderMismatchException.class)
          .isThrownBy(() -> root.register(other));
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      assertThat(entries).isNotInstanceOf(SecureDirectoryStream.class);
    }
  }

  @Test
  void shouldNotMoveOrRemoveTheRoot() {
    for (String path : List.of("/", "", "/..", "/.")) {
      Path at = rig.fs.getPath(path);
      assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> Files.delete(at));
      assertThatExceptionOfType(FileSystemException.class)
          .isThrownBy(() -> Files.move(at, root.resolve("x")));
      assertThat(Files.isDirectory(at)).isTrue();
      assertThat(Files.exists(at, LinkOption.NOFOLLOW_LINKS)).isTrue();
    }
  }

  @Test
  void shouldListALargeDirectory() throws IOException {
    Path directory = Files.createDirectory(root.resolve("d"));
    int count = 20_000;
    for (int i = 0; i < count; i++) {
      Files.createFile(directory.resolve("file" + i));
    }
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        // One that comes meanwhile, one that goes: the others are seen once all the same.
        if (seen == count / 2) {
          Files.createFile(directory.resolve("aaa"));
          Files.delete(entry);
        }
        seen++;
      }
    }
    assertThat(seen).isEqualTo(count);
  }

  @Test
  void shouldEndTheListOfADirectoryThatIsDeleted() throws IOException {
    Path directory = Files.createDirectory(root.resolve("d"));
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      Files.delete(directory);
      assertThat(entries.iterator().hasNext()).isFalse();
    }
  }

  // The end.

  /** {@code Files.readAllBytes} opens a file so. */
  @Test
  void shouldReadOnAnInterruptedThreadWhenOpenedWithoutOptions() throws IOException {
    Path file = file("a", 10);
    FileChannel channel = (FileChannel) Files.newByteChannel(file);
    Thread.currentThread().interrupt();
    try {
      assertThat(channel.read(ByteBuffer.allocate(20))).isEqualTo(10);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
      channel.close();
    }
    assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::size);
  }

  @Test
  void shouldNameALinkThatIsNotToBeFollowed() throws IOException {
    Path link = Files.createSymbolicLink(root.resolve("l"), file("a", 10));
    ProviderContract.assertFails(
        FileSystemException.class,
        link,
        () -> Files.newByteChannel(link, LinkOption.NOFOLLOW_LINKS).close());
  }

  @Test
  void shouldEndACopyByAnInterruptWhenAskedTo() throws Exception {
    CopyOption interruptible =
        ProviderContract.optionOfTheJdk(CopyOption.class, "ExtendedCopyOption", "INTERRUPTIBLE");
    Path file = file("a", 10);
    Path copy = root.resolve("b");
    Thread.currentThread().interrupt();
    try {
      assertThatExceptionOfType(FileSystemException.class)
          .isThrownBy(() -> Files.copy(file, copy, interruptible))
          .satisfies(e -> assertThat(e.getOtherFile()).isEqualTo("/b"));
      assertThat(Files.exists(copy)).isFalse();
      Files.copy(file, copy);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void shouldCloseItsChannels() throws IOException {
    Path file = file("a", PAGE);
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
      rig.fs.close();
      assertThatExceptionOfType(ClosedFileSystemException.class)
          .isThrownBy(() -> entries.iterator().hasNext());
    }
    assertThat(channel.isOpen()).isFalse();
    assertThatExceptionOfType(ClosedChannelException.class)
        .isThrownBy(() -> channel.write(ByteBuffer.allocate(1)));
    List<Callable<Object>> uses =
        List.of(
            () -> Files.readString(file),
            () -> Files.exists(file),
            () -> Files.size(file),
            () -> Files.createFile(root.resolve("b")),
            () -> Files.deleteIfExists(file),
            () -> ProviderContract.list(root),
            () -> Files.getFileStore(file),
            () -> Files.copy(file, root.resolve("b")),
            () -> Files.move(file, root.resolve("b")),
            () -> Files.getAttribute(file, "user:x"),
            () -> Files.isSameFile(file, root),
            () -> rig.fs.getRootDirectories(),
            () -> file.toRealPath());
    for (Callable<Object> use : uses) {
      assertThatExceptionOfType(ClosedFileSystemException.class).isThrownBy(use::call);
    }
    // What is about the text of paths goes on.
    assertThat(file.resolve("b").normalize()).hasToString("/a/b");
    assertThat(rig.files.isOpen()).isTrue();
  }

  @Test
  void shouldCloseUnderThoseWhoUseIt() throws Exception {
    int threadCount = 4;
    CountDownLatch started = new CountDownLatch(threadCount);
    try (ExecutorService threads = Executors.newFixedThreadPool(threadCount)) {
      Callable<Exception> user =
          () -> {
            String own = "t" + Thread.currentThread().threadId();
            byte[] content = own.repeat(5000).getBytes(StandardCharsets.UTF_8);
            try {
              for (int i = 0; ; i++) {
                Path file = root.resolve(own + "-" + i % 10);
                Files.write(file, content);
                assertThat(Arrays.equals(Files.readAllBytes(file), content)).isTrue();
                Files.delete(file);
                if (i == 5) {
                  started.countDown();
                }
              }
            } catch (ClosedFileSystemException | ClosedChannelException end) {
              return end;
            }
          };
      List<Future<Exception>> users =
          List.of(
              threads.submit(user),
              threads.submit(user),
              threads.submit(user),
              threads.submit(user));
      started.await();
      rig.fs.close();
      for (Future<Exception> each : users) {
        assertThat(each.get()).isNotNull();
      }
    }
  }
}
