package io.bezoar.guard;

import static io.bezoar.media.FaultKind.POISON;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultSpec;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of the README about plain files, letter by letter, and what it prints. */
class ReadmeExampleTest {
  @Test
  void shouldPrintWhatTheReadmeSays(@TempDir Path folder) throws Exception {
    Path path = folder.resolve("index.dat");
    byte[] content = new byte[64 << 20];
    ByteBuffer.wrap(content)
        .order(ByteOrder.nativeOrder())
        .putInt(0x2010, 42)
        .putInt(0x3800010, 43);
    Files.write(path, content);
    Protection.protect(path, Redundancy.DEFAULT, Progress.UNWATCHED);
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8);
    try (Guard guard = Guard.map(path, GuardOptions.SIDECAR.subscribe(out::println).drills())) {
      // A drill: from now on this page raises SIGBUS, for plain loads too.
      guard.injector().inject(FaultSpec.of(POISON, new ByteRange(0x2000, 0x3000), 1));
      out.println(guard.get(JAVA_INT_UNALIGNED, 0x2010));
      // More than the sidecar's parity covers.
      guard.injector().inject(FaultSpec.of(POISON, new ByteRange(0x4000, 0x3000000), 2));
      out.println(guard.get(JAVA_INT_UNALIGNED, 0x3800010));
      guard.copy(0x5000, new byte[100], 0, 100);
    } catch (DamagedRangeException lost) {
      out.println(lost.getMessage());
    }
    String said = printed.toString(StandardCharsets.UTF_8).replace(folder + "/", "");
    assertThat(said.lines())
        .containsExactly(
            "Healed[file=index.dat, range=[0x2000, 0x3000), source=SIDECAR, place=FILE]",
            "42",
            "43",
            "Damaged[file=index.dat, range=[0x5000, 0x6000), cause=TRAP]",
            "index.dat: bytes [0x5000, 0x5064) are lost: restore them from a backup, or run"
                + " \"bezoar repair\" if the file has a sidecar; the rest of the file can be read");
  }
}
