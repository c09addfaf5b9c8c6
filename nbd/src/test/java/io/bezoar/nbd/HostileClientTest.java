package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CMD_READ;
import static io.bezoar.nbd.NbdLayout.CMD_WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever a client does costs it its own connection, and nobody else anything. */
@Timeout(60)
class HostileClientTest {
  private final List<AutoCloseable> open = new ArrayList<>();

  private ServerFixture serve(long sizeBytes, NbdOptions options) throws IOException {
    ServerFixture fixture =
        ServerFixture.of(MemoryDevice.fast(sizeBytes), NbdExport.Mode.READ_WRITE, options);
    open.add(fixture);
    return fixture;
  }

  private ServerFixture serve() throws IOException {
    return serve(ServerFixture.SIZE_BYTES, NbdOptions.defaults());
  }

  private TestClient keep(TestClient client) {
    open.add(client);
    return client;
  }

  @AfterEach
  void closeAll() throws Exception {
    // Clients first: servers wait for those that still take their replies.
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private static void assertServes(ServerFixture fixture) throws IOException {
    try (TestClient client = TestClient.structured(fixture.socket())) {
      client.read(1, 0, 4096);
      assertThat(client.chunks().getFirst().data()).hasSize(4096);
    }
  }

  @Test
  void shouldCloseOnGarbage() throws IOException {
    ServerFixture fixture = serve();
    Random random = new Random(1);
    for (int i = 0; i < 20; i++) {
      byte[] garbage = new byte[100 + random.nextInt(10_000)];
      random.nextBytes(garbage);
      try (TestClient client = TestClient.connect(fixture.socket())) {
        sendQuietly(client, garbage);
        assertThat(client.isClosedByServer()).isTrue();
      }
      try (TestClient client = TestClient.structured(fixture.socket())) {
        sendQuietly(client, garbage);
        assertThat(client.isClosedByServer()).isTrue();
      }
    }
    assertServes(fixture);
    assertThat(fixture.server().stats().violations()).isEqualTo(40);
  }

  @Test
  void shouldNotMindClientsThatLeaveInTheMiddle() throws IOException {
    ServerFixture fixture = serve();
    byte[] write = TestClient.requestBytes(0, CMD_WRITE, 1, 0, 1 << 20);
    for (int cut : new int[] {1, 27, 28}) {
      try (TestClient client = TestClient.structured(fixture.socket())) {
        client.send(java.util.Arrays.copyOf(write, cut));
      }
    }
    try (TestClient client = TestClient.structured(fixture.socket())) {
      client.send(write);
      client.send(new byte[700_000]);
    }
    try (TestClient client = TestClient.connect(fixture.socket())) {
      client.receive(NbdLayout.GREETING_BYTES);
    }
    assertServes(fixture);
    // Nothing of a write that did not arrive as a whole was stored.
    fixture.fillWithPattern();
  }

  @Test
  void shouldAnswerOversizedOptionsWithoutKeepingThem() throws IOException {
    ServerFixture fixture = serve();
    try (TestClient client = TestClient.haggling(fixture.socket())) {
      List<TestClient.OptionReply> replies = client.option(NbdLayout.OPT_GO, new byte[1 << 20]);
      assertThat(replies.getFirst().type()).isEqualTo(NbdLayout.REP_ERR_TOO_BIG);
      assertThat(client.option(NbdLayout.OPT_GO, TestClient.describe("")).getLast().type())
          .isEqualTo(NbdLayout.REP_ACK);
    }
  }

  @Test
  void shouldDrainAWriteThatIsFarTooLong() throws IOException {
    ServerFixture fixture = serve();
    try (TestClient client = TestClient.structured(fixture.socket())) {
      long length = 200L << 20;
      client.request(0, CMD_WRITE, 1, 0, length);
      byte[] piece = new byte[1 << 20];
      for (int i = 0; i < 200; i++) {
        client.send(piece);
      }
      assertThat(client.status()).isEqualTo(28);
      assertThat(fixture.server().services().buffers().usedBytes()).isZero();
    }
  }

  @Test
  void shouldTurnAwayWhoIsTooMany() throws IOException {
    NbdOptions few = options(2, 64L << 20, Duration.ofDays(1), Duration.ofDays(1));
    ServerFixture fixture = serve(ServerFixture.SIZE_BYTES, few);
    TestClient first = keep(TestClient.structured(fixture.socket()));
    TestClient second = keep(TestClient.structured(fixture.socket()));
    try (TestClient third = TestClient.connect(fixture.socket())) {
      assertThat(third.isClosedByServer()).isTrue();
    }
    assertThat(fixture.server().stats().refusedConnections()).isEqualTo(1);
    first.request(0, NbdLayout.CMD_DISC, 0, 0, 0);
    assertThat(first.isClosedByServer()).isTrue();
    while (fixture.server().stats().connectionsNow() > 1) {
      Thread.onSpinWait();
    }
    assertServes(fixture);
    second.read(1, 0, 1);
    assertThat(second.chunks()).hasSize(1);
  }

  @Test
  void shouldNotWaitForEverForAHandshake() throws IOException {
    NbdOptions hasty = options(4, 64L << 20, Duration.ofMillis(20), Duration.ofDays(1));
    ServerFixture fixture = serve(ServerFixture.SIZE_BYTES, hasty);
    try (TestClient silent = TestClient.connect(fixture.socket())) {
      assertThat(silent.isClosedByServer()).isTrue();
    }
  }

  @Test
  void shouldServeOthersWhileSomeDoNotTakeTheirReplies() throws IOException {
    long size = 64L << 20;
    ServerFixture fixture =
        serve(size, options(8, 40L << 20, Duration.ofDays(1), Duration.ofSeconds(1)));
    for (int i = 0; i < 2; i++) {
      TestClient client = keep(TestClient.structured(fixture.socket()));
      client.read(1, 0, NbdLayout.MAX_BLOCK_BYTES);
      client.read(2, 0, NbdLayout.MAX_BLOCK_BYTES);
    }
    // Memory for one of them only: it is taken from those that do not go on.
    try (TestClient client = TestClient.structured(fixture.socket())) {
      for (int i = 0; i < 4; i++) {
        client.read(i, 0, NbdLayout.MAX_BLOCK_BYTES);
        assertThat(client.chunks().getFirst().data()).hasSize(NbdLayout.MAX_BLOCK_BYTES);
      }
    }
    assertThat(fixture.server().stats().stalledConnections()).isBetween(1L, 2L);
    assertServes(fixture);
  }

  @Test
  void shouldTakeMemoryFromClientsThatDoNotFinishTheirWrites() throws IOException {
    ServerFixture fixture =
        serve(64L << 20, options(8, 40L << 20, Duration.ofDays(1), Duration.ofMillis(50)));
    TestClient slow = keep(TestClient.structured(fixture.socket()));
    slow.request(0, CMD_WRITE, 1, 0, NbdLayout.MAX_BLOCK_BYTES);
    slow.send(new byte[100]);
    try (TestClient client = TestClient.structured(fixture.socket())) {
      client.read(1, 0, NbdLayout.MAX_BLOCK_BYTES);
      assertThat(client.chunks().getFirst().data()).hasSize(NbdLayout.MAX_BLOCK_BYTES);
    }
  }

  @Test
  void shouldBoundWhatOneClientCanQueue() throws Exception {
    // A device that says it blocks: requests go to workers, replies to the writer.
    MemoryDevice device = MemoryDevice.slow(64L << 20);
    ServerFixture fixture =
        ServerFixture.of(
            device,
            NbdExport.Mode.READ_WRITE,
            options(8, 40L << 20, Duration.ofDays(1), Duration.ofDays(1)));
    open.add(fixture);
    for (int i = 0; i < 100; i++) {
      fixture.server().services().readPace().took(1_000_000, 512);
    }
    TestClient flood = keep(TestClient.structured(fixture.socket()));
    ByteBuffer requests = ByteBuffer.allocate(5000 * NbdLayout.REQUEST_BYTES);
    for (int i = 0; i < 5000; i++) {
      requests.put(TestClient.requestBytes(0, CMD_READ, i, 0, 1 << 20));
    }
    Thread sender = Thread.ofPlatform().daemon().start(() -> sendQuietly(flood, requests.array()));
    try (TestClient client = TestClient.structured(fixture.socket())) {
      for (int i = 0; i < 20; i++) {
        client.read(i, 0, 4096);
        assertThat(client.chunks()).hasSize(1);
        assertThat(fixture.server().services().buffers().usedBytes())
            .isLessThanOrEqualTo(40L << 20);
      }
    }
    flood.close();
    sender.join();
    assertServes(fixture);
  }

  private static NbdOptions options(
      int connections, long bytes, Duration handshake, Duration stall) {
    return new NbdOptions(connections, bytes, bytes, 2, handshake, stall, Duration.ofMillis(500));
  }

  private static void sendQuietly(TestClient client, byte[] bytes) {
    try {
      client.send(bytes);
    } catch (IOException closed) {
      // The server may close while garbage is still being sent.
    }
  }
}
