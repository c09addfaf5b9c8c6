package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.MediaOpenException;
import io.bezoar.pool.LabelStore.Peek;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LabelStorePeekTest {
  @TempDir private Path folder;
  private Path path;
  private PoolLabel label;

  @BeforeEach
  void setUp() throws IOException {
    path = folder.resolve("a.img");
    label = Labels.random(new SplittableRandom(1));
    put(label, 0);
    put(label, label.layout().secondLabel().start());
  }

  private void put(PoolLabel what, long at) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(4096);
      LabelLayout.encode(what, at, page);
      put(page.toArray(ValueLayout.JAVA_BYTE), at);
    }
  }

  private void put(byte[] bytes, long at) throws IOException {
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
      file.write(ByteBuffer.wrap(bytes), at);
    }
  }

  @Test
  void shouldTellTheNewestWholeCopy() throws IOException {
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(label));
    PoolLabel next = label.withScrub(label.scrub(), label.eventSequence());
    put(next, label.layout().secondLabel().start());
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(next));
    put(new byte[4096], 0);
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(next));
  }

  @Test
  void shouldTellTheLabelOfAFileThatWasCutOrHasGrown() throws IOException {
    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
      file.truncate(label.layout().sizeBytes() / 2 + 17);
    }
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(label));
    put(new byte[10], label.layout().sizeBytes() + 10);
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(label));
  }

  @Test
  void shouldTellWhyThereIsNoLabel() throws IOException {
    put(new byte[] {1}, 100);
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Label(label));
    put(new byte[] {1}, label.layout().secondLabel().start() + 100);
    assertThat(LabelStore.peek(path))
        .isInstanceOfSatisfying(
            Peek.Damaged.class, damaged -> assertThat(damaged.why()).contains("both copies"));
    Files.write(path, new byte[9000]);
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.NoLabel());
    Files.write(path, new byte[0]);
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.NoLabel());
  }

  @Test
  void shouldTellTheVersionOfANewerLabel() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(4096);
      LabelLayout.encode(label, 0, page);
      page.set(ValueLayout.JAVA_INT_UNALIGNED, 8, 7);
      LabelLayoutTest.seal(page);
      put(page.toArray(ValueLayout.JAVA_BYTE), 0);
    }
    assertThat(LabelStore.peek(path)).isEqualTo(new Peek.Newer(7));
  }

  @Test
  void shouldNotMakeAMixtureOfTwoDevicesOne() throws IOException {
    PoolConfig config = Configs.random(new SplittableRandom(2));
    while (config.devices().size() < 2) {
      config = Configs.random(new SplittableRandom(config.generation()));
    }
    PoolLabel first = Labels.of(new SplittableRandom(4), config, config.devices().get(0));
    PoolLabel second = Labels.of(new SplittableRandom(4), config, config.devices().get(1));
    assertThat(first.uuid()).isEqualTo(second.uuid());
    Files.delete(path);
    put(first, 0);
    // Where the first copy says that the second is.
    put(relabelled(second, first), first.layout().secondLabel().start());
    assertThat(LabelStore.peek(path))
        .isInstanceOfSatisfying(
            Peek.Damaged.class,
            damaged -> assertThat(damaged.why()).contains("different devices of one pool"));
  }

  private static byte[] relabelled(PoolLabel whose, PoolLabel where) {
    MemorySegment page = Arena.ofAuto().allocate(4096);
    LabelLayout.encode(whose, where.layout().secondLabel().start(), page);
    return page.toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void shouldTellWhatCannotBeRead() throws IOException {
    assertThat(LabelStore.peek(folder.resolve("missing")))
        .isInstanceOfSatisfying(
            Peek.Unreadable.class,
            unreadable -> assertThat(unreadable.why()).isInstanceOf(MediaOpenException.class));
    assertThat(LabelStore.peek(folder)).isInstanceOf(Peek.Unreadable.class);
    assertThat(Files.exists(folder.resolve("missing"))).isFalse();
  }

  @Test
  void shouldNotNeedTheLockOfAPoolInUse() throws IOException {
    Path pool = folder.resolve("p");
    PoolSpec spec =
        new PoolSpec(
            1 << 20, Redundancy.NONE, PoolSpec.DEFAULT.allocation(), PoolSpec.DEFAULT.drill());
    Pool.create(pool, spec, PoolOptions.of(PoolOptions.Intent.WORK));
    try (Pool open = Pool.open(pool, PoolOptions.of(PoolOptions.Intent.WORK))) {
      assertThat(LabelStore.peek(pool))
          .isInstanceOfSatisfying(
              Peek.Label.class,
              seen -> {
                assertThat(seen.label().uuid()).isEqualTo(open.status().label().uuid());
                assertThat(seen.label().shutdown()).isEqualTo(PoolLabel.Shutdown.IN_USE);
              });
    }
  }
}
