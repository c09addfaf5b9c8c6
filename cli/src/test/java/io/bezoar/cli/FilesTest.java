package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Served;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** Every command on the files in a pool, on a pool that nobody has, and on one that is served. */
@Timeout(120)
class FilesTest extends FilesFixture {
  private static final long SEED = Long.getLong("bezoar.seed", 20_261_127);

  private static void assertSame(Map<String, String> now, Map<String, String> before) {
    before.forEach((name, all) -> assertThat(now.get(name)).as(name).isEqualTo(all));
    assertThat(now.keySet()).isEqualTo(before.keySet());
  }

  @ParameterizedTest
  @EnumSource
  void shouldCopyTreesInAndOutAsTheyAre(Had had) throws Exception {
    Path tree = folder.resolve("tree");
    LocalTree.make(tree, SEED);
    Map<String, String> before = LocalTree.describe(tree);
    LocalTree.make(folder.resolve("again"), SEED);
    try (AutoCloseable _ = had(had)) {
      ok("cp", "-r", at("again"), in("/"));
      assertThat(cli.out()).contains("6 symbolic links", "durable");
      ok("cp", "-r", in("/again"), at("out"));
      assertSame(LocalTree.describe(folder.resolve("out")), before);
      // Copies of copies, and over what is there.
      ok("cp", "-r", in("/again"), in("/copy"));
      ok("cp", "-r", in("/again/"), in("/copy"));
      ok("cp", "-r", in("/copy/again"), at("out/out"));
      assertSame(LocalTree.describe(folder.resolve("out/out")), before);
      ok("cp", "-r", in("/again/."), in("/copy"));
      ok("cp", "-r", in("/again/."), at("out"));
      ok("mkdir", in("/content"));
      ok("cp", "-r", at("out/out/."), in("/content"));
      ok("cp", "-r", in("/content/folder/."), at("folder"));
      assertThat(folder.resolve("folder/deeper/1")).exists();
      check();
    }
    assertThat(LocalTree.allocatedBytes(folder.resolve("out/sparse"))).isLessThan(1 << 20);
    assertThat(LocalTree.allocatedBytes(folder.resolve("out/hole"))).isZero();
    assertThat(json("stat", "--json", in("/again/sparse")).path("allocated").asLong())
        .isLessThan(1 << 20);
    assertThat(json("stat", "--json", in("/again/hole")).path("allocated").asLong()).isZero();
    assertThat(json("stat", "--json", in("/copy/hole")).path("size").asLong()).isEqualTo(3 << 20);
    check();
  }

  @ParameterizedTest
  @EnumSource
  void shouldListAsLsDoes(Had had) throws Exception {
    Files.createDirectories(folder.resolve("d/sub"));
    Files.setAttribute(folder.resolve("d/sub"), "unix:mode", 01755);
    local("d/b", "12345");
    Files.setAttribute(folder.resolve("d/b"), "unix:mode", 04711);
    local("d/.hidden", "");
    Files.createSymbolicLink(folder.resolve("d/link"), Path.of("sub"));
    local("d/sub/x", "x");
    Instant old = Instant.parse("2001-02-03T04:05:06Z");
    Files.setLastModifiedTime(folder.resolve("d/b"), FileTime.from(old));
    ok("cp", "-r", at("d"), in("/"));
    try (AutoCloseable _ = had(had)) {
      assertThat(lines("ls", in("/d"))).containsExactly("b", "link", "sub");
      assertThat(lines("ls", "-a", in("/d"))).containsExactly(".hidden", "b", "link", "sub");
      assertThat(lines("ls", "-d", in("/d"), in("/d/b"))).containsExactly("/d", "/d/b");
      assertThat(lines("ls", "-R", in("/")))
          .containsExactly("/:", "d", "", "/d:", "b", "link", "sub", "", "/d/sub:", "x");
      assertThat(lines("ls", in("/d/link"))).containsExactly("x");
      assertThat(lines("ls", pool + ":")).containsExactly("d");
      List<String> all = lines("ls", "-l", in("/d"));
      assertThat(all.getFirst()).matches("-rws--x--x +1 +\\d+ +\\d+ +5 Feb  [23]  2001 b");
      assertThat(all.get(1)).matches("lrwxrwxrwx 1 .* link -> sub");
      assertThat(all.get(2)).matches("drwxr-xr-t +2 .* sub");
      String inode = Long.toString(json("stat", "--json", in("/d/b")).path("inode").asLong());
      assertThat(lines("ls", "-i", in("/d/b"))).containsExactly(inode + " /d/b");
      ok("ls", "--json", in("/d"));
      assertThat(cli.json()).hasSize(4);
      JsonNode b = cli.json().get(1);
      assertThat(b.path("path").asString()).isEqualTo("/d/b");
      assertThat(b.path("mode").asString()).isEqualTo("4711");
      assertThat(b.path("modified").asLong()).isEqualTo(old.getEpochSecond() * 1_000_000_000);
      fails(Exit.UNAVAILABLE, "/no: there is no such file", "ls", in("/no"), in("/d"));
      assertThat(cli.out()).contains("/d:");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldMakeMoveLinkAndRemove(Had had) throws Exception {
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", in("/a"), in("/b"));
      fails(Exit.REFUSED, "/a: is there already", "mkdir", in("/a"));
      ok("mkdir", "-p", in("/a"), in("/a/x/y/z/"));
      put("/a/file", "hello");
      ok("mv", in("/a/file"), in("/a/x"), in("/b"));
      assertThat(lines("ls", "-R", in("/b")))
          .containsExactly(
              "/b:", "file", "x", "", "/b/x:", "y", "", "/b/x/y:", "z", "", "/b/x/y/z:");
      ok("mv", in("/b/file"), in("/b/other"));
      put("/b/third", "third");
      fails(Exit.REFUSED, "/b/other", "mv", "-n", in("/b/third"), in("/b/other"));
      assertThat(get("/b/other")).isEqualTo("hello");
      ok("mv", in("/b/third"), in("/b/other"));
      assertThat(get("/b/other")).isEqualTo("third");
      ok("ln", in("/b/other"), in("/a"));
      ok("ln", "-s", "../b/other", in("/a/soft"));
      ok("ln", "-s", "/nowhere", in("/a/soft2"));
      assertThat(get("/a/soft")).isEqualTo("third");
      assertThat(json("stat", "--json", in("/a/other")).path("links").asLong()).isEqualTo(2);
      fails(Exit.REFUSED, "/a/soft: is there already", "ln", "-s", "x", in("/a/soft"));
      ok("ln", "-sf", "x", in("/a/soft"));
      ok("ln", "-f", in("/b/other"), in("/a/other"));
      ok("ln", "-f", in("/b/other"), in("/a/soft2"));
      assertThat(json("stat", "--json", in("/a/other")).path("links").asLong()).isEqualTo(3);
      assertThat(lines("ls", in("/a"))).containsExactly("other", "soft", "soft2");
      assertThat(json("stat", "--json", in("/a/soft")).path("target").asString()).isEqualTo("x");
      fails(Exit.REFUSED, "/a: is a directory", "rm", in("/a"));
      fails(Exit.REFUSED, "is not empty", "rmdir", in("/a"));
      fails(Exit.UNAVAILABLE, "/no: there is no such file", "rm", in("/no"), in("/a/soft"));
      assertThat(lines("ls", in("/a"))).containsExactly("other", "soft2");
      ok("rm", "-f", in("/no"));
      ok("rm", "-r", in("/a"), in("/b/x"));
      assertThat(lines("ls", in("/"))).containsExactly("b");
      ok("mkdir", in("/c"));
      ok("rmdir", in("/c"));
      expect(Exit.REFUSED, "rm", "-r", in("/"));
      assertThat(get("/b/other")).isEqualTo("third");
      check();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldWriteTheExactBytes(Had had) throws Exception {
    byte[] bytes = new byte[(3 << 20) + 17];
    new SplittableRandom(SEED).nextBytes(bytes);
    Files.write(folder.resolve("x"), bytes);
    ok("cp", at("x"), in("/x"));
    try (AutoCloseable _ = had(had)) {
      put("/y", "tail");
      ok("cat", in("/x"), in("/y"));
      assertThat(cli.out()).isEmpty();
      assertThat(Arrays.copyOf(cli.bytes(), bytes.length)).isEqualTo(bytes);
      assertThat(cli.bytes()).endsWith("tail".getBytes(StandardCharsets.UTF_8));
      fails(Exit.REFUSED, "/: is a directory", "cat", in("/"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepSnapshots(Had had) throws Exception {
    put("/a", "first");
    try (AutoCloseable _ = had(had)) {
      ok("snapshot", "create", pool, "monday");
      assertThat(cli.out()).contains("bezoar ls " + in("/.snapshots/monday/"));
      fails(Exit.REFUSED, "monday", "snapshot", "create", pool, "monday");
      put("/a", "second");
      ok("rm", in("/a"));
      put("/a", "third");
      assertThat(get("/.snapshots/monday/a")).isEqualTo("first");
      assertThat(lines("ls", in("/.snapshots"))).containsExactly("monday");
      assertThat(lines("ls", in("/"))).containsExactly("a");
      ok("cp", in("/.snapshots/monday/a"), in("/restored"));
      ok("cp", in("/.snapshots/monday/a"), at("restored"));
      assertThat(get("/restored")).isEqualTo("first");
      assertThat(folder.resolve("restored")).hasContent("first");
      expect(Exit.REFUSED, "rm", in("/.snapshots/monday/a"));
      expect(Exit.REFUSED, "cp", at("restored"), in("/.snapshots/monday/b"));
      expect(Exit.REFUSED, "mkdir", in("/.snapshots/tuesday"));
      ok("snapshot", "create", pool, "tuesday");
      assertThat(lines("snapshot", "list", pool)).hasSize(2).first().asString().endsWith("monday");
      assertThat(json("df", "--json", pool).path("snapshots").asInt()).isEqualTo(2);
      ok("snapshot", "delete", pool, "monday");
      fails(Exit.UNAVAILABLE, "monday", "snapshot", "delete", pool, "monday");
      assertThat(lines("ls", in("/.snapshots"))).containsExactly("tuesday");
      check();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameEveryOwner(Had had) throws Exception {
    Files.write(folder.resolve("x"), new byte[] {1, 2, 3});
    ok("cp", at("x"), in("/x"));
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", in("/d"));
      ok("ln", in("/x"), in("/d/hard"));
      ok("cp", in("/x"), in("/shared"));
      ok("snapshot", "create", pool, "s");
      long at =
          json("stat", "--json", "--extents", in("/x"))
              .path("extents")
              .path(0)
              .path("volume")
              .path("start")
              .asLong();
      List<String> owners = lines("owners", pool, "0x" + Long.toHexString(at));
      assertThat(owners.stream().map(line -> line.split("  ", -1)[1]))
          .containsExactlyInAnyOrder(
              "/x",
              "/d/hard",
              "/shared",
              "/.snapshots/s/x",
              "/.snapshots/s/d/hard",
              "/.snapshots/s/shared");
      long volume = json("df", "--json", pool).path("size").asLong();
      ok("owners", pool, "0-" + volume, "--json");
      assertThat(cli.json().stream().map(owner -> owner.path("owner").asString()).distinct())
          .contains("file", "metadata", "free");
      long next = 0;
      for (JsonNode owner : cli.json()) {
        long start = owner.path("volume").path("start").asLong();
        assertThat(start).as("no byte without an owner").isLessThanOrEqualTo(next);
        next = Math.max(next, owner.path("volume").path("end").asLong());
      }
      assertThat(next).isEqualTo(volume);
      fails(Exit.REFUSED, "beyond its volume", "owners", pool, volume + "+1");
      expect(Exit.USAGE, "owners", pool, "here");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldCountSpace(Had had) throws Exception {
    Files.createDirectories(folder.resolve("d/sub"));
    Files.write(folder.resolve("d/x"), new byte[] {1});
    byte[] mebibyte = new byte[1 << 20];
    Arrays.fill(mebibyte, (byte) 7);
    Files.write(folder.resolve("d/sub/big"), mebibyte);
    Files.createLink(folder.resolve("d/again"), folder.resolve("d/sub/big"));
    ok("cp", "-r", at("d"), in("/"));
    try (AutoCloseable _ = had(had)) {
      assertThat(lines("du", in("/d"))).last().isEqualTo("1028\t/d");
      assertThat(lines("du", "-sh", in("/"))).containsExactly("1.0 MiB\t/");
      assertThat(lines("du", "-s", in("/d/x"))).containsExactly("4\t/d/x");
      JsonNode before = json("df", "--json", pool);
      assertThat(lines("df", pool).getLast()).contains(pool).contains("%");
      ok("df", "-h", pool + ":/");
      ok("cp", in("/d/sub/big"), in("/d/shared"));
      JsonNode after = json("df", "--json", pool);
      assertThat(before.path("free").asLong() - after.path("free").asLong())
          .as("a copy within a pool takes next to nothing")
          .isLessThan(256 << 10);
      ok("status", pool);
      assertThat(cli.out()).contains("files ", " used, ", " free");
      ok("status", pool, "--json");
      assertThat(cli.json().getFirst().path("content").asString()).isEqualTo("fs");
      assertThat(cli.json().getFirst().path("files").path("free").asLong()).isPositive();
    }
  }

  @Test
  void shouldReplaceWhatIsThereByWholeCopiesOnly() throws Exception {
    put("/x", "old");
    ok("ln", in("/x"), in("/keeps the old"));
    put("/x", "new");
    assertThat(get("/x")).isEqualTo("new");
    assertThat(get("/keeps the old")).isEqualTo("old");
    ok("ln", "-s", "x", in("/link"));
    put("/link", "through the link");
    assertThat(get("/x")).isEqualTo("through the link");
    ok("mkdir", in("/d"));
    Files.createDirectory(folder.resolve("x"));
    local("d", "");
    fails(Exit.REFUSED, "/x: is there, and is no directory", "cp", "-r", at("x"), in("/"));
    Files.createDirectories(folder.resolve("e/d"));
    ok("mkdir", in("/e"));
    put("/e/d", "");
    fails(Exit.REFUSED, "/e/d: is there, and is no directory", "cp", "-r", at("e"), in("/"));
    fails(Exit.REFUSED, "is what was to be copied there", "cp", in("/x"), in("/x"));
    fails(Exit.REFUSED, "cannot be copied into itself", "cp", "-r", in("/d"), in("/d"));
    fails(Exit.REFUSED, "cannot be copied into itself", "cp", "-r", in("/"), in("/d"));
    Path there = local("there", "old");
    Files.createSymbolicLink(folder.resolve("to there"), there);
    ok("cp", in("/x"), at("to there"));
    assertThat(there).hasContent("through the link");
    fails(Exit.REFUSED, "is a device", "cp", in("/x"), "/dev/null");
    assertThat(Files.isRegularFile(Path.of("/dev/null"))).isFalse();
    fails(Exit.REFUSED, "is a device of this pool", "cp", in("/x"), pool);
    check();
    assertThat(lines("ls", "-a", in("/"))).containsExactly("d", "e", "keeps the old", "link", "x");
  }

  @Test
  void shouldCopyTheRestWhenSomethingCannotBeCopied() throws Exception {
    Files.createDirectory(folder.resolve("d"));
    local("d/a", "a");
    Files.createLink(folder.resolve("d/b.pool"), Path.of(pool));
    local("d/c", "c");
    fails(Exit.REFUSED, "is a device of this pool", "cp", "-r", at("d"), in("/"));
    assertThat(cli.out()).contains("copied 2 files", "1 problem", "durable");
    assertThat(lines("ls", in("/d"))).containsExactly("a", "c");
    fails(Exit.UNAVAILABLE, "no: there is no such file", "cp", at("no"), at("d/a"), in("/"));
    assertThat(get("/a")).isEqualTo("a");
    fails(Exit.REFUSED, "-r", "cp", at("d"), in("/other"));
  }

  @Test
  void shouldSayWhatIsWrong() throws Exception {
    put("/file", "x");
    ok("ln", "-s", "loop", in("/loop"));
    String longName = "x".repeat(256);
    fails(Exit.REFUSED, "too long", "mkdir", in("/" + longName));
    fails(Exit.REFUSED, "too long", "cp", at("a.pool"), in("/" + longName));
    fails(Exit.REFUSED, "/file/x: is no directory", "ls", in("/file/x"));
    fails(Exit.REFUSED, "/file/x: is no directory", "cp", "/etc/hostname", in("/file/x"));
    fails(Exit.REFUSED, "/file/: is no directory", "cat", in("/file/"));
    fails(Exit.REFUSED, "too many symbolic links", "cat", in("/loop"));
    fails(Exit.UNAVAILABLE, "/no/x: there is no such file", "mkdir", in("/no/x"));
    fails(Exit.UNAVAILABLE, "no such file", "cp", in("/file"), at("no/such/folder/x"));
    fails(Exit.REFUSED, "/file", "rmdir", in("/file"));
    expect(Exit.REFUSED, "ln", in("/"), in("/hard"));
    expect(Exit.REFUSED, "mv", in("/"), in("/d"));
    expect(Exit.UNAVAILABLE, "ls", at("no.pool") + ":/");
    expect(Exit.USAGE, "ls", "/file");
    expect(Exit.USAGE, "cp", "/etc/hostname", "/tmp/x");
    expect(Exit.USAGE, "cp", in("/file"), "/etc/hostname", at("x"));
    expect(Exit.USAGE, "cp", in("/file"));
    expect(Exit.USAGE, "mv", in("/file"), at("b.pool") + ":/x");
    expect(Exit.USAGE, "df", in("/file"));
    expect(Exit.USAGE, "snapshot");
    String raw = at("raw.pool");
    ok("create", raw, "--size", "4M", "--sparse");
    fails(Exit.REFUSED, "holds a raw volume and no files", "ls", raw + ":/");
    fails(Exit.REFUSED, "choose a larger size", "create", at("s"), "--fs", "--size", "1M");
    assertThat(folder.resolve("s")).doesNotExist();
    assertThat(lines("ls", in("/"))).containsExactly("file", "loop");
  }

  @Test
  void shouldReadAPoolThatCannotBeWritten() throws Exception {
    put("/file", "x");
    Files.setPosixFilePermissions(Path.of(pool), PosixFilePermissions.fromString("r--r--r--"));
    assertThat(get("/file")).isEqualTo("x");
    ok("cp", in("/file"), at("out"));
    ok("ls", "-l", in("/"));
    ok("df", pool);
    check();
    fails(Exit.UNAVAILABLE, "may not be written", "rm", in("/file"));
    fails(Exit.UNAVAILABLE, "may not be written", "cp", at("out"), in("/new"));
    Files.setPosixFilePermissions(Path.of(pool), PosixFilePermissions.fromString("rw-------"));
    try (Server _ = serve(Served.Mode.READ_ONLY)) {
      assertThat(get("/file")).isEqualTo("x");
      fails(Exit.REFUSED, "served read-only", "rm", in("/file"));
      fails(Exit.REFUSED, "served read-only", "snapshot", "create", pool, "s");
    }
    assertThat(lines("ls", in("/"))).containsExactly("file");
  }

  @ParameterizedTest
  @EnumSource
  void shouldFillAPoolAndEmptyItAgain(Had had) throws Exception {
    byte[] bytes = new byte[8 << 20];
    new SplittableRandom(SEED).nextBytes(bytes);
    Files.createDirectory(folder.resolve("d"));
    for (int i = 0; i < 5; i++) {
      Files.write(folder.resolve("d/" + i), bytes);
    }
    try (AutoCloseable _ = had(had)) {
      fails(Exit.UNAVAILABLE, "no space left", "cp", "-r", at("d"), in("/"));
      assertThat(cli.out()).contains("stopped; copied 3 files", "durable");
      assertThat(lines("ls", in("/d"))).as("no part of a file").containsExactly("0", "1", "2");
      ok("cp", in("/d/2"), at("out"));
      assertThat(folder.resolve("out")).hasBinaryContent(bytes);
      check();
      ok("rm", "-r", in("/d"));
      ok("cp", at("d/0"), at("d/1"), at("d/2"), in("/"));
      check();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameDamagedFilesAndCopyTheOthers(Had had) throws Exception {
    pool = at("drill.pool");
    ok("create", pool, "--fs", "--size", "16M", "--sparse", "--parity", "none", "--drill");
    byte[] bytes = new byte[64 << 10];
    new SplittableRandom(SEED).nextBytes(bytes);
    Files.createDirectory(folder.resolve("d"));
    for (String name : List.of("a", "b", "c")) {
      Files.write(folder.resolve("d").resolve(name), bytes);
    }
    ok("cp", "-r", at("d"), in("/"));
    JsonNode extent = json("stat", "--json", "--extents", in("/d/b")).path("extents").path(0);
    long at = extent.path("volume").path("start").asLong() + 8192;
    String[] strike = {
      "bad", "inject", pool, "--kind", "poison", "--at", Long.toString(at), "--length", "4096"
    };
    ok(strike);
    try (AutoCloseable _ = had(had)) {
      fails(Exit.DAMAGED, "/d/b: bytes [0x2000, 0x3000) are lost", "cp", "-r", in("/d"), at("out"));
      assertThat(cli.out()).contains("copied 2 files", "1 problem");
      assertThat(folder.resolve("out/b")).doesNotExist();
      assertThat(folder.resolve("out/a")).hasBinaryContent(bytes);
      assertThat(folder.resolve("out/c")).hasBinaryContent(bytes);
      fails(Exit.DAMAGED, "are lost", "cat", in("/d/b"), in("/d/c"));
      assertThat(cli.bytes()).hasSize(8192 + bytes.length);
      expect(Exit.DAMAGED, "status", pool);
      assertThat(cli.out()).contains("bezoar owners");
      ok("owners", pool, Long.toString(at));
      assertThat(cli.out()).contains("  /d/b  file 0x2000+4096");
      expect(Exit.DAMAGED, "bad", "clear", pool, "--accept-loss", "--fill", "zero");
      assertThat(cli.out()).contains("still lost, files have it", "bezoar owners");
      ok("cp", at("d/b"), in("/d/b"));
      ok("cat", in("/d/b"));
      assertThat(cli.bytes()).isEqualTo(bytes);
      check();
    }
  }

  @Test
  void shouldStopWhenItIsAskedTo() throws Exception {
    Files.createDirectory(folder.resolve("d"));
    local("d/x", "x");
    StopSignal stop = new StopSignal();
    stop.request();
    Cli stopped = new Cli(stop);
    assertThat(stopped.run("cp", "-r", at("d"), in("/"))).isEqualTo(Exit.INTERRUPTED);
    assertThat(stopped.out()).contains("stopped; copied 0 files").doesNotContain("durable");
    assertThat(lines("ls", "-R", in("/"))).doesNotContain("x");
    check();
  }

  @Test
  void shouldServeFilesAndNoVolume() throws Exception {
    try (Server server = serve(Served.Mode.READ_WRITE)) {
      assertThat(server.greeting())
          .anyMatch(line -> line.contains("bezoar ls -l " + in("/")))
          .noneMatch(line -> line.contains("nbd"));
      assertThat(Files.exists(Path.of(pool + ".nbd"), LinkOption.NOFOLLOW_LINKS)).isFalse();
      JsonNode served = json("status", "--json", pool).path("served");
      assertThat(served.has("nbd")).isFalse();
      assertThat(served.path("mode").asString()).isEqualTo("read-write");
      ok("status", pool);
      assertThat(cli.out()).contains("served", "to the commands on files");
      ok("scrub", pool);
      ok("status", pool);
      assertThat(cli.out()).contains("next: bezoar ls -l " + in("/"));
    }
  }

  @Test
  void shouldTellProgressAsJson() throws Exception {
    Files.createDirectory(folder.resolve("d"));
    local("d/x", "x");
    ok("cp", "-r", "--json", at("d"), in("/"));
    JsonNode last = cli.json().getLast();
    assertThat(last.path("type").asString()).isEqualTo("copied");
    assertThat(last.path("files").asLong()).isEqualTo(1);
    assertThat(last.path("durable").asBoolean()).isTrue();
    expect(Exit.UNAVAILABLE, "cp", "--json", at("no"), in("/"));
    assertThat(cli.json().getFirst().path("type").asString()).isEqualTo("problem");
    ok("check", "--json", pool);
    assertThat(cli.json().getFirst().path("clean").asBoolean()).isTrue();
  }
}
