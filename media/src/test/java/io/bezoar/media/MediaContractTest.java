package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every media does. A kind of media passes by naming how one is made. */
public abstract class MediaContractTest {
  protected static final int PAGE = Units.PAGE_BYTES;
  protected static final long SIZE = 64L * PAGE;

  private final Arena arena = Arena.ofShared();
  private Media media;

  /** Fresh, zeroed, writable media of {@code sizeBytes} bytes with drills on. */
  protected abstract Media create(long sizeBytes) throws IOException;

  @BeforeEach
  void createMedia() throws IOException {
    media = create(SIZE);
  }

  @AfterEach
  void closeMedia() throws IOException {
    media.close();
    arena.close();
    removeMedia();
  }

  /** Removes what {@link #create} left behind; the media is closed. */
  protected void removeMedia() throws IOException {}

  /** The media under test. */
  protected final Media media() {
    return media;
  }

  /** Private native memory. */
  protected final MemorySegment buffer(long lengthBytes) {
    return arena.allocate(lengthBytes);
  }

  /** Seeded bytes, never all zero. */
  protected final MemorySegment pattern(long lengthBytes, long seed) {
    byte[] bytes = new byte[(int) lengthBytes];
    new SplittableRandom(seed).nextBytes(bytes);
    return arena.allocateFrom(JAVA_BYTE, bytes);
  }

  /** What the media answers for a range, as an array. */
  protected final byte[] readBytes(long offset, long lengthBytes) throws IOException {
    MemorySegment dst = buffer(lengthBytes);
    media.read(offset, dst);
    return dst.toArray(JAVA_BYTE);
  }

  private static byte[] bytes(MemorySegment segment) {
    return segment.toArray(JAVA_BYTE);
  }

  private int granule() {
    return media.info().granuleBytes();
  }

  @Test
  void shouldBeZeroedWhenNew() throws IOException {
    assertThat(readBytes(0, SIZE)).containsOnly(0);
    assertThat(media.sizeBytes()).isEqualTo(SIZE);
    assertThat(media.presence()).isEqualTo(Presence.PRESENT);
    assertThat(media.probe(new ByteRange(0, SIZE))).isEmpty();
  }

  @Test
  void shouldDescribeItself() {
    MediaInfo info = media.info();
    assertThat(info.name()).isNotBlank();
    assertThat(info.writable()).isTrue();
    assertThat(info.clearUnitBytes() % info.granuleBytes()).isZero();
    assertThat(PAGE % info.granuleBytes()).isZero();
    assertThat(info.persistence().meaning()).isNotBlank();
  }

  @Test
  void shouldReadBackWhatWasWrittenAtAnyAlignment() throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    byte[] oracle = new byte[(int) SIZE];
    for (int i = 0; i < 200; i++) {
      int length = 1 + random.nextInt(3 * PAGE);
      int offset = random.nextInt((int) SIZE - length + 1);
      MemorySegment src = pattern(length, i);
      media.write(offset, src);
      System.arraycopy(bytes(src), 0, oracle, offset, length);
    }
    media.persist();
    assertThat(readBytes(0, SIZE)).isEqualTo(oracle);
    MemorySegment past = buffer(SIZE - 5);
    media.readPastCache(3, past.asSlice(0, SIZE - 5 - 2));
    assertThat(bytes(past.asSlice(0, SIZE - 7)))
        .isEqualTo(Arrays.copyOfRange(oracle, 3, (int) SIZE - 4));
  }

  @Test
  void shouldAcceptEmptyAccesses() throws IOException {
    media.read(SIZE, buffer(0));
    media.write(SIZE, buffer(0));
    media.readPastCache(17, buffer(0));
    media.reinitialise(0, buffer(0));
    assertThat(media.probe(new ByteRange(5, 5))).isEmpty();
  }

  @Test
  void shouldRefuseAccessesOutsideBeforeAnythingHappens() throws IOException {
    MemorySegment src = pattern(PAGE, 1);
    assertThatThrownBy(() -> media.write(SIZE - PAGE + 1, src))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> media.write(-1, src)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> media.read(SIZE, buffer(1)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> media.readPastCache(Long.MAX_VALUE, buffer(1)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> media.probe(new ByteRange(0, SIZE + 1)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> media.window(new ByteRange(0, SIZE + 1)))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(readBytes(0, SIZE)).containsOnly(0);
  }

  @Test
  void shouldRefuseBuffersThatAreNotPrivateNativeMemory() throws IOException {
    MemorySegment heap = MemorySegment.ofArray(new byte[PAGE]);
    assertThatThrownBy(() -> media.read(0, heap)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> media.write(0, heap)).isInstanceOf(IllegalArgumentException.class);
    Optional<MemorySegment> window = media.window(new ByteRange(0, PAGE));
    if (window.isPresent() && window.get().isMapped()) {
      MemorySegment mapped = window.get();
      assertThatThrownBy(() -> media.write(0, mapped)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldRefuseToReinitialisePartsOfClearUnits() {
    int unit = media.info().clearUnitBytes();
    assertThatThrownBy(() -> media.reinitialise(1, buffer(unit)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> media.reinitialise(0, buffer(unit - 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldShowTheSameBytesThroughAWindow() throws IOException {
    MemorySegment src = pattern(3 * PAGE, 11);
    media.write(PAGE + 100, src);
    Optional<MemorySegment> window = media.window(new ByteRange(PAGE + 100, 4 * PAGE + 100));
    if (window.isPresent()) {
      assertThat(bytes(window.get())).isEqualTo(bytes(src));
      assertThat(window.get().isReadOnly()).isTrue();
    }
  }

  @Test
  void shouldReinitialiseHealthyBytesHarmlessly() throws IOException {
    MemorySegment before = pattern(SIZE, 3);
    media.write(0, before);
    MemorySegment fresh = pattern(2 * PAGE, 4);
    media.reinitialise(5 * PAGE, fresh);
    media.persist();
    byte[] expected = bytes(before);
    System.arraycopy(bytes(fresh), 0, expected, 5 * PAGE, 2 * PAGE);
    assertThat(readBytes(0, SIZE)).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"POISON", "EIO"})
  void shouldDeliverExactlyTheGoodPrefix(FaultKind kind) throws IOException {
    MemorySegment all = pattern(SIZE, 5);
    media.write(0, all);
    ByteRange bad = new ByteRange(10 * PAGE, 12 * PAGE);
    assertThat(media.injector().inject(FaultSpec.of(kind, bad, 1))).isEqualTo(bad);
    SplittableRandom random = new SplittableRandom(9);
    for (int i = 0; i < 60; i++) {
      long offset = 8L * PAGE + random.nextInt(4 * PAGE);
      long length = bad.start() - offset + 1 + random.nextInt(3 * PAGE);
      if (length <= 0) {
        length = 1L + random.nextInt((int) (bad.end() - offset));
      }
      boolean past = random.nextBoolean();
      MemorySegment dst = buffer(length);
      long at = offset;
      MediaFaultException e =
          catchThrowableOfType(
              MediaFaultException.class,
              () -> {
                if (past) {
                  media.readPastCache(at, dst);
                } else {
                  media.read(at, dst);
                }
              });
      long good = Math.max(0, bad.start() - offset);
      assertThat(e).as("read of %d bytes at %d, past cache: %s", length, offset, past).isNotNull();
      assertThat(e.goodPrefixBytes()).isEqualTo(good);
      assertThat(bytes(dst.asSlice(0, good))).isEqualTo(bytes(all.asSlice(offset, good)));
      assertThat(e.range().start())
          .isEqualTo(Math.max(bad.start(), offset / granule() * granule()));
      assertThat(bad.contains(e.range())).isTrue();
    }
    assertThat(readBytes(0, bad.start())).isEqualTo(bytes(all.asSlice(0, bad.start())));
    assertThat(readBytes(bad.end(), SIZE - bad.end()))
        .isEqualTo(bytes(all.asSlice(bad.end(), SIZE - bad.end())));
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"POISON", "EIO"})
  void shouldProbeExactlyWhatIsBad(FaultKind kind) throws IOException {
    int granule = granule();
    List<ByteRange> expected = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ByteRange range = ByteRange.ofLength((2L + 7L * i) * PAGE + PAGE - granule, granule);
      media
          .injector()
          .inject(FaultSpec.of(kind, new ByteRange(range.start(), range.start() + 1), i));
      expected.add(range);
    }
    ByteRange wide = new ByteRange(40 * PAGE, 50 * PAGE);
    media.injector().inject(FaultSpec.of(kind, wide, 9));
    expected.add(wide);
    assertThat(media.probe(new ByteRange(0, SIZE))).isEqualTo(expected);
    assertThat(media.probe(new ByteRange(41 * PAGE + 1, 42 * PAGE - 1)))
        .allMatch(wide::contains)
        .hasSize(1);
    assertThat(media.probe(new ByteRange(50 * PAGE, SIZE))).isEmpty();
    assertThat(media.injector().armed()).extracting(FaultSpec::range).isEqualTo(expected);
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"POISON", "EIO"})
  void shouldRefuseAWriteOverAFaultAndCureItByReinitialising(FaultKind kind) throws IOException {
    ByteRange bad = ByteRange.ofLength(20L * PAGE, 2L * PAGE);
    media.write(0, pattern(SIZE, 2));
    media.injector().inject(FaultSpec.of(kind, bad, 1));
    Throwable refused = catchThrowable(() -> media.write(19L * PAGE, pattern(2L * PAGE, 4)));
    if (kind == FaultKind.EIO && refused == null) {
      // As a disk may: the sectors that were rewritten are reallocated.
      media.injector().inject(FaultSpec.of(kind, bad, 1));
    } else {
      assertThat(refused).isInstanceOf(MediaFaultException.class);
      assertThat(((MediaFaultException) refused).range().overlaps(bad)).isTrue();
    }
    assertThat(media.probe(bad)).containsExactly(bad);

    MemorySegment half = pattern(PAGE, 5);
    media.reinitialise(bad.start(), half);
    assertThat(readBytes(bad.start(), PAGE)).isEqualTo(bytes(half));
    assertThat(media.probe(new ByteRange(0, SIZE)))
        .containsExactly(ByteRange.ofLength(21L * PAGE, PAGE));
    media.reinitialise(bad.start() + PAGE, half);
    media.persist();
    assertThat(media.probe(new ByteRange(0, SIZE))).isEmpty();
    assertThat(media.injector().armed()).isEmpty();
    MemorySegment fresh = pattern(2L * PAGE, 6);
    media.write(bad.start(), fresh);
    assertThat(readBytes(bad.start(), bad.length())).isEqualTo(bytes(fresh));
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"POISON", "EIO"})
  void shouldNotClearAStuckFault(FaultKind kind) throws IOException {
    ByteRange bad = ByteRange.ofLength(3L * PAGE, PAGE);
    media.injector().inject(new FaultSpec(kind, bad, true, 1));
    assertThatThrownBy(() -> media.reinitialise(bad.start(), pattern(PAGE, 1)))
        .isInstanceOf(MediaFaultException.class);
    assertThat(media.probe(new ByteRange(0, SIZE))).containsExactly(bad);
    assertThatThrownBy(() -> readBytes(bad.start(), 1)).isInstanceOf(MediaFaultException.class);
    media.injector().disarm(bad);
    assertThat(media.probe(new ByteRange(0, SIZE))).isEmpty();
  }

  @Test
  void shouldShowAFaultThroughAWindow() throws IOException {
    Optional<MemorySegment> made = media.window(new ByteRange(0, SIZE));
    if (made.isEmpty() || !made.get().isMapped()) {
      return; // private memory cannot trap
    }
    MemorySegment window = made.get();
    MemorySegment all = pattern(SIZE, 5);
    media.write(0, all);
    MemorySegment dst = buffer(PAGE);
    assertThat(GuardedCopy.load(window, 7L * PAGE, dst)).isTrue();
    media.injector().inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(7L * PAGE, PAGE), 1));
    assertThat(GuardedCopy.load(window, 7L * PAGE, dst)).isFalse();
    assertThat(GuardedCopy.load(window, 8L * PAGE, dst)).isTrue();
    media.reinitialise(7L * PAGE, all.asSlice(9L * PAGE, PAGE));
    assertThat(GuardedCopy.load(window, 7L * PAGE, dst)).isTrue();
    assertThat(bytes(dst)).isEqualTo(bytes(all.asSlice(9L * PAGE, PAGE)));
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"FLIP", "STALE", "MISDIRECT", "TORN"})
  void shouldAlwaysChangeBytesWithinTheRangeAndNothingElse(FaultKind kind) throws IOException {
    for (long seed = 0; seed < 40; seed++) {
      MemorySegment before = seed % 4 == 0 ? buffer(SIZE) : pattern(SIZE, seed);
      media.write(0, before);
      media.persist();
      SplittableRandom random = new SplittableRandom(seed);
      long length = seed % 2 == 0 ? PAGE : 1 + random.nextInt(3 * PAGE);
      ByteRange range = ByteRange.ofLength(random.nextLong(SIZE - length + 1), length);
      assertThat(media.injector().inject(FaultSpec.of(kind, range, seed))).isEqualTo(range);
      byte[] now = readBytes(0, SIZE);
      int first = Arrays.mismatch(now, bytes(before));
      assertThat(first).as("%s at %s seed %d", kind, range, seed).isNotEqualTo(-1);
      assertThat(range.contains(first)).isTrue();
      long after = range.end();
      assertThat(Arrays.copyOfRange(now, (int) after, (int) SIZE))
          .isEqualTo(bytes(before.asSlice(after)));
    }
    assertThat(media.injector().armed()).isEmpty();
  }

  @Test
  void shouldAcceptFaultsOverFaults() throws IOException {
    FaultInjector injector = media.injector();
    injector.inject(FaultSpec.of(FaultKind.POISON, new ByteRange(PAGE, 5 * PAGE), 1));
    injector.inject(FaultSpec.of(FaultKind.EIO, new ByteRange(2 * PAGE, 3 * PAGE), 2));
    assertThat(media.probe(new ByteRange(0, SIZE))).containsExactly(new ByteRange(PAGE, 5 * PAGE));
    injector.disarm(new ByteRange(2 * PAGE, 3 * PAGE));
    assertThat(media.probe(new ByteRange(0, SIZE)))
        .containsExactly(new ByteRange(PAGE, 2 * PAGE), new ByteRange(3 * PAGE, 5 * PAGE));
    injector.disarm(new ByteRange(0, SIZE));
    assertThat(media.probe(new ByteRange(0, SIZE))).isEmpty();
  }

  @Test
  void shouldSurviveStrikesAndCuresUnderReaders() throws Exception {
    MemorySegment all = pattern(SIZE, 21);
    media.write(0, all);
    byte[] expected = bytes(all);
    AtomicBoolean stop = new AtomicBoolean();
    try (ExecutorService readers = Executors.newFixedThreadPool(2)) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int r = 0; r < 2; r++) {
        long seed = r;
        results.add(readers.submit(() -> readUntil(stop, expected, seed)));
      }
      SplittableRandom random = new SplittableRandom(4);
      for (int i = 0; i < 120; i++) {
        long page = random.nextInt((int) (SIZE / PAGE)) * (long) PAGE;
        ByteRange range = ByteRange.ofLength(page, PAGE);
        media.injector().inject(FaultSpec.of(FaultKind.POISON, range, i));
        if (i % 3 == 0) {
          media.injector().disarm(range);
        } else {
          media.reinitialise(page, all.asSlice(page, PAGE));
        }
      }
      stop.set(true);
      for (Future<Integer> result : results) {
        assertThat(result.get()).isPositive();
      }
    }
    assertThat(readBytes(0, SIZE)).isEqualTo(expected);
  }

  /** Reads at random; every byte that is delivered is right. */
  private int readUntil(AtomicBoolean stop, byte[] expected, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment dst = buffer(2L * PAGE);
    int reads = 0;
    do {
      int offset = random.nextInt((int) SIZE - 2 * PAGE);
      long good = 2L * PAGE;
      try {
        media.read(offset, dst);
      } catch (MediaFaultException e) {
        good = e.goodPrefixBytes();
      }
      MemorySegment right = MemorySegment.ofArray(expected);
      long wrong = MemorySegment.mismatch(dst, 0, good, right, offset, offset + good);
      assertThat(wrong).as("read at %d, seed %d", offset, seed).isEqualTo(-1);
      reads++;
    } while (!stop.get());
    return reads;
  }

  @Test
  void shouldFailAsGoneAfterClose() throws IOException {
    media.close();
    media.close();
    assertThat(media.presence()).isEqualTo(Presence.GONE);
    assertGone(() -> media.read(0, buffer(PAGE)));
    assertGone(() -> media.readPastCache(0, buffer(PAGE)));
    assertGone(() -> media.write(0, buffer(PAGE)));
    assertGone(media::persist);
    assertGone(() -> media.probe(new ByteRange(0, SIZE)));
    assertGone(() -> media.reinitialise(0, buffer(PAGE)));
    assertGone(() -> media.window(new ByteRange(0, PAGE)));
  }

  private static void assertGone(org.assertj.core.api.ThrowableAssert.ThrowingCallable access) {
    MediaUnavailableException e = catchThrowableOfType(MediaUnavailableException.class, access);
    assertThat(e).isNotNull();
    assertThat(e.presence()).isEqualTo(Presence.GONE);
  }

  @Test
  void shouldSurviveCloseUnderReadersAndWriters() throws Exception {
    for (int round = 0; round < 5; round++) {
      Media victim = create(SIZE);
      try (ExecutorService pool = Executors.newFixedThreadPool(3)) {
        List<Future<Presence>> ends = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
          boolean writes = t == 0;
          ends.add(pool.submit(() -> accessUntilGone(victim, writes)));
        }
        victim.close();
        for (Future<Presence> end : ends) {
          assertThat(end.get()).isEqualTo(Presence.GONE);
        }
      }
    }
  }

  private Presence accessUntilGone(Media victim, boolean writes) throws IOException {
    try (Arena own = Arena.ofConfined()) {
      MemorySegment buffer = own.allocate(PAGE);
      while (true) {
        if (writes) {
          victim.write(PAGE, buffer);
        } else {
          victim.read(0, buffer);
        }
      }
    } catch (MediaUnavailableException e) {
      return e.presence();
    }
  }
}
