package io.bezoar.nbd;

import io.bezoar.dax.PoisonEntry;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A server over a {@link MemoryDevice} in a folder of its own, for one test. */
final class ServerFixture implements AutoCloseable {
  static final long SIZE_BYTES = 8 << 20;

  private final Path folder;
  private final MemoryDevice device;
  private final NbdServer server;

  private ServerFixture(Path folder, MemoryDevice device, NbdServer server) {
    this.folder = folder;
    this.device = device;
    this.server = server;
  }

  static ServerFixture of(MemoryDevice device) throws IOException {
    return of(device, NbdExport.Mode.READ_WRITE, NbdOptions.defaults());
  }

  static ServerFixture of(MemoryDevice device, NbdExport.Mode mode, NbdOptions options)
      throws IOException {
    Path folder = Files.createTempDirectory("nbd");
    NbdExport export = new NbdExport("", "a test", device, mode, health(device));
    return new ServerFixture(folder, device, NbdServer.start(folder.resolve("s"), export, options));
  }

  static RangeHealth health(MemoryDevice device) {
    return range -> {
      List<PoisonEntry> entries = device.poison(range);
      return entries.stream()
          .map(entry -> new RangeHealth.Run(entry.range(), RangeHealth.LOST))
          .toList();
    };
  }

  Path socket() {
    return server.socket();
  }

  NbdServer server() {
    return server;
  }

  MemoryDevice device() {
    return device;
  }

  /** Fills the device with bytes that tell where they are from, and returns all of them. */
  byte[] fillWithPattern() {
    byte[] content = pattern(0, (int) device.sizeBytes());
    MemorySegment.copy(content, 0, device.memory(), ValueLayout.JAVA_BYTE, 0, content.length);
    return content;
  }

  static byte[] pattern(long offset, int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    for (int i = 0; i < lengthBytes; i++) {
      long at = offset + i;
      bytes[i] = (byte) (at * 31 + (at >>> 12) * 7 + 1);
    }
    return bytes;
  }

  byte[] content(ByteRange range) {
    return device.memory().asSlice(range.start(), range.length()).toArray(ValueLayout.JAVA_BYTE);
  }

  @Override
  public void close() throws IOException {
    try {
      server.close();
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
