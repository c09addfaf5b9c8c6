package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Does anything to a filesystem and its model, at random, and keeps both small. */
final class FsDriver {
  private static final int PAGE = FsRig.PAGE;
  private static final List<FileName> NAMES = names();
  private static final int[] LENGTHS = {
    0, 1, 1, 100, 100, 4095, 4096, 4096, 4097, 8192, 10_000, 65_536, 66_000
  };

  private final FsTwin twin;
  private final SplittableRandom random;
  private final int filesMax;
  private final int pagesMax;

  /** Files that were there once. */
  private final NavigableSet<Long> known = new TreeSet<>();

  /**
   * @param filesMax how many files, directories and links there are at most, nearly
   * @param pagesMax how much they hold
   */
  FsDriver(FsTwin twin, SplittableRandom random, int filesMax, int pagesMax) {
    this.twin = twin;
    this.random = random;
    this.filesMax = filesMax;
    this.pagesMax = pagesMax;
  }

  private static List<FileName> names() {
    byte[] longest = new byte[255];
    Arrays.fill(longest, (byte) 'n');
    byte[] other = longest.clone();
    other[254] = (byte) 0xff;
    Stream<byte[]> odd =
        Stream.of(
            longest,
            other,
            new byte[] {(byte) 0xff},
            new byte[] {1},
            new byte[] {'a', (byte) 0xc3},
            "...".getBytes(StandardCharsets.UTF_8),
            ".snapshots".getBytes(StandardCharsets.UTF_8),
            "größe".getBytes(StandardCharsets.UTF_8));
    Stream<byte[]> plain =
        Stream.of("a", "b", "c", "d", "e", "f", "g", "h", "aa", "ab")
            .map(name -> name.getBytes(StandardCharsets.UTF_8));
    return Stream.concat(plain, odd).map(FileName::stored).toList();
  }

  // Choosing.

  private FileName name() {
    return NAMES.get(random.nextInt(NAMES.size()));
  }

  private AttributeName attribute() {
    return AttributeName.stored(name().raw());
  }

  private FsState now() {
    return twin.now();
  }

  private long directory() {
    if (random.nextInt(30) == 0) {
      return stale();
    }
    List<Long> directories = now().inodes(FileType.DIRECTORY);
    return directories.get(random.nextInt(directories.size()));
  }

  /** Something that is no directory, or was one. */
  private long stale() {
    known.addAll(now().inodes(FileType.REGULAR));
    Long at = known.ceiling(random.nextLong(known.isEmpty() ? 1 : known.getLast() + 1));
    if (at == null) {
      return FsState.ROOT;
    }
    // What is open without a name is somewhere between there and gone.
    FsNode node = now().find(at);
    return node != null && node.links == 0 ? FsState.ROOT : at;
  }

  /** Mostly something that is there. */
  private long anything() {
    if (random.nextInt(30) == 0) {
      return stale();
    }
    List<Long> named =
        now().nodes().entrySet().stream()
            .filter(entry -> entry.getValue().links > 0)
            .map(entry -> entry.getKey())
            .sorted()
            .toList();
    return named.get(random.nextInt(named.size()));
  }

  /** A name that mostly is there. */
  private FileName nameIn(long directory) {
    FsNode node = now().find(directory);
    if (node == null || node.entries.isEmpty() || random.nextInt(10) == 0) {
      return name();
    }
    List<FileName> there = List.copyOf(node.entries.keySet());
    return there.get(random.nextInt(there.size()));
  }

  private List<Long> openFiles() {
    return now().inodes(FileType.REGULAR).stream().filter(now()::isOpen).toList();
  }

  /** An open file, which may have no name. */
  private long openFile() throws IOException, FsTwin.Cut {
    List<Long> open = openFiles();
    if (open.size() < 3 || (open.size() < 8 && random.nextInt(10) == 0)) {
      List<Long> named =
          now().inodes(FileType.REGULAR).stream().filter(i -> now().node(i).links > 0).toList();
      if (!named.isEmpty()) {
        long inode = named.get(random.nextInt(named.size()));
        if (!now().isOpen(inode) || random.nextInt(20) == 0) {
          twin.open(inode);
        }
        return inode;
      }
    }
    return open.isEmpty() ? 0 : open.get(random.nextInt(open.size()));
  }

  private long offset(long inode) {
    long size = now().node(inode).size();
    long near = Math.min(size, 1 << 20);
    return switch (random.nextInt(13)) {
      case 0 -> 0;
      case 1 -> 1;
      case 2 -> 4095;
      case 3 -> 4096;
      case 4 -> 4097;
      case 5 -> Math.max(0, size - 1);
      case 6 -> size;
      case 7 -> size + 1 + random.nextInt(3 * PAGE);
      case 8 -> random.nextInt(4) == 0 ? (1L << 40) + random.nextInt(PAGE) : 0;
      case 9 -> random.nextLong(32) * PAGE;
      default -> random.nextLong(near + 1);
    };
  }

  private int length() {
    return LENGTHS[random.nextInt(LENGTHS.length)];
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    if (random.nextInt(10) > 0) {
      random.nextBytes(bytes);
    }
    return bytes;
  }

  // Doing.

  /** One operation, or a few that belong together. */
  void step() throws IOException, FsTwin.Cut {
    FsState state = now();
    int fullBefore = twin.fullCount;
    if (state.nodes().size() > filesMax || state.pages() > pagesMax) {
      shrink();
      return;
    }
    switch (random.nextInt(100)) {
      case 0, 1, 2, 3, 4, 5, 6, 7 -> twin.create(directory(), name(), FileType.REGULAR);
      case 8, 9, 10, 11 -> twin.create(directory(), name(), FileType.DIRECTORY);
      case 12, 13 -> symlink();
      case 14, 15, 16 -> twin.link(anything(), directory(), name());
      case 17, 18, 19, 20, 21 -> unlink();
      case 22, 23 -> rmdir();
      case 24, 25, 26, 27, 28, 29, 30, 31 -> rename();
      case 32, 33, 34 -> twin.setAttributes(anything(), attributes());
      case 35, 36, 37 -> extended();
      case 38, 39 -> close();
      case 40 -> twin.open(anything());
      case 82, 83 -> inSnapshot();
      case 84, 85, 86 -> snapshot();
      case 87, 88 -> deleteSnapshot();
      case 89, 90 -> twin.sync();
      case 91, 92, 93 -> syncFile();
      case 94, 95 -> syncedWrites();
      case 96, 97 -> twin.tick();
      case 98 -> twin.reopen();
      default -> content();
    }
    if (twin.fullCount > fullBefore && random.nextInt(3) == 0) {
      shrink();
    }
  }

  private void symlink() throws IOException, FsTwin.Cut {
    byte[] target = new byte[1 + random.nextInt(random.nextInt(4) == 0 ? 4095 : 60)];
    Arrays.fill(target, (byte) ('a' + random.nextInt(26)));
    twin.create(
        directory(),
        name(),
        FileType.SYMLINK,
        target,
        new NewFile(random.nextInt(01000), random.nextInt(5), random.nextInt(5)));
  }

  private void unlink() throws IOException, FsTwin.Cut {
    long directory = directory();
    twin.unlink(directory, nameIn(directory));
  }

  private void rmdir() throws IOException, FsTwin.Cut {
    long directory = directory();
    twin.rmdir(directory, nameIn(directory));
  }

  private void rename() throws IOException, FsTwin.Cut {
    long from = directory();
    long to = random.nextInt(3) == 0 ? from : directory();
    twin.rename(
        from,
        nameIn(from),
        to,
        random.nextBoolean() ? name() : nameIn(to),
        random.nextInt(4) == 0 ? Filesystem.Replace.REFUSE : Filesystem.Replace.REPLACE);
  }

  private AttributeChange attributes() {
    AttributeChange change = AttributeChange.NONE;
    do {
      change =
          switch (random.nextInt(5)) {
            case 0 -> change.withMode(random.nextInt(010000));
            case 1 -> change.withOwner(random.nextInt(), random.nextInt());
            case 2 -> change.withAccessed(random.nextLong());
            case 3 -> change.withModified(random.nextLong());
            default -> change.withCreated(random.nextLong());
          };
    } while (random.nextBoolean());
    return change;
  }

  private void extended() throws IOException, FsTwin.Cut {
    long inode = anything();
    FsNode node = now().find(inode);
    if (node != null && !node.extended.isEmpty() && random.nextInt(3) == 0) {
      List<AttributeName> there = List.copyOf(node.extended.keySet());
      twin.removeExtended(inode, there.get(random.nextInt(there.size())));
    } else if (random.nextInt(20) == 0) {
      twin.removeExtended(inode, attribute());
    } else {
      int length = random.nextInt(10) == 0 ? random.nextInt(65_537) : random.nextInt(300);
      twin.setExtended(inode, attribute(), bytes(length));
    }
  }

  private void close() throws IOException, FsTwin.Cut {
    List<Long> open = openFiles();
    if (!open.isEmpty()) {
      twin.close(open.get(random.nextInt(open.size())));
    }
  }

  /** Something with the content of an open file. */
  private void content() throws IOException, FsTwin.Cut {
    long inode = openFile();
    if (inode == 0) {
      return;
    }
    long size = now().node(inode).size();
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3, 4, 5 -> twin.write(inode, offset(inode), bytes(length()));
      case 6, 7 -> twin.append(inode, bytes(length()));
      case 8 -> twin.truncate(inode, offset(inode));
      case 9 -> twin.truncate(inode, random.nextInt(3) == 0 ? 0 : random.nextLong(size + 1));
      case 10 -> twin.allocate(inode, ByteRange.ofLength(offset(inode), 1 + length()));
      case 11, 12 -> twin.punch(inode, ByteRange.ofLength(offset(inode), 1 + length()));
      case 13, 14, 15 -> reflink(inode);
      default -> looking(inode);
    }
  }

  /** A change of a name, or of a file. */
  void change() throws IOException, FsTwin.Cut {
    switch (random.nextInt(8)) {
      case 0 -> twin.create(directory(), name(), FileType.REGULAR);
      case 1 -> twin.create(directory(), name(), FileType.DIRECTORY);
      case 2 -> unlink();
      case 3 -> rename();
      case 4 -> extended();
      case 5 -> twin.sync();
      default -> {
        long inode = openFile();
        if (inode != 0 && now().isOpen(inode)) {
          twin.write(inode, offset(inode), bytes(length()));
        }
      }
    }
  }

  private void looking(long inode) throws IOException, FsTwin.Cut {
    try {
      twin.compareRead(inode, offset(inode), length());
    } catch (IOException | RuntimeException failure) {
      if (FsTwin.isPowerCut(failure)) {
        throw new FsTwin.Cut(failure);
      }
      throw failure;
    }
  }

  private void reflink(long from) throws IOException, FsTwin.Cut {
    long to = random.nextInt(4) == 0 ? from : openFile();
    long size = now().node(from).size();
    long toSize = now().node(to).size();
    long pages = Math.min(size / PAGE, 300);
    long start = random.nextLong(pages + 1) * PAGE;
    long count = random.nextLong(pages - start / PAGE + 1) * PAGE;
    ByteRange range = ByteRange.ofLength(start, count);
    long offset = random.nextLong(Math.min(toSize / PAGE, 300) + 2) * PAGE;
    boolean tail = size % PAGE != 0 && size - size % PAGE <= start + count;
    if (tail && offset + size - start >= toSize) {
      range = new ByteRange(start, size);
    }
    boolean overlapping = from == to && range.overlaps(ByteRange.ofLength(offset, range.length()));
    if (!overlapping && !range.isEmpty()) {
      twin.reflink(from, range, to, offset);
    }
  }

  private void syncFile() throws IOException, FsTwin.Cut {
    long inode = openFile();
    if (inode != 0) {
      twin.sync(inode);
    }
  }

  /** As databases do. */
  private void syncedWrites() throws IOException, FsTwin.Cut {
    long inode = openFile();
    for (int i = random.nextInt(6); inode != 0 && i > 0; i--) {
      for (int j = random.nextInt(3); j >= 0; j--) {
        if (random.nextBoolean()) {
          twin.append(inode, bytes(length()));
        } else {
          twin.write(inode, offset(inode), bytes(length()));
        }
      }
      twin.sync(inode);
    }
  }

  private void snapshot() throws IOException, FsTwin.Cut {
    if (now().snapshots().size() < 3) {
      twin.snapshot(name());
    } else {
      deleteSnapshot();
    }
  }

  private void deleteSnapshot() throws IOException, FsTwin.Cut {
    List<String> there = new ArrayList<>(now().snapshots().keySet());
    twin.deleteSnapshot(
        there.isEmpty() || random.nextInt(10) == 0
            ? name()
            : FileName.of(there.get(random.nextInt(there.size()))));
  }

  /** A snapshot takes no changes. */
  private void inSnapshot() throws IOException, FsTwin.Cut {
    List<String> there = new ArrayList<>(now().snapshots().keySet());
    if (!there.isEmpty()) {
      String snapshot = there.get(random.nextInt(there.size()));
      twin.refuseInSnapshot(snapshot, name(), random.nextInt(8));
    }
  }

  /** Takes a lot of space. */
  void grow() throws IOException, FsTwin.Cut {
    int fullBefore = twin.fullCount;
    long inode = openFile();
    if (inode == 0) {
      twin.create(FsState.ROOT, name(), FileType.REGULAR);
    } else if (random.nextBoolean()) {
      twin.append(inode, bytes(100_000 + random.nextInt(200_000)));
    } else {
      twin.allocate(inode, ByteRange.ofLength(offset(inode), 1 + random.nextInt(400_000)));
    }
    if (twin.fullCount > fullBefore && random.nextInt(3) == 0) {
      shrink();
    }
  }

  /** Takes everything away that there is. */
  void removeAll() throws IOException, FsTwin.Cut {
    for (String snapshot : List.copyOf(now().snapshots().keySet())) {
      twin.deleteSnapshot(FileName.of(snapshot));
    }
    removeAll(FsState.ROOT);
    twin.reopen();
    twin.settle();
    twin.compareAll();
  }

  private void removeAll(long directory) throws IOException, FsTwin.Cut {
    for (FileName name : List.copyOf(now().node(directory).entries.keySet())) {
      long inode = now().inode(directory, name);
      if (now().node(inode).isDirectory()) {
        removeAll(inode);
        twin.rmdir(directory, name);
      } else {
        twin.unlink(directory, name);
      }
    }
  }

  /** Makes room. */
  void shrink() throws IOException, FsTwin.Cut {
    while (!now().snapshots().isEmpty() && random.nextInt(3) > 0) {
      deleteSnapshot();
    }
    for (int i = 0; i < 20; i++) {
      switch (random.nextInt(4)) {
        case 0 -> rmdir();
        case 1 -> {
          long inode = openFile();
          if (inode != 0) {
            twin.truncate(inode, 0);
          }
        }
        case 2 -> close();
        default -> unlink();
      }
    }
    twin.tick();
  }
}
