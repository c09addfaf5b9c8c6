package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** A write while the filesystem is being closed: refused, or as durable as all others. */
class ClosingTest {
  private static final int PAGE = FsRig.PAGE;

  @Test
  void shouldTakeNoWriteThatItDoesNotMakeDurable() throws Exception {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 1);
    FileId id =
        rig.fs.create(
            FileId.ROOT, FileName.of("a"), FileType.REGULAR, NewFile.standard(FileType.REGULAR));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      OpenFile file = rig.fs.open(id);
      file.write(0, page.fill((byte) 1));
      AtomicBoolean taken = new AtomicBoolean();
      AtomicBoolean done = new AtomicBoolean();
      rig.media.onStep(
          (_, _) -> {
            // The commit that closing makes has begun: it has taken what it makes durable.
            if (done.compareAndSet(false, true)) {
              try {
                file.write(0, page.fill((byte) 2));
                taken.set(true);
              } catch (IllegalStateException refused) {
                taken.set(false);
              }
            }
          });
      rig.fs.close();
      rig.media.onStep(null);
      assertThat(done).isTrue();
      rig.fs = Filesystem.open(rig.device, rig.options);
      try (OpenFile again = rig.fs.open(id)) {
        again.read(0, page);
        assertThat(page.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) (taken.get() ? 2 : 1));
      }
    }
  }
}
