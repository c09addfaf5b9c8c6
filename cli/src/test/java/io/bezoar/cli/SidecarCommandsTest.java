package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.testing.SmallTmpfs;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** {@code protect}, {@code verify} and {@code repair}, also as processes that are killed. */
@Timeout(120)
class SidecarCommandsTest {
  private static final int PAGE = 4096;

  @TempDir private Path folder;
  private final Cli cli = new Cli();

  private Path make(String name, int sizeBytes) throws IOException {
    byte[] content = new byte[sizeBytes];
    new SplittableRandom(sizeBytes).nextBytes(content);
    Path file = Files.write(folder.resolve(name), content);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_600_000_000_000L));
    return file;
  }

  private static void rot(Path file, long... pages) throws IOException {
    FileTime modified = Files.getLastModifiedTime(file);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      for (long page : pages) {
        out.seek(page * PAGE + 5);
        int before = out.read();
        out.seek(page * PAGE + 5);
        out.write(before + 1);
      }
    }
    Files.setLastModifiedTime(file, modified);
  }

  private List<String> listing() throws IOException {
    try (Stream<Path> paths = Files.list(folder)) {
      return paths.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void shouldSayWhatIsSurvivedFoundAndRepaired() throws Exception {
    Path file = make("a.bin", 10_000 * PAGE - 9);
    byte[] content = Files.readAllBytes(file);
    String name = file.toString();
    assertThat(cli.run("protect", name)).isZero();
    assertThat(cli.out())
        .contains("a.bin: protected, 39.1 MiB", "(3.4%), 63+2 columns", "any run of 1.3 MiB")
        .contains("10 bad pages at random places: all repaired in 99", "bezoar verify " + name);
    assertThat(cli.run("protect", name)).isZero();
    assertThat(cli.out()).contains("protected already");
    assertThat(cli.run("verify", name)).isZero();
    assertThat(cli.out()).isEqualTo(name + ": intact, 39.1 MiB" + System.lineSeparator());

    rot(file, 3, 4, 9_999);
    assertThat(cli.run("verify", name)).isEqualTo(Exit.DEGRADED);
    assertThat(cli.out())
        .contains("DAMAGED, 12.0 KiB wrong: all of it can be repaired")
        .contains("repairable  0x3000+8192", "next        bezoar repair " + name);
    assertThat(cli.run("repair", name, "--dry-run")).isEqualTo(Exit.DEGRADED);
    assertThat(cli.run("verify", name)).isEqualTo(Exit.DEGRADED);
    Path copy = folder.resolve("copy");
    assertThat(cli.run("repair", name, "--to", copy.toString())).isZero();
    assertThat(cli.out()).contains("copied to " + copy);
    assertThat(Arrays.equals(Files.readAllBytes(copy), content)).isTrue();
    assertThat(cli.run("repair", name)).isZero();
    assertThat(cli.out()).contains("12.0 KiB repaired, intact now");
    assertThat(cli.run("verify", name)).isZero();
    assertThat(Arrays.equals(Files.readAllBytes(file), content)).isTrue();
    assertThat(cli.run("repair", name)).isZero();
    assertThat(cli.out()).contains("intact, nothing to repair");
  }

  @Test
  void shouldTellDamagedLostAndChangedApart() throws Exception {
    Path file = make("a.bin", 620 * PAGE);
    String name = file.toString();
    assertThat(cli.run("protect", name)).isZero();
    rot(file, 5, 15, 25, 7); // three in row 5 of ten
    assertThat(cli.run("verify", name, "--json")).isEqualTo(Exit.DAMAGED);
    JsonNode found = cli.json().getFirst();
    assertThat(found.path("verdict").asString()).isEqualTo("damaged");
    assertThat(found.path("lost").size()).isEqualTo(3);
    assertThat(found.path("repairable").get(0).path("start").asLong()).isEqualTo(7L * PAGE);
    assertThat(cli.run("repair", name)).isEqualTo(Exit.DAMAGED);
    assertThat(cli.out()).contains("4 KiB repaired, 12 KiB LOST", "lost        0x5000+4096");
    assertThat(cli.run("repair", name, "--json")).isEqualTo(Exit.DAMAGED);
    assertThat(cli.json().getFirst().path("lost").size()).isEqualTo(3);

    Files.setLastModifiedTime(file, FileTime.fromMillis(1_650_000_000_000L));
    assertThat(cli.run("verify", name)).isEqualTo(Exit.CHANGED);
    assertThat(cli.out()).contains("CHANGED since it was protected, 12 KiB differ");
    assertThat(cli.run("repair", name)).isEqualTo(Exit.CHANGED);
    assertThat(cli.run("protect", name)).isZero();
    assertThat(cli.out()).contains("protected anew");
    assertThat(cli.run("verify", name)).isZero();
    rot(file, 9);
    assertThat(cli.run("protect", name, "--parity", "4/40")).isEqualTo(Exit.REFUSED);
    assertThat(cli.err()).contains("is damaged", "bezoar repair FILE");
  }

  @Test
  void shouldWalkFolders() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("inner"));
    Path a = make("a", 50 * PAGE);
    make("inner/b", 0);
    Path c = make("inner/c", 200 * PAGE);
    Files.createSymbolicLink(inner.resolve("link"), a);
    assertThat(cli.run("protect", folder.toString())).isZero();
    assertThat(cli.out()).contains("3 protected, 0 as they were, 0 anew");
    assertThat(cli.out())
        .contains("67+2 columns, survives any run of 24 KiB (6 pages); 10 bad pages at random")
        .contains("b: protected, 0 B + 256 B, 0+0 columns" + System.lineSeparator());
    assertThat(inner.resolve("link.bez")).doesNotExist();
    assertThat(cli.run("protect", folder.toString())).isZero();
    assertThat(cli.out()).contains("0 protected, 3 as they were, 0 anew");

    make("d", 10);
    rot(c, 100);
    assertThat(cli.run("verify", folder.toString())).isEqualTo(Exit.DEGRADED);
    assertThat(cli.out()).contains("2 of 3 files intact", "1 more without a sidecar");
    assertThat(cli.run("repair", folder.toString())).isZero();
    Files.delete(a);
    assertThat(cli.run("verify", folder.toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.out()).contains("a: GONE, only its sidecar is left");
    assertThat(cli.run("verify", inner.toString(), "--json")).isZero();
    assertThat(cli.json()).hasSize(2);
  }

  @Test
  void shouldSayWhatIsWrongAndWhatToDo() throws Exception {
    Path file = make("a", 50 * PAGE);
    assertThat(cli.run("verify", file.toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("has no sidecar", "bezoar protect FILE");
    assertThat(cli.run("protect", folder.resolve("none").toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("no such file");
    assertThat(cli.run("verify", Files.createDirectory(folder.resolve("e")).toString()))
        .isEqualTo(Exit.UNAVAILABLE);
    for (String wrong : new String[] {"2", "0/4", "4/4", "2/129", "a/b", "33/64"}) {
      assertThat(cli.run("protect", file.toString(), "--parity", wrong)).isEqualTo(Exit.USAGE);
    }
    assertThat(cli.run("protect", file.toString())).isZero();
    assertThat(cli.run("protect", file + ".bez")).isEqualTo(Exit.REFUSED);
    assertThat(cli.run("repair", folder.toString(), "--to", "x", file.toString()))
        .isEqualTo(Exit.USAGE);
    assertThat(cli.run("repair", file.toString(), "--to", file.toString())).isEqualTo(Exit.REFUSED);
    Files.writeString(folder.resolve("a.bez"), "not a sidecar");
    assertThat(cli.run("repair", file.toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("is not a sidecar");
    StopSignal stop = new StopSignal();
    stop.request();
    assertThat(new Cli(stop).run("protect", make("b", 99).toString())).isEqualTo(Exit.INTERRUPTED);
    assertThat(listing()).doesNotContain("b.bez");
  }

  @Test
  void shouldLeaveNothingWhenTheDiskIsFull() throws Exception {
    try (SmallTmpfs small = SmallTmpfs.of(8 << 20)) {
      Path file = Files.write(small.folder().resolve("a"), new byte[7 << 20]);
      assertThat(cli.run("protect", file.toString(), "--parity", "8/16"))
          .isEqualTo(Exit.UNAVAILABLE);
      assertThat(cli.err()).contains("no space left");
      assertThat(cli.run("protect", file.toString())).isZero();
      assertThat(cli.run("repair", file.toString(), "--to", file + ".copy"))
          .isEqualTo(Exit.UNAVAILABLE);
      try (Stream<Path> left = Files.list(small.folder())) {
        assertThat(left.map(path -> path.getFileName().toString()))
            .containsExactlyInAnyOrder("a", "a.bez");
      }
    }
  }

  /** A killed protect leaves no sidecar, or a whole one. */
  @Test
  void shouldSurviveBeingKilledWhileItProtects() throws Exception {
    Path file = make("a", 200 << 20);
    Process process = BezoarProcess.command(folder, List.of("protect", file.toString())).start();
    while (process.isAlive() && listing().size() == 1) {
      LockSupport.parkNanos(1_000_000);
    }
    process.destroyForcibly().waitFor();
    List<String> left = listing();
    if (left.contains("a.bez")) {
      assertThat(cli.run("verify", file.toString())).isZero();
    } else {
      assertThat(left).hasSize(2).anyMatch(name -> name.endsWith(".new"));
      Path abandoned = folder.resolve(left.get(1));
      Files.setLastModifiedTime(abandoned, FileTime.fromMillis(1_600_000_000_000L));
      assertThat(cli.run("protect", folder.toString())).isZero();
      assertThat(listing()).containsExactly("a", "a.bez");
    }
  }

  /** Whatever a killed repair leaves is damage that the next one repairs, and no change. */
  @Test
  void shouldFinishAfterBeingKilledWhileItRepairs() throws Exception {
    Path file = make("a", 40 << 20);
    byte[] content = Files.readAllBytes(file);
    assertThat(cli.run("protect", file.toString())).isZero();
    long whole = Files.size(folder.resolve("a.bez"));
    for (int round = 0; round < 3; round++) {
      for (long page = 0; page < 160; page++) {
        rot(file, page * 64 + 7);
      }
      Process process = BezoarProcess.command(folder, List.of("repair", file.toString())).start();
      while (process.isAlive() && Files.size(folder.resolve("a.bez")) == whole) {
        LockSupport.parkNanos(200_000);
      }
      LockSupport.parkNanos(round * 7_000_000L);
      process.destroyForcibly().waitFor();
      assertThat(cli.run("verify", file.toString())).isIn(Exit.OK, Exit.DEGRADED);
      assertThat(cli.run("repair", file.toString())).isZero();
      assertThat(Arrays.equals(Files.readAllBytes(file), content)).isTrue();
      assertThat(Files.getLastModifiedTime(file).toMillis()).isEqualTo(1_600_000_000_000L);
      assertThat(Files.size(folder.resolve("a.bez"))).isEqualTo(whole);
    }
  }

  @Test
  void shouldLeaveTheCommitOfALuceneIndexWithoutASidecar() throws Exception {
    Path commit = make("segments_5", 300);
    assertThat(cli.run("protect", folder.toString())).isZero();
    assertThat(listing()).as("not an index").contains("segments_5.bez");
    Files.delete(folder.resolve("segments_5.bez"));
    make("_0.si", 400);
    make("_0.cfs", 9 * PAGE);
    assertThat(cli.run("protect", folder.toString())).isZero();
    assertThat(cli.err()).contains("left out: " + commit, "GuardedDirectory.protect()");
    assertThat(listing()).contains("_0.cfs.bez", "_0.si.bez").doesNotContain("segments_5.bez");
    assertThat(cli.run("protect", commit.toString())).isEqualTo(Exit.REFUSED);
    assertThat(listing()).doesNotContain("segments_5.bez");
  }

  @Test
  void shouldKeepTheParityThatWasAskedForBefore() throws Exception {
    Path file = make("a.bin", 200 * PAGE);
    assertThat(cli.run("protect", file.toString(), "--parity", "8/40")).isZero();
    long bytes = Files.size(folder.resolve("a.bin.bez"));
    assertThat(cli.run("protect", file.toString())).isZero();
    assertThat(cli.out()).contains("protected already");
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_700_000_000_000L));
    assertThat(cli.run("protect", file.toString())).isZero();
    assertThat(Files.size(folder.resolve("a.bin.bez"))).isEqualTo(bytes);
    assertThat(cli.run("protect", file.toString(), "--parity", "2/64")).isZero();
    assertThat(Files.size(folder.resolve("a.bin.bez"))).isLessThan(bytes);
  }

  @Test
  void shouldGoOnAfterAFileThatCannotBeProtected() throws Exception {
    Path good = make("good", 5 * PAGE);
    Path bad = make("bad", 5 * PAGE);
    try (var writing = new RandomAccessFile(bad.toFile(), "rw").getChannel()) {
      Files.createDirectory(folder.resolve("bad.bez"));
      assertThat(cli.run("protect", folder.toString())).isNotZero();
      assertThat(writing.isOpen()).isTrue();
    }
    assertThat(cli.run("verify", good.toString())).isZero();
  }
}
