package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.pool.LabelLayout.Copy;
import io.bezoar.pool.LabelStore.Peek;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pools that were made by the program while it knew only version 1 of the label: 1 MiB, closed
 * clean, the first 40 pages of the volume written, page {@code p} full of bytes {@code 31 p + 7}.
 */
class Version1Test {
  /** The pool file {@code name}, unpacked into {@code folder}. */
  static Path unpack(String name, Path folder) throws IOException {
    Path path = folder.resolve(name);
    try (InputStream packed =
            Objects.requireNonNull(
                Version1Test.class.getResourceAsStream("/fixtures/" + name + ".gz"), name);
        InputStream in = new GZIPInputStream(packed)) {
      Files.copy(in, path);
    }
    return path;
  }

  @Test
  void shouldReadTheLabelOfAProtectedPool(@TempDir Path folder) throws IOException {
    PoolLabel label = labelOf(unpack("version1-protected.pool", folder));
    assertThat(label.redundancy()).isEqualTo(Redundancy.DEFAULT);
    assertThat(Objects.requireNonNull(label.geometry()).volumeBytes()).isEqualTo(761856);
  }

  @Test
  void shouldReadTheLabelOfABarePool(@TempDir Path folder) throws IOException {
    PoolLabel label = labelOf(unpack("version1-bare.pool", folder));
    assertThat(label.redundancy()).isEqualTo(Redundancy.NONE);
    assertThat(label.layout().payload().length()).isEqualTo(876544);
  }

  private static PoolLabel labelOf(Path pool) throws IOException {
    return labelOf(pool, 3);
  }

  private static PoolLabel labelOf(Path pool, long generation) throws IOException {
    PoolLabel label = ((Peek.Label) LabelStore.peek(pool)).label();
    assertThat(label.generation()).isEqualTo(generation);
    assertThat(label.shutdown()).isEqualTo(PoolLabel.Shutdown.CLEAN);
    assertThat(label.deviceNumber()).isZero();
    PoolConfig config = label.config();
    assertThat(config.isVersion1()).isTrue();
    assertThat(config.generation()).isZero();
    assertThat(config).isEqualTo(PoolConfig.version1(label.uuid(), 1 << 20, label.redundancy()));
    return label;
  }

  /** Or an older program would be locked out by opening the pool once with a newer one. */
  @Test
  void shouldWriteTheLabelAsItWasAsLongAsItSaysNoMore(@TempDir Path folder) throws IOException {
    Path pool = unpack("version1-protected.pool", folder);
    MemorySegment page = MemorySegment.ofArray(new byte[4096]);
    LabelLayout.encode(labelOf(pool), 0, page);
    try (InputStream in = Files.newInputStream(pool)) {
      assertThat(page.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(in.readNBytes(4096));
    }
  }

  @Test
  void shouldWriteVersion2OnceTheLabelSaysMore(@TempDir Path folder) throws IOException {
    PoolLabel old = labelOf(unpack("version1-bare.pool", folder));
    PoolConfig noted = old.config().withDevice(old.device().withPath("a.img"));
    PoolLabel label = old.withConfig(noted, old.eventSequence());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(4096);
      LabelLayout.encode(label, 0, page);
      assertThat(page.get(ValueLayout.JAVA_INT_UNALIGNED, 8)).isEqualTo(2);
      assertThat(LabelLayout.decode(page, 0)).isEqualTo(new Copy.Valid(label));
    }
    assertThat(label.config().isVersion1()).isTrue();
  }

  @Test
  void shouldServeAPoolOfVersion1AndAttachNothingToIt(@TempDir Path folder) throws IOException {
    for (String name : new String[] {"version1-protected.pool", "version1-bare.pool"}) {
      Path path = unpack(name, folder);
      for (int opened = 0; opened < 2; opened++) {
        try (Pool pool = Pool.open(path, PoolOptions.of(PoolOptions.Intent.WORK));
            Arena arena = Arena.ofConfined()) {
          MemorySegment page = arena.allocate(4096);
          for (int i = 0; i < 40; i++) {
            pool.volume().read(i * 4096L, page);
            assertThat(page.toArray(ValueLayout.JAVA_BYTE)).containsOnly((byte) (31 * i + 7));
          }
          assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
          assertThat(pool.status().devices()).hasSize(1);
          assertThat(pool.bad()).isEmpty();
          NewDevice leg =
              new NewDevice(folder.resolve("leg"), -1, null, io.bezoar.media.Allocation.SPARSE);
          assertThatThrownBy(() -> pool.devices().attach("0", leg))
              .hasMessageContaining("before there were mirrors");
          assertThat(folder.resolve("leg")).doesNotExist();
        }
      }
      assertThat(labelOf(path, 7).config().isVersion1()).isTrue();
    }
  }
}
