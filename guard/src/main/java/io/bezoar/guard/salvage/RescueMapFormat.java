package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The text form of a {@link RescueMap}: a GNU ddrescue mapfile, as the chapter "Mapfile structure"
 * of the ddrescue 1.27 manual tells it.
 *
 * <pre>
 * # Mapfile. Created by Bezoar
 * # current_pos  current_status  current_pass
 * 0x00120000     ?               1
 * #      pos        size  status
 * 0x00000000  0x00117000  +
 * 0x00117000  0x00000200  -
 * 0x00117200  0x00008E00  ?
 * </pre>
 *
 * <p>Read is everything that the manual allows: comments at the start of a line or after white
 * space, numbers as C++ writes them (decimal, {@code 0x} hexadecimal, {@code 0} octal), a missing
 * pass (older than 1.20), neighbours of the same status, an extent that does not begin at 0. Blocks
 * that leave a gap or overlap are refused, as ddrescue does: of such a map it cannot be told what
 * was rescued. It carries no checksum, so what is only mistyped cannot be noticed.
 */
final class RescueMapFormat {
  /** Longest line that is read: far more than any that holds two numbers and a remark. */
  private static final int LINE_CHARS_MAX = 64 << 10;

  private static final Pattern SPACES = Pattern.compile("[ \t\r\f\u000b]+");
  private static final Pattern CONTROLS = Pattern.compile("\\p{Cntrl}");

  private RescueMapFormat() {}

  /**
   * Reads a map.
   *
   * @param name what to call it in messages
   * @throws RescueMapException when it is not a whole mapfile
   */
  static RescueMap read(String name, Reader text) throws IOException {
    Lines lines = new Lines(name, new BufferedReader(text));
    String[] head = lines.next();
    if (head == null) {
      throw lines.problem("the line with position, status and pass is missing");
    }
    RescuePoint point = point(lines, head);
    RescueMap map = null;
    for (String[] fields = lines.next(); fields != null; fields = lines.next()) {
      map = addBlock(lines, fields, map);
    }
    RescueMap read = map == null ? RescueMap.untried(0) : map;
    read.moveTo(point);
    return read;
  }

  private static RescuePoint point(Lines lines, String[] fields) throws RescueMapException {
    if (fields.length < 2 || fields.length > 3) {
      throw lines.problem("expected position, status and pass");
    }
    long offset = number(lines, fields[0]);
    long pass = fields.length == 2 ? 1 : number(lines, fields[2], 10);
    if (pass < 1 || pass > Integer.MAX_VALUE) {
      throw lines.problem("there is no pass " + fields[2]);
    }
    for (RescuePhase phase : RescuePhase.values()) {
      if (fields[1].equals(String.valueOf(phase.symbol()))) {
        return new RescuePoint(offset, phase, (int) pass);
      }
    }
    throw lines.problem("'" + fields[1] + "' is not one of ? * / - F G +");
  }

  private static RescueMap addBlock(Lines lines, String[] fields, @Nullable RescueMap before)
      throws RescueMapException {
    if (fields.length != 3) {
      throw lines.problem("expected position, size and status of a block");
    }
    long start = number(lines, fields[0]);
    long size = number(lines, fields[1]);
    if (size > Long.MAX_VALUE - start) {
      throw lines.problem("the block ends beyond the largest offset there is");
    }
    RescueMap map = before == null ? RescueMap.startingAt(start) : before;
    if (start != map.extent().end()) {
      throw lines.problem("the block does not begin where the one before it ends");
    }
    map.append(size, status(lines, fields[2]));
    return map;
  }

  private static RescueStatus status(Lines lines, String field) throws RescueMapException {
    for (RescueStatus status : RescueStatus.values()) {
      if (field.equals(String.valueOf(status.symbol()))) {
        return status;
      }
    }
    throw lines.problem("'" + field + "' is not one of ? * / - +");
  }

  private static long number(Lines lines, String field) throws RescueMapException {
    if (field.startsWith("0x") || field.startsWith("0X")) {
      return number(lines, field.substring(2), 16);
    }
    boolean octal = field.length() > 1 && field.startsWith("0");
    return number(lines, field, octal ? 8 : 10);
  }

  private static long number(Lines lines, String digits, int radix) throws RescueMapException {
    boolean signed = digits.startsWith("-") || digits.startsWith("+");
    try {
      if (!signed) {
        return Long.parseLong(digits, radix);
      }
    } catch (NumberFormatException e) {
      RescueMapException problem = lines.problem("'" + digits + "' is not a number");
      problem.initCause(e);
      throw problem;
    }
    throw lines.problem("'" + digits + "' is not a number");
  }

  /**
   * Writes a map.
   *
   * @param remarks lines for people, without the {@code #}
   */
  static void write(RescueMap map, List<String> remarks, Appendable out) throws IOException {
    out.append("# Mapfile. Created by Bezoar\n");
    for (String remark : remarks) {
      out.append("# ").append(CONTROLS.matcher(remark).replaceAll("?")).append('\n');
    }
    RescuePoint point = map.point();
    out.append("# current_pos  current_status  current_pass\n");
    number(out, point.offset()).append("     ").append(point.phase().symbol());
    out.append("               ").append(Integer.toString(point.pass())).append('\n');
    out.append("#      pos        size  status\n");
    if (map.blockCount() == 0) {
      block(out, map.extent(), RescueStatus.UNTRIED); // as ddrescue does of an empty source
    }
    for (RescueBlock block : map.blocks()) {
      block(out, block.range(), block.status());
    }
  }

  private static void block(Appendable out, ByteRange range, RescueStatus status)
      throws IOException {
    number(out, range.start()).append("  ");
    number(out, range.length()).append("  ").append(status.symbol()).append('\n');
  }

  private static Appendable number(Appendable out, long value) throws IOException {
    String digits = Long.toHexString(value).toUpperCase(java.util.Locale.ROOT);
    return out.append("0x").append("0".repeat(Math.max(0, 8 - digits.length()))).append(digits);
  }

  /** The lines that say something, as words. */
  private static final class Lines {
    private final String name;
    private final Reader text;
    private int line;

    Lines(String name, Reader text) {
      this.name = name;
      this.text = text;
    }

    /** The words of the next line that has any; null at the end. */
    String @Nullable [] next() throws IOException {
      for (String raw = readLine(); raw != null; raw = readLine()) {
        String said = withoutComment(raw).strip();
        if (!said.isEmpty()) {
          return SPACES.split(said);
        }
      }
      return null;
    }

    private @Nullable String readLine() throws IOException {
      StringBuilder chars = new StringBuilder();
      line++;
      int c = text.read();
      if (c < 0) {
        return null;
      }
      for (; c >= 0 && c != '\n'; c = text.read()) {
        if (chars.length() == LINE_CHARS_MAX) {
          throw problem("the line is too long");
        }
        chars.append((char) c);
      }
      return chars.toString();
    }

    private static String withoutComment(String raw) {
      for (int at = raw.indexOf('#'); at >= 0; at = raw.indexOf('#', at + 1)) {
        if (at == 0 || Character.isWhitespace(raw.charAt(at - 1))) {
          return raw.substring(0, at);
        }
      }
      return raw;
    }

    RescueMapException problem(String problem) {
      return new RescueMapException(name, line, problem);
    }
  }
}
