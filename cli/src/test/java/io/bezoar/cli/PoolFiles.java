package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Served;
import io.bezoar.dax.DaxDevice;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Pools of several files in one folder, for tests of commands. */
record PoolFiles(Path folder) {
  static final String SIZE = "4M";

  String at(String name) {
    return folder.resolve(name).toString();
  }

  /** A mirror of a.img and b.img. */
  void makeMirror(Cli cli) {
    assertThat(
            cli.run(
                "create",
                "--mirror",
                at("a.img"),
                at("b.img"),
                "--size",
                SIZE,
                "--parity",
                "8",
                "--sparse",
                "--drill"))
        .as(cli.err())
        .isZero();
  }

  Server serve(String name) throws IOException, InterruptedException {
    return Server.start(PoolRef.of(folder.resolve(name)), Served.Mode.READ_WRITE, MediaChoice.AUTO);
  }

  /** Fills the volume; the same seed, the same bytes. */
  void fill(String name, long seed) throws IOException {
    try (Pool pool = Pool.open(folder.resolve(name), PoolOptions.of(PoolOptions.Intent.WORK));
        Arena arena = Arena.ofConfined()) {
      DaxDevice volume = pool.volume();
      volume.write(0, content(arena, volume, seed));
      volume.persist();
    }
  }

  void assertFilled(String name, long seed) throws IOException {
    try (Pool pool = Pool.open(folder.resolve(name), PoolOptions.of(PoolOptions.Intent.LOOK));
        Arena arena = Arena.ofConfined()) {
      DaxDevice volume = pool.volume();
      MemorySegment read = arena.allocate(volume.sizeBytes());
      volume.read(0, read);
      assertThat(read.mismatch(content(arena, volume, seed))).as("first wrong byte").isEqualTo(-1);
    }
  }

  private static MemorySegment content(Arena arena, DaxDevice volume, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment bytes = arena.allocate(volume.sizeBytes(), 8);
    for (long at = 0; at < bytes.byteSize(); at += 8) {
      bytes.set(ValueLayout.JAVA_LONG, at, random.nextLong());
    }
    return bytes;
  }

  void move(String from, String to) throws IOException {
    Files.createDirectories(folder.resolve(to).getParent());
    Files.move(folder.resolve(from), folder.resolve(to));
  }

  /** Every byte of every file in the folder, to see that nothing was written. */
  Map<String, byte[]> bytes() throws IOException {
    Map<String, byte[]> bytes = new TreeMap<>();
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return bytes;
  }

  static void assertSame(Map<String, byte[]> now, Map<String, byte[]> before) {
    assertThat(now.keySet()).isEqualTo(before.keySet());
    before.forEach((name, bytes) -> assertThat(now.get(name)).as(name).isEqualTo(bytes));
  }
}
