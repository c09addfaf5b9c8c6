package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Served;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * Every change of a pool's devices, of a pool that nobody serves and of one that is served. In
 * memory, because copies are made durable piece by piece, which takes its time on a busy disk.
 */
@Timeout(120)
class DeviceCommandsTest {
  private Path folder = Path.of("");
  private final Cli cli = new Cli();
  private PoolFiles files = new PoolFiles(Path.of(""));

  @BeforeEach
  void setUp() throws IOException {
    folder = MediaFolders.onTmpfs();
    files = new PoolFiles(folder);
    files.makeMirror(cli);
    files.fill("a.img", 7);
  }

  @AfterEach
  void tearDown() throws IOException {
    MediaFolders.remove(folder);
  }

  private int device(String verb, String pool, String... rest) {
    String[] all = new String[rest.length + 3];
    all[0] = "device";
    all[1] = verb;
    all[2] = files.at(pool);
    System.arraycopy(rest, 0, all, 3, rest.length);
    return cli.run(all);
  }

  /** The devices of a pool: number, file name, and how each does. */
  private List<String> devices(String pool) {
    device("list", pool, "--json");
    return cli.json().stream()
        .map(
            device ->
                "%d %s %s"
                    .formatted(
                        device.path("device").asInt(),
                        device.path("name").asString(),
                        device.path("use").asString().equals("spare")
                            ? "spare"
                            : device.path("leg").path("state").asString()))
        .toList();
  }

  @Test
  void shouldAttachAndDetachWithNobodyServing() throws Exception {
    assertThat(device("attach", "b.img", "0", files.at("c.img"), "--sparse")).isZero();
    assertThat(cli.out())
        .contains("device 2 (c.img): attached, gets a copy of device 0 (a.img)")
        .contains("device 2 (c.img): in sync");
    assertThat(devices("c.img"))
        .containsExactly("0 a.img in-sync", "1 b.img in-sync", "2 c.img in-sync");
    assertThat(device("detach", "c.img", "a.img")).isZero();
    assertThat(cli.out()).contains("device 0 (a.img): detached", "is no pool's any more");
    assertThat(device("detach", "c.img", files.at("b.img"))).isZero();
    assertThat(cli.run("status", files.at("c.img"))).as(cli.out()).isZero();
    files.assertFilled("c.img", 7);
    assertThat(cli.run("status", files.at("a.img"))).isEqualTo(Exit.UNAVAILABLE);
  }

  @Test
  void shouldDoTheSameThroughTheServerByWhicheverDeviceIsNamed() throws Exception {
    try (Server server = files.serve("a.img")) {
      assertThat(server.greeting().getFirst()).contains("a mirror of a.img and b.img");
      assertThat(device("attach", "b.img", "b.img", files.at("c.img"))).as(cli.err()).isZero();
      assertThat(cli.out()).contains("device 2 (c.img): in sync");
      // The one by which it is served goes; it is still reached by every other.
      assertThat(device("replace", "c.img", "0", files.at("d.img"))).as(cli.err()).isZero();
      assertThat(cli.out())
          .contains("device 3 (d.img): takes the place of device 0 (a.img)")
          .contains("device 3 (d.img): in sync; device 0 has left the pool");
      for (String name : List.of("b.img", "c.img", "d.img")) {
        assertThat(devices(name))
            .as(name)
            .containsExactly("1 b.img in-sync", "2 c.img in-sync", "3 d.img in-sync");
        assertThat(cli.run("status", files.at(name), "--json")).isZero();
        assertThat(cli.json().getFirst().path("served").path("nbd").asString())
            .isEqualTo(server.nbd().socket().toString());
      }
      // A device that came while the pool is served can be struck like any other.
      assertThat(cli.run("bad", "inject", files.at("c.img"), "--kind", "flip", "--device", "d.img"))
          .as(cli.err())
          .isZero();
      assertThat(cli.out()).contains("device 3 (d.img) 0x");
      assertThat(cli.run("scrub", files.at("b.img"))).as(cli.out()).isZero();
      assertThat(device("offline", "c.img", "1")).isZero();
      assertThat(cli.out()).contains("next: bezoar device online");
      assertThat(cli.run("status", files.at("d.img"))).isEqualTo(Exit.DEGRADED);
      assertThat(cli.out()).contains("offline", "next: bezoar device online").contains(" 1");
      assertThat(device("online", "c.img", "1")).as(cli.err()).isZero();
      assertThat(device("online", "c.img", "1")).isZero();
      assertThat(cli.out()).contains("is in use");
      assertThat(device("wait", "b.img")).isZero();
      assertThat(cli.run("events", files.at("c.img"))).isZero();
      assertThat(cli.out())
          .contains("device 2 (c.img) attached", "device 1 (b.img) offline")
          .contains("device 1 (b.img) returned");
    }
    files.assertFilled("d.img", 7);
    assertThat(Files.exists(folder.resolve("c.img.ctl"))).isFalse();
  }

  @Test
  void shouldUseASpareAndEvacuate() throws Exception {
    try (Server server = files.serve("b.img")) {
      assertThat(server.nbd().socket()).exists();
      assertThat(device("spare", "a.img", files.at("s.img"), "--sparse")).isZero();
      assertThat(cli.out()).contains("device 2 (s.img): waits");
      assertThat(cli.run("status", files.at("s.img"))).isZero();
      assertThat(cli.out()).contains("spare  2  ").contains("s.img");
      assertThat(device("replace", "a.img", "1")).as(cli.err()).isZero();
      assertThat(devices("s.img")).containsExactly("0 a.img in-sync", "2 s.img in-sync");
      assertThat(device("replace", "a.img", "2")).isEqualTo(Exit.REFUSED);
      assertThat(cli.err()).contains("no spare");
      assertThat(device("evacuate", "a.img", "0", "--to", files.at("e.img"))).isZero();
      assertThat(devices("e.img")).containsExactly("2 s.img in-sync", "3 e.img in-sync");
      assertThat(device("evacuate", "s.img", "2")).isZero();
      assertThat(cli.out()).contains("left the pool; others hold all");
    }
    files.assertFilled("e.img", 7);
  }

  @Test
  void shouldGoOnWithoutALegAndReplaceIt() throws Exception {
    files.move("b.img", "away/b.img");
    assertThat(cli.run("status", files.at("a.img"), "--search", files.at("away"))).isZero();
    assertThat(cli.run("status", files.at("a.img"))).isEqualTo(Exit.DEGRADED);
    assertThat(cli.out())
        .contains("1 of 2 copies, no further loss is survived")
        .contains("missing: there is no " + files.at("b.img"))
        .contains("device replace " + files.at("a.img") + " 1 NEW");
    assertThat(device("replace", "a.img", "1", files.at("c.img"))).as(cli.err()).isZero();
    assertThat(cli.run("status", files.at("c.img"))).isZero();
    assertThat(cli.out()).contains("2 copies, either may be lost");
    // What was replaced while it was away is refused for good.
    assertThat(cli.run("status", files.at("away/b.img"))).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("taken out of its pool");
    files.assertFilled("c.img", 7);
  }

  @Test
  void shouldTakeADeviceBackFromWhereverItLies() throws Exception {
    files.move("b.img", "away/b.img");
    try (Server server = files.serve("a.img")) {
      assertThat(server.nbd().socket()).exists();
      assertThat(device("online", "a.img", "1")).isEqualTo(Exit.UNAVAILABLE);
      assertThat(device("online", "a.img", "1", "--at", files.at("away/b.img")))
          .as(cli.err())
          .isZero();
      assertThat(cli.out()).contains("device 1 (b.img): online", "in sync");
      assertThat(devices("away/b.img")).containsExactly("0 a.img in-sync", "1 b.img in-sync");
    }
    files.move("a.img", "other/a.img");
    assertThat(device("online", "away/b.img", "0", "--at", files.at("other/a.img")))
        .as(cli.err())
        .isZero();
    assertThat(devices("other/a.img")).containsExactly("0 a.img in-sync", "1 b.img in-sync");
  }

  @Test
  void shouldAskWhichCopyIsRightWhereBothWentOnAlone() throws Exception {
    files.move("b.img", "away/b.img");
    files.fill("a.img", 8);
    files.move("a.img", "other/a.img");
    files.fill("away/b.img", 9);
    files.move("away/b.img", "other/b.img");
    for (String name : List.of("other/a.img", "other/b.img")) {
      assertThat(cli.run("status", files.at(name))).isEqualTo(Exit.UNAVAILABLE);
      assertThat(cli.err()).contains("went on alone", "--prefer DEVICE");
    }
    assertThat(device("online", "other/a.img", "0", "--prefer", "b.img")).as(cli.err()).isZero();
    assertThat(cli.run("status", files.at("other/a.img"))).as(cli.out()).isZero();
    files.assertFilled("other/a.img", 9);
    try (Server server = files.serve("other/b.img")) {
      assertThat(server.nbd().socket()).exists();
      assertThat(device("online", "other/a.img", "0", "--prefer", "b.img")).isEqualTo(Exit.REFUSED);
      assertThat(cli.err()).contains("stop that one first");
    }
  }

  @Test
  void shouldRefuseWhatWouldLoseBytesAndWriteNothing() throws Exception {
    String alone = files.at("alone.img");
    assertThat(cli.run("create", alone, "--size", PoolFiles.SIZE, "--sparse", "--parity", "8"))
        .isZero();
    Map<String, byte[]> before = files.bytes();
    try (Server server =
        Server.start(PoolRef.of(Path.of(alone)), Served.Mode.READ_WRITE, MediaChoice.AUTO)) {
      assertThat(server.nbd().socket()).exists();
      for (List<String> refused :
          List.of(
              List.of("detach", "alone.img", "0"),
              List.of("offline", "alone.img", "0"),
              List.of("replace", "alone.img", "0"),
              List.of("evacuate", "alone.img", "0"),
              List.of("attach", "alone.img", "0", files.at("a.img")),
              List.of("attach", "alone.img", "0", files.at("n.img"), "--size", "2M"))) {
        String[] rest = refused.subList(2, refused.size()).toArray(String[]::new);
        assertThat(device(refused.get(0), refused.get(1), rest))
            .as(refused + " " + cli.err())
            .isEqualTo(Exit.REFUSED);
        assertThat(cli.err()).as(refused.toString()).startsWith("bezoar: ");
      }
      assertThat(device("detach", "alone.img", "7")).isEqualTo(Exit.UNAVAILABLE);
      assertThat(cli.err()).contains("no such device; it has: 0");
      assertThat(device("attach", "alone.img", "0")).isEqualTo(Exit.USAGE);
      assertThat(device("replace", "alone.img", "0", "--size", "8M")).isEqualTo(Exit.USAGE);
      assertThat(cli.run("device")).isEqualTo(Exit.USAGE);
    }
    Map<String, byte[]> after = files.bytes();
    after.remove("alone.img");
    before.remove("alone.img");
    PoolFiles.assertSame(after, before);
    assertThat(cli.run("status", alone)).isZero();
  }

  @Test
  void shouldLeaveTheCopyingToTheServerWhenTheUserGoes() throws Exception {
    StopSignal stop = new StopSignal();
    Cli leaving = new Cli(stop);
    try (Server server = files.serve("a.img")) {
      assertThat(server.nbd().socket()).exists();
      stop.request();
      int exit =
          leaving.run("device", "attach", files.at("b.img"), "0", files.at("c.img"), "--sparse");
      assertThat(exit).isIn(Exit.INTERRUPTED, Exit.OK);
      if (exit == Exit.INTERRUPTED) {
        assertThat(leaving.err()).contains("goes on in the process that serves the pool");
      }
      await(() -> device("wait", "c.img") == Exit.OK);
      assertThat(device("list", "c.img")).isZero();
      assertThat(cli.out()).contains("2  ", "in sync");
      assertThat(
              device("attach", "c.img", "0", files.at("d.img"), "--no-wait", "--json", "--sparse"))
          .isZero();
      JsonNode reply = cli.json().getFirst();
      assertThat(reply.path("step").asString()).isEqualTo("attached");
      assertThat(reply.path("device").asInt()).isEqualTo(3);
      assertThat(cli.json()).hasSize(1);
      assertThat(device("wait", "d.img")).isZero();
    }
    assertThat(devices("d.img")).hasSize(4).allMatch(line -> line.endsWith("in-sync"));
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      LockSupport.parkNanos(5_000_000);
    }
  }
}
