package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies of mapped memory by compiled code, which is told late of what it could not load. */
class CallerMemoryTest {
  private static final int PAGE = 4096;
  private static final int PAGES = 64;
  private static final int WARM_UPS = 300_000;

  @TempDir private Path folder = Path.of("");

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 24, 63, PAGE})
  void shouldNotReturnBeforeTheErrorOfABadLoadCame(int length) throws Exception {
    Path plain = folder.resolve("plain");
    Files.write(plain, new byte[PAGES * PAGE]);
    try (Arena arena = Arena.ofConfined();
        FileChannel file =
            FileChannel.open(plain, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, (long) PAGES * PAGE, arena);
      MemorySegment copy = arena.allocate(length);
      for (int i = 0; i < WARM_UPS; i++) {
        copyOnce(mapped, (long) (i % PAGES) * PAGE, copy);
      }
      file.truncate(0);
      for (int i = 0; i < PAGES; i++) {
        long at = (long) i * PAGE;
        assertThatThrownBy(() -> copyOnce(mapped, at, copy))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("mapped");
      }
    }
  }

  private static void copyOnce(MemorySegment mapped, long at, MemorySegment copy)
      throws IOException {
    CallerMemory.copy(mapped.asSlice(at, copy.byteSize()), copy);
  }
}
