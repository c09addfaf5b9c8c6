package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.bezoar.fs.FileType;
import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaOpenException;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.nio.file.ReadOnlyFileSystemException;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pools that are files are opened, refused and closed. */
class BezoarFileSystemProviderTest {
  @TempDir private Path folder = Path.of("");

  private Path pool() {
    return folder.resolve("data.pool");
  }

  private Path create() throws IOException {
    Pool.create(pool(), spec().withFilesystem(NewFile.standard(FileType.DIRECTORY)), work());
    return pool();
  }

  private static PoolSpec spec() {
    return new PoolSpec(8 << 20, Redundancy.DEFAULT, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
  }

  private static PoolOptions work() {
    return PoolOptions.of(PoolOptions.Intent.WORK);
  }

  private static URI uri(Path pool) {
    return URI.create("bezoar:" + pool.toUri().getRawPath());
  }

  @Test
  void shouldKeepFilesFromOneOpeningToTheNext() throws IOException {
    try (FileSystem fs = FileSystems.newFileSystem(create())) {
      Files.writeString(fs.getPath("a"), "hello");
      assertThat(fs.isOpen()).isTrue();
      assertThat(fs.isReadOnly()).isFalse();
      assertThat(fs.provider().getScheme()).isEqualTo("bezoar");
    }
    try (FileSystem fs = FileSystems.newFileSystem(uri(pool()), Map.of())) {
      assertThat(Files.readString(fs.getPath("/a"))).isEqualTo("hello");
      Path again = Path.of(fs.getPath("/a").toUri());
      assertThat(again).isEqualTo(fs.getPath("/a"));
    }
    try (Pool pool = Pool.open(pool(), work());
        FileSystem fs = BezoarFileSystems.of(pool)) {
      assertThat(Files.readString(fs.getPath("/a"))).isEqualTo("hello");
    }
  }

  @Test
  void shouldOpenAPoolOnce() throws IOException {
    FileSystem fs = FileSystems.newFileSystem(create());
    assertThatExceptionOfType(FileSystemAlreadyExistsException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(uri(pool()), Map.of()));
    assertThatExceptionOfType(FileSystemAlreadyExistsException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(pool()));
    Path link = Files.createSymbolicLink(folder.resolve("link"), pool());
    assertThatExceptionOfType(FileSystemAlreadyExistsException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(link));
    assertThat(FileSystems.getFileSystem(uri(pool()))).isSameAs(fs);
    fs.close();
    fs.close();
    assertThatExceptionOfType(FileSystemNotFoundException.class)
        .isThrownBy(() -> FileSystems.getFileSystem(uri(pool())));
    FileSystems.newFileSystem(link).close();
  }

  @Test
  void shouldOpenForReading() throws IOException {
    try (FileSystem fs = FileSystems.newFileSystem(create())) {
      Files.writeString(fs.getPath("a"), "hello");
    }
    try (FileSystem fs = FileSystems.newFileSystem(pool(), Map.of("accessMode", "readOnly"))) {
      assertThat(fs.isReadOnly()).isTrue();
      Path file = fs.getPath("/a");
      assertThat(Files.readString(file)).isEqualTo("hello");
      assertThat(Files.isWritable(file)).isFalse();
      assertThat(Files.getFileStore(file).isReadOnly()).isTrue();
      assertThatExceptionOfType(ReadOnlyFileSystemException.class)
          .isThrownBy(() -> Files.writeString(file, "x"));
      assertThatExceptionOfType(ReadOnlyFileSystemException.class)
          .isThrownBy(() -> Files.delete(file));
      assertThatExceptionOfType(ReadOnlyFileSystemException.class)
          .isThrownBy(() -> Files.createFile(fs.getPath("b")));
      try (FileChannel channel = FileChannel.open(file)) {
        channel.force(true);
        assertThat(channel.read(ByteBuffer.allocate(9))).isEqualTo(5);
      }
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> FileSystems.newFileSystem(pool(), Map.of("accessMode", "perhaps")));
    FileSystems.newFileSystem(pool(), Map.of("accessMode", "readWrite")).close();
  }

  @Test
  void shouldLeaveOtherFilesToOtherProviders() throws IOException {
    Path zip = folder.resolve("a.zip");
    try (FileSystem fs = FileSystems.newFileSystem(zip, Map.of("create", "true"))) {
      Files.writeString(fs.getPath("x"), "in a zip");
    }
    try (FileSystem fs = FileSystems.newFileSystem(zip)) {
      assertThat(fs.provider().getScheme()).isEqualTo("jar");
    }
    Path raw = folder.resolve("raw.pool");
    Pool.create(raw, spec(), work());
    assertThatExceptionOfType(Exception.class)
        .isThrownBy(() -> FileSystems.newFileSystem(raw))
        .isNotInstanceOf(MediaOpenException.class);
    assertThatExceptionOfType(MediaOpenException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(uri(raw), Map.of()))
        .satisfies(e -> assertThat(e.openReason()).isEqualTo(MediaOpenException.Reason.REFUSED));
    // Whoever was refused left nothing open.
    Pool.open(raw, work()).close();
    assertThatExceptionOfType(ProviderNotFoundException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(folder));
    assertThatExceptionOfType(MediaOpenException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(uri(folder.resolve("no")), Map.of()));
  }

  @Test
  void shouldSayWhyAPoolCannotBeOpened() throws IOException {
    create();
    try (Pool busy = Pool.open(pool(), work())) {
      assertThat(busy).isNotNull();
      assertReason(MediaOpenException.Reason.LOCKED);
    }
    byte[] whole = Files.readAllBytes(pool());
    byte[] nothing = new byte[4096];
    try (RandomAccessFile file = new RandomAccessFile(pool().toFile(), "rw")) {
      file.setLength(whole.length / 2);
    }
    assertReason(MediaOpenException.Reason.TOO_SHORT);
    Files.write(pool(), whole);
    try (RandomAccessFile file = new RandomAccessFile(pool().toFile(), "rw")) {
      for (long at : new long[] {0, whole.length - 4096}) {
        file.seek(at + 100);
        file.write(nothing, 0, 1000);
      }
    }
    assertReason(MediaOpenException.Reason.LABEL_DAMAGED);
    Files.write(pool(), whole);
    FileSystems.newFileSystem(pool()).close();
  }

  private void assertReason(MediaOpenException.Reason reason) {
    assertThatExceptionOfType(MediaOpenException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(pool()))
        .satisfies(e -> assertThat(e.openReason()).isEqualTo(reason));
    assertThatExceptionOfType(MediaOpenException.class)
        .isThrownBy(() -> FileSystems.newFileSystem(uri(pool()), Map.of()))
        .satisfies(e -> assertThat(e.openReason()).isEqualTo(reason));
  }

  @Test
  void shouldNotOpenPoolsInPools() throws IOException {
    try (FileSystem fs = FileSystems.newFileSystem(create())) {
      Path inner = Files.writeString(fs.getPath("/inner"), "x");
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> fs.provider().newFileSystem(inner, Map.of()));
    }
  }

  @Test
  void shouldOutliveAPoolThatItsOwnerClosed() throws IOException {
    Pool pool = Pool.open(create(), work());
    FileSystem fs = BezoarFileSystems.of(pool);
    FileChannel channel =
        FileChannel.open(fs.getPath("a"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    pool.close();
    assertThat(fs.isOpen()).isFalse();
    assertThatExceptionOfType(java.nio.file.ClosedFileSystemException.class)
        .isThrownBy(() -> Files.exists(fs.getPath("a")));
    channel.close();
    fs.close();
    FileSystems.newFileSystem(pool()).close();
  }
}
