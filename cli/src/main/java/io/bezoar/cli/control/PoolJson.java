package io.bezoar.cli.control;

import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.health.Event;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRecord;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaInfo;
import io.bezoar.pool.BadRange;
import io.bezoar.pool.LayerRanges;
import io.bezoar.pool.PoolConfig;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.Redundancy;
import io.bezoar.pool.StackStatus;
import io.bezoar.pool.Strike;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What a pool says, as JSON. Times are milliseconds since 1970, sizes and offsets bytes. */
final class PoolJson {
  private PoolJson() {}

  static ObjectNode status(String path, PoolStatus status, @Nullable Served served) {
    PoolLabel label = status.label();
    ObjectNode json = Json.object().put("type", "status").put("pool", path);
    json.put("condition", Json.word(status.condition()));
    json.put("state", Json.word(status.state()));
    json.put("uuid", label.uuid().toString());
    json.put("created", label.createdAt().toEpochMilli());
    json.put("content", Json.word(label.content()));
    List<StackStatus.Device> devices = status.devices();
    json.put("size", devices.stream().mapToLong(device -> device.entry().sizeBytes()).sum());
    json.put("volume", status.volumeBytes());
    Redundancy redundancy = StackJson.common(devices);
    if (redundancy != null) {
      json.set("redundancy", StackJson.redundancy(redundancy));
    }
    if (status.files() != null) {
      json.set("files", FileJson.figures(status.files()));
    }
    if (!status.filesTrouble().isEmpty()) {
      json.put("files_trouble", status.filesTrouble());
    }
    if (!status.fileNotes().isEmpty()) {
      ArrayNode notes = json.putArray("file_notes");
      status.fileNotes().forEach(notes::add);
    }
    json.put("drill", label.drill() == PoolLabel.Drill.ALLOWED);
    json.set("counters", counters(status.counters()));
    MediaInfo media = devices.size() == 1 ? devices.getFirst().media() : null;
    if (media != null) {
      json.set("media", StackJson.media(media));
    }
    json.put("made_of", StackWords.of(status.stack()));
    json.set("stack", StackJson.node(status.stack()));
    ArrayNode spares = json.putArray("spares");
    status.spares().forEach(spare -> spares.add(StackJson.device(spare)));
    ObjectNode scrub = progress(status.scrub());
    scrub.remove("type");
    ScrubRecord scrubbed = status.scrubbed();
    scrub.put("interrupted_at_row", scrubbed.nextRow());
    Instant finishedAt = scrubbed.finishedAt();
    if (finishedAt != null) {
      scrub.put("last_finished", finishedAt.toEpochMilli());
      scrub.set("last", totals(scrubbed.finished()));
    }
    json.set("scrub", scrub);
    json.putObject("events")
        .put("last", status.lastEvent())
        .put("not_durable_because", status.eventTrouble());
    if (served != null) {
      ObjectNode how = json.putObject("served");
      if (served.nbdSocket() != null) {
        how.put("nbd", served.nbdSocket());
      }
      how.put("mode", Json.word(served.mode())).put("pid", served.processId());
    }
    return json;
  }

  static ObjectNode counters(DeviceCounters counters) {
    return Json.object()
        .put("read_faults", counters.readFaults())
        .put("checksum_errors", counters.checksumErrors())
        .put("redundancy_errors", counters.redundancyErrors())
        .put("repaired_bytes", counters.repairedBytes())
        .put("degraded_bytes", counters.degradedBytes())
        .put("lost_bytes", counters.lostBytes())
        .put("persist_failures", counters.persistFailures());
  }

  static ObjectNode progress(ScrubProgress progress) {
    ObjectNode json =
        Json.object()
            .put("type", "scrub")
            .put("state", Json.word(progress.state()))
            .put("done", progress.doneBytes())
            .put("total", progress.totalBytes());
    json.setAll(totals(progress.totals()));
    return progress.detail().isEmpty() ? json : json.put("detail", progress.detail());
  }

  private static ObjectNode totals(ScrubTotals totals) {
    return Json.object()
        .put("checked", totals.checkedBytes())
        .put("found", totals.foundRanges())
        .put("repaired", totals.repairedBytes())
        .put("degraded", totals.degradedBytes())
        .put("lost", totals.lostBytes());
  }

  static ObjectNode bad(BadRange bad, PoolConfig config) {
    PoisonEntry entry = bad.entry();
    ObjectNode json = Json.object().put("type", "bad").put("space", Json.word(bad.space()));
    putDevice(json, bad.device(), config);
    json.put("start", entry.range().start())
        .put("end", entry.range().end())
        .put("confidence", Json.word(entry.confidence()))
        .put("cause", Json.word(entry.cause()))
        .put("first_seen", entry.firstSeenMillis())
        .put("last_seen", entry.lastSeenMillis())
        .put("count", entry.count());
    if (!bad.layers().isEmpty()) {
      ArrayNode layers = json.putArray("layers");
      for (LayerRanges layer : bad.layers()) {
        ObjectNode one = layers.addObject().put("layer", layer.layer());
        one.set("ranges", ranges(layer.ranges().asList()));
      }
    }
    return json;
  }

  static ObjectNode strike(Strike strike, ByteRange struck, PoolConfig config) {
    ObjectNode json = Json.object().put("type", "strike").put("kind", Json.word(strike.kind()));
    putDevice(json, strike.device(), config);
    putRange(json, "media", struck);
    putRange(json, "volume", strike.volume());
    return json;
  }

  static ArrayNode ranges(List<ByteRange> ranges) {
    ArrayNode array = Json.array();
    ranges.forEach(range -> array.add(Json.range(range)));
    return array;
  }

  static ObjectNode event(Event event, PoolConfig config) {
    ObjectNode json =
        Json.object()
            .put("type", "event")
            .put("sequence", event.sequence())
            .put("at", event.at().toEpochMilli());
    switch (event) {
      case Event.Failure e -> {
        json.put("event", "failure");
        json.put("outcome", Json.word(e.outcome()));
        json.put("cause", Json.word(e.cause()));
        json.put("role", Json.word(e.role()));
        putDevice(json, e.device(), config);
        putRange(json, "volume", e.volume());
        putRange(json, "media", e.media());
      }
      case Event.StateChange e -> {
        json.put("event", "state").put("state", Json.word(e.state())).put("detail", e.detail());
        putDevice(json, e.device(), config);
      }
      case Event.Device e -> {
        json.put("event", "device").put("step", Json.word(e.step())).put("detail", e.detail());
        putDevice(json, e.device(), config);
      }
      case Event.Lifecycle e -> json.put("event", Json.word(e.step())).put("detail", e.detail());
      case Event.Scrub e -> {
        json.put("event", "scrub-" + Json.word(e.phase()));
        json.setAll(totals(e.totals()));
      }
      case Event.Replaced e -> {
        json.put("event", Json.word(e.how()));
        putRange(json, "volume", e.volume());
      }
    }
    return json;
  }

  /**
   * With the name that it has now; a device that left the pool has a number only. Where there never
   * was another one, people need not be told which.
   */
  private static void putDevice(ObjectNode json, int number, PoolConfig config) {
    if (number != Event.NO_DEVICE) {
      json.put("device", number);
      config.find(number).ifPresent(entry -> json.put("name", StackWords.name(entry)));
      if (config.nextNumber() == 1) {
        json.put("only_device", true);
      }
    }
  }

  private static void putRange(ObjectNode json, String name, @Nullable ByteRange range) {
    if (range != null) {
      json.set(name, Json.range(range));
    }
  }
}
