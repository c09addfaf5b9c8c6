package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Changes of content that fail, and those that meet others at a bad time. */
class FileContentTest extends FilesFixture {
  FileContentTest() throws IOException {}

  @Test
  void shouldLeaveAFileAsItWasWhenThereIsNoRoom() throws Exception {
    int refused = 0;
    try (OpenFile filler = file("filler");
        OpenFile a = file("a")) {
      for (int i = 0; refused < 5; i++) {
        fs.sync();
        write(a, 0, bytes(PAGE, 1));
        try {
          write(a, 0, bytes(1 << 20, 2));
        } catch (FilesystemFullException full) {
          refused++;
          assertThat(FsObserver.read(a, 0, 2 * PAGE)).isEqualTo(bytes(PAGE, 1));
        }
        a.truncate(0);
        rig.settle();
        write(filler, i * 16L * PAGE, bytes(16 * PAGE, 3));
      }
    }
  }

  @Test
  void shouldReplaceALostPageThatWasWrittenJustNow() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(2 * PAGE, 1));
      rig.strike(FaultKind.POISON, a.extents(new ByteRange(0, 1)).getFirst().device().start(), 1);
      assertThatThrownBy(() -> FsObserver.read(a, 0, PAGE))
          .isInstanceOf(DamagedRangeException.class);
      write(a, 0, bytes(PAGE, 2));
      assertThat(FsObserver.read(a, 0, PAGE)).isEqualTo(bytes(PAGE, 2));
    }
    rig.settle();
    rig.assertClean();
  }

  @Test
  void shouldReplaceALostPageThatWasTakenInAdvance() throws Exception {
    try (OpenFile a = file("a")) {
      a.allocate(new ByteRange(0, 3L * PAGE));
      fs.sync();
      long second = a.extents(new ByteRange(0, 1)).getFirst().device().start() + PAGE;
      rig.strike(FaultKind.POISON, second, 1);
      assertThatThrownBy(() -> rig.device.read(second, arena.allocate(PAGE, PAGE)))
          .isInstanceOf(IOException.class);
      write(a, 0, bytes(3 * PAGE, 2));
      assertThat(FsObserver.read(a, 0, 3 * PAGE)).isEqualTo(bytes(3 * PAGE, 2));
      assertThat(a.attributes().allocatedBytes()).isEqualTo(3L * PAGE);
    }
    rig.settle();
    rig.assertClean();
  }

  @Test
  void shouldPunchNothingWhenOneEndIsLost() throws Exception {
    try (OpenFile a = file("a")) {
      write(a, 0, bytes(3 * PAGE, 1));
      long third = a.extents(new ByteRange(0, 1)).getFirst().device().start() + 2L * PAGE;
      rig.strike(FaultKind.POISON, third, 1);
      assertThatThrownBy(() -> a.punch(new ByteRange(10, 2L * PAGE + 10)))
          .isInstanceOf(DamagedRangeException.class);
      assertThat(FsObserver.read(a, 0, 2 * PAGE)).isEqualTo(bytes(2 * PAGE, 1));
    }
  }

  @Test
  @Timeout(30)
  void shouldMeetWhoOpensAFileAnewWhenItIsClosedDuringAWrite() throws Exception {
    FileId id = fs.create(FileId.ROOT, FileName.of("a"), FileType.REGULAR, FILE);
    OpenFile before = fs.open(id);
    write(before, 0, bytes(PAGE, 1));
    fs.sync();
    Lock lock = before.writable().lock.asReadLock();
    lock.lock();
    CompletableFuture<Void> written = new CompletableFuture<>();
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    write(before, 0, bytes(PAGE, 2));
                    written.complete(null);
                  } catch (IOException | RuntimeException e) {
                    written.completeExceptionally(e);
                  }
                });
    while (writer.getState() != Thread.State.WAITING) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
    before.close();
    try (OpenFile after = fs.open(id)) {
      assertThat(FsObserver.read(after, 0, PAGE)).isEqualTo(bytes(PAGE, 1));
      lock.unlock();
      byte[] expected = bytes(PAGE, 2);
      try {
        written.join();
      } catch (CompletionException closed) {
        expected = bytes(PAGE, 1);
      }
      assertThat(FsObserver.read(after, 0, PAGE)).isEqualTo(expected);
    }
  }
}
