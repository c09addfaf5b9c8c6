package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.media.ByteRange;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Requests about files as JSON objects. */
final class FileRequestCodec {
  static final String PREFIX = "file-";

  private FileRequestCodec() {}

  static void encode(FileRequest request, ObjectNode json) {
    switch (request) {
      case FileRequest.Ls r -> put(json, "ls", r.paths(), r.flags());
      case FileRequest.Stat r -> put(json, "stat", r.paths(), r.flags());
      case FileRequest.Cat r -> put(json, "cat", r.paths(), Set.of());
      case FileRequest.Df _ -> put(json, "df");
      case FileRequest.Du r -> put(json, "du", r.paths(), r.flags());
      case FileRequest.Mkdir r -> put(json, "mkdir", r.paths(), r.flags()).put("mode", r.mode());
      case FileRequest.Rmdir r -> put(json, "rmdir", r.paths(), Set.of());
      case FileRequest.Rm r -> put(json, "rm", r.paths(), r.flags());
      case FileRequest.Mv r -> put(json, "mv", r.paths(), r.flags()).put("to", r.to());
      case FileRequest.Ln r -> {
        put(json, "ln").put("target", r.target()).put("link", r.link());
        putFlags(json, r.flags());
      }
      case FileRequest.Cp r ->
          put(json, "cp", r.paths(), r.flags()).put("to", r.to()).put("way", Json.word(r.way()));
      case FileRequest.SnapshotCreate(String name) ->
          put(json, "snapshot-create").put("name", name);
      case FileRequest.SnapshotList _ -> put(json, "snapshot-list");
      case FileRequest.SnapshotDelete(String name) ->
          put(json, "snapshot-delete").put("name", name);
      case FileRequest.Owners(ByteRange range) -> RequestCodec.putRange(put(json, "owners"), range);
      case FileRequest.Check _ -> put(json, "check");
    }
  }

  private static ObjectNode put(ObjectNode json, String op) {
    return json.put("op", PREFIX + op);
  }

  private static ObjectNode put(ObjectNode json, String op, List<String> paths, Set<Flag> flags) {
    put(json, op);
    ArrayNode all = json.putArray("paths");
    paths.forEach(all::add);
    putFlags(json, flags);
    return json;
  }

  private static void putFlags(ObjectNode json, Set<Flag> flags) {
    ArrayNode all = json.putArray("flags");
    flags.stream().sorted().forEach(flag -> all.add(Json.word(flag)));
  }

  static FileRequest decode(String op, RequestCodec.Fields fields) throws BadRequestException {
    return switch (op.substring(PREFIX.length())) {
      case "ls" ->
          new FileRequest.Ls(
              paths(fields), flags(fields, Flag.RECURSIVE, Flag.SELF, Flag.ALL, Flag.LONG));
      case "stat" -> new FileRequest.Stat(paths(fields), flags(fields, Flag.EXTENTS));
      case "cat" -> new FileRequest.Cat(paths(fields));
      case "df" -> new FileRequest.Df();
      case "du" ->
          new FileRequest.Du(paths(fields), flags(fields, Flag.SUMMARY, Flag.ALL, Flag.TOTAL));
      case "mkdir" ->
          new FileRequest.Mkdir(paths(fields), mode(fields), flags(fields, Flag.PARENTS));
      case "rmdir" -> new FileRequest.Rmdir(paths(fields));
      case "rm" ->
          new FileRequest.Rm(
              paths(fields), flags(fields, Flag.RECURSIVE, Flag.SELF, Flag.FORCE, Flag.VERBOSE));
      case "mv" ->
          new FileRequest.Mv(
              paths(fields),
              path(fields, "to"),
              flags(fields, Flag.KEEP, Flag.EXACT, Flag.VERBOSE));
      case "ln" -> link(fields);
      case "cp" ->
          new FileRequest.Cp(
              fields.constant("way", FileRequest.CopyWay.class),
              paths(fields),
              path(fields, "to"),
              flags(
                  fields,
                  Flag.RECURSIVE,
                  Flag.LINKS,
                  Flag.KEEP,
                  Flag.EXACT,
                  Flag.VERBOSE,
                  Flag.MEASURE));
      case "snapshot-create" -> new FileRequest.SnapshotCreate(fields.text("name"));
      case "snapshot-list" -> new FileRequest.SnapshotList();
      case "snapshot-delete" -> new FileRequest.SnapshotDelete(fields.text("name"));
      case "owners" -> owners(fields);
      case "check" -> new FileRequest.Check();
      default -> throw RequestCodec.noSuchOperation(op);
    };
  }

  private static int mode(RequestCodec.Fields fields) throws BadRequestException {
    return (int) fields.number("mode", 0, 07777);
  }

  private static FileRequest link(RequestCodec.Fields fields) throws BadRequestException {
    Set<Flag> flags = flags(fields, Flag.SYMBOLIC, Flag.FORCE, Flag.LINKS, Flag.VERBOSE);
    String target = flags.contains(Flag.SYMBOLIC) ? fields.text("target") : path(fields, "target");
    return new FileRequest.Ln(target, path(fields, "link"), flags);
  }

  private static FileRequest owners(RequestCodec.Fields fields) throws BadRequestException {
    ByteRange range = RequestCodec.range(fields);
    if (range == null || range.isEmpty()) {
      throw new BadRequestException("\"range\" must hold a byte");
    }
    return new FileRequest.Owners(range);
  }

  /** Relative paths would mean something else in every process. */
  private static String path(RequestCodec.Fields fields, String name) throws BadRequestException {
    return requireAbsolute(fields.text(name), name);
  }

  private static List<String> paths(RequestCodec.Fields fields) throws BadRequestException {
    List<String> paths = fields.texts("paths");
    for (String path : paths) {
      requireAbsolute(path, "paths");
    }
    return paths;
  }

  private static String requireAbsolute(String path, String name) throws BadRequestException {
    if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
      throw new BadRequestException("\"" + name + "\": an absolute path begins with '/'");
    }
    return path;
  }

  private static Set<Flag> flags(RequestCodec.Fields fields, Flag... allowed)
      throws BadRequestException {
    List<Flag> flags = fields.constants("flags", Flag.class);
    for (Flag flag : flags) {
      if (!List.of(allowed).contains(flag)) {
        throw new BadRequestException("\"flags\" cannot hold " + Json.word(flag) + " here");
      }
    }
    return flags.isEmpty() ? Set.of() : EnumSet.copyOf(flags);
  }
}
