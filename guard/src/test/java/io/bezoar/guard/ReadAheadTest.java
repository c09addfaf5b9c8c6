package io.bezoar.guard;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A hint, of which only its limits can be seen. */
class ReadAheadTest {
  private static final int BYTES = 10_000;

  @TempDir private Path folder = Path.of("");

  @Test
  void shouldTakeAnyRangeWithinTheFile() throws IOException {
    Path file = Files.write(folder.resolve("file"), new byte[BYTES]);
    try (Guard guard = Guard.map(file, GuardOptions.DEFAULT)) {
      guard.readAhead(new ByteRange(5_000, BYTES));
      assertThatThrownBy(() -> guard.readAhead(new ByteRange(0, BYTES + 1)))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void shouldRefuseWhenClosed() throws IOException {
    Guard guard = Guard.map(Files.write(folder.resolve("file"), new byte[1]), GuardOptions.DEFAULT);
    guard.close();
    assertThatThrownBy(() -> guard.readAhead(new ByteRange(0, 1)))
        .isInstanceOf(IllegalStateException.class);
  }
}
