package io.bezoar.cli.control;

import io.bezoar.fs.Attributes;
import io.bezoar.fs.CheckReport;
import io.bezoar.fs.FileExtent;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileType;
import io.bezoar.fs.FilesystemStatus;
import io.bezoar.fs.Owner;
import io.bezoar.fs.SnapshotInfo;
import io.bezoar.media.ByteRange;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is said of files, as JSON. Times are nanoseconds since 1970, sizes and offsets bytes. Bytes
 * of a name that are no UTF-8 stand as U+DC80 to U+DCFF.
 */
final class FileJson {
  private FileJson() {}

  /** What was not there when the files were opened. */
  static ObjectNode note(String what) {
    return Json.object().put("type", "note").put("what", what);
  }

  /** One thing that was done, of several. */
  static ObjectNode done(String what, String path, @Nullable String to) {
    ObjectNode json = Json.object().put("type", "done").put("what", what).put("path", path);
    return to == null ? json : json.put("to", to);
  }

  static String kind(FileType type) {
    return switch (type) {
      case REGULAR -> "file";
      case DIRECTORY -> "directory";
      case SYMLINK -> "link";
    };
  }

  static ObjectNode entry(String path, String name, FileType type, FileId id) {
    ObjectNode json = Json.object().put("type", "entry").put("path", path).put("name", name);
    json.put("kind", kind(type)).put("inode", id.inode());
    if (id.isSnapshot()) {
      json.put("snapshot", id.snapshot());
    }
    return json;
  }

  static void putAttributes(ObjectNode json, Attributes all) {
    json.put("mode", "%04o".formatted(all.mode()))
        .put("uid", all.uid())
        .put("gid", all.gid())
        .put("links", all.links())
        .put("size", all.sizeBytes())
        .put("allocated", all.allocatedBytes())
        .put("generation", all.generation())
        .put("accessed", all.accessedNanos())
        .put("modified", all.modifiedNanos())
        .put("changed", all.changedNanos())
        .put("created", all.createdNanos());
  }

  static ObjectNode extent(FileExtent extent) {
    ObjectNode json = Json.object();
    json.set("file", Json.range(extent.file()));
    json.set("volume", Json.range(extent.device()));
    return json.put("content", Json.word(extent.content()));
  }

  static ObjectNode figures(FilesystemStatus status) {
    long used = status.totalBytes() - status.freeBytes() - status.reservedBytes();
    return Json.object()
        .put("size", status.totalBytes())
        .put("used", used)
        .put("free", status.freeBytes())
        .put("reserved", status.reservedBytes())
        .put("quarantined", status.quarantinedBytes())
        .put("releasing", status.releasingBytes())
        .put("snapshots", status.snapshots())
        .put("commit", status.commit());
  }

  static ObjectNode snapshot(SnapshotInfo snapshot) {
    return Json.object()
        .put("type", "snapshot")
        .put("name", snapshot.name())
        .put("commit", snapshot.commit())
        .put("created", snapshot.createdNanos());
  }

  static ObjectNode owner(Owner owner) {
    ObjectNode json = Json.object().put("type", "owner");
    json.set("volume", Json.range(owner.device()));
    switch (owner) {
      case Owner.Data data -> {
        json.put("owner", "file").put("inode", data.file().inode());
        if (data.file().isSnapshot()) {
          json.put("snapshot", data.file().snapshot());
        }
        json.set("range", Json.range(data.range()));
      }
      case Owner.Metadata metadata -> {
        json.put("owner", "metadata").put("structure", metadata.structure());
        if (metadata.snapshot() != FileId.LIVE) {
          json.put("snapshot", metadata.snapshot());
        }
      }
      case Owner.Free _ -> json.put("owner", "free");
      case Owner.Quarantined _ -> json.put("owner", "quarantined");
      case Owner.Unknown _ -> json.put("owner", "unknown");
    }
    return json;
  }

  static ObjectNode check(CheckReport report) {
    ObjectNode json =
        Json.object()
            .put("type", "check")
            .put("clean", report.clean())
            .put("commit", report.commit())
            .put("files", report.files())
            .put("directories", report.directories())
            .put("links", report.links())
            .put("extents", report.extents())
            .put("nodes", report.nodes())
            .put("data", report.dataBytes())
            .put("held", report.heldBytes())
            .put("free", report.freeBytes());
    json.set("healed", ranges(report.healedCopies()));
    ArrayNode problems = json.putArray("problems");
    report.problems().forEach(problems::add);
    return json.put("more_problems", report.truncated());
  }

  private static ArrayNode ranges(List<ByteRange> ranges) {
    return PoolJson.ranges(ranges);
  }
}
