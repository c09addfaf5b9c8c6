package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel says about an open file. Read by statx, whose layout is the same on every
 * processor, unlike that of fstat.
 *
 * @param mode type and permission bits
 * @param sizeBytes size of a regular file; 0 for a block device
 * @param modified when its content was last changed
 * @param dax true when the file's pages are mapped straight from the media
 */
record FileStat(int mode, long sizeBytes, ModifiedTime modified, boolean dax) {
  static final int AT_EMPTY_PATH = 0x1000;
  static final int MASK = 0x7ff;

  private static final int LAYOUT_BYTES = 256;
  private static final long ATTRIBUTES = 8;
  private static final long MODE = 28;
  private static final long SIZE = 40;
  private static final long BLOCKS = 48;
  private static final long BLOCK_BYTES = 512;
  private static final long MODIFIED_SECONDS = 112;
  private static final long MODIFIED_NANOS = 120;
  private static final long ATTRIBUTE_DAX = 0x200000;

  private static final int TYPE_MASK = 0xF000;
  private static final int REGULAR = 0x8000;
  private static final int BLOCK = 0x6000;
  private static final int ANY_WRITE = 0222;

  private static final long TMPFS_MAGIC = 0x01021994L;
  private static final long BLKGETSIZE64 = 0x80081272L;
  private static final long BLKSSZGET = 0x1268L;

  /** The answer, or the negative errno in its place. */
  sealed interface Answer permits Found, Failed {}

  record Found(FileStat stat) implements Answer {}

  record Failed(int errno) implements Answer {}

  static Answer of(Descriptor file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(LAYOUT_BYTES, 8);
      long result = file.call(fd -> Posix.statx(fd, out));
      if (result < 0) {
        return new Failed((int) -result);
      }
      return new Found(
          new FileStat(
              Short.toUnsignedInt(out.get(JAVA_SHORT, MODE)),
              out.get(JAVA_LONG, SIZE),
              new ModifiedTime(
                  out.get(JAVA_LONG, MODIFIED_SECONDS), out.get(JAVA_INT, MODIFIED_NANOS)),
              (out.get(JAVA_LONG, ATTRIBUTES) & ATTRIBUTE_DAX) != 0));
    }
  }

  /** Space that the open file takes, or a negative errno. */
  static long allocatedBytes(Descriptor file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(LAYOUT_BYTES, 8);
      long result = file.call(fd -> Posix.statx(fd, out));
      return result < 0 ? result : out.get(JAVA_LONG, BLOCKS) * BLOCK_BYTES;
    }
  }

  boolean isRegular() {
    return (mode & TYPE_MASK) == REGULAR;
  }

  boolean isBlockDevice() {
    return (mode & TYPE_MASK) == BLOCK;
  }

  /** False when nobody may write it, which even root then means. */
  boolean hasWriteBit() {
    return (mode & ANY_WRITE) != 0;
  }

  /** True when the open file lives in memory: a fault of its mapping is a memory fault. */
  static boolean onTmpfs(Descriptor file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(LAYOUT_BYTES, 8);
      return file.call(fd -> Posix.fstatfs(fd, out)) >= 0 && out.get(JAVA_LONG, 0) == TMPFS_MAGIC;
    }
  }

  /** Size of the block device, or a negative errno. */
  static long blockDeviceSizeBytes(Descriptor device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_LONG);
      long result = device.call(fd -> Posix.ioctl(fd, BLKGETSIZE64, out));
      return result < 0 ? result : out.get(JAVA_LONG, 0);
    }
  }

  /** Logical sector size of the block device; 512 when it does not say. */
  static int blockDeviceSectorBytes(Descriptor device) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(JAVA_INT);
      return device.call(fd -> Posix.ioctl(fd, BLKSSZGET, out)) < 0
          ? Units.SECTOR_BYTES
          : Math.max(Units.SECTOR_BYTES, out.get(JAVA_INT, 0));
    }
  }
}
