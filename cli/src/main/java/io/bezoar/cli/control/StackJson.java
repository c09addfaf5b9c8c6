package io.bezoar.cli.control;

import io.bezoar.media.MediaInfo;
import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.Redundancy;
import io.bezoar.pool.StackStatus;
import io.bezoar.target.CacheStatus;
import io.bezoar.target.LegStatus;
import io.bezoar.target.ResyncProgress;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The tree of a pool's stack, as JSON. */
final class StackJson {
  private StackJson() {}

  static ObjectNode node(StackStatus node) {
    return switch (node) {
      case StackStatus.Device device -> device(device);
      case StackStatus.Mirror mirror -> mirror(mirror);
      case StackStatus.Linear linear ->
          withChildren(composite("linear", linear.sizeBytes()), linear.children());
      case StackStatus.Striped striped ->
          withChildren(
              composite("striped", striped.sizeBytes()).put("chunk", striped.chunkBytes()),
              striped.children());
      case StackStatus.Cached cached -> {
        ObjectNode json = composite("cached", cached.sizeBytes());
        json.set("cache", cache(cached.cache()));
        yield withChildren(json, cached.children());
      }
    };
  }

  private static ObjectNode composite(String kind, long sizeBytes) {
    return Json.object().put("kind", kind).put("size", sizeBytes);
  }

  private static ObjectNode withChildren(ObjectNode json, List<StackStatus> children) {
    ArrayNode array = json.putArray("children");
    children.forEach(child -> array.add(node(child)));
    return json;
  }

  private static ObjectNode mirror(StackStatus.Mirror mirror) {
    ObjectNode json = composite("mirror", mirror.sizeBytes());
    json.put("state", Json.word(mirror.state()));
    json.put("copies", mirror.children().size());
    json.put("copies_in_sync", StackWalk.inSync(mirror));
    ArrayNode array = json.putArray("children");
    for (StackWalk.Leg leg : StackWalk.legs(mirror)) {
      ObjectNode child = node(leg.node());
      LegStatus how = leg.status();
      if (how != null) {
        child.set("leg", leg(how));
      }
      array.add(child);
    }
    return json;
  }

  private static ObjectNode leg(LegStatus leg) {
    ObjectNode json =
        Json.object()
            .put("slot", leg.slot())
            .put("state", Json.word(leg.state()))
            .put("behind", leg.behindBytes());
    ResyncProgress resync = leg.resync();
    if (resync != null) {
      json.set("resync", resync(resync));
    }
    return leg.detail().isEmpty() ? json : json.put("detail", leg.detail());
  }

  static ObjectNode resync(ResyncProgress resync) {
    return Json.object()
        .put("done", resync.doneBytes())
        .put("total", resync.totalBytes())
        .put("bytes_per_second", resync.bytesPerSecond())
        .put("seconds_left", resync.secondsLeft());
  }

  private static ObjectNode cache(CacheStatus cache) {
    ObjectNode json =
        Json.object()
            .put("blocks", cache.blocks())
            .put("dirty", cache.dirty())
            .put("clean", cache.clean())
            .put("free", cache.free())
            .put("lost", cache.lost())
            .put("retired", cache.retired())
            .put("written_back", cache.writtenBackBytes())
            .put("writing_back", cache.writingBack());
    RequestCodec.putText(json, "last_failure", cache.lastFailure());
    return json;
  }

  static ObjectNode device(StackStatus.Device device) {
    DeviceEntry entry = device.entry();
    ObjectNode json = Json.object().put("kind", "device").put("device", entry.number());
    json.put("name", StackWords.name(entry)).put("path", device.path());
    json.put("uuid", entry.uuid().toString());
    json.put("size", entry.sizeBytes());
    json.set("redundancy", redundancy(entry.redundancy()));
    json.put("use", Json.word(entry.use()));
    if (entry.replaces() != DeviceEntry.NONE) {
      json.put("replaces", entry.replaces());
    }
    json.put("presence", Json.word(device.presence()));
    json.put("state", Json.word(device.state()));
    if (!device.detail().isEmpty()) {
      json.put("detail", device.detail());
    }
    MediaInfo media = device.media();
    if (media != null) {
      json.set("media", media(media));
      json.put("content_bytes", device.contentBytes());
    }
    json.set("counters", PoolJson.counters(device.counters()));
    return json.put("poison", device.poisonBytes());
  }

  static ObjectNode redundancy(Redundancy redundancy) {
    return Json.object()
        .put("kind", redundancy.toString())
        .put("data_columns", redundancy.dataColumns())
        .put("parity_columns", redundancy.parityColumns());
  }

  static ObjectNode media(MediaInfo media) {
    return Json.object()
        .put("kind", Json.word(media.kind()))
        .put("granule", media.granuleBytes())
        .put("clear_unit", media.clearUnitBytes())
        .put("persistence", Json.word(media.persistence()))
        .put("persist_means", media.persistence().meaning())
        .put("writable", media.writable());
  }

  /** The redundancy that all devices have; null when they differ. */
  static @Nullable Redundancy common(List<StackStatus.Device> devices) {
    List<Redundancy> all =
        devices.stream().map(device -> device.entry().redundancy()).distinct().toList();
    return all.size() == 1 ? all.getFirst() : null;
  }
}
