package io.bezoar.fs;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;

/** A small filesystem on a bare device, and what tests of content do with it again and again. */
abstract class FilesFixture {
  static final int PAGE = FsRig.PAGE;
  static final NewFile FILE = NewFile.standard(FileType.REGULAR);

  final Arena arena = Arena.ofShared();
  final FsRig rig = FsRig.create(FsRig.Below.LEAF, 8, 7);
  final Filesystem fs = rig.fs;

  FilesFixture() throws IOException {}

  @AfterEach
  void closeArena() {
    arena.close();
  }

  final OpenFile file(String name) throws IOException {
    return fs.open(fs.create(FileId.ROOT, FileName.of(name), FileType.REGULAR, FILE));
  }

  final void write(OpenFile file, long offset, byte[] bytes) throws IOException {
    file.write(offset, FsObserver.segment(arena, bytes));
  }

  static byte[] bytes(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}
