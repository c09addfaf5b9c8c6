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
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolStatus;
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
    json.put("size", label.layout().sizeBytes());
    json.put("volume", status.volumeBytes());
    json.putObject("redundancy")
        .put("kind", label.redundancy().toString())
        .put("data_columns", label.redundancy().dataColumns())
        .put("parity_columns", label.redundancy().parityColumns());
    json.put("drill", label.drill() == PoolLabel.Drill.ALLOWED);
    json.set("counters", counters(status.counters()));
    json.set("media", media(status.media()));
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
      json.putObject("served")
          .put("nbd", served.nbdSocket())
          .put("mode", Json.word(served.mode()))
          .put("pid", served.processId());
    }
    return json;
  }

  private static ObjectNode counters(DeviceCounters counters) {
    return Json.object()
        .put("read_faults", counters.readFaults())
        .put("checksum_errors", counters.checksumErrors())
        .put("redundancy_errors", counters.redundancyErrors())
        .put("repaired_bytes", counters.repairedBytes())
        .put("degraded_bytes", counters.degradedBytes())
        .put("lost_bytes", counters.lostBytes())
        .put("persist_failures", counters.persistFailures());
  }

  private static ObjectNode media(MediaInfo media) {
    return Json.object()
        .put("kind", Json.word(media.kind()))
        .put("granule", media.granuleBytes())
        .put("clear_unit", media.clearUnitBytes())
        .put("persistence", Json.word(media.persistence()))
        .put("persist_means", media.persistence().meaning())
        .put("writable", media.writable());
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

  static ObjectNode bad(BadRange bad) {
    PoisonEntry entry = bad.entry();
    return Json.object()
        .put("type", "bad")
        .put("space", Json.word(bad.space()))
        .put("start", entry.range().start())
        .put("end", entry.range().end())
        .put("confidence", Json.word(entry.confidence()))
        .put("cause", Json.word(entry.cause()))
        .put("first_seen", entry.firstSeenMillis())
        .put("last_seen", entry.lastSeenMillis())
        .put("count", entry.count());
  }

  static ObjectNode strike(Strike strike, ByteRange struck) {
    ObjectNode json = Json.object().put("type", "strike").put("kind", Json.word(strike.kind()));
    putRange(json, "media", struck);
    putRange(json, "volume", strike.volume());
    return json;
  }

  static ArrayNode ranges(List<ByteRange> ranges) {
    ArrayNode array = Json.array();
    ranges.forEach(range -> array.add(Json.range(range)));
    return array;
  }

  static ObjectNode event(Event event) {
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
        putDevice(json, e.device());
        putRange(json, "volume", e.volume());
        putRange(json, "media", e.media());
      }
      case Event.StateChange e -> {
        json.put("event", "state").put("state", Json.word(e.state())).put("detail", e.detail());
        putDevice(json, e.device());
      }
      case Event.Device e -> {
        json.put("event", "device").put("step", Json.word(e.step())).put("detail", e.detail());
        putDevice(json, e.device());
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

  private static void putDevice(ObjectNode json, int number) {
    if (number != Event.NO_DEVICE) {
      json.put("device", number);
    }
  }

  private static void putRange(ObjectNode json, String name, @Nullable ByteRange range) {
    if (range != null) {
      json.set(name, Json.range(range));
    }
  }
}
