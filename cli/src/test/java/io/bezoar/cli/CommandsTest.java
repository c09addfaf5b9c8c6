package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.PoolAccess;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Served;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.StackStatus;
import io.bezoar.testing.Tools;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Every command on a pool, and the same commands on the same pool while it is served. */
@Timeout(120)
class CommandsTest {
  @TempDir private Path folder;
  private final Cli cli = new Cli();
  private String pool = "";

  @BeforeEach
  void setUp() {
    pool = folder.resolve("a.pool").toString();
    assertThat(cli.run("create", pool, "--size", "4M", "--parity", "8", "--sparse", "--drill"))
        .isZero();
  }

  private Server serve() throws IOException, InterruptedException {
    return Server.start(PoolRef.of(Path.of(pool)), Served.Mode.READ_WRITE, MediaChoice.AUTO);
  }

  @Test
  void shouldSayWhatToTypeNext() {
    assertThat(cli.out()).contains("created, 4 MiB").contains("next: bezoar serve " + pool);
    assertThat(cli.run("status", pool)).isEqualTo(Exit.OK);
    assertThat(cli.out()).contains("healthy", "7+1 columns", "next: bezoar scrub " + pool);
    assertThat(cli.run("scrub", pool)).isEqualTo(Exit.OK);
    assertThat(cli.out()).contains("scrub finished: nothing wrong");
    assertThat(cli.run("status", pool)).isEqualTo(Exit.OK);
    assertThat(cli.out()).contains("next: bezoar serve " + pool);
    assertThat(cli.run("status", pool, "-v")).isEqualTo(Exit.OK);
    assertThat(cli.out()).contains("uuid", "checksum errors", "clear unit");
  }

  @Test
  void shouldAnswerAlikeWhetherServedOrNot() throws Exception {
    assertThat(cli.run("bad", "inject", pool, "--kind", "all", "--count", "30", "--seed", "5"))
        .isZero();
    assertThat(cli.run("scrub", pool)).isZero();
    assertThat(
            cli.run(
                "bad",
                "inject",
                pool,
                "--kind",
                "all",
                "--count",
                "60",
                "--seed",
                "6",
                "--overlap"))
        .isZero();
    assertThat(cli.run("scrub", pool)).isEqualTo(Exit.DAMAGED);
    List<List<String>> commands =
        List.of(
            List.of("status", pool, "--json"),
            List.of("bad", "list", pool, "--json"),
            List.of("events", pool, "--json", "--after", "3", "--outcome", "lost,healed"),
            List.of("scrub", pool, "--pause"),
            List.of("bad", "clear", pool, "--fill", "zero"));
    List<Answer> alone = commands.stream().map(this::answer).toList();
    List<Answer> served;
    try (Server server = serve()) {
      served = commands.stream().map(this::answer).toList();
      assertThat(cli.run("status", pool, "--json")).isEqualTo(Exit.DAMAGED);
      assertThat(cli.json().getFirst().path("served").path("nbd").asString())
          .isEqualTo(server.nbd().socket().toString());
    }
    assertThat(served).isEqualTo(alone);
    assertThat(alone).extracting(Answer::exit).containsExactly(2, 0, 0, 4, 4);
  }

  /** What a command answered, without what must differ. */
  private record Answer(int exit, List<JsonNode> json, String err) {}

  private Answer answer(List<String> command) {
    int exit = cli.run(command.toArray(String[]::new));
    List<JsonNode> json = cli.out().startsWith("{") ? cli.json() : List.of();
    for (JsonNode line : json) {
      if (line instanceof ObjectNode object && object.has("condition")) {
        object.remove(List.of("served", "events"));
      }
    }
    return new Answer(exit, json, cli.err());
  }

  @Test
  void shouldLoseWhatTheDrillSaidAndFillItOnlyWhenAsked() throws Exception {
    assertThat(
            cli.run(
                "bad",
                "inject",
                pool,
                "--kind",
                "all",
                "--count",
                "80",
                "--seed",
                "9",
                "--overlap",
                "--json"))
        .isZero();
    JsonNode plan = cli.json().getFirst();
    assertThat(plan.path("must_be_lost")).isNotEmpty();
    try (Server server = serve()) {
      assertThat(server.greeting()).anyMatch(line -> line.contains("nbdcopy"));
      assertThat(cli.run("scrub", pool, "--json")).isEqualTo(Exit.DAMAGED);
      assertThat(cli.run("status", pool)).isEqualTo(Exit.DAMAGED);
      assertThat(cli.out()).contains("damaged", "bad list", "--accept-loss");
      assertThat(cli.run("bad", "list", pool, "--json")).isZero();
      assertThat(lostRanges()).isEqualTo(ranges(plan.path("must_be_lost")));
      assertThat(cli.run("bad", "clear", pool, "--fill", "zero")).isEqualTo(Exit.REFUSED);
      assertThat(cli.err()).contains("--accept-loss");
      assertThat(cli.run("bad", "clear", pool, "--fill", "zero", "--accept-loss")).isZero();
      assertThat(cli.out()).contains("filled volume");
      assertThat(cli.run("status", pool)).isEqualTo(Exit.OK);
      assertThat(cli.run("events", pool)).isZero();
      assertThat(cli.out()).contains("filled volume", "lost", "scrub finished");
    }
  }

  private ByteRanges lostRanges() {
    return ByteRanges.of(
        cli.json().stream()
            .filter(bad -> bad.path("space").asString().equals("volume"))
            .map(CommandsTest::range)
            .toList());
  }

  private static ByteRanges ranges(JsonNode array) {
    return ByteRanges.of(array.valueStream().map(CommandsTest::range).toList());
  }

  private static ByteRange range(JsonNode json) {
    return new ByteRange(json.path("start").asLong(), json.path("end").asLong());
  }

  @Test
  void shouldRefuseDrillsOnOrdinaryPools() {
    String ordinary = folder.resolve("b.pool").toString();
    assertThat(cli.run("create", ordinary, "--size", "2M", "--parity", "4", "--sparse")).isZero();
    assertThat(cli.run("bad", "inject", ordinary, "--kind", "flip")).isEqualTo(Exit.REFUSED);
    assertThat(cli.err()).contains("--drill");
  }

  @Test
  void shouldSayWhyAPoolIsUnavailable() throws Exception {
    assertThat(cli.run("status", folder.resolve("c.pool").toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.err()).contains("no such file").contains("bezoar create");
    assertThat(cli.run("status", folder.resolve("c.pool").toString(), "--json"))
        .isEqualTo(Exit.UNAVAILABLE);
    assertThat(cli.json().getFirst().path("condition").asString()).isEqualTo("unavailable");
    assertThat(cli.run("create", pool, "--size", "4M")).isEqualTo(Exit.REFUSED);
    assertThat(cli.run("serve", folder.resolve("c.pool").toString())).isEqualTo(Exit.UNAVAILABLE);
    assertThat(Files.exists(folder.resolve("c.pool"))).isFalse();
  }

  @Test
  void shouldCallAPoolBusyWhoseHolderDoesNotAnswer() throws Exception {
    try (Pool held = Pool.open(Path.of(pool), PoolOptions.of(PoolOptions.Intent.WORK))) {
      assertThat(cli.run("status", pool)).isEqualTo(Exit.UNAVAILABLE);
      assertThat(cli.err()).contains("busy");
      assertThat(held.status().devices().getFirst().presence())
          .isEqualTo(StackStatus.Presence.THERE);
    }
  }

  @Test
  void shouldReplaceAStaleSocketButNothingElse() throws Exception {
    Path socket = PoolAccess.controlSocket(Path.of(pool));
    try (ServerSocketChannel stale = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      stale.bind(UnixDomainSocketAddress.of(socket));
    }
    assertThat(Files.exists(socket)).isTrue();
    assertThat(cli.run("status", pool)).isZero();
    try (Server server = serve()) {
      assertThat(server.nbd().socket()).exists();
      assertThat(cli.run("status", pool)).isZero();
      assertThat(Files.getPosixFilePermissions(socket))
          .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
    assertThat(Files.exists(socket)).isFalse();
    Files.writeString(socket, "a letter");
    assertThat(cli.run("serve", pool)).isEqualTo(Exit.UNAVAILABLE);
    assertThat(socket).hasContent("a letter");
    assertThat(cli.run("status", pool)).isZero();
  }

  @Test
  void shouldAnswerNonsenseWithErrors() throws Exception {
    try (Server server = serve()) {
      assertThat(server.nbd().socket()).exists();
      assertThat(converse("nonsense\n")).contains("\"type\":\"error\"").contains("not JSON");
      assertThat(converse("{\"op\":\"fly\"}\n")).contains("no such operation: fly");
      assertThat(converse("[".repeat(5000) + "\n")).contains("\"type\":\"error\"");
      assertThat(converse("")).contains("hello").doesNotContain("error");
      assertThat(converse("\n")).contains("\"type\":\"error\"");
      floodWithOneLine();
      assertThat(converse("{\"op\":\"status\"}\n")).contains("\"type\":\"end\",\"exit\":0");
      assertThat(cli.run("status", pool)).isZero();
    }
  }

  private String converse(String sent) throws IOException {
    Path socket = PoolAccess.controlSocket(Path.of(pool));
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      channel.write(ByteBuffer.wrap(sent.getBytes(StandardCharsets.UTF_8)));
      channel.shutdownOutput();
      return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The server ends the connection, whether it can still say why or not. */
  private void floodWithOneLine() throws IOException {
    Path socket = PoolAccess.controlSocket(Path.of(pool));
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 10_000; i++) {
                  channel.write(ByteBuffer.wrap(new byte[10_000]));
                }
              })
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void shouldPauseResumeAndStopAScrubFromOutside() throws Exception {
    try (Server server = serve()) {
      assertThat(server.nbd().socket()).exists();
      Cli scrubbing = new Cli();
      int[] exit = {-1};
      Thread scrub =
          Thread.ofPlatform().start(() -> exit[0] = scrubbing.run("scrub", pool, "--rate", "1M"));
      await(() -> cli.run("scrub", pool, "--pause") == Exit.OK);
      await(() -> scrubState().equals("paused"));
      assertThat(cli.run("status", pool)).isZero();
      assertThat(cli.out()).contains("paused at").contains("--resume");
      assertThat(cli.run("scrub", pool, "--resume")).isZero();
      assertThat(cli.run("scrub", pool, "--stop")).isZero();
      scrub.join();
      assertThat(exit[0]).isEqualTo(Exit.INTERRUPTED);
      assertThat(scrubbing.out()).contains("go on with: bezoar scrub " + pool);
    }
    assertThat(cli.run("scrub", pool)).isZero();
    assertThat(cli.run("events", pool)).isZero();
    assertThat(cli.out()).contains("scrub paused", "scrub stopped", "scrub resumed");
  }

  private String scrubState() {
    assertThat(cli.run("status", pool, "--json")).isZero();
    return cli.json().getFirst().path("scrub").path("state").asString();
  }

  @Test
  void shouldStopAScrubOfItsOwnWhenTheUserGoes() throws Exception {
    StopSignal stop = new StopSignal();
    Cli scrubbing = new Cli(stop);
    int[] exit = {-1};
    Thread scrub =
        Thread.ofPlatform().start(() -> exit[0] = scrubbing.run("scrub", pool, "--rate", "1M"));
    // The scrub has the pool to itself, and still answers.
    await(() -> cli.run("status", pool, "--json") == 0 && cli.out().contains("\"running\""));
    stop.request();
    scrub.join();
    assertThat(exit[0]).isEqualTo(Exit.INTERRUPTED);
    assertThat(scrubbing.out()).contains("scrub stopped at");
    assertThat(cli.run("status", pool)).isZero();
    assertThat(cli.out()).contains("interrupted");
  }

  @Test
  void shouldFollowEventsOverRestartsOfTheServer() throws Exception {
    StopSignal stop = new StopSignal();
    Cli following = new Cli(stop);
    int[] exit = {-1};
    Thread follower =
        Thread.ofPlatform().start(() -> exit[0] = following.run("events", pool, "--follow"));
    await(() -> following.out().contains("created"));
    for (int round = 1; round <= 2; round++) {
      try (Server server = serve()) {
        assertThat(server.nbd().socket()).exists();
        int rounds = round;
        await(() -> following.out().split("pool opened", -1).length == rounds + 1);
      }
    }
    stop.request();
    follower.join();
    assertThat(exit[0]).isZero();
    assertThat(following.out().split("pool created", -1)).hasSize(2);
  }

  @Test
  void shouldServeUntilTheUserStopsIt() throws Exception {
    StopSignal stop = new StopSignal();
    Cli serving = new Cli(stop);
    String fresh = folder.resolve("fresh.pool").toString();
    int[] exit = {-1};
    Thread server =
        Thread.ofPlatform()
            .start(
                () ->
                    exit[0] =
                        serving.run("serve", fresh, "--create", "--size", "2M", "--parity", "4"));
    await(() -> serving.out().contains("history"));
    assertThat(serving.out())
        .contains("created, 2 MiB", "nbdinfo", "nbdcopy", "qemu-img", fresh + ".nbd");
    assertThat(Files.exists(Path.of(fresh + ".nbd"))).isTrue();
    assertThat(new Cli().run("serve", fresh)).isEqualTo(Exit.UNAVAILABLE);
    stop.request();
    server.join();
    assertThat(exit[0]).isEqualTo(Exit.OK);
    assertThat(serving.out()).contains("everything written is durable");
    assertThat(Files.exists(Path.of(fresh + ".nbd"))).isFalse();
    assertThat(cli.run("events", fresh)).isZero();
    assertThat(cli.out()).contains("pool closed").doesNotContain("crash");
  }

  @Test
  void shouldExamineTheMachine() throws Exception {
    assertThat(cli.run("doctor")).isBetween(0, 1);
    assertThat(cli.out()).contains("guarded copy", "PAGEMAP_SCAN", "vm.max_map_count", "JDK");
    assertThat(cli.out()).contains(Tools.run("cat", "/proc/sys/vm/max_map_count").orFail().strip());
    assertThat(cli.run("doctor", "--json")).isBetween(0, 1);
    assertThat(cli.json()).allMatch(line -> line.path("type").asString().equals("diagnosis"));
  }

  private static void await(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      LockSupport.parkNanos(5_000_000);
    }
  }
}
