package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.bezoar.guard.sidecar.SidecarException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Copies out of one guarded file.
 *
 * <p><b>Invariant.</b> What a copy returns was really read, and is what the sidecar says where
 * there is one.
 *
 * <p><b>Protocol.</b> A healthy copy is one volatile load, a guarded copy, and, with a sidecar, a
 * checksum of each page in private memory. One that meets anything else goes to the {@link Healer},
 * and then copies again.
 *
 * <p><b>Cut within a page.</b> Where a file that was cut ends in the middle of a page, the mapping
 * has zeroes up to the end of that page, and no trap. So a copy whose last byte is zero, in a page
 * whose last byte is zero, asks for the size of the file before it is believed.
 */
final class GuardedReader {
  static final String NEXT_STEP =
      "restore them from a backup, or run \"bezoar repair\" if the file has a sidecar; the rest of"
          + " the file can be read";

  private static final int PAGE = Units.PAGE_BYTES;
  private static final int CHUNK_BYTES = 1 << 18;
  private static final int ATTEMPTS_MAX = 8;

  /** The JDK copies little by single loads, which store what a bad page made up. */
  private static final int FEW_BYTES = 128;

  /** So much is checked in a buffer that is kept: to make one takes an eighth of the time. */
  private static final int KEPT_BYTES = 2 * PAGE;

  private final Healing.Scene scene;
  private final Healer healer;
  private final long sizeBytes;
  private final boolean checks;

  private final AtomicBoolean bufferIsMade = new AtomicBoolean();

  /** Null while a copy uses it; others then make their own. */
  private final AtomicReference<@Nullable MemorySegment> kept = new AtomicReference<>();

  GuardedReader(Healing.Scene scene, Healer healer) {
    this.scene = scene;
    this.healer = healer;
    this.sizeBytes = scene.media().sizeBytes();
    this.checks = scene.reference().checks();
  }

  void copy(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), sizeBytes);
    if (dst.isMapped()) {
      throw new IllegalArgumentException("a destination must be private memory, not " + dst);
    }
    if (dst.isNative()) {
      copyNative(offset, dst);
    } else {
      copyToHeap(offset, dst);
    }
  }

  void copy(long offset, byte[] dst, int from, int length) throws IOException {
    Objects.checkFromIndexSize(from, length, dst.length);
    Objects.checkFromIndexSize(offset, length, sizeBytes);
    if (!checks
        && !isLost(offset, length)
        && scene.window().load(offset, dst, from, length)
        && (length == 0 || dst[from + length - 1] != 0 || reaches(offset + length))) {
      return;
    }
    copyToHeap(offset, MemorySegment.ofArray(dst).asSlice(from, length));
  }

  private void copyToHeap(long offset, MemorySegment dst) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.clamp(dst.byteSize(), 1, CHUNK_BYTES), PAGE);
      for (long done = 0; done < dst.byteSize(); done += buffer.byteSize()) {
        long length = Math.min(buffer.byteSize(), dst.byteSize() - done);
        MemorySegment part = buffer.asSlice(0, length);
        try {
          copyNative(offset + done, part);
        } catch (DamagedRangeException e) {
          MemorySegment.copy(part, 0, dst, done, e.goodPrefixBytes());
          throw damaged(
              ByteRange.ofLength(offset, dst.byteSize()),
              e.ranges(),
              done + e.goodPrefixBytes(),
              e.nextStep());
        }
        MemorySegment.copy(part, 0, dst, done, length);
      }
    }
  }

  private void copyNative(long offset, MemorySegment dst) throws IOException {
    if (checks) {
      copyChecked(offset, dst);
      return;
    }
    if (!isLost(offset, dst.byteSize()) && load(offset, dst)) {
      return;
    }
    copyHealed(ByteRange.ofLength(offset, dst.byteSize()), dst);
  }

  private boolean isLost(long offset, long lengthBytes) {
    ByteRanges lost = healer.lost();
    return !lost.isEmpty() && lost.overlaps(ByteRange.ofLength(offset, lengthBytes));
  }

  /** Fills {@code dst} with bytes of the file, or writes to it nothing but those. */
  private boolean load(long offset, MemorySegment dst) {
    long size = dst.byteSize();
    if (size == 0) {
      return true;
    }
    if (size > FEW_BYTES) {
      return scene.window().load(offset, dst)
          && (dst.get(JAVA_BYTE, size - 1) != 0 || reaches(offset + size));
    }
    byte[] few = new byte[(int) size];
    if (!scene.window().load(offset, few, 0, few.length)
        || (few[few.length - 1] == 0 && !reaches(offset + size))) {
      return false;
    }
    MemorySegment.copy(few, 0, dst, JAVA_BYTE, 0, few.length);
    return true;
  }

  /** True when the byte before {@code end}, which was read as zero, is one of the file. */
  private boolean reaches(long end) {
    long pageEnd = Math.min(sizeBytes, Math.ceilDiv(end, PAGE) * PAGE);
    byte[] last = new byte[1];
    return (scene.window().load(pageEnd - 1, last, 0, 1) && last[0] != 0)
        || scene.window().fileBytesNow() >= end;
  }

  /** In whole pages through private memory, because only whole pages can be checked. */
  private void copyChecked(long offset, MemorySegment dst) throws IOException {
    ByteRange range = ByteRange.ofLength(offset, dst.byteSize());
    ByteRange pages = range.alignOutward(PAGE, sizeBytes);
    MemorySegment buffer = pages.length() <= KEPT_BYTES ? keptBuffer() : null;
    if (buffer != null) {
      try {
        copyChecked(range, pages, dst, buffer);
      } finally {
        kept.set(buffer);
      }
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      long length = Math.clamp(pages.length(), 1, CHUNK_BYTES);
      copyChecked(range, pages, dst, arena.allocate(length, PAGE));
    }
  }

  private @Nullable MemorySegment keptBuffer() {
    MemorySegment buffer = kept.getAndSet(null);
    return buffer == null && bufferIsMade.compareAndSet(false, true)
        ? Arena.ofAuto().allocate(KEPT_BYTES, PAGE)
        : buffer;
  }

  private void copyChecked(
      ByteRange range, ByteRange pages, MemorySegment dst, MemorySegment buffer)
      throws IOException {
    long offset = range.start();
    for (long at = pages.start(); at < pages.end(); at += CHUNK_BYTES) {
      ByteRange chunk = new ByteRange(at, Math.min(at + CHUNK_BYTES, pages.end()));
      ByteRange wanted = chunk.intersect(range);
      MemorySegment whole = buffer.asSlice(0, chunk.length());
      long good = chunk.end();
      List<ByteRange> lost = List.of();
      String nextStep = NEXT_STEP;
      try {
        if (!isRead(chunk, whole)) {
          copyHealed(chunk, whole);
        }
      } catch (DamagedRangeException e) {
        good = chunk.start() + e.goodPrefixBytes();
        lost = e.ranges();
        nextStep = e.nextStep();
      }
      long length = Math.max(0, Math.min(wanted.end(), good) - wanted.start());
      MemorySegment.copy(whole, wanted.start() - at, dst, wanted.start() - offset, length);
      if (length < wanted.length()) {
        throw damaged(range, lost, wanted.start() - offset + length, nextStep);
      }
    }
  }

  /** True when all of {@code range}, whole pages where pages are checked, is there and right. */
  private boolean isRead(ByteRange range, MemorySegment dst) throws IOException {
    return !healer.lost().overlaps(range) && load(range.start(), dst) && healer.matches(range, dst);
  }

  /** After a copy failed: finds out why, heals, and copies again. */
  private void copyHealed(ByteRange range, MemorySegment dst) throws IOException {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      heal(range, dst);
      List<ByteRange> lost = healer.lost().intersect(range).asList();
      long goodEnd = lost.isEmpty() ? range.end() : lost.getFirst().start();
      ByteRange good = new ByteRange(range.start(), goodEnd);
      if (isBroughtOut(good, dst.asSlice(0, good.length()))) {
        if (!lost.isEmpty()) {
          throw damaged(range, lost, good.length(), NEXT_STEP);
        }
        return;
      }
    }
    throw new FileSystemException(
        scene.file().toString(),
        null,
        "bytes " + range + " go bad faster than they are healed: check the memory and the disk");
  }

  private void heal(ByteRange range, MemorySegment buffer) throws IOException {
    ByteRange pages = range.alignOutward(PAGE, sizeBytes);
    ByteRanges suspects = ByteRanges.EMPTY;
    if (checks) {
      for (long at = pages.start(); at < pages.end(); at += PAGE) {
        ByteRange page = new ByteRange(at, Math.min(at + PAGE, pages.end()));
        MemorySegment bytes = buffer.asSlice(at - pages.start(), page.length());
        if (scene.window().load(at, bytes) && !healer.matches(page, bytes)) {
          suspects = suspects.plus(page);
        }
      }
    }
    healer.heal(pages, suspects, Healer.Look.NEW);
  }

  /** As {@link #isRead}, with the good sectors of pages that were taken from the readers. */
  private boolean isBroughtOut(ByteRange range, MemorySegment dst) throws IOException {
    if (isRead(range, dst)) {
      return true;
    }
    ByteRanges revoked = healer.lost().alignOutward(PAGE);
    for (long at = range.start(); at < range.end(); ) {
      long end = Math.min(range.end(), at / PAGE * PAGE + PAGE);
      ByteRange part = new ByteRange(at, end);
      MemorySegment bytes = dst.asSlice(at - range.start(), part.length());
      if (revoked.overlaps(part)) {
        try {
          scene.media().read(at, bytes);
        } catch (MediaFaultException e) {
          // More of it is bad than is known: the page is looked at again as a whole.
          healer.heal(part.alignOutward(PAGE, sizeBytes), ByteRanges.EMPTY, Healer.Look.ALL);
          return false;
        }
      } else if (!isRead(part, bytes)) {
        return false;
      }
      at = end;
    }
    return true;
  }

  /** All that is known to be lost of {@code range}, not only what stopped the copy. */
  private DamagedRangeException damaged(
      ByteRange range, List<ByteRange> met, long goodPrefixBytes, String nextStep) {
    ByteRanges lost = healer.lost().union(ByteRanges.of(met)).intersect(range);
    return new DamagedRangeException(scene.file(), lost.asList(), goodPrefixBytes, nextStep);
  }

  Recovery recoveryCopy(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), sizeBytes);
    ByteRange range = ByteRange.ofLength(offset, dst.byteSize());
    ByteRanges verified = ByteRanges.EMPTY;
    ByteRanges unverified = ByteRanges.EMPTY;
    ByteRanges holes = ByteRanges.EMPTY;
    for (long at = range.start(); at < range.end(); ) {
      ByteRange part = new ByteRange(at, Math.min(range.end(), at / PAGE * PAGE + PAGE));
      MemorySegment bytes = dst.asSlice(at - offset, part.length());
      try {
        copy(at, bytes);
        if (scene.reference().knows(at / PAGE)) {
          verified = verified.plus(part);
        } else {
          unverified = unverified.plus(part);
        }
      } catch (DamagedRangeException | SidecarException e) {
        ByteRanges bad = ByteRanges.of(scene.media().probe(part)).intersect(part);
        for (ByteRange readable : ByteRanges.of(part).minus(bad).asList()) {
          bad =
              bad.union(
                  broughtOut(readable, bytes.asSlice(readable.start() - at, readable.length())));
        }
        holes = holes.union(bad);
        unverified = unverified.union(ByteRanges.of(part).minus(bad));
      }
      at = part.end();
    }
    return new Recovery(verified, unverified, holes);
  }

  /** What of {@code range} could not be read after all. */
  private ByteRanges broughtOut(ByteRange range, MemorySegment dst) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(range.length());
      scene.media().read(range.start(), bytes);
      MemorySegment.copy(bytes, 0, dst, 0, range.length());
      return ByteRanges.EMPTY;
    } catch (MediaFaultException e) {
      return ByteRanges.of(range);
    }
  }

  void scrub() throws IOException {
    ByteRange whole = new ByteRange(0, sizeBytes);
    healer.heal(whole, ByteRanges.EMPTY, Healer.Look.ALL);
    if (!checks) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(CHUNK_BYTES, PAGE);
      for (long at = 0; at < sizeBytes; at += CHUNK_BYTES) {
        ByteRange chunk = new ByteRange(at, Math.min(at + CHUNK_BYTES, sizeBytes));
        if (!isRead(chunk, buffer.asSlice(0, chunk.length()))) {
          heal(chunk, buffer);
        }
      }
    }
    if (!healer.lost().isEmpty()) {
      healer.heal(whole, ByteRanges.EMPTY, Healer.Look.ALL); // others of their rows are good by now
    }
  }
}
