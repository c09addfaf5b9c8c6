package io.bezoar.media;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * The faults that a drill left armed, in a file of text lines beside the media. Each line ends with
 * the CRC32C of what stands before it; the last one counts the others, so that a list which lost
 * its end is noticed.
 *
 * <pre>
 * bezoar-drill 1 1073741824 5d1c7a30
 * poison 4096 8192 curable 42 9f03e1b7
 * end 1 77aa0c21
 * </pre>
 *
 * <p>Replaced as a whole: new file, fsync, rename, fsync of the folder. No file means no faults. A
 * damaged list is an error, never an empty one: dropping faults silently would turn a drill into a
 * wrong result.
 */
final class DrillList {
  private static final String MAGIC = "bezoar-drill";
  private static final int VERSION = 1;
  private static final long FILE_BYTES_MAX = 64L << 20;

  private final Path path;
  private final long sizeBytes;

  /** The list of the media at {@code media}, which has {@code sizeBytes} bytes. */
  DrillList(Path media, long sizeBytes) {
    this.path = pathOf(media);
    this.sizeBytes = sizeBytes;
  }

  static Path pathOf(Path media) {
    return media.resolveSibling(media.getFileName() + ".drill");
  }

  /**
   * Reads the list.
   *
   * @throws MediaOpenException when it is damaged or belongs to media of another size
   */
  ArmedFaults load() throws IOException {
    String text;
    try {
      if (Files.size(path) > FILE_BYTES_MAX) {
        throw damaged("is larger than any drill makes it");
      }
      text = new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      return ArmedFaults.NONE;
    }
    try {
      return parse(text);
    } catch (IllegalArgumentException e) {
      throw damaged("is damaged (" + e.getMessage() + ")");
    }
  }

  private ArmedFaults parse(String text) {
    List<String> lines = text.lines().toList();
    require(lines.size() >= 2, "lines are missing");
    List<FaultSpec> faults = new ArrayList<>();
    String[] head = fields(lines.getFirst(), 3);
    require(head[0].equals(MAGIC) && head[1].equals("" + VERSION), "unknown header");
    require(Long.parseLong(head[2]) == sizeBytes, "made for media of " + head[2] + " bytes");
    for (String line : lines.subList(1, lines.size() - 1)) {
      String[] field = fields(line, 5);
      ByteRange range = new ByteRange(Long.parseLong(field[1]), Long.parseLong(field[2]));
      require(range.end() <= sizeBytes, "a fault beyond the media");
      FaultKind kind = FaultKind.valueOf(field[0].toUpperCase(Locale.ROOT));
      require(field[3].equals("stuck") || field[3].equals("curable"), "unknown word");
      faults.add(new FaultSpec(kind, range, field[3].equals("stuck"), Long.parseLong(field[4])));
    }
    String[] end = fields(lines.getLast(), 2);
    require(end[0].equals("end") && end[1].equals("" + faults.size()), "lines are missing");
    ArmedFaults armed = ArmedFaults.of(faults);
    require(format(armed).equals(text), "not as it is written");
    return armed;
  }

  private static String[] fields(String line, int count) {
    int last = line.lastIndexOf(' ');
    require(last > 0 && line.substring(last + 1).equals(crc(line.substring(0, last))), "checksum");
    String[] fields = line.substring(0, last).split(" ", -1);
    require(fields.length == count, "number of fields");
    return fields;
  }

  private static void require(boolean condition, String problem) {
    if (!condition) {
      throw new IllegalArgumentException(problem);
    }
  }

  private MediaOpenException damaged(String problem) {
    return new MediaOpenException(
        path.toString(),
        MediaOpenException.Reason.DRILL_LIST_DAMAGED,
        "the list of injected faults " + problem + ": remove it to open the media without them");
  }

  /** Replaces the list durably; an empty one removes the file. */
  void save(ArmedFaults faults) throws IOException {
    if (faults.isEmpty()) {
      Files.deleteIfExists(path);
      syncFolder(path);
      return;
    }
    File fresh = path.resolveSibling(path.getFileName() + ".new").toFile();
    try (FileOutputStream out = new FileOutputStream(fresh)) {
      out.write(format(faults).getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      out.getFD().sync();
    }
    Files.move(
        fresh.toPath(), path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    syncFolder(path);
  }

  private String format(ArmedFaults faults) {
    StringBuilder text = new StringBuilder();
    line(text, MAGIC + ' ' + VERSION + ' ' + sizeBytes);
    for (FaultSpec fault : faults.faults()) {
      line(
          text,
          fault.kind().name().toLowerCase(Locale.ROOT)
              + ' '
              + fault.range().start()
              + ' '
              + fault.range().end()
              + (fault.stuck() ? " stuck " : " curable ")
              + fault.seed());
    }
    line(text, "end " + faults.faults().size());
    return text.toString();
  }

  private static void line(StringBuilder text, String payload) {
    text.append(payload).append(' ').append(crc(payload)).append('\n');
  }

  private static String crc(String payload) {
    CRC32C crc = new CRC32C();
    crc.update(payload.getBytes(StandardCharsets.ISO_8859_1));
    return String.format("%08x", crc.getValue());
  }

  /** Makes a new name in the folder of {@code file} durable. */
  static void syncFolder(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path folder = absolute.getParent() == null ? absolute : absolute.getParent();
    long fd = Posix.open(folder.toString(), Posix.O_RDONLY | Posix.O_DIRECTORY, 0);
    long result = fd < 0 ? fd : Posix.fsync((int) fd);
    if (fd >= 0) {
      Posix.close((int) fd);
    }
    if (result < 0) {
      throw new FileSystemException(
          folder.toString(), null, "cannot sync the folder: " + Errno.text((int) -result));
    }
  }
}
