package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Files of more extents than one transaction takes away, cut or deleted with a commit before each
 * transaction, until the power goes. Either nothing of it is left to be seen, or it goes on: no
 * page leaks, and nothing that was behind the new end of a file ever comes back.
 */
class ReaperCrashTest {
  private static final int PAGE = FsRig.PAGE;
  private static final int EXTENTS = 3 * FileContent.PIECE_EXTENTS + 500;
  private static final long SIZE = 2L * EXTENTS * PAGE;
  private static final long CUT_SIZE = 10L * PAGE + 17;
  private static final int ROUNDS = Integer.getInteger("bezoar.rounds", 12);
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);

  enum How {
    CUT,
    DELETED,
    DELETED_WHILE_OPEN
  }

  @ParameterizedTest
  @EnumSource
  void shouldGoOnWhereACrashLeftIt(How how) throws Exception {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    Run whole = new Run(base);
    long first = whole.rig.media.stepCount();
    whole.take(how);
    long steps = whole.rig.media.stepCount() - first;
    int leftHalfDone = 0;
    for (int round = 0; round < ROUNDS; round++) {
      long seed = base + round;
      // Spread over all of it, so that every piece has its turn.
      long cut = 1 + steps * round / ROUNDS + new SplittableRandom(seed).nextLong(steps / ROUNDS);
      try {
        leftHalfDone += crash(how, seed, cut) ? 1 : 0;
      } catch (IOException | RuntimeException | AssertionError failed) {
        throw new AssertionError(
            how
                + " at step "
                + cut
                + " of "
                + steps
                + "; replay: mvn -pl core -am test -Dtest=ReaperCrashTest -Dbezoar.seed="
                + base,
            failed);
      }
    }
    // Else this says nothing.
    assertThat(leftHalfDone).as("crashes between two pieces, of %d", ROUNDS).isPositive();
  }

  /** True when the crash came between two pieces. */
  private static boolean crash(How how, long seed, long cut) throws Exception {
    Run run = new Run(seed);
    FsRig rig = run.rig;
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
    try {
      run.take(how);
    } catch (IOException | RuntimeException failure) {
      assertThat(FsTwin.isPowerCut(failure)).as("%s", failure).isTrue();
    }
    rig.reopenOn(rig.media.crash(new SplittableRandom(seed)));
    CheckReport found = rig.assertClean();
    boolean halfDone = found.dataBytes() > 0 && found.dataBytes() < (long) EXTENTS * PAGE;
    if (rig.fs.lookup(FileId.ROOT, FileName.of("a")).isEmpty()) {
      assertNobodyOpens(rig, run.id);
    }
    rig.settle();
    Optional<DirectoryEntry> entry = rig.fs.lookup(FileId.ROOT, FileName.of("a"));
    if (entry.isEmpty()) {
      assertThat(rig.assertClean().dataBytes()).isZero();
    } else if (rig.fs.attributes(run.id).sizeBytes() == SIZE) {
      assertThat(rig.fs.attributes(run.id).allocatedBytes()).isEqualTo((long) EXTENTS * PAGE);
    } else {
      halfDone &= rig.fs.attributes(run.id).allocatedBytes() < found.dataBytes();
      assertNothingComesBack(rig, run.id);
    }
    return halfDone;
  }

  /** Not those either who try it at the same time, and are not alone with it. */
  private static void assertNobodyOpens(FsRig rig, FileId id) throws Exception {
    Callable<Integer> attempts =
        () -> {
          int opened = 0;
          for (int i = 0; i < 200; i++) {
            try (OpenFile _ = rig.fs.open(id)) {
              opened++;
            } catch (InvalidFileException gone) {
              assertThat(gone.problem()).isEqualTo(InvalidFileException.Problem.GONE);
            }
          }
          return opened;
        };
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (Future<Integer> opened : threads.invokeAll(List.of(attempts, attempts))) {
        assertThat(opened.get()).isZero();
      }
    }
  }

  private static void assertNothingComesBack(FsRig rig, FileId id) throws IOException {
    assertThat(rig.fs.attributes(id).sizeBytes()).isEqualTo(CUT_SIZE);
    try (OpenFile file = rig.fs.open(id);
        Arena arena = Arena.ofConfined()) {
      file.truncate(SIZE);
      MemorySegment all = arena.allocate(SIZE, PAGE);
      assertThat(file.read(0, all)).isEqualTo(SIZE);
      MemorySegment behind = all.asSlice(CUT_SIZE);
      MemorySegment zeroes = arena.allocate(behind.byteSize());
      assertThat(behind.mismatch(zeroes)).isEqualTo(-1);
    }
    rig.assertClean();
  }

  /** A filesystem with such a file. */
  private static final class Run {
    final FsRig rig;
    final FileId id;
    private final Filesystem fs;
    private @Nullable Filesystem committing;

    Run(long seed) throws IOException {
      rig = FsRig.create(FsRig.Below.LEAF, 40, seed);
      id = rig.fs.create(FileId.ROOT, FileName.of("a"), FileType.REGULAR, FILE);
      fill();
      rig.fs.close();
      DaxDevice asked =
          Interposed.on(
              rig.device,
              (method, _) -> {
                if (method.equals("state")) {
                  commitBeforeAChange();
                }
                return null;
              });
      fs = Filesystem.open(asked, rig.options);
    }

    /** Every other page, so that each is an extent. */
    private void fill() throws IOException {
      try (OpenFile file = rig.fs.open(id);
          Arena arena = Arena.ofConfined()) {
        MemorySegment page = arena.allocate(PAGE, PAGE).fill((byte) 7);
        for (int i = 0; i < EXTENTS; i++) {
          file.write(2L * i * PAGE, page);
        }
        file.truncate(SIZE);
      }
    }

    /** Every change asks whether the device takes writes, before it begins its transaction. */
    private void commitBeforeAChange() throws IOException {
      Filesystem now = committing;
      boolean change =
          StackWalker.getInstance()
              .walk(frames -> frames.anyMatch(at -> at.getMethodName().equals("requireWritable")));
      if (now != null && change) {
        committing = null;
        now.sync();
        committing = now;
      }
    }

    void take(How how) throws IOException {
      committing = fs;
      switch (how) {
        case CUT -> {
          try (OpenFile file = fs.open(id)) {
            file.truncate(CUT_SIZE);
          }
        }
        case DELETED -> fs.unlink(FileId.ROOT, FileName.of("a"));
        case DELETED_WHILE_OPEN -> {
          try (OpenFile file = fs.open(id)) {
            fs.unlink(FileId.ROOT, FileName.of("a"));
            file.sync();
          }
        }
      }
      for (boolean more = true; more; more = fs.tick()) {
        // Until nothing is left.
      }
    }
  }
}
