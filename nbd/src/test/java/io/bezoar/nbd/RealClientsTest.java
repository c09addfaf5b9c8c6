package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.testing.Tools;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The programs that people use, against a server in this process. */
@Timeout(300)
class RealClientsTest {
  private static final int SIZE_BYTES = 48 << 20;
  private static final int PAGE = 4096;

  @TempDir Path folder = Path.of("");

  private static MemoryDevice device(String kind) {
    return kind.equals("memory") ? MemoryDevice.fast(SIZE_BYTES) : MemoryDevice.slow(SIZE_BYTES);
  }

  private Path image(long seed) throws IOException {
    byte[] bytes = new byte[SIZE_BYTES];
    new Random(seed).nextBytes(bytes);
    // Something for clients that look for zeroes.
    java.util.Arrays.fill(bytes, 8 << 20, 16 << 20, (byte) 0);
    return Files.write(folder.resolve("image"), bytes);
  }

  @Test
  void nbdinfoShouldShowTheExportAndItsHealth() throws Exception {
    Tools.require("nbdinfo", "libnbd-bin");
    try (ServerFixture fixture = ServerFixture.of(MemoryDevice.fast(SIZE_BYTES))) {
      String uri = fixture.server().uri();
      assertThat(Tools.run("nbdinfo", uri).orFail())
          .contains("a test", "bezoar:poison", "can_multi_conn: true", "is_read_only: false")
          .contains("block_size_maximum: 33554432", "using structured packets");
      assertThat(Tools.run("nbdinfo", "--list", uri).orFail()).contains("export=\"\"");
      assertThat(Tools.run("nbdinfo", "--map", uri).orFail()).contains("data");
      fixture.device().losePage(3);
      fixture.device().losePage(4);
      fixture.device().losePage(100);
      assertThat(Tools.run("nbdinfo", "--map=bezoar:poison", uri).orFail().lines())
          .map(line -> line.strip().replaceAll(" +", " "))
          .containsExactly(
              "0 12288 0",
              "12288 8192 2",
              "20480 389120 0",
              "409600 4096 2",
              "413696 " + (SIZE_BYTES - 413696) + " 0");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "disk"})
  void nbdcopyShouldBringAnImageInAndOut(String kind) throws Exception {
    Tools.require("nbdcopy", "libnbd-bin");
    Path image = image(1);
    try (ServerFixture fixture = ServerFixture.of(device(kind))) {
      Tools.run("nbdcopy", "--flush", image.toString(), fixture.server().uri()).orFail();
      assertThat(fixture.device().persists()).isPositive();
      Path out = folder.resolve("out");
      Tools.run("nbdcopy", fixture.server().uri(), out.toString()).orFail();
      assertThat(Files.mismatch(image, out)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "disk"})
  void qemuImgShouldConvertAndCompare(String kind) throws Exception {
    Tools.require("qemu-img", "qemu-utils");
    Path image = image(2);
    try (ServerFixture fixture = ServerFixture.of(device(kind))) {
      String uri = fixture.server().uri();
      Tools.run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image.toString(), uri)
          .orFail();
      Tools.run("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri).orFail();
    }
  }

  @Test
  void qemuIoShouldReadAndWriteAroundLostPages() throws Exception {
    Tools.require("qemu-io", "qemu-utils");
    try (ServerFixture fixture = ServerFixture.of(MemoryDevice.fast(SIZE_BYTES))) {
      String uri = fixture.server().uri();
      Tools.run("qemu-io", "-f", "raw", "-c", "write -P 7 0 1M", "-c", "flush", uri).orFail();
      fixture.device().losePage(5);
      Tools.Result bad = Tools.run("qemu-io", "-f", "raw", "-c", "read 0 64k", uri);
      assertThat(bad.output()).contains("Input/output error");
      Tools.run("qemu-io", "-f", "raw", "-c", "read -P 7 0 20k", "-c", "read -P 7 24k 40k", uri)
          .orFail();
      Tools.Result part = Tools.run("qemu-io", "-f", "raw", "-c", "write -P 8 20k 512", uri);
      assertThat(part.output()).contains("Input/output error");
      Tools.run(
              "qemu-io", "-f", "raw", "-c", "write -f -P 9 16k 12k", "-c", "read -P 9 16k 12k", uri)
          .orFail();
      Tools.run(
              "qemu-io",
              "-f",
              "raw",
              "-c",
              "write -z 0 2M",
              "-c",
              "read -P 0 0 2M",
              "-c",
              "discard 0 1M",
              uri)
          .orFail();
      assertThat(fixture.device().lostPages()).isEmpty();
    }
  }

  @Test
  void nbdshShouldSeeEveryLostRunAtItsPlace() throws Exception {
    Tools.require("nbdsh", "python3-libnbd");
    try (ServerFixture fixture = ServerFixture.of(MemoryDevice.fast(SIZE_BYTES))) {
      fixture.fillWithPattern();
      fixture.device().losePage(2);
      fixture.device().losePage(3);
      fixture.device().losePage(7);
      String script =
          """
          seen = []
          def chunk(data, offset, status, error):
              seen.append((status, offset, len(data)))
          buf = bytearray(40960)
          try:
              h.pread_structured(40960, 0, chunk)
              print("no error")
          except nbd.Error as e:
              print("error", e.errnum)
          print(sorted(seen, key=lambda x: x[1]))
          print(h.pread(8192, 0) == h.pread(4096, 0) + h.pread(4096, 4096))
          """;
      // The binding is there for the system's Python, which need not be the first one.
      String path = "PATH=/usr/bin:/bin:" + System.getenv("PATH");
      String output =
          Tools.run("env", path, "nbdsh", "-u", fixture.server().uri(), "-c", script).orFail();
      // 1 is data, 3 an error, in the words of libnbd.
      assertThat(output)
          .contains("error 5")
          .contains(
              "[(1, 0, 8192), (3, 8192, 0), (1, 16384, 12288), (3, 28672, 0), (1, 32768, 8192)]")
          .contains("True");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memory", "disk"})
  void fioShouldVerifyWhatItWrote(String kind) throws Exception {
    Tools.require("fio", "fio");
    try (ServerFixture fixture = ServerFixture.of(device(kind))) {
      fixture.device().losePage(17);
      Tools.run(
              "fio",
              "--name=verify",
              "--ioengine=nbd",
              "--uri=" + fixture.server().uri(),
              "--rw=randrw",
              "--bsrange=4k-256k",
              "--blockalign=4k",
              "--iodepth=16",
              "--size=" + SIZE_BYTES,
              "--fsync=100",
              "--verify=crc32c",
              "--verify_fatal=1",
              "--verify_state_save=0",
              "--rwmixread=0",
              "--randseed=1")
          .orFail();
      assertThat(fixture.content(new ByteRange(17 * PAGE, 18 * PAGE))).isNotEqualTo(new byte[PAGE]);
      assertThat(fixture.device().lostPages()).isEmpty();
    }
  }
}
