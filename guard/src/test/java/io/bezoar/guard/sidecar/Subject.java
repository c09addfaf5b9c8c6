package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;

/** A protected file, what it held, and ways to hurt it and its sidecar. */
final class Subject {
  final Path file;
  final Path sidecar;
  final byte[] content;
  final byte[] sidecarContent;
  final SidecarGeometry geometry;
  final SidecarLayout layout;
  final FileTime modified;

  private Subject(Path file, byte[] content, SidecarGeometry geometry) throws IOException {
    this.file = file;
    this.sidecar = Sidecar.pathOf(file);
    this.content = content;
    this.sidecarContent = Files.readAllBytes(sidecar);
    this.geometry = geometry;
    this.layout = new SidecarLayout(geometry);
    this.modified = Files.getLastModifiedTime(file);
  }

  /** A new file of random bytes, protected. */
  static Subject make(Path file, int sizeBytes, Redundancy redundancy, long seed)
      throws IOException, InterruptedException {
    byte[] content = new byte[sizeBytes];
    new SplittableRandom(seed).nextBytes(content);
    Files.write(file, content);
    // Long ago, so that nobody waits for the kernel's clock to tick.
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_600_000_000_123L + seed % 1000));
    Protection made = Protection.protect(file, redundancy, Progress.UNWATCHED);
    assertThat(made.outcome()).isEqualTo(Protection.Outcome.CREATED);
    assertThat(made.geometry().sidecarBytes()).isEqualTo(Files.size(made.sidecar()));
    return new Subject(file, content, made.geometry());
  }

  /** Puts everything back as it was just after it was protected. */
  void heal() throws IOException {
    Files.write(file, content);
    Files.write(sidecar, sidecarContent);
    Files.setLastModifiedTime(file, modified);
  }

  /** Changes every byte of a range without changing the file's time, as rot does. */
  void rot(ByteRange range) throws IOException {
    damage(file, range);
    Files.setLastModifiedTime(file, modified);
  }

  void rotSidecar(ByteRange range) throws IOException {
    damage(sidecar, range);
  }

  private static void damage(Path path, ByteRange range) throws IOException {
    try (RandomAccessFile out = new RandomAccessFile(path.toFile(), "rw")) {
      byte[] bytes = new byte[(int) range.length()];
      out.seek(range.start());
      out.readFully(bytes);
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] ^= (byte) (1 + i % 255);
      }
      out.seek(range.start());
      out.write(bytes);
    }
  }

  /** Makes a range unreadable, as a bad sector is. */
  static void strike(Path path, FaultKind kind, ByteRange range) throws IOException {
    MediaOptions options = new MediaOptions(Access.REPAIR, MediaChoice.CHANNEL, Drills.ON);
    try (Media media = MediaFiles.open(path, options)) {
      media.injector().inject(FaultSpec.of(kind, range, 1));
    }
  }

  /** As an assertion of AssertJ, without printing megabytes. */
  static void requireContent(Path path, byte[] expected) throws IOException {
    int at = Arrays.mismatch(Files.readAllBytes(path), expected);
    assertThat(at).as("first wrong byte of %s", path).isEqualTo(-1);
  }

  ByteRange page(long page) {
    return ByteRange.ofLength(page * PAGE_BYTES, geometry.bytesOf(page));
  }

  /** What of the file is not as it was. */
  ByteRanges different() throws IOException {
    byte[] now = Files.readAllBytes(file);
    List<ByteRange> found = new ArrayList<>();
    for (long page = 0; page < geometry.pages(); page++) {
      ByteRange range = page(page);
      int from = (int) range.start();
      int to = (int) range.end();
      if (!Arrays.equals(now, from, to, content, from, to)) {
        found.add(range);
      }
    }
    return ByteRanges.of(found);
  }

  /** What the code promises: pages of rows with no more bad pages than parity columns. */
  Prospect oracle(ByteRanges bad, ByteRanges badSidecar) {
    List<ByteRange> repairable = new ArrayList<>();
    List<ByteRange> lost = new ArrayList<>();
    for (long row = 0; row < geometry.rows(); row++) {
      BitSet data = new BitSet();
      int parity = 0;
      for (int column = 0; column < geometry.columnsOf(row); column++) {
        data.set(column, bad.overlaps(page(geometry.page(row, column))));
      }
      for (int column = 0; column < geometry.parityColumns(); column++) {
        ByteRange place = ByteRange.ofLength(layout.parityOffset(column, row), PAGE_BYTES);
        parity += badSidecar.overlaps(place) ? 1 : 0;
      }
      List<ByteRange> outcome =
          data.cardinality() + parity <= geometry.parityColumns() ? repairable : lost;
      long at = row;
      data.stream().forEach(column -> outcome.add(page(geometry.page(at, column))));
    }
    return new Prospect(ByteRanges.of(repairable), ByteRanges.of(lost));
  }
}
