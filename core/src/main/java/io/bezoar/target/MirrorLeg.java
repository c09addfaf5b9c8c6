package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.util.Optional;
import java.util.UUID;

/**
 * One leg of a mirror: its device, and the notes of the mirror that stand on it.
 *
 * <p>Both copies of a superblock are written in turn, each durable before the next is touched, so
 * that a crash and one fault leave one. The one that is older, or was cut by a crash, comes first:
 * so any number of crashes leave one, too, and never one that is older than what was read before.
 * Both copies of a write-intent word are written at once and made durable together; each word
 * checks itself, and the union of both is what counts.
 */
final class MirrorLeg {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Who is told what a leg tells. */
  interface Listener {
    void onNotice(MirrorLeg leg, DeviceNotice notice);
  }

  final int slot;
  final UUID uuid;
  final DaxDevice device;
  private final MirrorLayout layout;
  private final UUID mirror;
  private final ChildIo io;
  private final Claim claim;
  // Both guarded by this.
  private ByteRanges uncleared = ByteRanges.EMPTY;
  private ByteRanges announced = ByteRanges.EMPTY;

  /** Takes the device; nothing is written. */
  MirrorLeg(
      int slot,
      UUID uuid,
      UUID mirror,
      DaxDevice device,
      MirrorLayout layout,
      String holderName,
      Listener listener)
      throws DeviceClaimedException {
    this.slot = slot;
    this.uuid = uuid;
    this.mirror = mirror;
    this.device = device;
    this.layout = layout;
    this.io = new ChildIo(device);
    Holder holder =
        new Holder() {
          @Override
          public String holderName() {
            return holderName;
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            listener.onNotice(MirrorLeg.this, notice);
          }
        };
    this.claim = device.claim(holder);
    for (var entry : claim.poisonAtClaim()) {
      announced = announced.plus(entry.range());
    }
  }

  String name() {
    return device.info().name();
  }

  boolean verified() {
    return device.info().verified();
  }

  boolean online() {
    return device.state() == DeviceState.ONLINE;
  }

  void drain() {
    claim.drain();
  }

  /** Gives the device back, open. */
  void release() {
    claim.close();
  }

  // What this leg could not clear, and what it has told of.

  /** Media of this leg that could not be cleared: tried again by scrubs and overwrites only. */
  synchronized ByteRanges uncleared() {
    return uncleared;
  }

  synchronized void uncleared(ByteRanges add, ByteRanges remove) {
    uncleared = uncleared.minus(remove).union(add);
  }

  /** Bad bytes of which this leg's notice has come, or that were known before it was claimed. */
  synchronized ByteRanges announced() {
    return announced;
  }

  synchronized void announced(ByteRanges add, ByteRanges remove) {
    announced = announced.minus(remove).union(add);
  }

  // The notes.

  /** Makes a device the leg in a slot of a new mirror: no bit is set, and this is the table. */
  static void format(DaxDevice device, MirrorLayout layout, int slot, UUID uuid, MirrorTable table)
      throws IOException {
    ChildIo io = new ChildIo(device);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment words =
          arena.allocate((long) layout.words() * MirrorLayout.WORD_BYTES, MirrorLayout.WORD_BYTES);
      for (int copy = 0; copy < 2; copy++) {
        for (int i = 0; i < layout.words(); i++) {
          long word = layout.encodeWord(table.mirror(), uuid, copy, i, 0);
          MirrorLayout.putWord(words, (long) i * MirrorLayout.WORD_BYTES, word);
        }
        io.store(layout.wordsAt(copy), words);
      }
    }
    storeTable(io, layout, slot, table);
  }

  /** The newest superblock on a device; empty when there is none. */
  static Optional<MirrorLayout.Superblock> findSuperblock(DaxDevice device, MirrorLayout layout)
      throws IOException {
    ChildIo io = new ChildIo(device);
    Optional<MirrorLayout.Superblock> second = readSuperblock(io, layout, 1);
    Optional<MirrorLayout.Superblock> first = readSuperblock(io, layout, 0);
    return event(second) > event(first) ? second : first;
  }

  private static Optional<MirrorLayout.Superblock> readSuperblock(
      ChildIo io, MirrorLayout layout, int copy) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      long at = layout.superblockAt(copy);
      return io.reread(at, page) ? MirrorLayout.decodeSuperblock(page, at) : Optional.empty();
    }
  }

  private static long event(Optional<MirrorLayout.Superblock> superblock) {
    return superblock.map(there -> there.table().event()).orElse(-1L);
  }

  /** True when both copies of the superblock are there and tell the same. */
  boolean holdsTableTwice() throws IOException {
    Optional<MirrorLayout.Superblock> first = readSuperblock(io, layout, 0);
    return first.isPresent() && first.equals(readSuperblock(io, layout, 1));
  }

  /** Stores the table in both copies, durably. */
  void storeTable(MirrorTable table) throws IOException {
    storeTable(io, layout, slot, table);
  }

  static void storeTable(ChildIo io, MirrorLayout layout, int slot, MirrorTable table)
      throws IOException {
    long second = event(readSuperblock(io, layout, 1));
    int oldest = event(readSuperblock(io, layout, 0)) > second ? 1 : 0;
    boolean stored = false;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      for (int copy : new int[] {oldest, 1 - oldest}) {
        layout.encodeSuperblock(page, copy, slot, table);
        stored |= io.store(layout.superblockAt(copy), page);
        io.device().persist();
      }
    }
    if (!stored) {
      throw new FileSystemException(
          io.device().info().name(), null, "neither copy of the mirror's superblock can be stored");
    }
  }

  /**
   * Stores words {@code [first, end)} of the write-intent bits in both copies; durable with the
   * next persist of the device.
   */
  void storeWords(int first, int end, WordBits bits) throws IOException {
    boolean stored = false;
    try (Arena arena = Arena.ofConfined()) {
      for (int copy = 0; copy < 2; copy++) {
        MemorySegment image =
            arena.allocate((long) (end - first) * MirrorLayout.WORD_BYTES, MirrorLayout.WORD_BYTES);
        encodeWords(image, copy, first, end, bits);
        long at = layout.wordsAt(copy);
        try {
          device.write(at + (long) first * MirrorLayout.WORD_BYTES, image);
          stored = true;
        } catch (PoisonedRangeException struck) {
          // Less than a granule cannot be stored over poison.
          MemorySegment whole = arena.allocate((long) layout.bitmapPages() * PAGE, PAGE);
          encodeWords(whole, copy, 0, layout.words(), bits);
          stored |= device.recoveryWrite(at, whole).complete();
        }
      }
    }
    if (!stored) {
      throw new FileSystemException(
          name(), null, "neither copy of the mirror's write-intent bits can be stored");
    }
  }

  private void encodeWords(MemorySegment image, int copy, int first, int end, WordBits bits) {
    for (int i = first; i < end; i++) {
      long word = layout.encodeWord(mirror, uuid, copy, i, bits.of(i));
      MirrorLayout.putWord(image, (long) (i - first) * MirrorLayout.WORD_BYTES, word);
    }
  }

  /** The bits of every word, by its index. */
  interface WordBits {
    int of(int index);
  }

  /**
   * Reads the write-intent bits: the union of both copies.
   *
   * @param into the bits found are added here, by word
   * @return by word, whether at least one copy of it checked
   */
  boolean[] loadWords(int[] into) throws IOException {
    boolean[] sound = new boolean[layout.words()];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image =
          arena.allocate((long) layout.words() * MirrorLayout.WORD_BYTES, MirrorLayout.WORD_BYTES);
      for (int copy = 0; copy < 2; copy++) {
        // What cannot be read comes as zeroes, which do not check.
        io.reread(layout.wordsAt(copy), image);
        for (int i = 0; i < sound.length; i++) {
          long word = MirrorLayout.getWord(image, (long) i * MirrorLayout.WORD_BYTES);
          if (layout.checksWord(mirror, uuid, copy, i, word)) {
            sound[i] = true;
            into[i] |= MirrorLayout.wordBits(word);
          }
        }
      }
    }
    return sound;
  }

  /** The content's part of ranges of the leg. */
  ByteRanges content(Iterable<ByteRange> ranges) {
    ByteRanges content = ByteRanges.EMPTY;
    for (ByteRange range : ranges) {
      content = content.plus(range.intersect(layout.data()));
    }
    return content;
  }

  @Override
  public String toString() {
    return "leg " + slot + " (" + name() + ")";
  }
}
