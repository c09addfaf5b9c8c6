package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of the README, letter by letter. */
class ReadmeExampleTest {
  @Test
  void shouldRunAsPrinted(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("bezoar.pool");
    PoolSpec spec =
        new PoolSpec(
            8 << 20, Redundancy.DEFAULT, PoolSpec.DEFAULT.allocation(), PoolSpec.DEFAULT.drill());
    Pool.create(path, spec, PoolOptions.of(PoolOptions.Intent.WORK));
    Holder watcher =
        new Holder() {
          @Override
          public String holderName() {
            return "reader of the README";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            throw new AssertionError(notice);
          }
        };
    try (Pool pool = Pool.open(path, PoolOptions.of(PoolOptions.Intent.WORK))) {
      ByteRange all = new ByteRange(0, pool.volume().sizeBytes());
      try (Arena arena = Arena.ofConfined();
          AutoCloseable watching = pool.volume().subscribe(all, watcher)) {
        MemorySegment page = arena.allocate(4096);
        pool.volume().write(0, page.fill((byte) 42));
        pool.volume().persist();
        pool.volume().read(0, page);
        assertThat(watching).isNotNull();
        assertThat(page.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).containsOnly(42);
      } catch (PoisonedRangeException lost) {
        System.err.println("lost: " + lost.range());
      }
    }
  }
}
