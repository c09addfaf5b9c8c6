package io.bezoar.cli.control;

import io.bezoar.dax.Severity;
import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.pool.Fill;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Requests as JSON objects. A request that is not exactly as it must be is refused with the reason.
 */
final class RequestCodec {
  /** Most strikes in one request. */
  static final int MAX_COUNT = 1_000_000;

  private RequestCodec() {}

  static ObjectNode encode(Request request) {
    ObjectNode json = Json.object();
    switch (request) {
      case Request.Status _ -> json.put("op", "status");
      case Request.BadList _ -> json.put("op", "bad-list");
      case Request.Inject r -> {
        json.put("op", "bad-inject");
        ArrayNode kinds = json.putArray("kinds");
        r.kinds().forEach(kind -> kinds.add(Json.word(kind)));
        Long at = r.at();
        if (at != null) {
          json.put("at", at.longValue());
        }
        json.put("length", r.lengthBytes());
        json.put("count", r.count());
        json.put("seed", r.seed());
        json.put("overlap", r.overlap() == Request.Overlap.ALLOWED);
        putText(json, "device", r.device());
      }
      case Request.Clear r -> {
        json.put("op", "bad-clear").put("fill", Json.word(r.fill()));
        putRange(json, r.range());
      }
      case Request.Scrub r -> {
        json.put("op", "scrub");
        json.put("start", Json.word(r.request().start()));
        json.put("rate", r.request().rateBytesPerSecond());
        putRange(json, r.request().volume());
      }
      case Request.ScrubControl r ->
          json.put("op", "scrub-control").put("action", Json.word(r.action()));
      case Request.Events r -> {
        json.put("op", "events");
        json.put("after", r.query().afterSequence());
        json.put("since", r.query().since().toEpochMilli());
        ArrayNode outcomes = json.putArray("outcomes");
        r.query().outcomes().forEach(outcome -> outcomes.add(Json.word(outcome)));
        json.put("follow", r.mode() == Request.Events.Mode.FOLLOW);
      }
      case Request.DeviceChange r -> DeviceChangeCodec.encode(r, json);
      case Request.DeviceProgress _ -> json.put("op", "device-progress");
      case FileRequest r -> FileRequestCodec.encode(r, json);
    }
    return json;
  }

  /**
   * Reads a request.
   *
   * @throws BadRequestException when it is not one; the message says what is wrong
   */
  static Request decode(JsonNode json) throws BadRequestException {
    if (!json.isObject()) {
      throw new BadRequestException("a request is one JSON object");
    }
    Fields fields = new Fields(json);
    String op = fields.text("op");
    return switch (op) {
      case "status" -> new Request.Status();
      case "bad-list" -> new Request.BadList();
      case "bad-inject" -> inject(fields);
      case "bad-clear" -> new Request.Clear(fields.constant("fill", Fill.class), range(fields));
      case "scrub" ->
          new Request.Scrub(
              new ScrubRequest(
                  fields.constant("start", ScrubRequest.Start.class),
                  fields.number("rate", 0, Long.MAX_VALUE),
                  range(fields)));
      case "scrub-control" ->
          new Request.ScrubControl(fields.constant("action", Request.ScrubControl.Action.class));
      case "events" -> events(fields);
      case "device-progress" -> new Request.DeviceProgress();
      default -> {
        if (op.startsWith(DeviceChangeCodec.PREFIX)) {
          yield DeviceChangeCodec.decode(op, fields);
        }
        if (op.startsWith(FileRequestCodec.PREFIX)) {
          yield FileRequestCodec.decode(op, fields);
        }
        throw noSuchOperation(op);
      }
    };
  }

  private static Request inject(Fields fields) throws BadRequestException {
    List<FaultKind> kinds = fields.constants("kinds", FaultKind.class);
    if (kinds.isEmpty()) {
      throw new BadRequestException("\"kinds\" is empty");
    }
    @Nullable Long at = fields.has("at") ? fields.number("at", 0, Long.MAX_VALUE) : null;
    return new Request.Inject(
        kinds,
        at,
        fields.number("length", 1, Long.MAX_VALUE),
        (int) fields.number("count", 1, MAX_COUNT),
        fields.number("seed", Long.MIN_VALUE, Long.MAX_VALUE),
        fields.flag("overlap") ? Request.Overlap.ALLOWED : Request.Overlap.FORBIDDEN,
        fields.has("device") ? fields.text("device") : null);
  }

  static BadRequestException noSuchOperation(String op) {
    return new BadRequestException("no such operation: " + shorten(op));
  }

  static void putText(ObjectNode json, String name, @Nullable String text) {
    if (text != null) {
      json.put(name, text);
    }
  }

  private static Request events(Fields fields) throws BadRequestException {
    List<Severity> outcomes = fields.constants("outcomes", Severity.class);
    Set<Severity> set = outcomes.isEmpty() ? Set.of() : EnumSet.copyOf(outcomes);
    // Far outside what a clock can say, and still an Instant.
    long farMillis = 1L << 52;
    return new Request.Events(
        new EventQuery(
            fields.number("after", 0, Long.MAX_VALUE),
            Instant.ofEpochMilli(fields.number("since", -farMillis, farMillis)),
            set),
        fields.flag("follow") ? Request.Events.Mode.FOLLOW : Request.Events.Mode.HISTORY);
  }

  static void putRange(ObjectNode json, @Nullable ByteRange range) {
    if (range != null) {
      json.set("range", Json.range(range));
    }
  }

  static @Nullable ByteRange range(Fields fields) throws BadRequestException {
    if (!fields.has("range")) {
      return null;
    }
    Fields range = fields.child("range");
    long start = range.number("start", 0, Long.MAX_VALUE);
    return new ByteRange(start, range.number("end", start, Long.MAX_VALUE));
  }

  private static String shorten(String text) {
    return text.length() <= 40 ? text : text.substring(0, 40) + "...";
  }

  /** Typed access to the fields of one object. */
  record Fields(JsonNode json) {
    boolean has(String name) {
      return json.hasNonNull(name);
    }

    Fields child(String name) throws BadRequestException {
      JsonNode child = json.path(name);
      if (!child.isObject()) {
        throw new BadRequestException("\"" + name + "\" must be an object");
      }
      return new Fields(child);
    }

    String text(String name) throws BadRequestException {
      JsonNode value = json.path(name);
      if (!value.isString()) {
        throw new BadRequestException("\"" + name + "\" must be a string");
      }
      return value.stringValue();
    }

    /** One or more strings. */
    List<String> texts(String name) throws BadRequestException {
      JsonNode array = json.path(name);
      if (!array.isArray() || array.isEmpty()) {
        throw new BadRequestException("\"" + name + "\" must be an array of strings");
      }
      List<String> texts = new ArrayList<>();
      for (JsonNode element : array) {
        if (!element.isString()) {
          throw new BadRequestException("\"" + name + "\" must hold strings");
        }
        texts.add(element.stringValue());
      }
      return texts;
    }

    /** A path that means the same in every process. */
    Path path(String name) throws BadRequestException {
      try {
        Path path = Path.of(text(name));
        if (path.isAbsolute()) {
          return path;
        }
      } catch (InvalidPathException e) {
        throw new BadRequestException("\"" + name + "\" is no path");
      }
      throw new BadRequestException("\"" + name + "\" must be an absolute path");
    }

    boolean flag(String name) throws BadRequestException {
      JsonNode value = json.path(name);
      if (!value.isBoolean()) {
        throw new BadRequestException("\"" + name + "\" must be true or false");
      }
      return value.booleanValue();
    }

    long number(String name, long least, long most) throws BadRequestException {
      JsonNode value = json.path(name);
      if (!value.isIntegralNumber() || !value.canConvertToLong()) {
        throw new BadRequestException("\"" + name + "\" must be a whole number");
      }
      long number = value.longValue();
      if (number < least || number > most) {
        throw new BadRequestException(
            "\"" + name + "\" is " + number + ", it must be from " + least + " to " + most);
      }
      return number;
    }

    <E extends Enum<E>> E constant(String name, Class<E> type) throws BadRequestException {
      return parse(name, text(name), type);
    }

    <E extends Enum<E>> List<E> constants(String name, Class<E> type) throws BadRequestException {
      JsonNode array = json.path(name);
      if (!array.isArray()) {
        throw new BadRequestException("\"" + name + "\" must be an array");
      }
      List<E> constants = new ArrayList<>();
      for (JsonNode element : array) {
        if (!element.isString()) {
          throw new BadRequestException("\"" + name + "\" must hold strings");
        }
        constants.add(parse(name, element.stringValue(), type));
      }
      return constants;
    }

    private static <E extends Enum<E>> E parse(String name, String text, Class<E> type)
        throws BadRequestException {
      for (E constant : type.getEnumConstants()) {
        if (Json.word(constant).equals(text.toLowerCase(Locale.ROOT))) {
          return constant;
        }
      }
      throw new BadRequestException("\"" + name + "\" cannot be " + shorten(text));
    }
  }
}
