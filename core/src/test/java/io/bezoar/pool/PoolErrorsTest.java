package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.bezoar.dax.DeviceState;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Everything that can stand in the way of a pool: a typed error, and nothing was touched. */
class PoolErrorsTest {
  private static final long SIZE = 2L << 20;
  private static final PoolSpec SPEC =
      new PoolSpec(SIZE, Redundancy.ofColumns(4), Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
  private static final PoolOptions WORK = PoolOptions.of(PoolOptions.Intent.WORK);

  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void setUp() throws IOException {
    file = folder.resolve("a.pool");
    Pool.create(file, SPEC, WORK);
  }

  private void expect(Path path, Reason reason) throws Exception {
    String before = digest(path);
    List<Path> beside = list();
    assertThatThrownBy(() -> Pool.open(path, WORK).close())
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> {
              assertThat(e.openReason()).as(e.getMessage()).isEqualTo(reason);
              assertThat(e.getMessage()).contains(path.toString());
            });
    assertThat(digest(path)).isEqualTo(before);
    assertThat(list()).isEqualTo(beside);
  }

  private List<Path> list() throws IOException {
    try (var paths = Files.list(folder)) {
      return paths.sorted().toList();
    }
  }

  private static String digest(Path path) throws Exception {
    return Files.isRegularFile(path)
        ? HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path)))
        : "";
  }

  private void resize(long sizeBytes) throws IOException {
    try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
      raw.setLength(sizeBytes);
    }
  }

  @Test
  void shouldNotFindAMissingFile() throws Exception {
    expect(folder.resolve("missing.pool"), Reason.MISSING);
    expect(folder.resolve("no/such/folder/a.pool"), Reason.MISSING);
  }

  @Test
  void shouldRefuseAFolder() throws Exception {
    expect(folder, Reason.NOT_A_FILE);
  }

  @Test
  void shouldRefuseAFileThatMayNotBeWrittenButLookAtIt() throws Exception {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    expect(file, Reason.READ_ONLY);
    try (Pool pool = Pool.open(file, PoolOptions.of(PoolOptions.Intent.LOOK))) {
      assertThat(pool.status().state()).isEqualTo(DeviceState.READ_ONLY);
      assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    }
  }

  @Test
  void shouldRefuseAFileShorterThanItsLabelSays() throws Exception {
    resize(SIZE - 4096);
    expect(file, Reason.TOO_SHORT);
    resize(SIZE / 2 + 100);
    expect(file, Reason.TOO_SHORT);
    resize(4096);
    expect(file, Reason.TOO_SHORT);
    resize(0);
    expect(file, Reason.NOT_A_POOL);
  }

  @Test
  void shouldRefuseAFileLongerThanItsLabelSays() throws Exception {
    resize(SIZE + 8192);
    expect(file, Reason.TOO_LONG);
    resize(SIZE + 100);
    expect(file, Reason.TOO_LONG);
    resize(SIZE);
    Pool.open(file, WORK).close();
  }

  @Test
  void shouldRefuseWhatIsNotAPool() throws Exception {
    Path text = folder.resolve("letter.txt");
    Files.writeString(text, "dear pool");
    expect(text, Reason.NOT_A_POOL);
    Path pages = folder.resolve("pages");
    Files.write(pages, new byte[1 << 20]);
    expect(pages, Reason.NOT_A_POOL);
  }

  @Test
  void shouldRefuseAPoolOfANewerVersion() throws Exception {
    for (long at : new long[] {0, SIZE - 4096}) {
      try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
        byte[] page = new byte[4096];
        raw.seek(at);
        raw.readFully(page);
        page[8] = 99;
        page[12] = page[13] = page[14] = page[15] = 0;
        CRC32C crc = new CRC32C();
        crc.update(page);
        long sum = crc.getValue();
        for (int i = 0; i < 4; i++) {
          page[12 + i] = (byte) (sum >> (8 * i));
        }
        raw.seek(at);
        raw.write(page);
      }
      expect(file, Reason.NEWER_VERSION);
    }
  }

  @Test
  void shouldRefuseWhenBothLabelsAreDamaged() throws Exception {
    for (long at : new long[] {100, SIZE - 4000}) {
      try (RandomAccessFile raw = new RandomAccessFile(file.toFile(), "rw")) {
        raw.seek(at);
        raw.write("garbage".getBytes(StandardCharsets.UTF_8));
      }
    }
    expect(file, Reason.LABEL_DAMAGED);
  }

  @Test
  void shouldRefuseAPoolThatIsInUse() throws Exception {
    try (Pool pool = Pool.open(file, WORK)) {
      assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
      assertThatThrownBy(() -> Pool.open(file, WORK))
          .isInstanceOfSatisfying(
              MediaOpenException.class, e -> assertThat(e.openReason()).isEqualTo(Reason.LOCKED));
    }
    Pool.open(file, WORK).close();
  }

  @Test
  void shouldBeUnavailableWhenItIsTruncatedWhileOpen() throws Exception {
    Pool pool = Pool.open(file, WORK);
    resize(SIZE / 4);
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> pool.volume().read(0, arena.allocate(pool.volume().sizeBytes())))
          .isInstanceOf(IOException.class);
      assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.UNAVAILABLE);
      assertThat(pool.status().counters().lostBytes()).isZero();
    } finally {
      assertThatThrownBy(pool::close).isInstanceOf(IOException.class);
    }
    expect(file, Reason.TOO_SHORT);
  }

  @Test
  void shouldNeverCreateOverAnything() throws Exception {
    String before = digest(file);
    assertThatThrownBy(() -> Pool.create(file, SPEC, WORK))
        .isInstanceOfSatisfying(
            MediaOpenException.class, e -> assertThat(e.openReason()).isEqualTo(Reason.EXISTS));
    assertThat(digest(file)).isEqualTo(before);
  }

  @Test
  void shouldRefuseSizesThatCannotBeBuiltAndLeaveNothing() throws Exception {
    List<Path> before = list();
    for (long sizeBytes : new long[] {0, 4096, 1000, SIZE + 1, -4096}) {
      PoolSpec spec =
          new PoolSpec(sizeBytes, Redundancy.DEFAULT, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
      assertThatThrownBy(() -> Pool.create(folder.resolve("b.pool"), spec, WORK))
          .isInstanceOfSatisfying(
              MediaOpenException.class,
              e -> assertThat(e.openReason()).isEqualTo(Reason.BAD_GEOMETRY));
    }
    assertThat(list()).isEqualTo(before);
  }

  @Test
  void shouldLeaveNothingWhenTheDiskIsFull() throws Exception {
    List<Path> before = list();
    long tooMuch = Files.getFileStore(folder).getUsableSpace() / 4096 * 4096 * 2;
    assumeThat(tooMuch).isPositive();
    PoolSpec spec =
        new PoolSpec(
            tooMuch, Redundancy.DEFAULT, Allocation.PREALLOCATED, PoolLabel.Drill.FORBIDDEN);
    assertThatThrownBy(() -> Pool.create(folder.resolve("b.pool"), spec, WORK))
        .isInstanceOf(MediaFullException.class);
    assertThat(list()).isEqualTo(before);
  }
}
