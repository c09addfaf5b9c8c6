package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.fs.FileExtent;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.Owner;
import io.bezoar.health.Event;
import io.bezoar.health.EventQuery;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pools that hold files. */
class PoolFilesTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final NewFile ROOT = new NewFile(0750, 1000, 100);
  private static final PoolSpec RAW =
      new PoolSpec(8L << 20, Redundancy.ofColumns(8), Allocation.SPARSE, PoolLabel.Drill.ALLOWED);
  private static final PoolOptions WORK = PoolOptions.of(PoolOptions.Intent.WORK);

  private final SimDisks disks = new SimDisks();
  private @Nullable Pool opened;

  @AfterEach
  void tearDown() throws IOException {
    if (opened != null) {
      opened.close();
    }
  }

  private void create(StackDraft draft, PoolSpec spec) throws IOException {
    Pool.create(draft, spec, WORK, disks);
  }

  private static StackDraft device(String path) {
    return new StackDraft.Device(Path.of(path), -1, null);
  }

  private Pool open(PoolOptions options) throws IOException {
    Pool pool = Pool.open(Path.of("/a"), options, disks);
    opened = pool;
    return pool;
  }

  private static FileId write(Filesystem files, String name, String content) throws IOException {
    FileId made =
        files.create(
            FileId.ROOT, FileName.of(name), FileType.REGULAR, NewFile.standard(FileType.REGULAR));
    try (OpenFile file = files.open(made);
        Arena arena = Arena.ofConfined()) {
      file.write(0, arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes(content)));
    }
    return made;
  }

  private static byte[] bytes(String content) {
    return content.getBytes(StandardCharsets.UTF_8);
  }

  private static String read(Filesystem files, String name) throws IOException {
    FileId id = files.lookup(FileId.ROOT, FileName.of(name)).orElseThrow().id();
    try (OpenFile file = files.open(id);
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PAGE);
      long count = file.read(0, buffer);
      return new String(
          buffer.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
  }

  @Test
  void shouldKeepFilesOverRestarts() throws Exception {
    create(device("/a"), RAW.withFilesystem(ROOT));
    try (Pool pool = open(WORK)) {
      assertThat(pool.label().content()).isEqualTo(PoolLabel.Content.FS);
      write(pool.filesystem(), "x", "hello");
    }
    Pool pool = open(PoolOptions.of(PoolOptions.Intent.LOOK));
    assertThat(read(pool.filesystem(), "x")).isEqualTo("hello");
    assertThat(pool.filesystem().attributes(FileId.ROOT).mode()).isEqualTo(0750);
    assertThat(pool.filesystem().attributes(FileId.ROOT).uid()).isEqualTo(1000);
    PoolStatus status = pool.status();
    assertThat(status.condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    assertThat(status.files()).isNotNull();
    assertThat(status.filesTrouble()).isEmpty();
    assertThat(pool.filesystem().check().problems()).isEmpty();
  }

  @Test
  void shouldMakeWhatWasDoneDurableWhenItIsClosed() throws Exception {
    create(device("/a"), RAW.withFilesystem(ROOT));
    Pool pool = open(WORK);
    write(pool.filesystem(), "x", "hello");
    pool.close();
    disks.crash(new SplittableRandom(1));
    assertThat(read(open(WORK).filesystem(), "x")).isEqualTo("hello");
  }

  @Test
  void shouldStandOnEveryStack() throws Exception {
    StackDraft stack =
        new StackDraft.Cached(
            device("/fast"),
            new StackDraft.Striped(
                64 << 10,
                List.of(new StackDraft.Mirror(List.of(device("/a"), device("/b"))), device("/c"))));
    create(stack, RAW.withFilesystem(ROOT));
    try (Pool pool = open(WORK)) {
      write(pool.filesystem(), "x", "hello");
    }
    Pool pool = open(WORK);
    assertThat(read(pool.filesystem(), "x")).isEqualTo("hello");
    assertThat(pool.filesystem().check().problems()).isEmpty();
  }

  @Test
  void shouldGiveNewDevicesTheContentOfThePool() throws Exception {
    create(device("/a"), RAW.withFilesystem(ROOT));
    try (Pool pool = open(WORK)) {
      write(pool.filesystem(), "x", "hello");
      pool.devices().attach("0", new NewDevice(Path.of("/b"), -1, null, Allocation.SPARSE));
    }
    Pool pool = Pool.open(Path.of("/b"), WORK, disks);
    opened = pool;
    assertThat(pool.label().content()).isEqualTo(PoolLabel.Content.FS);
    assertThat(read(pool.filesystem(), "x")).isEqualTo("hello");
  }

  @Test
  void shouldHaveNoFilesInARawPool() throws Exception {
    create(device("/a"), RAW);
    Pool pool = open(WORK);
    assertThat(pool.status().files()).isNull();
    assertThatThrownBy(pool::filesystem)
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> {
              assertThat(e.openReason()).isEqualTo(Reason.REFUSED);
              assertThat(e).hasMessageContaining("raw").hasMessageContaining("--fs");
            });
  }

  @Test
  void shouldRefuseWhatIsTooSmallAndLeaveNothing() {
    PoolSpec small =
        new PoolSpec(1L << 20, Redundancy.NONE, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
    assertThatThrownBy(() -> create(device("/a"), small.withFilesystem(ROOT)))
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> assertThat(e.openReason()).isEqualTo(Reason.BAD_GEOMETRY));
    assertThatThrownBy(() -> open(WORK))
        .isInstanceOfSatisfying(
            MediaOpenException.class, e -> assertThat(e.openReason()).isEqualTo(Reason.MISSING));
  }

  @Test
  void shouldOpenAPoolWhoseFilesCannotBeOpened() throws Exception {
    create(device("/a"), RAW.withFilesystem(ROOT));
    try (Pool pool = open(WORK);
        Arena arena = Arena.ofConfined()) {
      DaxDevice volume = pool.volume();
      volume.write(0, arena.allocate(volume.sizeBytes()));
    }
    // What was open at that time may have written some of itself once more.
    Pool pool = open(WORK);
    pool.volume().write(0, Arena.ofAuto().allocate(pool.volume().sizeBytes()));
    pool.volume().persist();
    pool.close();
    Pool again = open(WORK);
    assertThat(again.status().condition()).isEqualTo(PoolStatus.Condition.UNAVAILABLE);
    assertThat(again.status().filesTrouble()).isNotEmpty();
    assertThatThrownBy(again::filesystem).isInstanceOf(IOException.class);
    assertThat(again.events().lastSequence()).isPositive();
  }

  /** Whoever opened it first would be the only one who could know, and may be a command. */
  @Test
  void shouldTellWhatIsMissingSinceItWasOpened() throws Exception {
    PoolSpec bare =
        new PoolSpec(8L << 20, Redundancy.NONE, Allocation.SPARSE, PoolLabel.Drill.ALLOWED);
    create(device("/a"), bare.withFilesystem(ROOT));
    List<ByteRange> names;
    try (Pool pool = open(WORK)) {
      Filesystem files = pool.filesystem();
      write(files, "before", "x");
      files.sync();
      write(files, "after", "y");
      files.sync();
      names =
          files.owners(new ByteRange(0, pool.volume().sizeBytes())).stream()
              .filter(
                  owner ->
                      owner instanceof Owner.Metadata node && node.structure().contains("names"))
              .map(Owner::device)
              .toList();
    }
    assertThat(names).hasSize(2);
    try (Pool pool = open(WORK);
        Arena arena = Arena.ofConfined()) {
      for (ByteRange copy : names) {
        pool.volume().write(copy.start(), arena.allocate(copy.length()));
      }
    }
    try (Pool pool = open(WORK)) {
      assertThat(pool.status().fileNotes())
          .singleElement()
          .asString()
          .startsWith("opened at commit ")
          .contains("has lost the root node of a tree");
      assertThat(pool.filesystem().lookup(FileId.ROOT, FileName.of("before"))).isPresent();
      assertThat(pool.filesystem().lookup(FileId.ROOT, FileName.of("after"))).isEmpty();
      write(pool.filesystem(), "again", "z");
    }
    Pool pool = open(WORK);
    assertThat(pool.status().fileNotes()).isEmpty();
    assertThat(pool.events().query(EventQuery.ALL).events())
        .filteredOn(
            event ->
                event instanceof Event.Lifecycle step && step.step() == Event.Step.FILES_INCOMPLETE)
        .hasSize(1);
  }

  @Test
  void shouldFillOnlyWhatNobodyOwns() throws Exception {
    PoolSpec bare =
        new PoolSpec(8L << 20, Redundancy.NONE, Allocation.SPARSE, PoolLabel.Drill.ALLOWED);
    create(device("/a"), bare.withFilesystem(ROOT));
    Pool pool = open(WORK);
    FileId kept = write(pool.filesystem(), "x", "hello");
    pool.filesystem().sync();
    ByteRange owned;
    try (OpenFile file = pool.filesystem().open(kept)) {
      List<FileExtent> extents = file.extents(new ByteRange(0, PAGE));
      owned = extents.getFirst().device();
    }
    ByteRange free = free(pool);
    for (ByteRange struck : List.of(owned, free)) {
      StrikePlan plan =
          pool.planStrikes(
              new StrikeOrder(
                  List.of(FaultKind.POISON),
                  struck.start(),
                  PAGE,
                  1,
                  7,
                  StrikeOrder.Rows.ANY,
                  null));
      pool.strike(plan.strikes().getFirst());
      assertThatThrownBy(() -> pool.volume().read(struck.start(), Arena.ofAuto().allocate(PAGE)))
          .isInstanceOf(IOException.class);
    }
    LossAccepted accepted = pool.acceptLoss(Fill.ZERO, null);
    assertThat(accepted.filled()).containsExactly(free);
    assertThat(accepted.owned()).containsExactly(owned);
    assertThatThrownBy(() -> read(pool.filesystem(), "x")).isInstanceOf(IOException.class);
    pool.filesystem().unlink(FileId.ROOT, FileName.of("x"));
    pool.filesystem().sync();
    while (pool.filesystem().tick()) {
      // Until the file has been taken apart.
    }
    assertThat(pool.acceptLoss(Fill.ZERO, null).filled()).containsExactly(owned);
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
  }

  /** A page that nobody owns. */
  private static ByteRange free(Pool pool) throws IOException {
    ByteRange all = new ByteRange(0, pool.volume().sizeBytes());
    ByteRange run =
        pool.filesystem().owners(all).stream()
            .filter(owner -> owner instanceof Owner.Free && owner.device().length() > 1 << 20)
            .findFirst()
            .orElseThrow()
            .device();
    return ByteRange.ofLength((run.start() + run.length() / 2) / PAGE * PAGE, PAGE);
  }
}
