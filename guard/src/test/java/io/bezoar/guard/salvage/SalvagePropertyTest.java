package io.bezoar.guard.salvage;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.io.StringReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Rescues of a source that is bad in places, for good or for a time, interrupted in every way:
 * power cuts before any step of the destination and around any save of the map, requests to stop, a
 * source that vanishes. What must come out is worked out from the faults alone.
 */
class SalvagePropertyTest {
  private static final int ROUNDS = 400;
  private static final byte BEFORE = (byte) 0xEE;
  private static final Pieces PIECES = new Pieces(PAGE_BYTES, 512, 2048, 3L * PAGE_BYTES);

  @Test
  void shouldBringOutEveryReadableByteAndNothingElse() throws IOException {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", ROUNDS);
    for (int round = 0; round < rounds; round++) {
      try (Arena arena = Arena.ofConfined()) {
        new Run(seed + round, arena).play();
      } catch (AssertionError | RuntimeException found) {
        throw new AssertionError(
            "replay: mvn -pl guard -am test -Dtest=SalvagePropertyTest -Dbezoar.rounds=1"
                + " -Dbezoar.seed="
                + (seed + round),
            found);
      }
    }
  }

  /** The process died while it saved the map. */
  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** How a line of the source behaves. */
  private enum Line {
    GOOD,
    FLAKY,
    BAD
  }

  private static final class Run {
    private final SplittableRandom random;
    private final Arena arena;
    private final int sizeBytes;
    private final Line[] lines;
    private final byte[] content;
    private SimMedia source;
    private SimMedia destination;
    private String saved = "";
    private long nanos;
    private long killAfterSaves = Long.MAX_VALUE;
    private boolean interrupted;

    Run(long seed, Arena arena) throws IOException {
      this.random = new SplittableRandom(seed);
      this.arena = arena;
      this.sizeBytes = PAGE_BYTES * (1 + random.nextInt(24));
      this.content = new byte[sizeBytes];
      this.lines = new Line[sizeBytes / LINE_BYTES];
      random.nextBytes(content);
      Arrays.fill(lines, Line.GOOD);
      source = SimMedia.create("source", sizeBytes, seed);
      source.write(0, memory(content));
      source.persist();
      destination = SimMedia.create("destination", sizeBytes, seed);
      destination.write(0, arena.allocate(sizeBytes).fill(BEFORE));
      destination.persist();
      for (int n = random.nextInt(8); n > 0; n--) {
        strike();
      }
    }

    private MemorySegment memory(byte[] bytes) {
      return arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
    }

    /** A bad place: mostly small, sometimes large, sometimes for a time only. */
    private void strike() throws IOException {
      int from = random.nextInt(lines.length);
      int most = random.nextInt(4) == 0 ? lines.length : 9;
      int to = Math.min(lines.length, from + 1 + random.nextInt(most));
      Line how = random.nextInt(3) == 0 ? Line.FLAKY : Line.BAD;
      for (int line = from; line < to; line++) {
        if (lines[line] == Line.GOOD) {
          lines[line] = how;
          arm(line);
        }
      }
    }

    private void arm(int line) throws IOException {
      FaultKind kind = random.nextBoolean() ? FaultKind.POISON : FaultKind.EIO;
      source.injector().inject(FaultSpec.of(kind, at(line), 1));
    }

    private static ByteRange at(int line) {
      return ByteRange.ofLength((long) line * LINE_BYTES, LINE_BYTES);
    }

    void play() throws IOException {
      RescueMap first = RescueMap.untried(sizeBytes);
      if (random.nextInt(3) == 0) {
        scribble(first);
      }
      store(first);
      boolean finished = false;
      for (int lives = 1 + random.nextInt(12); !finished; lives--) {
        finished = live(lives <= 0);
        checkWhatIsVouchedFor();
      }
      checkEnd();
    }

    /** A map as ddrescue may have left it, of a rescue that has brought out nothing yet. */
    private void scribble(RescueMap map) {
      List<RescueStatus> some =
          List.of(RescueStatus.UNTRIED, RescueStatus.UNTRIMMED, RescueStatus.UNSCRAPED);
      // A flaky line that is tried in two parts may well come to be half of it bad.
      boolean any = Arrays.stream(lines).noneMatch(Line.FLAKY::equals);
      for (int n = random.nextInt(6); n > 0; n--) {
        long from = random.nextLong(sizeBytes);
        long to = from + random.nextLong(sizeBytes - from + 1);
        ByteRange range = new ByteRange(from, to);
        map.mark(
            any ? range : range.alignOutward(LINE_BYTES), some.get(random.nextInt(some.size())));
      }
      List<RescuePhase> phases = List.of(RescuePhase.values());
      long position = random.nextLong(2L * sizeBytes);
      map.moveTo(
          new RescuePoint(
              any ? position : position / LINE_BYTES * LINE_BYTES,
              phases.get(random.nextInt(phases.size())),
              1 + random.nextInt(6)));
    }

    /** One start of the program; true when it came to its end. */
    private boolean live(boolean undisturbed) throws IOException {
      RescueMap map = RescueMapFormat.read("saved", new StringReader(saved));
      boolean[] stopped = {false};
      killAfterSaves = Long.MAX_VALUE;
      if (!undisturbed) {
        switch (random.nextInt(4)) {
          case 0 -> destination.cutPowerBeforeStep(destination.stepCount() + random.nextInt(60));
          case 1 -> killAfterSaves = random.nextInt(8);
          default -> stopped[0] = random.nextInt(8) == 0;
        }
      }
      long vanishAt = undisturbed || random.nextInt(3) > 0 ? -1 : random.nextInt(200);
      long stopAt = undisturbed || random.nextInt(3) > 0 ? -1 : random.nextInt(200);
      long[] asked = {0};
      SalvageOptions options =
          new SalvageOptions(random.nextInt(4), Duration.ofNanos(random.nextLong(200)));
      Salvage salvage =
          new Salvage(
              source,
              random.nextBoolean() ? Reading.CACHED : Reading.DIRECT,
              destination,
              map,
              this::store,
              options,
              progress -> checkProgress(progress, map),
              () -> {
                if (asked[0]++ == vanishAt) {
                  source.setPresence(random.nextBoolean() ? Presence.GONE : Presence.TRUNCATED);
                }
                flicker();
                return stopped[0] || asked[0] == stopAt;
              },
              PIECES,
              () -> nanos += random.nextLong(20));
      try {
        return switch (salvage.run()) {
          case SalvageEnding.Finished finished -> true;
          case SalvageEnding.Stopped stop -> false;
          case SalvageEnding.SourceAbsent absent -> {
            assertThat(absent.presence()).isEqualTo(source.presence());
            yield false;
          }
        };
      } catch (SimMedia.PowerCutException | Killed died) {
        interrupted = true;
        destination = destination.crash(random);
        return false;
      } finally {
        source.setPresence(Presence.PRESENT);
      }
    }

    private void store(RescueMap map) throws IOException {
      if (--killAfterSaves == 0 && random.nextBoolean()) {
        throw new Killed();
      }
      StringBuilder out = new StringBuilder();
      RescueMapFormat.write(map, List.of("round"), out);
      saved = out.toString();
      if (killAfterSaves <= 0) {
        throw new Killed();
      }
    }

    /** Lines that are bad for a time come and go. */
    private void flicker() {
      int line = random.nextInt(lines.length);
      if (lines[line] == Line.FLAKY) {
        try {
          if (random.nextBoolean()) {
            source.injector().disarm(at(line));
          } else {
            arm(line);
          }
        } catch (IOException e) {
          throw new AssertionError(e);
        }
      }
    }

    private void checkProgress(SalvageProgress progress, RescueMap map) {
      assertThat(progress.sizeBytes()).isEqualTo(sizeBytes);
      assertThat(progress.rescuedBytes() + progress.badBytes() + progress.pendingBytes())
          .isEqualTo(sizeBytes);
      assertThat(progress.rescuedBytes()).isEqualTo(map.bytes(RescueStatus.RESCUED));
    }

    /** What the map calls rescued is the source's, whatever happened. */
    private void checkWhatIsVouchedFor() throws IOException {
      RescueMap map = RescueMapFormat.read("saved", new StringReader(saved));
      byte[] held = held();
      for (ByteRange range : map.ranges(RescueStatus.RESCUED, map.extent())) {
        assertThat(
                Arrays.mismatch(
                    held,
                    (int) range.start(),
                    (int) range.end(),
                    content,
                    (int) range.start(),
                    (int) range.end()))
            .as("rescued %s", range)
            .isEqualTo(-1);
      }
    }

    private void checkEnd() throws IOException {
      RescueMap map = RescueMapFormat.read("saved", new StringReader(saved));
      assertThat(map.point().phase()).isEqualTo(RescuePhase.FINISHED);
      byte[] held = held();
      for (int line = 0; line < lines.length; line++) {
        int from = line * LINE_BYTES;
        int to = from + LINE_BYTES;
        RescueStatus status = map.statusAt(from);
        assertThat(map.statusAt(to - 1L)).as("line %d is one", line).isEqualTo(status);
        switch (lines[line]) {
          case GOOD -> assertThat(status).as("good line %d", line).isEqualTo(RescueStatus.RESCUED);
          case BAD -> assertThat(status).as("bad line %d", line).isEqualTo(RescueStatus.BAD);
          case FLAKY -> assertThat(status).isIn(RescueStatus.RESCUED, RescueStatus.BAD);
        }
        boolean old = true;
        for (int i = from; i < to; i++) {
          old &= held[i] == BEFORE;
        }
        boolean same = Arrays.equals(held, from, to, content, from, to);
        boolean mayBeSame = interrupted && lines[line] == Line.FLAKY;
        assertThat(status == RescueStatus.RESCUED ? same : old || (mayBeSame && same))
            .as("line %d, %s, %s", line, lines[line], status)
            .isTrue();
      }
    }

    private byte[] held() throws IOException {
      MemorySegment bytes = arena.allocate(sizeBytes);
      destination.read(0, bytes);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
