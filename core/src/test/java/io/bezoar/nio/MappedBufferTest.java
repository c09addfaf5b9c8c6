package io.bezoar.nio;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Buffers of mapped files, of which pages go bad under the channel. Real faults: the file is cut.
 */
class MappedBufferTest {
  private static final int PAGE = 4096;
  private static final int BYTES = 16 * PAGE;
  private static final int WARM_UPS = 20_000;

  @TempDir private Path folder = Path.of("");

  private final PoolRig rig;

  MappedBufferTest() throws IOException {
    rig = PoolRig.create(32);
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  @Test
  void shouldStoreNothingThatWasNotReadFromAMappedBuffer() throws Exception {
    Path plain = folder.resolve("plain");
    byte[] content = new byte[BYTES];
    Arrays.fill(content, (byte) 7);
    Files.write(plain, content);
    try (FileChannel source = FileChannel.open(plain, READ, WRITE);
        FileChannel pool = FileChannel.open(rig.root().resolve("file"), CREATE_NEW, READ, WRITE)) {
      MappedByteBuffer mapped = source.map(FileChannel.MapMode.READ_ONLY, 0, BYTES);
      // Compiled code is told late of what it could not load.
      for (int i = 0; i < WARM_UPS; i++) {
        assertThat(pool.write(mapped.duplicate().limit(64), 0)).isEqualTo(64);
      }
      assertThat(pool.write(mapped.duplicate(), 0)).isEqualTo(BYTES);
      source.truncate(0);
      for (int i = 0; i < 100; i++) {
        assertThatThrownBy(() -> pool.write(mapped.duplicate().limit(64), 0))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
        assertThatThrownBy(() -> pool.write(mapped.duplicate(), 0))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
        ByteBuffer[] gathered = {ByteBuffer.allocate(8), mapped.duplicate().limit(64)};
        assertThatThrownBy(() -> pool.position(0).write(gathered))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
      }
      ByteBuffer stored = ByteBuffer.allocate(BYTES);
      assertThat(pool.read(stored, 0)).isEqualTo(BYTES);
      assertThat(stored.array()).isEqualTo(content);
    }
  }

  @Test
  void shouldSayWhenAMappedBufferDoesNotTakeWhatIsRead() throws Exception {
    Path plain = folder.resolve("plain");
    Files.write(plain, new byte[BYTES]);
    Path file = rig.root().resolve("file");
    Files.write(file, new byte[BYTES]);
    try (FileChannel target = FileChannel.open(plain, READ, WRITE);
        FileChannel pool = FileChannel.open(file, READ)) {
      MappedByteBuffer mapped = target.map(FileChannel.MapMode.READ_WRITE, 0, BYTES);
      for (int i = 0; i < WARM_UPS; i++) {
        assertThat(pool.read(mapped.duplicate().limit(64), 0)).isEqualTo(64);
      }
      target.truncate(0);
      for (int i = 0; i < 100; i++) {
        assertThatThrownBy(() -> pool.read(mapped.duplicate(), 0))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
        ByteBuffer[] scattered = {ByteBuffer.allocate(8), mapped.duplicate().limit(64)};
        assertThatThrownBy(() -> pool.position(0).read(scattered))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
      }
    }
  }
}
