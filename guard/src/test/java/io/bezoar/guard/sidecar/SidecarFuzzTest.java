package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.media.MediaFolders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Whatever becomes of a sidecar, a good file beside it is never called damaged, never written to,
 * and no error is other than a typed one.
 */
class SidecarFuzzTest {
  private static final int PAGES = 130;
  private static Path folder = Path.of("");
  private static Subject subject;

  @BeforeAll
  static void make() throws Exception {
    folder = MediaFolders.onTmpfs();
    subject = Subject.make(folder.resolve("file"), PAGES * PAGE_BYTES - 99, Redundancy.DEFAULT, 4);
  }

  @AfterAll
  static void remove() throws Exception {
    MediaFolders.remove(folder);
  }

  /** The first bytes say how to change a good sidecar: offset, new byte, and so on; then a cut. */
  @FuzzTest(maxDuration = "2m")
  void open(byte[] changes) throws Exception {
    byte[] bytes = subject.sidecarContent.clone();
    int at = 0;
    for (; at + 4 < changes.length; at += 4) {
      int offset =
          ((changes[at] & 0xff) << 16) | ((changes[at + 1] & 0xff) << 8) | (changes[at + 2] & 0xff);
      bytes[offset % bytes.length] = changes[at + 3];
    }
    int cut = changes.length > at ? changes[at] & 0xff : 0;
    use(Arrays.copyOf(bytes, Math.max(0, bytes.length + 64 - cut)));
  }

  /** Bytes that are no sidecar at all. */
  @FuzzTest(maxDuration = "2m")
  void openAnything(byte[] bytes) throws Exception {
    use(bytes);
  }

  @Test
  void shouldStandRuns() throws Exception {
    SplittableRandom random = new SplittableRandom(6);
    for (int i = 0; i < 100; i++) {
      byte[] bytes = subject.sidecarContent.clone();
      for (int n = 1 + random.nextInt(3); n > 0; n--) {
        int from = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, from + 1 + random.nextInt(1 << random.nextInt(15)));
        if (random.nextBoolean()) {
          Arrays.fill(bytes, from, to, (byte) 0);
        } else {
          byte[] noise = new byte[to - from];
          random.nextBytes(noise);
          System.arraycopy(noise, 0, bytes, from, noise.length);
        }
      }
      int length = random.nextInt(4) == 0 ? random.nextInt(2 * bytes.length) : bytes.length;
      use(Arrays.copyOf(bytes, length));
    }
  }

  /** A header that is whole and lies. */
  @Test
  void shouldStandHeadersOfOtherFiles() throws Exception {
    SplittableRandom random = new SplittableRandom(7);
    java.lang.foreign.MemorySegment head =
        java.lang.foreign.Arena.ofAuto().allocate(SidecarLayout.HEADER_BYTES, Long.BYTES);
    for (int i = 0; i < 60; i++) {
      byte[] bytes = subject.sidecarContent.clone();
      long size = i % 2 == 0 ? subject.content.length : random.nextLong(1L << 56);
      Redundancy asked = new Redundancy(1 + random.nextInt(8), 9 + random.nextInt(100));
      SidecarHeader header =
          new SidecarHeader(
              new UUID(random.nextLong(), 1),
              1,
              subject.modified.to(java.util.concurrent.TimeUnit.NANOSECONDS),
              asked,
              SidecarGeometry.of(size, asked));
      SidecarLayout.encodeHeader(head, 0, header);
      java.lang.foreign.MemorySegment.ofArray(bytes)
          .asSlice(0, SidecarLayout.HEADER_BYTES)
          .copyFrom(head);
      use(bytes);
    }
  }

  private static void use(byte[] sidecar) throws Exception {
    Files.write(subject.sidecar, sidecar);
    try {
      Verification found = Verification.verify(subject.file, Progress.UNWATCHED);
      assertThat(found).isNotInstanceOf(Verification.Damaged.class);
      Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
    } catch (SidecarException typed) {
      assertThat(typed.sidecarReason())
          .isIn(
              SidecarException.Reason.NOT_A_SIDECAR,
              SidecarException.Reason.DAMAGED,
              SidecarException.Reason.NEWER_VERSION);
    }
    Subject.requireContent(subject.file, subject.content);
    FileTime now = Files.getLastModifiedTime(subject.file);
    assertThat(now).isEqualTo(subject.modified);
  }
}
