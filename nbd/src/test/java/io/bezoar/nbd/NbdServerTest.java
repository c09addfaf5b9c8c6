package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CHUNK_BLOCK_STATUS;
import static io.bezoar.nbd.NbdLayout.CHUNK_ERROR_OFFSET;
import static io.bezoar.nbd.NbdLayout.CHUNK_OFFSET_DATA;
import static io.bezoar.nbd.NbdLayout.CMD_BLOCK_STATUS;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_DF;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FAST_ZERO;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FUA;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_REQ_ONE;
import static io.bezoar.nbd.NbdLayout.CMD_FLUSH;
import static io.bezoar.nbd.NbdLayout.CMD_READ;
import static io.bezoar.nbd.NbdLayout.CMD_TRIM;
import static io.bezoar.nbd.NbdLayout.CMD_WRITE_ZEROES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a well-behaved client sees, on the wire. Hangs are cut by the time-out, never measured. */
@Timeout(60)
class NbdServerTest {
  private static final int PAGE = 4096;
  private static final int EPERM = 1;
  private static final int EIO = 5;
  private static final int EINVAL = 22;
  private static final int ENOSPC = 28;
  private static final int EOVERFLOW = 75;
  private static final int ENOTSUP = 95;

  /**
   * Memory and caches are served by the reader of requests, disks by workers: every path has to
   * give the same answers.
   */
  private static MemoryDevice device(String kind) {
    return switch (kind) {
      case "memory" -> MemoryDevice.fast(ServerFixture.SIZE_BYTES);
      case "cache" -> MemoryDevice.slow(ServerFixture.SIZE_BYTES);
      default -> {
        MemoryDevice disk = MemoryDevice.slow(ServerFixture.SIZE_BYTES);
        disk.onRead = range -> LockSupport.parkNanos(50_000);
        disk.onWrite = range -> LockSupport.parkNanos(50_000);
        yield disk;
      }
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldReadInOneChunkWhatIsHealthy(String kind) throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device(kind))) {
      byte[] content = fixture.fillWithPattern();
      try (TestClient client = TestClient.structured(fixture.socket())) {
        for (int length : new int[] {1, 511, PAGE, 70_000, 300_000, 4 << 20}) {
          client.read(length, 12_345, length);
          TestClient.Message.Chunk chunk = client.chunks().getFirst();
          assertThat(chunk.isDone()).isTrue();
          assertThat(chunk.type()).isEqualTo(CHUNK_OFFSET_DATA);
          assertThat(chunk.cookie()).isEqualTo(length);
          assertThat(chunk.dataOffset()).isEqualTo(12_345);
          assertThat(chunk.data()).isEqualTo(Arrays.copyOfRange(content, 12_345, 12_345 + length));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldStoreWhatIsWritten(String kind) throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device(kind));
        TestClient client = TestClient.structured(fixture.socket())) {
      for (int length : new int[] {1, PAGE, 100_000, Inbound.IN_PLACE_BYTES + 1, 4 << 20}) {
        byte[] data = ServerFixture.pattern(length, length);
        client.write(0, 7, 54_321, data);
        assertThat(client.status()).isZero();
        assertThat(fixture.content(ByteRange.ofLength(54_321, length))).isEqualTo(data);
      }
      assertThat(fixture.server().stats().writes()).isEqualTo(5);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldAnswerEveryRequestOfAFloodOnce(String kind) throws Exception {
    try (ServerFixture fixture = ServerFixture.of(device(kind))) {
      byte[] content = fixture.fillWithPattern();
      try (TestClient client = TestClient.structured(fixture.socket())) {
        int count = 2000;
        Thread sender =
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        for (int i = 0; i < count; i++) {
                          client.read(i, i * 512L, i % 3 == 0 ? 100_000 : 512);
                        }
                      } catch (IOException failed) {
                        throw new AssertionError(failed);
                      }
                    });
        boolean[] seen = new boolean[count];
        for (int i = 0; i < count; i++) {
          TestClient.Message.Chunk chunk = client.chunks().getFirst();
          int cookie = (int) chunk.cookie();
          assertThat(seen[cookie]).isFalse();
          seen[cookie] = true;
          byte[] data = chunk.data();
          int from = cookie * 512;
          assertThat(Arrays.equals(data, 0, data.length, content, from, from + data.length))
              .isTrue();
        }
        sender.join();
      }
    }
  }

  @Test
  void shouldBringOutEverythingAroundLostPages() throws IOException {
    for (String kind : List.of("memory", "cache", "disk")) {
      try (ServerFixture fixture = ServerFixture.of(device(kind))) {
        byte[] content = fixture.fillWithPattern();
        fixture.device().losePage(3);
        fixture.device().losePage(4);
        fixture.device().losePage(40);
        try (TestClient client = TestClient.structured(fixture.socket())) {
          for (int length : new int[] {50 * PAGE - 100, 12 * PAGE}) {
            client.read(1, 100, length);
            List<Long> errors = new ArrayList<>();
            ByteBuffer got = ByteBuffer.allocate(length);
            for (TestClient.Message.Chunk chunk : client.chunks()) {
              if (chunk.type() == CHUNK_ERROR_OFFSET) {
                assertThat(chunk.error()).isEqualTo(EIO);
                assertThat(chunk.message()).contains("lost");
                errors.add(chunk.errorOffset());
              } else {
                got.put((int) chunk.dataOffset() - 100, chunk.data());
              }
            }
            byte[] expected = Arrays.copyOfRange(content, 100, 100 + length);
            Arrays.fill(expected, 3 * PAGE - 100, 5 * PAGE - 100, (byte) 0);
            if (length > 40 * PAGE) {
              Arrays.fill(expected, 40 * PAGE - 100, 41 * PAGE - 100, (byte) 0);
              assertThat(errors).containsExactly(3L * PAGE, 40L * PAGE);
            } else {
              assertThat(errors).containsExactly(3L * PAGE);
            }
            assertThat(got.array()).isEqualTo(expected);
          }
        }
      }
    }
  }

  @Test
  void shouldSendOnlyTheStartWhenFragmentsAreForbidden() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"))) {
      byte[] content = fixture.fillWithPattern();
      fixture.device().losePage(2);
      try (TestClient client = TestClient.structured(fixture.socket())) {
        client.request(CMD_FLAG_DF, CMD_READ, 1, PAGE, 4 * PAGE);
        List<TestClient.Message.Chunk> chunks = client.chunks();
        assertThat(chunks).hasSize(2);
        assertThat(chunks.getFirst().data()).isEqualTo(Arrays.copyOfRange(content, PAGE, 2 * PAGE));
        assertThat(chunks.getLast().errorOffset()).isEqualTo(2 * PAGE);

        client.request(CMD_FLAG_DF, CMD_READ, 2, 2 * PAGE, 4 * PAGE);
        chunks = client.chunks();
        assertThat(chunks).hasSize(1);
        assertThat(chunks.getFirst().errorOffset()).isEqualTo(2 * PAGE);
      }
    }
  }

  @Test
  void shouldFailAsAWholeWithoutStructuredReplies() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.simple(fixture.socket())) {
      fixture.device().losePage(2);
      client.read(1, 0, 4 * PAGE);
      assertThat(client.message(4 * PAGE)).isEqualTo(new TestClient.Message.Simple(EIO, 1));
      client.read(2, 0, PAGE);
      assertThat(client.message(PAGE)).isEqualTo(new TestClient.Message.Simple(0, 2));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldReplaceWholeLostPagesAndRefusePartsOfThem(String kind) throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device(kind));
        TestClient client = TestClient.structured(fixture.socket())) {
      for (long page : new long[] {2, 5, 8}) {
        fixture.device().losePage(page);
      }
      // From the middle of page 2 to the middle of page 8: 5 is replaced, 2 is the first error.
      byte[] data = ServerFixture.pattern(9, 6 * PAGE);
      client.write(0, 1, 2 * PAGE + 2048, data);
      TestClient.Message.Chunk chunk = client.chunks().getFirst();
      assertThat(chunk.type()).isEqualTo(CHUNK_ERROR_OFFSET);
      assertThat(chunk.error()).isEqualTo(EIO);
      assertThat(chunk.errorOffset()).isEqualTo(2 * PAGE + 2048);
      assertThat(fixture.device().lostPages()).containsExactly(2L, 8L);
      assertThat(fixture.content(new ByteRange(3 * PAGE, 8 * PAGE)))
          .isEqualTo(Arrays.copyOfRange(data, 2048, 2048 + 5 * PAGE));

      // Whole pages over what is still lost.
      client.write(0, 2, 2 * PAGE, ServerFixture.pattern(1, 7 * PAGE));
      assertThat(client.status()).isZero();
      assertThat(fixture.device().lostPages()).isEmpty();

      // Only the end is a part of a lost page: the error is there.
      fixture.device().losePage(8);
      client.write(0, 3, 6 * PAGE, ServerFixture.pattern(1, 2 * PAGE + 10));
      assertThat(client.chunks().getFirst().errorOffset()).isEqualTo(8 * PAGE);
      assertThat(fixture.device().lostPages()).containsExactly(8L);

      // Within one lost page.
      client.write(0, 4, 8 * PAGE + 100, new byte[10]);
      assertThat(client.chunks().getFirst().errorOffset()).isEqualTo(8 * PAGE + 100);
    }
  }

  @Test
  void shouldSayWhichPageCannotBeCleared() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      fixture.device().losePage(2);
      fixture.device().losePageForGood(3);
      client.write(0, 1, 0, new byte[8 * PAGE]);
      TestClient.Message.Chunk chunk = client.chunks().getFirst();
      assertThat(chunk.error()).isEqualTo(EIO);
      assertThat(chunk.errorOffset()).isEqualTo(3 * PAGE);
      assertThat(chunk.message()).contains("cannot be cleared");
      assertThat(fixture.device().lostPages()).containsExactly(3L);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldWriteZeroesAsAnyBytes(String kind) throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device(kind));
        TestClient client = TestClient.structured(fixture.socket())) {
      byte[] content = fixture.fillWithPattern();
      fixture.device().losePage(600);
      client.request(0, CMD_WRITE_ZEROES, 1, 1000, 5 << 20);
      assertThat(client.status()).isZero();
      Arrays.fill(content, 1000, 1000 + (5 << 20), (byte) 0);
      assertThat(fixture.content(new ByteRange(0, content.length))).isEqualTo(content);
      assertThat(fixture.device().lostPages()).isEmpty();

      fixture.device().losePage(10);
      client.request(0, CMD_WRITE_ZEROES, 2, 10 * PAGE + 8, 100);
      assertThat(client.chunks().getFirst().errorOffset()).isEqualTo(10 * PAGE + 8);
      client.request(CMD_FLAG_FAST_ZERO, CMD_WRITE_ZEROES, 3, 0, PAGE);
      assertThat(client.status()).isEqualTo(ENOTSUP);
    }
  }

  @Test
  void shouldTakeATrimAsAdviceThatClearsNothing() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      byte[] content = fixture.fillWithPattern();
      fixture.device().losePage(1);
      client.request(0, CMD_TRIM, 1, 0, 4 * PAGE);
      assertThat(client.status()).isZero();
      assertThat(fixture.device().lostPages()).containsExactly(1L);
      assertThat(fixture.content(new ByteRange(0, content.length))).isEqualTo(content);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "cache", "disk"})
  void shouldPersistForFlushAndFua(String kind) throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device(kind));
        TestClient client = TestClient.structured(fixture.socket())) {
      client.request(0, CMD_FLUSH, 1, 0, 0);
      assertThat(client.status()).isZero();
      assertThat(fixture.device().persists()).isEqualTo(1);
      client.write(CMD_FLAG_FUA, 2, 0, new byte[100]);
      assertThat(client.status()).isZero();
      assertThat(fixture.device().persists()).isEqualTo(2);
      client.request(CMD_FLAG_FUA, CMD_WRITE_ZEROES, 3, 0, 2 << 20);
      assertThat(client.status()).isZero();
      assertThat(fixture.device().persists()).isEqualTo(3);
    }
  }

  @Test
  void shouldServeOthersWhileAFlushRuns() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("cache"));
        TestClient client = TestClient.structured(fixture.socket())) {
      CountDownLatch release = new CountDownLatch(1);
      fixture.device().onPersist = range -> await(release);
      client.request(0, CMD_FLUSH, 1, 0, 0);
      client.write(CMD_FLAG_FUA, 2, 0, new byte[100]);
      client.read(3, 0, 512);
      assertThat(client.message().cookie()).isEqualTo(3);
      release.countDown();
      assertThat(List.of(client.message().cookie(), client.message().cookie()))
          .containsExactlyInAnyOrder(1L, 2L);
      fixture.device().onPersist = MemoryDevice.Hook.NONE;
    }
  }

  @Test
  void shouldAnswerOutOfOrderWhenMediaAreSlow() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("cache"));
        TestClient client = TestClient.structured(fixture.socket())) {
      CountDownLatch release = new CountDownLatch(1);
      fixture.device().onRead =
          range -> {
            if (range.start() == 0) {
              await(release);
            }
          };
      byte[] both = new byte[2 * NbdLayout.REQUEST_BYTES];
      ByteBuffer.wrap(both)
          .put(TestClient.requestBytes(0, CMD_READ, 1, 0, 512))
          .put(TestClient.requestBytes(0, CMD_READ, 2, 512, 512));
      Services services = fixture.server().services();
      // What a few requests to a real disk would teach it.
      for (int i = 0; i < 100; i++) {
        services.readPace().took(1_000_000, 512);
      }
      client.send(both);
      assertThat(client.message().cookie()).isEqualTo(2);
      release.countDown();
      assertThat(client.message().cookie()).isEqualTo(1);
    }
  }

  @Test
  void shouldRefuseToChangeAReadOnlyExport() throws IOException {
    try (ServerFixture fixture =
            ServerFixture.of(device("memory"), NbdExport.Mode.READ_ONLY, NbdOptions.defaults());
        TestClient client = TestClient.structured(fixture.socket())) {
      client.write(0, 1, 0, new byte[PAGE]);
      assertThat(client.status()).isEqualTo(EPERM);
      client.request(0, CMD_TRIM, 2, 0, PAGE);
      assertThat(client.status()).isEqualTo(EPERM);
      client.request(0, CMD_WRITE_ZEROES, 3, 0, PAGE);
      assertThat(client.status()).isEqualTo(EPERM);
      client.request(0, CMD_FLUSH, 4, 0, 0);
      assertThat(client.status()).isZero();
      client.read(5, 0, 16);
      assertThat(client.chunks().getFirst().data()).hasSize(16);
    }
  }

  @Test
  void shouldRefuseWhatMakesNoSense() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      long size = ServerFixture.SIZE_BYTES;
      assertThat(statusOf(client, 0, CMD_READ, size - 10, 11)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_READ, -1, 1)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_READ, Long.MAX_VALUE, 0xffffffffL)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_WRITE_ZEROES, size, 1)).isEqualTo(ENOSPC);
      assertThat(statusOf(client, 0, CMD_TRIM, size, 1)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_BLOCK_STATUS, size, 1)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_BLOCK_STATUS, 0, 0)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, 99, 0, 1)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0x8000, CMD_READ, 0, 1)).isEqualTo(EINVAL);
      assertThat(statusOf(client, CMD_FLAG_DF, CMD_FLUSH, 0, 0)).isEqualTo(EINVAL);
      assertThat(statusOf(client, 0, CMD_FLUSH, 0, 1)).isEqualTo(EINVAL);
      client.write(0, 9, size - 1, new byte[2]);
      assertThat(client.status()).isEqualTo(ENOSPC);
      // Nothing is wrong with requests for nothing.
      assertThat(statusOf(client, 0, CMD_READ, 0, 0)).isZero();
      assertThat(statusOf(client, 0, CMD_TRIM, size, 0)).isZero();
      client.write(0, 10, 0, new byte[0]);
      assertThat(client.status()).isZero();
    }
  }

  @Test
  void shouldRefuseRequestsThatAreTooLong() throws IOException {
    long size = 40L << 20;
    try (ServerFixture fixture = ServerFixture.of(MemoryDevice.fast(size));
        TestClient client = TestClient.structured(fixture.socket())) {
      int tooLong = NbdLayout.MAX_BLOCK_BYTES + 1;
      assertThat(statusOf(client, 0, CMD_READ, 0, tooLong)).isEqualTo(EINVAL);
      assertThat(statusOf(client, CMD_FLAG_DF, CMD_READ, 0, tooLong)).isEqualTo(EOVERFLOW);
      client.write(0, 1, 0, new byte[tooLong]);
      assertThat(client.status()).isEqualTo(EINVAL);
      client.write(0, 2, 0, new byte[NbdLayout.MAX_BLOCK_BYTES]);
      assertThat(client.status()).isZero();
      client.read(3, 0, NbdLayout.MAX_BLOCK_BYTES);
      assertThat(client.chunks()).hasSize(1);
    }
  }

  @Test
  void shouldMapHealth() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      fixture.device().losePage(3);
      fixture.device().losePage(4);
      fixture.device().losePage(9);
      client.request(0, CMD_BLOCK_STATUS, 1, PAGE, 10 * PAGE);
      List<TestClient.Message.Chunk> chunks = client.chunks();
      assertThat(chunks)
          .extracting(TestClient.Message.Chunk::type)
          .containsOnly(CHUNK_BLOCK_STATUS);
      assertThat(ints(chunks.get(0))).containsExactly(1, 10 * PAGE, 0);
      assertThat(ints(chunks.get(1)))
          .containsExactly(
              2,
              2 * PAGE,
              0,
              2 * PAGE,
              RangeHealth.LOST,
              4 * PAGE,
              0,
              PAGE,
              RangeHealth.LOST,
              PAGE,
              0);

      client.request(CMD_FLAG_REQ_ONE, CMD_BLOCK_STATUS, 2, 3 * PAGE, 10 * PAGE);
      assertThat(ints(client.chunks().get(1))).containsExactly(2, 2 * PAGE, RangeHealth.LOST);
    }
  }

  @Test
  void shouldTellDeviceFailuresApart() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      MemoryDevice device = fixture.device();
      device.onWrite =
          range -> {
            throw new MediaFullException("memory", 4096);
          };
      client.write(0, 1, 0, new byte[16]);
      assertThat(client.status()).isEqualTo(ENOSPC);
      device.onWrite =
          range -> {
            throw new DeviceUnavailableException("memory", DeviceState.READ_ONLY, "why", null);
          };
      client.write(0, 2, 0, new byte[16]);
      assertThat(client.status()).isEqualTo(EPERM);
      device.onRead =
          range -> {
            throw new DeviceUnavailableException("memory", DeviceState.OFFLINE, "gone away", null);
          };
      client.read(3, 0, 16);
      TestClient.Message.Chunk chunk = client.chunks().getFirst();
      assertThat(chunk.error()).isEqualTo(EIO);
      assertThat(chunk.message()).contains("gone away");
      device.onRead =
          range -> {
            throw new IllegalStateException("a bug");
          };
      client.read(4, 0, 16);
      assertThat(client.status()).isEqualTo(EIO);
      device.onPersist =
          range -> {
            throw new PersistFailedException("memory", "disk full", null);
          };
      client.request(0, CMD_FLUSH, 5, 0, 0);
      assertThat(client.status()).isEqualTo(EIO);
      device.onWrite = MemoryDevice.Hook.NONE;
      client.write(CMD_FLAG_FUA, 6, 0, new byte[16]);
      assertThat(client.status()).isEqualTo(EIO);
      device.onPersist = MemoryDevice.Hook.NONE;
      assertThat(fixture.server().stats().errors()).isEqualTo(6);
    }
  }

  @Test
  void shouldFinishWhatWasBegunAndPersistWhenClosed() throws Exception {
    MemoryDevice device = device("cache");
    ServerFixture fixture = ServerFixture.of(device);
    try (TestClient client = TestClient.structured(fixture.socket())) {
      CountDownLatch entered = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      device.onWrite =
          range -> {
            entered.countDown();
            await(release);
          };
      client.write(0, 1, 0, new byte[PAGE]);
      entered.await();
      Thread closer =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      fixture.server().close();
                    } catch (IOException failed) {
                      throw new AssertionError(failed);
                    }
                  });
      while (Files.exists(fixture.socket())) {
        Thread.onSpinWait();
      }
      release.countDown();
      assertThat(client.status()).isZero();
      assertThat(client.isClosedByServer()).isTrue();
      closer.join();
      assertThat(device.persists()).isEqualTo(1);
      assertThatThrownBy(() -> TestClient.connect(fixture.socket()))
          .isInstanceOf(IOException.class);
    } finally {
      fixture.close();
    }
  }

  @Test
  void shouldRefuseNewRequestsWhenItStops() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"));
        TestClient client = TestClient.structured(fixture.socket())) {
      fixture.server().services().stop();
      client.write(0, 1, 0, new byte[100_000]);
      assertThat(client.status()).isEqualTo(108);
      client.read(2, 0, 1);
      assertThat(client.status()).isEqualTo(108);
    }
  }

  @Test
  void shouldReportAFailedLastPersist() throws IOException {
    MemoryDevice device = device("memory");
    try (ServerFixture fixture = ServerFixture.of(device)) {
      device.onPersist =
          range -> {
            throw new PersistFailedException("memory", "disk full", null);
          };
      assertThatThrownBy(() -> fixture.server().close()).isInstanceOf(PersistFailedException.class);
      assertThat(fixture.socket()).doesNotExist();
      fixture.server().close();
    }
  }

  @Test
  void shouldCount() throws IOException {
    try (ServerFixture fixture = ServerFixture.of(device("memory"))) {
      try (TestClient client = TestClient.structured(fixture.socket())) {
        client.read(1, 0, 1000);
        client.chunks();
        client.write(0, 2, 0, new byte[300]);
        client.status();
        client.request(0, CMD_FLUSH, 3, 0, 0);
        client.status();
        NbdStats stats = fixture.server().stats();
        assertThat(stats).isEqualTo(new NbdStats(1, 1, 0, 0, 0, 1, 1000, 1, 300, 1, 0));
      }
    }
  }

  private static int statusOf(TestClient client, int flags, int type, long offset, long length)
      throws IOException {
    client.request(flags, type, 1, offset, length);
    return client.status();
  }

  private static List<Integer> ints(TestClient.Message.Chunk chunk) {
    List<Integer> ints = new ArrayList<>();
    for (ByteBuffer buffer = chunk.buffer(); buffer.hasRemaining(); ) {
      ints.add(buffer.getInt());
    }
    return ints;
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      latch.await();
    } catch (InterruptedException stopped) {
      throw new IOException(stopped);
    }
  }
}
