package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.Attributes;
import io.bezoar.fs.CheckReport;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.fs.PathWalk.LastLink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool of files that was made by the program when version 1 of the filesystem was new: 8 MiB, 7 +
 * 1 columns, closed clean. In it a tree with hard and symbolic links, a hole, an extended attribute
 * and a name that is no text; a snapshot of it; and what was changed after the snapshot.
 */
class FilesystemVersion1Test {
  private static final long MODIFIED_NANOS = 1_600_000_000_987_654_321L;

  private static byte[] read(Filesystem files, String path) throws IOException {
    FileId id = new PathWalk(files).get(path, LastLink.FOLLOW).id();
    try (OpenFile file = files.open(id);
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(2 << 20);
      return buffer.asSlice(0, file.read(0, buffer)).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static String text(Filesystem files, String path) throws IOException {
    return new String(read(files, path), StandardCharsets.UTF_8);
  }

  private static Attributes attributes(Filesystem files, String path) throws IOException {
    return files.attributes(new PathWalk(files).get(path, LastLink.KEEP).id());
  }

  private static List<String> names(Filesystem files, String path) throws IOException {
    return files.list(new PathWalk(files).get(path, LastLink.FOLLOW).id(), null, 1000).stream()
        .map(entry -> entry.name().toString())
        .toList();
  }

  private static void checkContent(Filesystem files) throws IOException {
    assertThat(names(files, "/"))
        .containsSequence(
            "folder", "hello", "later", "link", "moved", "odd\udcff\udcc3", "pages", "shared")
        .contains("sparse");
    assertThat(text(files, "/hello")).isEqualTo("hello\n");
    assertThat(attributes(files, "/hello").mode()).isEqualTo(0640);
    assertThat(attributes(files, "/hello").links()).isEqualTo(2);
    assertThat(attributes(files, "/hello").modifiedNanos()).isEqualTo(MODIFIED_NANOS);
    assertThat(attributes(files, "/folder/hard").id()).isEqualTo(attributes(files, "/hello").id());
    assertThat(files.extended(attributes(files, "/hello").id(), AttributeName.of("user.origin")))
        .hasValueSatisfying(value -> assertThat(value).asString().isEqualTo("recorded"));
    byte[] pages = read(files, "/pages");
    assertThat(pages).hasSize(40 * 4096);
    for (int i = 0; i < pages.length; i++) {
      assertThat(pages[i]).isEqualTo((byte) (31 * (i / 4096) + 7));
    }
    assertThat(read(files, "/shared")).isEqualTo(pages);
    assertThat(read(files, "/sparse")).hasSize((1 << 20) + 3).endsWith('e', 'n', 'd');
    assertThat(attributes(files, "/sparse").allocatedBytes()).isEqualTo(4096);
    assertThat(text(files, "/moved")).isEqualTo("x".repeat(5000));
    assertThat(text(files, "/odd\udcff\udcc3")).isEqualTo("odd");
    assertThat(names(files, "/folder")).hasSize(62);
    assertThat(attributes(files, "/folder/empty").mode()).isEqualTo(01777);
    assertThat(files.snapshots()).hasSize(1);
    assertThat(text(files, "/.snapshots/kept/folder/x")).isEqualTo("x".repeat(5000));
    assertThat(read(files, "/.snapshots/kept/zero")).isEmpty();
    assertThat(names(files, "/.snapshots/kept")).doesNotContain("later", "moved", "shared");
  }

  @Test
  void shouldStillBeOpenedAndWorkedOn(@TempDir Path folder) throws Exception {
    Path path = Version1Test.unpack("filesystem1.pool", folder);
    try (Pool pool = Pool.open(path, PoolOptions.of(PoolOptions.Intent.LOOK))) {
      checkContent(pool.filesystem());
      assertThat(pool.filesystem().check().problems()).isEmpty();
    }
    PoolOptions work = PoolOptions.of(PoolOptions.Intent.WORK);
    try (Pool pool = Pool.open(path, work)) {
      Filesystem files = pool.filesystem();
      FileId made =
          files.create(
              FileId.ROOT,
              FileName.of("zz new"),
              FileType.REGULAR,
              NewFile.standard(FileType.REGULAR));
      try (OpenFile file = files.open(made);
          Arena arena = Arena.ofConfined()) {
        file.write(0, arena.allocate(100_000).fill((byte) 7));
      }
      checkContent(files);
    }
    try (Pool pool = Pool.open(path, work)) {
      checkContent(pool.filesystem());
      assertThat(read(pool.filesystem(), "/zz new")).hasSize(100_000).containsOnly(7);
      pool.filesystem().deleteSnapshot(FileName.of("kept"));
      CheckReport report = pool.filesystem().check();
      assertThat(report.problems()).isEmpty();
    }
  }
}
