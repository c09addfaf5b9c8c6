package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.guard.sidecar.Verification.Changed;
import io.bezoar.guard.sidecar.Verification.Damaged;
import io.bezoar.guard.sidecar.Verification.Intact;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is damage and what is change, and what protect, verify and repair make of each. */
class VerificationTest {
  @TempDir private Path folder;

  private Subject make(int sizeBytes) throws Exception {
    return Subject.make(folder.resolve("file"), sizeBytes, Redundancy.DEFAULT, 5);
  }

  private static Verification verify(Subject subject) throws Exception {
    return Verification.verify(subject.file, Progress.UNWATCHED);
  }

  private static Repair repair(Subject subject, Differences differences) throws Exception {
    return Repair.inPlace(subject.file, differences, Progress.UNWATCHED);
  }

  @Test
  void shouldProtectFilesOfEverySize() throws Exception {
    int i = 0;
    for (int size : new int[] {0, 1, 4095, 4096, 4097, 8191, 500_000, 70 * 62 * PAGE_BYTES + 1}) {
      Subject subject = Subject.make(folder.resolve("f" + i++), size, Redundancy.DEFAULT, i);
      assertThat(verify(subject)).isInstanceOf(Intact.class);
      assertThat(verify(subject).subject().state()).isEqualTo(FileState.UNTOUCHED);
      assertThat(verify(subject).subject().isSidecarWhole()).isTrue();
      if (size > 0) {
        subject.rot(ByteRange.ofLength(size - 1, 1));
        assertThat(verify(subject)).isInstanceOf(Damaged.class);
      }
      assertThat(repair(subject, Differences.KEEP).lost().isEmpty()).isTrue();
      Subject.requireContent(subject.file, subject.content);
      Path copy = folder.resolve("copy" + i);
      Repair.toCopy(subject.file, copy, Differences.KEEP, Progress.UNWATCHED);
      Subject.requireContent(copy, subject.content);
    }
    assertThat(listing()).noneMatch(name -> name.endsWith(".new"));
  }

  private List<String> listing() throws IOException {
    try (Stream<Path> paths = Files.list(folder)) {
      return paths.map(path -> path.getFileName().toString()).toList();
    }
  }

  @Test
  void shouldCallTouchedFilesIntactAndChangedOnesChanged() throws Exception {
    Subject subject = make(300 * PAGE_BYTES);
    Files.setLastModifiedTime(subject.file, FileTime.fromMillis(1_700_000_000_000L));
    assertThat(verify(subject)).isInstanceOf(Intact.class);
    assertThat(verify(subject).subject().state()).isEqualTo(FileState.TOUCHED);

    write(subject.file, 5 * PAGE_BYTES, new byte[] {1, 2, 3});
    Changed changed = (Changed) verify(subject);
    assertThat(changed.different()).isEqualTo(ByteRanges.of(subject.page(5)));
    byte[] content = Files.readAllBytes(subject.file);
    Repair left = repair(subject, Differences.KEEP);
    assertThat(left.before()).isInstanceOf(Changed.class);
    assertThat(left.repaired().isEmpty()).isTrue();
    Subject.requireContent(subject.file, content);

    Repair back = repair(subject, Differences.REVERT);
    assertThat(back.repaired()).isEqualTo(ByteRanges.of(subject.page(5)));
    Subject.requireContent(subject.file, subject.content);
    assertThat(verify(subject).subject().state()).isEqualTo(FileState.UNTOUCHED);
  }

  private static void write(Path path, long at, byte[] bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.seek(at);
      file.write(bytes);
    }
  }

  /** The page that cannot be read may be the one that was changed. */
  @Test
  void shouldNotPutOldBytesInPlaceOfUnreadableOnesOfATouchedFile() throws Exception {
    Subject subject = make(300 * PAGE_BYTES);
    Files.setLastModifiedTime(subject.file, FileTime.fromMillis(1_700_000_000_000L));
    Subject.strike(subject.file, FaultKind.EIO, subject.page(7));
    Changed changed = (Changed) verify(subject);
    assertThat(changed.different().isEmpty()).isTrue();
    assertThat(changed.unreadable()).isEqualTo(ByteRanges.of(subject.page(7)));
    assertThat(repair(subject, Differences.KEEP).repaired().isEmpty()).isTrue();
    assertThat(repair(subject, Differences.REVERT).repaired())
        .isEqualTo(ByteRanges.of(subject.page(7)));
    Subject.requireContent(subject.file, subject.content);
    assertThat(verify(subject).subject().state()).isEqualTo(FileState.UNTOUCHED);
  }

  @Test
  void shouldTakeAResizedFileBackToACopyOnly() throws Exception {
    Subject subject = make(300 * PAGE_BYTES + 99);
    try (RandomAccessFile file = new RandomAccessFile(subject.file.toFile(), "rw")) {
      file.setLength(296 * PAGE_BYTES);
    }
    assertThat(verify(subject)).isInstanceOf(Changed.class);
    assertThat(repair(subject, Differences.KEEP).before()).isInstanceOf(Changed.class);
    assertThatThrownBy(() -> repair(subject, Differences.REVERT))
        .isInstanceOfSatisfying(
            SidecarException.class,
            e -> assertThat(e.sidecarReason()).isEqualTo(SidecarException.Reason.CHANGED));
    Path copy = folder.resolve("copy");
    Repair back = Repair.toCopy(subject.file, copy, Differences.REVERT, Progress.UNWATCHED);
    assertThat(back.lost().isEmpty()).isTrue();
    Subject.requireContent(copy, subject.content);
    assertThat(Files.getLastModifiedTime(copy)).isEqualTo(subject.modified);
  }

  @Test
  void shouldKeepReplaceOrRefuseASidecarThatIsThere() throws Exception {
    Subject subject = make(300 * PAGE_BYTES);
    assertThat(protect(subject.file, Redundancy.DEFAULT)).isEqualTo(Protection.Outcome.KEPT);
    Subject.requireContent(subject.sidecar, subject.sidecarContent);
    assertThat(protect(subject.file, new Redundancy(4, 64))).isEqualTo(Protection.Outcome.REPLACED);
    assertThat(verify(subject).subject().geometry().parityColumns()).isEqualTo(4);

    subject.rot(subject.page(3));
    assertReason(SidecarException.Reason.FILE_DAMAGED, subject.file);
    assertThat(repair(subject, Differences.KEEP).lost().isEmpty()).isTrue();
    Subject.strike(subject.file, FaultKind.EIO, subject.page(3));
    assertReason(SidecarException.Reason.FILE_DAMAGED, subject.file);
    assertThat(repair(subject, Differences.KEEP).lost().isEmpty()).isTrue();

    write(subject.file, 0, new byte[] {9});
    assertThat(protect(subject.file, Redundancy.DEFAULT)).isEqualTo(Protection.Outcome.REPLACED);
    assertThat(verify(subject)).isInstanceOf(Intact.class);

    Files.writeString(subject.sidecar, "somebody else's notes about a bezoar");
    assertReason(SidecarException.Reason.NOT_A_SIDECAR, subject.file);
    assertThat(subject.sidecar).hasContent("somebody else's notes about a bezoar");
    Files.delete(subject.sidecar);
    Files.createDirectory(subject.sidecar);
    assertReason(SidecarException.Reason.NOT_A_SIDECAR, subject.file);
    assertThat(listing()).noneMatch(name -> name.endsWith(".new"));
  }

  private static Protection.Outcome protect(Path file, Redundancy redundancy) throws Exception {
    return Protection.protect(file, redundancy, Progress.UNWATCHED).outcome();
  }

  private static void assertReason(SidecarException.Reason reason, Path file) {
    assertThatThrownBy(() -> protect(file, new Redundancy(3, 70)))
        .isInstanceOfSatisfying(
            SidecarException.class, e -> assertThat(e.sidecarReason()).isEqualTo(reason));
  }

  @Test
  void shouldRefuseWhatCannotBeProtected() throws Exception {
    Subject subject = make(5000);
    assertReason(SidecarException.Reason.NOT_PROTECTABLE, subject.sidecar);
    assertReason(SidecarException.Reason.NOT_PROTECTABLE, folder);
    assertReason(SidecarException.Reason.NOT_PROTECTABLE, Path.of("/dev/null"));
    assertThatThrownBy(() -> protect(folder.resolve("none"), Redundancy.DEFAULT))
        .isInstanceOf(MediaOpenException.class);
    assertThatThrownBy(() -> Verification.verify(folder.resolve("none"), Progress.UNWATCHED))
        .isInstanceOf(MediaOpenException.class);
    Files.delete(subject.sidecar);
    assertThatThrownBy(() -> verify(subject))
        .isInstanceOfSatisfying(
            SidecarException.class,
            e -> assertThat(e.sidecarReason()).isEqualTo(SidecarException.Reason.MISSING));
  }

  @Test
  void shouldFollowLinksToTheFileItself() throws Exception {
    Subject subject = make(5000);
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Path link = Files.createSymbolicLink(elsewhere.resolve("link"), subject.file);
    Files.delete(subject.sidecar);
    assertThat(protect(link, Redundancy.DEFAULT)).isEqualTo(Protection.Outcome.CREATED);
    assertThat(subject.sidecar).isRegularFile();
    assertThat(Verification.verify(link, Progress.UNWATCHED)).isInstanceOf(Intact.class);
    assertThat(elsewhere.resolve("link.bez")).doesNotExist();
  }

  /** Parity is content: nobody may read it who may not read the file. */
  @Test
  void shouldBeAsPrivateAsTheFile() throws Exception {
    Path file = Files.write(folder.resolve("secret"), new byte[9000]);
    for (String mode : new String[] {"rw-------", "rw-r-----", "r--r--r--"}) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      Path sidecar = Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED).sidecar();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(sidecar)))
          .isEqualTo(mode);
      Files.delete(sidecar);
    }
  }

  @Test
  void shouldSurviveTheLossOfEitherEndOfTheSidecar() throws Exception {
    Subject subject = make(2500 * PAGE_BYTES);
    long head = subject.layout.parityOffset();
    long tail = subject.layout.tableOffset(Copy.TAIL);
    subject.rotSidecar(new ByteRange(0, head));
    subject.rot(subject.page(700));
    assertThat(repair(subject, Differences.KEEP).lost().isEmpty()).isTrue();
    Subject.requireContent(subject.sidecar, subject.sidecarContent);

    subject.rotSidecar(new ByteRange(tail, subject.layout.sizeBytes()));
    assertThat(repair(subject, Differences.KEEP).badSidecar().isEmpty()).isTrue();
    Subject.requireContent(subject.sidecar, subject.sidecarContent);

    try (RandomAccessFile file = new RandomAccessFile(subject.sidecar.toFile(), "rw")) {
      file.setLength(tail - 3 * PAGE_BYTES - 5);
    }
    assertThat(verify(subject).subject().isSidecarWhole()).isFalse();
    assertThat(repair(subject, Differences.KEEP).badSidecar().isEmpty()).isTrue();
    Subject.requireContent(subject.sidecar, subject.sidecarContent);
    Subject.strike(subject.sidecar, FaultKind.POISON, new ByteRange(0, head + 5 * PAGE_BYTES));
    Subject.strike(subject.file, FaultKind.POISON, subject.page(2499));
    assertThat(verify(subject)).isInstanceOf(Damaged.class);
    assertThat(repair(subject, Differences.KEEP).badSidecar().isEmpty()).isTrue();
    assertThat(verify(subject)).isInstanceOf(Intact.class);
    Subject.requireContent(subject.sidecar, subject.sidecarContent);
  }

  @Test
  void shouldSayNothingOfPagesWhoseChecksumsAreLostTwice() throws Exception {
    Subject subject = make(2500 * PAGE_BYTES);
    for (Copy copy : Copy.values()) {
      subject.rotSidecar(subject.layout.blockRange(copy, 1));
    }
    ByteRanges unknown =
        ByteRanges.of(
            ByteRange.ofLength(
                (long) SidecarLayout.BLOCK_ENTRIES * PAGE_BYTES,
                (long) SidecarLayout.BLOCK_ENTRIES * PAGE_BYTES));
    assertThat(verify(subject)).isInstanceOf(Intact.class);
    assertThat(verify(subject).subject().unknown()).isEqualTo(unknown);
    subject.rot(subject.page(3));
    assertThat(repair(subject, Differences.KEEP).repaired())
        .isEqualTo(ByteRanges.of(subject.page(3)));
    Subject.requireContent(subject.file, subject.content);

    // A page whose siblings cannot be checked and one of which is wrong: lost, and never made up.
    long sibling = 3 + subject.geometry.rows();
    while (!unknown.overlaps(subject.page(sibling))) {
      sibling += subject.geometry.rows();
    }
    subject.rot(subject.page(3));
    subject.rot(subject.page(sibling));
    byte[] rotten = Files.readAllBytes(subject.file);
    try (Sidecar sidecar = Sidecar.open(subject.file)) {
      ByteRanges bad = ByteRanges.of(subject.page(3));
      assertThat(
              sidecar.rebuild(
                  bad,
                  (page, dst) -> {
                    dst.copyFrom(
                        MemorySegment.ofArray(rotten).asSlice(page * PAGE_BYTES, PAGE_BYTES));
                    return true;
                  },
                  (page, wrong) -> {
                    throw new AssertionError("page " + page);
                  }))
          .isEqualTo(bad);
    }
    Repair repaired = repair(subject, Differences.KEEP);
    assertThat(repaired.lost()).isEqualTo(ByteRanges.of(subject.page(3)));
    assertThat(repaired.repaired().isEmpty()).isTrue();
    Subject.requireContent(subject.file, rotten);
  }

  /** Few enough of them to be counted as missing, too. */
  @Test
  void shouldRebuildAroundASiblingThatCannotBeChecked() throws Exception {
    int checked = SidecarLayout.BLOCK_ENTRIES;
    Subject subject = make((checked + 10) * PAGE_BYTES);
    for (Copy copy : Copy.values()) {
      subject.rotSidecar(subject.layout.blockRange(copy, 1));
    }
    long bad = subject.geometry.row(checked);
    subject.rot(subject.page(bad));
    subject.rot(subject.page(checked));
    Repair done = repair(subject, Differences.KEEP);
    assertThat(done.repaired()).isEqualTo(ByteRanges.of(subject.page(bad)));
    assertThat(done.lost().isEmpty()).isTrue();
    assertThat(subject.different()).isEqualTo(ByteRanges.of(subject.page(checked)));
  }

  @Test
  void shouldLeavePagesThatTheMediaDoesNotTake() throws Exception {
    Subject subject = make(300 * PAGE_BYTES);
    try (io.bezoar.media.Media media =
        io.bezoar.media.MediaFiles.open(
            subject.file,
            new io.bezoar.media.MediaOptions(
                io.bezoar.media.Access.REPAIR,
                io.bezoar.media.MediaChoice.CHANNEL,
                io.bezoar.media.Drills.ON))) {
      media
          .injector()
          .inject(new io.bezoar.media.FaultSpec(FaultKind.EIO, subject.page(9), true, 1));
    }
    subject.rot(subject.page(8));
    Repair done = repair(subject, Differences.KEEP);
    assertThat(done.repaired()).isEqualTo(ByteRanges.of(subject.page(8)));
    assertThat(done.stuck()).isEqualTo(ByteRanges.of(subject.page(9)));
    Path copy = folder.resolve("copy");
    Repair.toCopy(subject.file, copy, Differences.KEEP, Progress.UNWATCHED);
    Subject.requireContent(copy, subject.content);
    assertThatThrownBy(
            () -> Repair.toCopy(subject.file, copy, Differences.KEEP, Progress.UNWATCHED))
        .isInstanceOf(java.nio.file.FileAlreadyExistsException.class);
  }

  @Test
  void shouldEndWhenToldToAndLeaveNothing() throws Exception {
    Subject subject = make(3000 * PAGE_BYTES);
    Progress cancelled =
        new Progress() {
          @Override
          public void advanced(long doneBytes, long totalBytes) {}

          @Override
          public boolean isCancelled() {
            return true;
          }
        };
    Files.delete(subject.sidecar);
    assertThatThrownBy(() -> Protection.protect(subject.file, Redundancy.DEFAULT, cancelled))
        .isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(
            () -> Protection.protect(subject.file, Redundancy.DEFAULT, Progress.UNWATCHED))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
    assertThat(listing()).containsExactly("file");
    assertThat(protect(subject.file, Redundancy.DEFAULT)).isEqualTo(Protection.Outcome.CREATED);
    subject.rot(subject.page(1));
    assertThatThrownBy(() -> Verification.verify(subject.file, cancelled))
        .isInstanceOf(InterruptedException.class);
    assertThatThrownBy(() -> Repair.inPlace(subject.file, Differences.KEEP, cancelled))
        .isInstanceOf(InterruptedException.class);
    assertThatThrownBy(
            () -> Repair.toCopy(subject.file, folder.resolve("copy"), Differences.KEEP, cancelled))
        .isInstanceOf(InterruptedException.class);
    assertThat(listing()).containsExactlyInAnyOrder("file", "file.bez");
  }

  @Test
  void shouldNotProtectAFileThatIsWrittenTo() throws Exception {
    Subject subject = make(3000 * PAGE_BYTES);
    Files.delete(subject.sidecar);
    Progress writing =
        (done, total) -> {
          try {
            write(subject.file, 77, new byte[] {1});
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        };
    assertThatThrownBy(() -> Protection.protect(subject.file, Redundancy.DEFAULT, writing))
        .isInstanceOfSatisfying(
            SidecarException.class,
            e -> assertThat(e.sidecarReason()).isEqualTo(SidecarException.Reason.CHANGING));
    assertThat(listing()).containsExactly("file");
    assertThat(protect(subject.file, Redundancy.DEFAULT)).isEqualTo(Protection.Outcome.CREATED);
    assertThatThrownBy(() -> Verification.verify(subject.file, writing))
        .isInstanceOf(SidecarException.class);
    assertThatThrownBy(() -> Repair.inPlace(subject.file, Differences.REVERT, writing))
        .isInstanceOf(SidecarException.class);
  }
}
