package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Pools made of many devices: how they are made, shown, struck and opened, and what is refused. */
@Timeout(120)
class StackCommandsTest {
  @TempDir private Path folder;
  private final Cli cli = new Cli();
  private PoolFiles files = new PoolFiles(Path.of(""));

  @BeforeEach
  void setUp() {
    files = new PoolFiles(folder);
  }

  private int create(String... way) {
    String[] all = new String[way.length + 4];
    all[0] = "create";
    System.arraycopy(way, 0, all, 1, way.length);
    all[way.length + 1] = "--sparse";
    all[way.length + 2] = "--parity";
    all[way.length + 3] = "8";
    return cli.run(all);
  }

  @Test
  void shouldMakeEveryKindOfPool() throws Exception {
    assertThat(create("--mirror", files.at("a"), files.at("b"), "--size", "4M")).isZero();
    assertThat(cli.out())
        .contains("a: created, a mirror of a and b; the volume has")
        .contains("next: bezoar serve " + files.at("a"));
    assertThat(create("--stripe", files.at("c"), files.at("d"), "--chunk", "128K", "--size", "4M"))
        .isZero();
    assertThat(cli.out()).contains("a stripe of c and d in chunks of 128 KiB");
    assertThat(create("--linear", files.at("e"), files.at("f"), files.at("g"), "--size", "4M"))
        .isZero();
    assertThat(cli.out()).contains("a linear of e, f and g");
    assertThat(
            create(
                "--cache",
                files.at("fast"),
                "--origin",
                files.at("slow"),
                "--size",
                "8M",
                "--cache-size",
                "4M"))
        .as(cli.err())
        .isZero();
    assertThat(cli.out()).contains("a write cache fast before slow");
    assertThat(Files.size(folder.resolve("fast"))).isEqualTo(4 << 20);
    assertThat(Files.size(folder.resolve("slow"))).isEqualTo(8 << 20);
    for (String name : List.of("a", "b", "c", "d", "e", "f", "g", "fast", "slow")) {
      assertThat(cli.run("status", files.at(name))).as(name + cli.err()).isZero();
    }
    assertThat(cli.out()).contains("write cache  ", "dirty", "free");
  }

  @Test
  void shouldMakeWhatAStackFileSays() throws Exception {
    Path stack =
        Files.writeString(
            folder.resolve("pool.stack"),
            """
            # a mirror of two stripes
            mirror(
              stripe(64K: "%s" 4M, %s 4M),
              linear(%s 4M none, %s 4M)
            )
            """
                .formatted(files.at("a"), files.at("b"), files.at("c"), files.at("d")));
    assertThat(create("--stack", stack.toString())).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains(
            "a mirror of (a stripe of a and b in chunks of 64 KiB) and (a linear of c and d)");
    assertThat(cli.run("status", files.at("d"))).isZero();
    assertThat(cli.out())
        .contains("mirror  ", "├─ stripe  ", "│  ├─ 0  ", "└─ linear  ", "   └─ 3  ")
        .contains("2 copies, either may be lost", "no parity", "parity 7+1");
    Files.writeString(stack, "mirror(a 4M\n  b 4M)");
    Map<String, byte[]> before = files.bytes();
    assertThat(create("--stack", stack.toString())).isEqualTo(Exit.USAGE);
    assertThat(cli.err()).contains("line 2");
    PoolFiles.assertSame(files.bytes(), before);
  }

  @Test
  void shouldSayWhatIsWrongWithAWish() throws Exception {
    String a = files.at("a");
    String b = files.at("b");
    for (List<String> wrong :
        List.of(
            List.of("--mirror", a, b),
            List.of("--mirror", a, "--size", "4M"),
            List.of("--size", "4M"),
            List.of(a, "--mirror", a, b, "--size", "4M"),
            List.of("--mirror", a, b, "--stripe", a, b, "--size", "4M"),
            List.of("--mirror", a, files.at("./a"), "--size", "4M"),
            List.of("--cache", a, "--size", "4M"),
            List.of("--origin", a, "--size", "4M"),
            List.of(a, "--cache-size", "4M", "--size", "4M"),
            List.of(a, "--chunk", "64K", "--size", "4M"),
            List.of("--stripe", a, b, "--chunk", "1000", "--size", "4M"))) {
      assertThat(create(wrong.toArray(String[]::new))).as(wrong + cli.out()).isEqualTo(Exit.USAGE);
    }
    assertThat(create("--mirror", a, b, "--size", "100K")).isEqualTo(Exit.REFUSED);
    Files.writeString(folder.resolve("b"), "mine");
    assertThat(create("--mirror", a, b, "--size", "4M")).isEqualTo(Exit.REFUSED);
    assertThat(files.bytes().keySet()).containsExactly("b");
    assertThat(folder.resolve("b")).hasContent("mine");
  }

  @Test
  void shouldTellTheStackAsJson() throws Exception {
    files.makeMirror(cli);
    assertThat(cli.run("status", files.at("b.img"), "--json")).isZero();
    JsonNode status = cli.json().getFirst();
    JsonNode stack = status.path("stack");
    assertThat(stack.path("kind").asString()).isEqualTo("mirror");
    assertThat(stack.path("copies_in_sync").asInt()).isEqualTo(2);
    assertThat(stack.path("children")).hasSize(2);
    JsonNode leg = stack.path("children").path(1);
    assertThat(leg.path("path").asString()).isEqualTo(files.at("b.img"));
    assertThat(leg.path("leg").path("state").asString()).isEqualTo("in-sync");
    assertThat(leg.path("media").path("writable").asBoolean()).isTrue();
    assertThat(status.path("size").asLong()).isEqualTo(8 << 20);
    assertThat(status.path("redundancy").path("kind").asString()).isEqualTo("7+1");
    assertThat(status.path("made_of").asString()).isEqualTo("a mirror of a.img and b.img");
  }

  @Test
  void shouldShowPartsThatAreMissingAndOpenTheRestOnlyWhenAsked() throws Exception {
    assertThat(create("--linear", files.at("a"), files.at("b"), "--size", "4M")).isZero();
    files.move("b", "away/b");
    Map<String, byte[]> before = files.bytes();
    assertThat(cli.run("scrub", files.at("a"))).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err())
        .contains("device 1 (" + files.at("b") + "): there is no " + files.at("b"))
        .contains("nothing was changed", "--partial");
    PoolFiles.assertSame(files.bytes(), before);
    assertThat(cli.run("status", files.at("a"))).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.out())
        .contains("unavailable (partial)", "missing: there is no")
        .contains("bring " + files.at("b") + " back", "nothing else has its bytes");
    assertThat(cli.run("bad", "list", files.at("a"), "--partial")).isZero();
    assertThat(cli.run("scrub", files.at("a"), "--search", files.at("away"))).isZero();
    assertThat(cli.run("status", files.at("a"))).as("its place was noted").isZero();
  }

  @Test
  void shouldRefuseCopiesStrangersAndCutDevices() throws Exception {
    files.makeMirror(cli);
    Path a = folder.resolve("a.img");
    Path b = folder.resolve("b.img");
    Files.createDirectories(folder.resolve("copies"));
    Files.copy(b, folder.resolve("copies/b.img"));
    Map<String, byte[]> before = files.bytes();
    assertThat(cli.run("scrub", a.toString(), "--search", files.at("copies")))
        .isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("both this and").contains("device 1");
    PoolFiles.assertSame(files.bytes(), before);
    Files.delete(folder.resolve("copies/b.img"));

    Files.move(b, folder.resolve("copies/kept"));
    assertThat(create(b.toString(), "--size", "4M")).isZero();
    before = files.bytes();
    assertThat(cli.run("status", a.toString())).isEqualTo(Exit.DEGRADED);
    assertThat(cli.out()).contains("belongs to another pool");
    assertThat(Files.readAllBytes(b)).isEqualTo(before.get("b.img"));
    Files.move(folder.resolve("copies/kept"), b, StandardCopyOption.REPLACE_EXISTING);

    try (RandomAccessFile cut = new RandomAccessFile(b.toFile(), "rw")) {
      cut.setLength((4 << 20) - 4096);
    }
    before = files.bytes();
    assertThat(cli.run("status", a.toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("b.img").contains("cut");
    PoolFiles.assertSame(files.bytes(), before);
  }

  @Test
  void shouldStrikeOneDeviceAndTellItInEveryLayersTerms() throws Exception {
    files.makeMirror(cli);
    files.fill("a.img", 3);
    assertThat(
            cli.run(
                "bad",
                "inject",
                files.at("a.img"),
                "--kind",
                "eio",
                "--count",
                "5",
                "--seed",
                "4",
                "--device",
                files.at("b.img"),
                "--json"))
        .as(cli.err())
        .isZero();
    List<JsonNode> strikes = cli.json().stream().filter(line -> line.has("kind")).toList();
    assertThat(strikes).hasSize(5);
    assertThat(strikes).allMatch(strike -> strike.path("device").asInt() == 1);
    assertThat(cli.run("bad", "inject", files.at("a.img"), "--kind", "eio", "--device", "5"))
        .isEqualTo(Exit.UNAVAILABLE);
    try (Server server = files.serve("a.img")) {
      assertThat(server.nbd().socket()).exists();
      assertThat(cli.run("scrub", files.at("b.img"))).as(cli.out()).isZero();
      assertThat(cli.run("events", files.at("b.img"))).isZero();
      assertThat(cli.out()).contains("healed", "device 1 (b.img) 0x");
      assertThat(cli.run("events", files.at("b.img"), "--json", "--outcome", "healed")).isZero();
      assertThat(cli.json()).allMatch(event -> event.path("device").asInt() == 1);
      assertThat(cli.run("bad", "list", files.at("b.img"))).isZero();
    }
    files.assertFilled("b.img", 3);
  }

  @Test
  void shouldListWhatIsBadLayerByLayer() throws IOException {
    assertThat(create("--stripe", files.at("a"), files.at("b"), "--size", "4M", "--drill"))
        .isZero();
    // Two pages of one row: they are lost, and stay listed.
    assertThat(
            cli.run(
                "bad",
                "inject",
                files.at("a"),
                "--kind",
                "poison",
                "--count",
                "300",
                "--seed",
                "4",
                "--device",
                "1",
                "--overlap"))
        .as(cli.err())
        .isZero();
    assertThat(cli.out()).contains("must be lost");
    assertThat(cli.run("scrub", files.at("a"))).isEqualTo(Exit.DAMAGED);
    assertThat(cli.run("bad", "list", files.at("a"))).isZero();
    assertThat(cli.out())
        .contains("volume 0x", "device 1 (b) 0x", "= content of the device 0x")
        .contains("= volume 0x");
    assertThat(cli.run("bad", "list", files.at("a"), "--json")).isZero();
    assertThat(cli.json())
        .anyMatch(
            bad ->
                bad.path("device").asInt(-1) == 1
                    && bad.path("layers").size() > 1
                    && !bad.path("layers").path(0).path("ranges").isEmpty());
    assertThat(cli.run("status", files.at("b"))).isEqualTo(Exit.DAMAGED);
    assertThat(cli.out()).contains("KiB lost", "poison", "next: bezoar bad list");
  }
}
