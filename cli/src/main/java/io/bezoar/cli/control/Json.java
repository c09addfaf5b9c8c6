package io.bezoar.cli.control;

import io.bezoar.media.ByteRange;
import java.util.Locale;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The one JSON mapper and the words that stand in JSON. */
public final class Json {
  /** Eight levels of a stack, an object and an array each, and what stands around and in them. */
  private static final int MAX_DEPTH = 32;

  private static final JsonMapper MAPPER =
      new JsonMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNestingDepth(MAX_DEPTH)
                      .maxStringLength(64 << 10)
                      .maxNumberLength(64)
                      .build())
              .build());

  private Json() {}

  /** A new, empty object. */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** A new, empty array. */
  static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /**
   * One line of JSON without its line end. Names of files may hold bytes that are no UTF-8; they
   * stand as halves of surrogate pairs, which no encoding but an escape brings through.
   */
  public static String line(JsonNode json) {
    String line = MAPPER.writeValueAsString(json);
    if (line.chars().noneMatch(c -> Character.isSurrogate((char) c))) {
      return line;
    }
    StringBuilder escaped = new StringBuilder(line.length() + 16);
    line.codePoints()
        .forEach(
            c -> {
              if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
                escaped.append("\\u%04x".formatted(c));
              } else {
                escaped.appendCodePoint(c);
              }
            });
    return escaped.toString();
  }

  /**
   * Parses one line.
   *
   * @throws tools.jackson.core.JacksonException when it is not JSON
   */
  static JsonNode parse(String line) {
    return MAPPER.readTree(line);
  }

  /** A constant as it stands in JSON and on the command line: {@code poison-list}. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** A range: start, and the first byte behind it. */
  public static ObjectNode range(ByteRange range) {
    return object().put("start", range.start()).put("end", range.end());
  }
}
