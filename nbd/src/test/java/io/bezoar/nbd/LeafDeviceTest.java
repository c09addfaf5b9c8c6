package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CHUNK_ERROR_OFFSET;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real device that loses single lines of 64 bytes, as clients of a raw volume see it. */
@Timeout(60)
class LeafDeviceTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int LINE = Units.LINE_BYTES;
  private static final int EIO = 5;

  @TempDir Path folder = Path.of("");

  @Test
  void shouldNameLostLinesServeTheOthersAndReplaceWholePages() throws Exception {
    SimMedia media = SimMedia.create("sim", 256 * PAGE, 7);
    PoisonRegion region =
        new PoisonRegion(new ByteRange(0, 16 * PAGE), new ByteRange(240 * PAGE, 256 * PAGE));
    LeafDevice.format(media, region);
    NoticeDispatcher notices = new NoticeDispatcher("sim", InstantSource.system(), Runnable::run);
    try (LeafDevice device = LeafDevice.open(media, region, InstantSource.system(), notices);
        NoticeHealth health = NoticeHealth.of(device);
        NbdServer server =
            NbdServer.start(
                folder.resolve("s"),
                new NbdExport("", "leaf", device, NbdExport.Mode.READ_WRITE, health),
                NbdOptions.defaults());
        TestClient client = TestClient.structured(server.socket())) {
      byte[] content = ServerFixture.pattern(0, 8 * PAGE);
      long base = 32 * PAGE;
      client.write(NbdLayout.CMD_FLAG_FUA, 1, base, content);
      assertThat(client.status()).isZero();

      // Two neighbouring lines in page 1, one in page 5.
      strike(media, base + PAGE + 3 * LINE, 2 * LINE);
      strike(media, base + 5 * PAGE, LINE);
      client.read(2, base, content.length);
      byte[] expected = content.clone();
      Arrays.fill(expected, PAGE + 3 * LINE, PAGE + 5 * LINE, (byte) 0);
      Arrays.fill(expected, 5 * PAGE, 5 * PAGE + LINE, (byte) 0);
      List<Long> errors = new ArrayList<>();
      assertThat(collect(client, base, content.length, errors)).isEqualTo(expected);
      assertThat(errors).containsExactly(base + PAGE + 3 * LINE, base + 5 * PAGE);

      // Part of a page with a lost line in it, then the whole page.
      client.write(0, 3, base + PAGE + 4 * LINE, new byte[LINE]);
      TestClient.Message.Chunk refused = client.chunks().getFirst();
      assertThat(refused.error()).isEqualTo(EIO);
      assertThat(refused.errorOffset()).isEqualTo(base + PAGE + 4 * LINE);
      client.write(0, 4, base + PAGE, Arrays.copyOfRange(content, PAGE, 2 * PAGE));
      assertThat(client.status()).isZero();
      client.request(0, NbdLayout.CMD_WRITE_ZEROES, 5, base + 4 * PAGE, 2 * PAGE);
      assertThat(client.status()).isZero();
      Arrays.fill(content, 4 * PAGE, 6 * PAGE, (byte) 0);
      client.read(6, base, content.length);
      errors.clear();
      assertThat(collect(client, base, content.length, errors)).isEqualTo(content);
      assertThat(errors).isEmpty();
    }
  }

  @Test
  void shouldRefuseBytesThatCanBeReadButAreKnownToBeWrong() throws Exception {
    SimMedia media = SimMedia.create("sim", 256 * PAGE, 7);
    PoisonRegion region =
        new PoisonRegion(new ByteRange(0, 16 * PAGE), new ByteRange(240 * PAGE, 256 * PAGE));
    LeafDevice.format(media, region);
    NoticeDispatcher notices = new NoticeDispatcher("sim", InstantSource.system(), Runnable::run);
    try (LeafDevice device = LeafDevice.open(media, region, InstantSource.system(), notices);
        NoticeHealth health = NoticeHealth.of(device);
        NbdServer server =
            NbdServer.start(
                folder.resolve("s"),
                new NbdExport("", "leaf", device, NbdExport.Mode.READ_WRITE, health),
                NbdOptions.defaults());
        TestClient client = TestClient.structured(server.socket())) {
      byte[] content = ServerFixture.pattern(0, 4 * PAGE);
      long base = 32 * PAGE;
      client.write(NbdLayout.CMD_FLAG_FUA, 1, base, content);
      assertThat(client.status()).isZero();
      device.report(ByteRange.ofLength(base + PAGE, PAGE), Cause.CONFLICT, Confidence.EXACT);
      device.report(ByteRange.ofLength(base + 3 * PAGE, LINE), Cause.CHECKSUM, Confidence.EXACT);
      device.report(ByteRange.ofLength(base, LINE), Cause.PLATFORM, Confidence.SUSPECT);
      client.read(2, base, content.length);
      byte[] expected = content.clone();
      Arrays.fill(expected, PAGE, 2 * PAGE, (byte) 0);
      Arrays.fill(expected, 3 * PAGE, 3 * PAGE + LINE, (byte) 0);
      List<Long> errors = new ArrayList<>();
      assertThat(collect(client, base, content.length, errors)).isEqualTo(expected);
      assertThat(errors).containsExactly(base + PAGE, base + 3 * PAGE);
    }
  }

  private static void strike(SimMedia media, long offset, int length) throws IOException {
    media.injector().inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(offset, length), 1));
  }

  private static byte[] collect(TestClient client, long base, int length, List<Long> errors)
      throws IOException {
    byte[] got = new byte[length];
    for (TestClient.Message.Chunk chunk : client.chunks()) {
      if (chunk.type() == CHUNK_ERROR_OFFSET) {
        errors.add(chunk.errorOffset());
      } else {
        byte[] data = chunk.data();
        System.arraycopy(data, 0, got, (int) (chunk.dataOffset() - base), data.length);
      }
    }
    return got;
  }
}
