package io.bezoar.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.bezoar.cli.control.Exit;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** What people are used to from the Unix tools, above all where those lose nothing. */
@Timeout(120)
class UnixHabitsTest extends FilesFixture {
  @ParameterizedTest
  @EnumSource
  void shouldNotMoveOverWhatItHasJustMoved(Had had) throws Exception {
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", in("/a"), in("/b"), in("/c"));
      put("/a/x", "first");
      put("/b/x", "second");
      put("/b/y", "other");
      put("/c/x", "old");
      String[] move = {"mv", in("/a/x"), in("/b/x"), in("/b/y"), in("/c")};
      fails(Exit.REFUSED, "/b/x: does not replace /c/x, which has just been put there", move);
      assertThat(get("/c/x")).isEqualTo("first");
      assertThat(get("/b/x")).isEqualTo("second");
      assertThat(get("/c/y")).isEqualTo("other");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotCopyOverWhatItHasJustCopied(Had had) throws Exception {
    Files.createDirectories(folder.resolve("a/d"));
    Files.createDirectories(folder.resolve("b/d"));
    for (String name : List.of("a/x", "b/x", "b/y", "a/d/z", "b/d/z")) {
      local(name, name);
    }
    String refused = "b/x: does not replace ";
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", in("/c"), in("/e"));
      fails(Exit.REFUSED, refused, "cp", at("a/x"), at("b/x"), at("b/y"), at("a/x"), in("/c"));
      assertThat(cli.err()).contains("/c/x, which has just been put there");
      assertThat(get("/c/x")).isEqualTo("a/x");
      assertThat(get("/c/y")).isEqualTo("b/y");
      // Directories are merged, as cp does it.
      ok("cp", "-r", at("a/d"), at("b/d"), in("/c"));
      assertThat(get("/c/d/z")).isEqualTo("b/d/z");
      ok("cp", "-r", at("a"), at("b"), in("/"));
      fails(Exit.REFUSED, refused, "cp", in("/a/x"), in("/b/x"), in("/e"));
      assertThat(get("/e/x")).isEqualTo("a/x");
      Files.createDirectory(folder.resolve("out"));
      fails(Exit.REFUSED, refused, "cp", in("/a/x"), in("/b/x"), at("out"));
      assertThat(folder.resolve("out/x")).hasContent("a/x");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldCopyFilesThatSayTheyAreEmpty(Had had) throws Exception {
    Path version = Path.of("/proc/version");
    assertThat(Files.size(version)).isZero();
    Path big = folder.resolve("big");
    byte[] bytes = new byte[(1 << 20) + 4097];
    bytes[5] = 1;
    bytes[(1 << 20) + 5] = 1;
    Files.write(big, bytes);
    try (AutoCloseable _ = had(had)) {
      ok("cp", version.toString(), big.toString(), in("/"));
      assertThat(cli.out()).contains("copied 2 files").doesNotContain(" 0 B");
      assertThat(get("/version")).isEqualTo(Files.readString(version));
      JsonNode stat = json("stat", "--json", in("/big"));
      assertThat(stat.path("size").asLong()).isEqualTo(bytes.length);
      assertThat(stat.path("allocated").asLong()).isEqualTo(8192);
      ok("cp", in("/big"), at("again"));
      assertThat(folder.resolve("again")).hasBinaryContent(bytes);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRemoveByTheNameOfItsOwnOnly(Had had) throws Exception {
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", "-p", in("/d/sub"));
      put("/d/x", "x");
      ok("ln", "-s", "d", in("/dl"));
      for (String command : List.of("rm", "rmdir", "mv")) {
        List<String> line = new ArrayList<>(List.of(command, in("/dl/")));
        if (command.equals("mv")) {
          line.add(in("/e"));
        }
        fails(Exit.REFUSED, "/dl/: is no directory", line.toArray(String[]::new));
      }
      fails(Exit.REFUSED, "/dl/: is no directory", "rm", "-r", in("/dl/"));
      for (String within : List.of("/d/.", "/d/sub/..", "/dl/.", "/d/./", "/")) {
        fails(Exit.REFUSED, within + ": ends in '.' or '..'", "rm", "-rf", in(within));
        fails(Exit.REFUSED, within + ": ends in '.' or '..'", "mv", in(within), in("/e"));
      }
      // What is not there need not be removed.
      for (String none : List.of("/dl/", "/no", "/no/x", "/d/x/y")) {
        ok("rm", "-rf", in(none));
      }
      assertThat(lines("ls", "-R", in("/")))
          .containsExactly("/:", "d", "dl", "", "/d:", "sub", "x", "", "/d/sub:");
      ok("mkdir", "-p", in("/n/."));
      ok("cp", "-r", in("/d/."), in("/n"));
      assertThat(lines("ls", in("/n"))).containsExactly("sub", "x");
      ok("rm", in("/dl"));
      ok("rm", "-r", in("/d/"), in("/n"));
      assertThat(lines("ls", in("/"))).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldKeepAttributesWithSlashesInTheirNames(Had had) throws Exception {
    Files.createDirectory(folder.resolve("d"));
    for (String name : List.of("d/1", "d/2")) {
      local(name, name);
      assumeTrue(LocalTree.knowsExtended(folder));
      Files.setAttribute(folder.resolve(name), "user:a/b", "c/d".getBytes(UTF_8));
      Files.setAttribute(folder.resolve(name), "user:.", "dot".getBytes(UTF_8));
    }
    try (AutoCloseable _ = had(had)) {
      ok("cp", "-r", at("d"), in("/"));
      assertThat(lines("stat", in("/d/1"))).anyMatch(line -> line.endsWith("user.a/b = c/d"));
      ok("cp", "-r", in("/d"), at("out"));
    }
    for (String name : List.of("out/1", "out/2")) {
      assertThat(Files.getAttribute(folder.resolve(name), "user:a/b"))
          .isEqualTo("c/d".getBytes(UTF_8));
      assertThat(Files.getAttribute(folder.resolve(name), "user:."))
          .isEqualTo("dot".getBytes(UTF_8));
    }
  }

  @Test
  void shouldTakeAnEmptyArgumentForNothing() throws Exception {
    put("/other", "x");
    for (String[] command :
        new String[][] {
          {"cp", in("/other"), ""},
          {"cp", "-r", "", in("/d")},
          {"mv", "", in("/d")},
          {"rm", "-rf", ""},
          {"ls", ""},
          {"ln", "-s", "", in("/l")},
          {"df", ""},
          {"serve", ""},
          {"status", pool, "--search", ""},
          {"snapshot", "create", pool, ""}
        }) {
      fails(Exit.USAGE, "'' ", command);
    }
    assertThat(lines("ls", in("/"))).containsExactly("other");
  }

  @ParameterizedTest
  @EnumSource
  void shouldLinkToPathsInThePool(Had had) throws Exception {
    put("/x", "x");
    try (AutoCloseable _ = had(had)) {
      ok("ln", "-s", in("/x"), in("/link"));
      ok("ln", "-s", at("other.pool") + ":/x", in("/away"));
      assertThat(get("/link")).isEqualTo("x");
      assertThat(json("stat", "--json", in("/link")).path("target").asString()).isEqualTo("/x");
      assertThat(json("stat", "--json", in("/away")).path("target").asString())
          .isEqualTo(at("other.pool") + ":/x");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldSayWhatCanBeDoneInstead(Had had) throws Exception {
    put("/x", "x");
    put("/y", "y");
    ok("snapshot", "create", pool, "s");
    Path out = local("out", "");
    try (AutoCloseable _ = had(had)) {
      fails(Exit.REFUSED, "bezoar cat", "cp", in("/x"), "/dev/stdout");
      fails(Exit.REFUSED, "pipes and terminals are not copied", "cp", "/dev/stdin", in("/z"));
      fails(Exit.REFUSED, "pipes and terminals are not copied", "cp", "/dev/fd/63", in("/z"));
      String no = ": there is no such directory";
      fails(Exit.UNAVAILABLE, "/no" + no, "cp", in("/x"), in("/y"), in("/no"));
      fails(Exit.UNAVAILABLE, "/no" + no, "mv", in("/x"), in("/y"), in("/no"));
      fails(Exit.UNAVAILABLE, at("no") + no, "cp", in("/x"), in("/y"), at("no"));
      fails(Exit.REFUSED, "out: is no directory", "cp", in("/x"), in("/y"), out.toString());
      for (String kept : List.of("/.snapshots", "/.snapshots/s", "/.snapshots/s/x")) {
        fails(Exit.REFUSED, "bezoar snapshot delete", "rm", "-rf", in(kept));
      }
      fails(Exit.UNAVAILABLE, "/no: there is no such file", "cp", in("/no"), in("/z"));
      assertThat(cli.out()).isEqualTo("copied 0 files, 0 B; 1 problem\n");
      assertThat(lines("ls", in("/"))).containsExactly("x", "y");
    }
  }

  @Test
  void shouldSayThatAProgramHasThePool() throws Exception {
    PoolOptions work = PoolOptions.of(PoolOptions.Intent.WORK);
    try (Pool _ = Pool.open(Path.of(pool), work)) {
      fails(Exit.UNAVAILABLE, "it works when that program has closed it", "ls", in("/"));
      assertThat(cli.err()).contains(pool + ": is busy: a program has it open");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldTakeTheOptionsThatPeopleType(Had had) throws Exception {
    local("x", "xx");
    Files.createSymbolicLink(folder.resolve("l"), Path.of("x"));
    try (AutoCloseable _ = had(had)) {
      assertThat(lines("mkdir", "-v", "-p", "-m", "0700", in("/d/e/")))
          .containsExactly("created directory '/d'", "created directory '/d/e'");
      assertThat(json("stat", "--json", in("/d")).path("mode").asString()).isEqualTo("0755");
      assertThat(json("stat", "--json", in("/d/e")).path("mode").asString()).isEqualTo("0700");
      expect(Exit.USAGE, "mkdir", "-m", "u+x", in("/z"));
      assertThat(lines("cp", "-pfv", at("x"), in("/d")))
          .containsExactly("'" + at("x") + "' -> '/d/x'", "copied 1 file, 2 B; durable");
      ok("cp", "-P", at("l"), in("/l"));
      ok("cp", "-d", in("/l"), in("/d/l"));
      assertThat(json("stat", "--json", in("/d/l")).path("target").asString()).isEqualTo("x");
      assertThat(lines("cp", "-aRrv", in("/d"), in("/copy")))
          .contains("'/d' -> '/copy'", "'/d/e' -> '/copy/e'", "'/d/x' -> '/copy/x'");
      put("/other", "other");
      fails(Exit.REFUSED, "/copy/x: is there already", "cp", "-n", in("/other"), in("/copy/x"));
      ok("cp", "-aT", in("/d/e"), in("/copy"));
      fails(Exit.REFUSED, "/copy: is a directory", "cp", "-T", in("/other"), in("/copy"));
      expect(Exit.USAGE, "cp", "-T", in("/other"), in("/d/x"), in("/copy"));
      assertThat(lines("ls", in("/copy"))).containsExactly("e", "l", "x");
      assertThat(lines("mv", "-fv", in("/copy/x"), in("/copy/e")))
          .containsExactly("renamed '/copy/x' -> '/copy/e/x'");
      fails(Exit.REFUSED, "is not empty", "mv", "-T", in("/d/e"), in("/copy/e"));
      ok("ln", "-s", "d", in("/to"));
      assertThat(lines("ln", "-sfnv", "copy", in("/to"))).containsExactly("'/to' -> 'copy'");
      assertThat(lines("ln", "-v", in("/other"), in("/hard")))
          .containsExactly("'/hard' => '/other'");
      assertThat(lines("ls", in("/to"))).containsExactly("e", "l");
      fails(Exit.REFUSED, "/copy: is not empty", "rm", "-d", in("/copy"));
      assertThat(lines("rm", "-dv", in("/d/e"))).containsExactly("removed directory '/d/e'");
      assertThat(lines("rm", "-rv", in("/copy/e")))
          .containsExactly("removed '/copy/e/x'", "removed directory '/copy/e'");
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldListAndCountAsPeopleAsk(Had had) throws Exception {
    Files.createDirectory(folder.resolve("d"));
    for (String name : List.of("a", "b", "c")) {
      Path file = local("d/" + name, name.equals("b") ? "22" : "1");
      long seconds = name.equals("c") ? 3 : name.equals("a") ? 2 : 1;
      Files.setLastModifiedTime(file, FileTime.from(seconds, TimeUnit.SECONDS));
    }
    Files.createLink(folder.resolve("d/hard"), folder.resolve("d/a"));
    ok("cp", "-r", at("d"), in("/"));
    ok("mkdir", in("/e"));
    try (AutoCloseable _ = had(had)) {
      assertThat(lines("ls", "-1", in("/d"))).containsExactly("a", "b", "c", "hard");
      assertThat(lines("ls", "-r", in("/d"))).containsExactly("hard", "c", "b", "a");
      assertThat(lines("ls", "-t", in("/d"))).containsExactly("c", "a", "hard", "b");
      assertThat(lines("ls", "-tr", in("/d"))).containsExactly("b", "hard", "a", "c");
      assertThat(lines("ls", "-lS", in("/d")).getFirst()).endsWith(" b");
      assertThat(lines("ls", "-n", in("/d"))).isEqualTo(lines("ls", "-l", in("/d")));
      expect(Exit.USAGE, "ls", "-t", "--json", in("/d"));
      assertThat(lines("du", "-ac", in("/d"), in("/e")))
          .containsExactly("4\t/d/a", "4\t/d/b", "4\t/d/c", "12\t/d", "0\t/e", "12\ttotal");
      assertThat(lines("du", "-sc", in("/d"))).containsExactly("12\t/d", "12\ttotal");
      expect(Exit.USAGE, "du", "-as", in("/d"));
    }
  }

  @Test
  void shouldTellFilesInAPoolFromThoseInAFolderWithAColon() throws Exception {
    Files.createDirectory(folder.resolve("we:"));
    local("we:/ird", "local");
    ok("cp", at("we:/ird"), in("/x"));
    assertThat(get("/x")).isEqualTo("local");
    ok("cp", in("/x"), at("we:/"));
    assertThat(folder.resolve("we:/x")).hasContent("local");
    expect(Exit.USAGE, "ls", at("we:/ird"));
    assertThat(cli.err()).contains("names no file in a pool: write POOL:/path");
    // What is there is a pool, whatever else there is.
    Files.createDirectory(folder.resolve("a.pool:"));
    assertThat(get("/x")).isEqualTo("local");
    String taken = at("no:/ird") + " was taken for a file in it";
    fails(Exit.UNAVAILABLE, taken, "cp", at("no:/ird"), in("/y"));
  }
}
