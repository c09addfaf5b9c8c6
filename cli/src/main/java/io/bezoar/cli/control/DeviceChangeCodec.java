package io.bezoar.cli.control;

import io.bezoar.cli.control.Request.DeviceChange;
import io.bezoar.cli.control.Request.Wait;
import io.bezoar.cli.control.RequestCodec.Fields;
import io.bezoar.media.Allocation;
import io.bezoar.pool.NewDevice;
import io.bezoar.pool.Redundancy;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The part of {@link RequestCodec} that is about changes of a pool's devices. */
final class DeviceChangeCodec {
  /** What the names of all these operations begin with. */
  static final String PREFIX = "device-";

  private DeviceChangeCodec() {}

  static void encode(DeviceChange change, ObjectNode json) {
    RequestCodec.putText(json, "device", change.device());
    switch (change) {
      case DeviceChange.Attach r -> put(json, "attach", r.made(), r.waiting());
      case DeviceChange.Detach _ -> json.put("op", PREFIX + "detach");
      case DeviceChange.Offline _ -> json.put("op", PREFIX + "offline");
      case DeviceChange.Online r -> {
        put(json, "online", null, r.waiting());
        Path at = r.at();
        RequestCodec.putText(json, "at", at == null ? null : at.toString());
      }
      case DeviceChange.Replace r -> put(json, "replace", r.by(), r.waiting());
      case DeviceChange.Evacuate r -> put(json, "evacuate", r.to(), r.waiting());
      case DeviceChange.Spare r -> {
        json.put("op", PREFIX + "spare");
        putNew(json, r.made());
      }
    }
  }

  private static void put(ObjectNode json, String op, @Nullable NewDevice made, Wait waiting) {
    json.put("op", PREFIX + op).put("wait", waiting == Wait.UNTIL_IN_SYNC);
    if (made != null) {
      putNew(json, made);
    }
  }

  private static void putNew(ObjectNode json, NewDevice made) {
    ObjectNode file = json.putObject("new");
    file.put("path", made.path().toString()).put("size", made.sizeBytes());
    Redundancy redundancy = made.redundancy();
    if (redundancy != null) {
      file.put("columns", redundancy.isProtected() ? redundancy.columns() : 0);
    }
    file.put("sparse", made.allocation() == Allocation.SPARSE);
  }

  static Request decode(String op, Fields fields) throws BadRequestException {
    return switch (op.substring(PREFIX.length())) {
      case "attach" -> new DeviceChange.Attach(device(fields), made(fields), waiting(fields));
      case "detach" -> new DeviceChange.Detach(device(fields));
      case "offline" -> new DeviceChange.Offline(device(fields));
      case "online" ->
          new DeviceChange.Online(
              device(fields), fields.has("at") ? fields.path("at") : null, waiting(fields));
      case "replace" -> new DeviceChange.Replace(device(fields), madeIf(fields), waiting(fields));
      case "evacuate" -> new DeviceChange.Evacuate(device(fields), madeIf(fields), waiting(fields));
      case "spare" -> new DeviceChange.Spare(made(fields));
      default -> throw RequestCodec.noSuchOperation(op);
    };
  }

  private static String device(Fields fields) throws BadRequestException {
    String said = fields.text("device");
    if (said.isEmpty() || said.indexOf('\0') >= 0) {
      throw new BadRequestException("\"device\" names none");
    }
    return said;
  }

  private static Wait waiting(Fields fields) throws BadRequestException {
    return fields.flag("wait") ? Wait.UNTIL_IN_SYNC : Wait.FOR_NOTHING;
  }

  private static @Nullable NewDevice madeIf(Fields fields) throws BadRequestException {
    return fields.has("new") ? made(fields) : null;
  }

  private static NewDevice made(Fields fields) throws BadRequestException {
    Fields file = fields.child("new");
    return new NewDevice(
        file.path("path"),
        file.number("size", -1, Long.MAX_VALUE),
        file.has("columns") ? redundancy(file.number("columns", 0, Redundancy.MAX_COLUMNS)) : null,
        file.flag("sparse") ? Allocation.SPARSE : Allocation.PREALLOCATED);
  }

  private static Redundancy redundancy(long columns) throws BadRequestException {
    if (columns == 0) {
      return Redundancy.NONE;
    }
    if (columns < Redundancy.MIN_COLUMNS) {
      throw new BadRequestException(
          "\"columns\" is %d, it must be 0 or from %d to %d"
              .formatted(columns, Redundancy.MIN_COLUMNS, Redundancy.MAX_COLUMNS));
    }
    return Redundancy.ofColumns((int) columns);
  }
}
