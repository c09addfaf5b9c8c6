package io.bezoar.guard.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultInjector;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaInfo;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.MediaStamp;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import io.bezoar.media.Window;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A crash, or a new strike, between any two steps of a repair in place. */
class RepairOrderTest {
  @TempDir private Path folder;
  private Subject subject;

  @BeforeEach
  void setUp() throws Exception {
    subject = Subject.make(folder.resolve("file"), 400 * 4096 - 7, Redundancy.DEFAULT, 9);
  }

  private static final class Crash extends Error {
    private static final long serialVersionUID = 1;
  }

  /** When the power goes. */
  private enum Moment {
    BEFORE,
    HALF_STORED,
    AFTER
  }

  @Test
  void shouldFinishAfterACrashAtAnyStep() throws Exception {
    ByteRanges bad = rot();
    for (Moment moment : Moment.values()) {
      int step = 0;
      while (crashes(bad, step, moment)) {
        Files.setLastModifiedTime(subject.file, FileTime.from(Instant.now()));
        Verification found = Verification.verify(subject.file, Progress.UNWATCHED);
        assertThat(found)
            .as("%s step %d", moment, step)
            .isNotInstanceOf(Verification.Changed.class);
        Repair repair = Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
        assertThat(repair.lost().isEmpty()).isTrue();
        requireAsProtected();
        rot();
        step++;
      }
      assertThat(step).isGreaterThan(5);
      requireAsProtected();
      rot();
    }
  }

  @Test
  void shouldFinishAfterANewStrikeAtAnyStep() throws Exception {
    ByteRanges bad = rot();
    for (int step = 0; ; step++) {
      long struck = (10 + step) * subject.geometry.rows(); // in the row of page 0
      Stepping media = new Stepping(open(), step, Moment.AFTER, () -> subject.rot(page(struck)));
      try (media) {
        mend(media, bad);
      }
      if (media.step <= step) {
        requireAsProtected();
        return;
      }
      Repair repair = Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
      assertThat(repair.lost().isEmpty()).as("step %d", step).isTrue();
      requireAsProtected();
      rot();
    }
  }

  private ByteRange page(long page) {
    return subject.page(page);
  }

  private ByteRanges rot() throws IOException {
    ByteRanges bad =
        ByteRanges.of(page(0), page(1), page(77), page(77 + subject.geometry.rows()), page(399));
    for (ByteRange range : bad.asList()) {
      subject.rot(range);
    }
    return bad;
  }

  private Media open() throws IOException {
    return MediaFiles.open(
        subject.file, new MediaOptions(Access.REPAIR, MediaChoice.CHANNEL, Drills.OFF));
  }

  private boolean crashes(ByteRanges bad, int step, Moment moment) throws Exception {
    try (Media media =
        new Stepping(
            open(),
            step,
            moment,
            () -> {
              throw new Crash();
            })) {
      mend(media, bad);
      return false;
    } catch (Crash crashed) {
      return true;
    }
  }

  private void mend(Media media, ByteRanges bad) throws Exception {
    try (Sidecar sidecar = Sidecar.open(subject.file)) {
      FileStamp stamp = FileStamp.of(subject.file);
      assertThat(new FileMender(sidecar, media, stamp, Progress.UNWATCHED).mend(bad).isEmpty())
          .isTrue();
    }
  }

  private void requireAsProtected() throws Exception {
    Subject.requireContent(subject.file, subject.content);
    Subject.requireContent(subject.sidecar, subject.sidecarContent);
    assertThat(Files.getLastModifiedTime(subject.file)).isEqualTo(subject.modified);
  }

  @Test
  void shouldTakeForAChangeWhatNoNoteExplains() throws Exception {
    subject.rot(page(5));
    Files.setLastModifiedTime(subject.file, FileTime.from(Instant.now()));
    requireChanged(); // no note

    note(page(5), InstantSource.system());
    assertThat(Verification.verify(subject.file, Progress.UNWATCHED))
        .isInstanceOf(Verification.Damaged.class);
    FileTime later = FileTime.from(Instant.now().plus(RepairNotes.LASTS).plusSeconds(5));
    Files.setLastModifiedTime(subject.file, later);
    requireChanged(); // written to after the repair had ended
    FileTime earlier = FileTime.from(Instant.now().minusSeconds(5));
    Files.setLastModifiedTime(subject.file, earlier);
    requireChanged(); // written to before it had begun
    subject.heal();

    note(page(6), InstantSource.system());
    subject.rot(page(5));
    Files.setLastModifiedTime(subject.file, FileTime.from(Instant.now()));
    requireChanged(); // another page
    subject.heal();

    note(page(5), InstantSource.offset(InstantSource.system(), Duration.ofHours(-1)));
    subject.rot(page(5));
    Files.setLastModifiedTime(subject.file, FileTime.from(Instant.now()));
    requireChanged(); // an old note
  }

  private void requireChanged() throws Exception {
    byte[] before = Files.readAllBytes(subject.file);
    assertThat(Verification.verify(subject.file, Progress.UNWATCHED))
        .isInstanceOf(Verification.Changed.class);
    Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
    Subject.requireContent(subject.file, before);
  }

  private void note(ByteRange pages, InstantSource clock) throws IOException {
    try (Sidecar sidecar = Sidecar.open(subject.file, clock)) {
      sidecar.willRepair(ByteRanges.of(pages));
      assertThat(sidecar.note().pages()).isEqualTo(ByteRanges.of(pages));
    }
  }

  @Test
  void shouldFindItsHeaderBehindANote() throws Exception {
    note(page(5), InstantSource.system());
    subject.rotSidecar(new ByteRange(0, 128));
    try (Sidecar sidecar = Sidecar.open(subject.file)) {
      assertThat(sidecar.note().pages()).isEqualTo(ByteRanges.of(page(5)));
      sidecar.repaired(ByteRanges.of(page(5)));
    }
    Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
    requireAsProtected();
  }

  /** What a crash left half written behind the end must not hide the second header for ever. */
  @Test
  void shouldTakeAwayWhatIsNoNote() throws Exception {
    Files.write(subject.sidecar, new byte[77], java.nio.file.StandardOpenOption.APPEND);
    assertThat(Verification.verify(subject.file, Progress.UNWATCHED).subject().isSidecarWhole())
        .isFalse();
    Repair.inPlace(subject.file, Differences.KEEP, Progress.UNWATCHED);
    requireAsProtected();
  }

  @Test
  void shouldNotWriteIntoASidecarThatWasMadeAnew() throws Exception {
    try (Sidecar sidecar = Sidecar.open(subject.file)) {
      Protection.protect(subject.file, new Redundancy(5, 60), Progress.UNWATCHED);
      byte[] anew = Files.readAllBytes(subject.sidecar);
      assertThatThrownBy(() -> sidecar.willRepair(ByteRanges.of(page(5))))
          .isInstanceOfSatisfying(
              SidecarException.class,
              e -> assertThat(e.sidecarReason()).isEqualTo(SidecarException.Reason.NOT_WRITABLE));
      Subject.requireContent(subject.sidecar, anew);
    }
  }

  @Test
  void shouldCountNotesUpAndDown() throws Exception {
    try (Sidecar sidecar = Sidecar.open(subject.file)) {
      sidecar.willRepair(ByteRanges.of(page(5)));
      sidecar.willRepair(ByteRanges.of(page(9)));
      sidecar.repaired(ByteRanges.of(page(5)));
      sidecar.repaired(ByteRanges.of(page(5)));
      assertThat(sidecar.note().pages()).isEqualTo(ByteRanges.of(page(9)));
      try (Sidecar again = Sidecar.open(subject.file)) {
        assertThat(again.note()).isEqualTo(sidecar.note());
      }
      sidecar.repaired(ByteRanges.of(page(9)));
    }
    requireAsProtected();
  }

  /** Something that happens. */
  private interface Event {
    void happen() throws IOException;
  }

  /** Counts accesses, and lets something happen at one of them. */
  private static final class Stepping implements Media {
    private final Media media;
    private final int at;
    private final Moment moment;
    private final Event event;
    private int step;

    Stepping(Media media, int at, Moment moment, Event event) {
      this.media = media;
      this.at = at;
      this.moment = moment;
      this.event = event;
    }

    private interface Call {
      void run() throws IOException;
    }

    private void step(Call call) throws IOException {
      boolean now = step++ == at;
      if (now && moment != Moment.AFTER) {
        event.happen();
      }
      call.run();
      if (now && moment == Moment.AFTER) {
        event.happen();
      }
    }

    @Override
    public void read(long offset, MemorySegment dst) throws IOException {
      media.read(offset, dst); // one of hundreds that are alike
    }

    @Override
    public void readPastCache(long offset, MemorySegment dst) throws IOException {
      step(() -> media.readPastCache(offset, dst));
    }

    @Override
    public void reinitialise(long offset, MemorySegment src) throws IOException {
      if (step == at && moment == Moment.HALF_STORED) {
        try (RandomAccessFile file = new RandomAccessFile(media.info().name(), "rw")) {
          file.seek(offset);
          int half = (int) Math.min(src.byteSize(), Units.PAGE_BYTES / 2);
          file.write(src.asSlice(0, half).toArray(ValueLayout.JAVA_BYTE));
        }
      }
      step(() -> media.reinitialise(offset, src));
    }

    @Override
    public MediaInfo info() {
      return media.info();
    }

    @Override
    public void write(long offset, MemorySegment src) {
      throw new AssertionError("nothing writes");
    }

    @Override
    public void persist() throws IOException {
      media.persist();
    }

    @Override
    public List<ByteRange> probe(ByteRange range) throws IOException {
      return media.probe(range);
    }

    @Override
    public Optional<MemorySegment> window(ByteRange range) throws IOException {
      return media.window(range);
    }

    @Override
    public MediaStamp stamp() throws IOException {
      return media.stamp();
    }

    @Override
    public Window map() throws IOException {
      return media.map();
    }

    @Override
    public Presence presence() {
      return media.presence();
    }

    @Override
    public FaultInjector injector() {
      return media.injector();
    }

    @Override
    public void close() throws IOException {
      media.close();
    }
  }
}
