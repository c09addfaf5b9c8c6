package io.bezoar.fs;

import java.util.NavigableMap;
import java.util.TreeMap;

/** A file, directory or symbolic link of the model; not changed once it is part of a state. */
final class FsNode {
  final FileType type;
  int mode;
  int uid;
  int gid;
  long links;
  long accessed;
  long modified;
  long changed;
  long created;

  /** -1 while nobody has told. */
  long generation = -1;

  FsContent content = FsContent.EMPTY;
  byte[] target = {};

  /** Names of a directory. */
  final NavigableMap<FileName, Long> entries;

  final NavigableMap<AttributeName, byte[]> extended;

  /** Of a directory: the one it is in. */
  long parent;

  FsNode(FileType type) {
    this.type = type;
    this.entries = new TreeMap<>();
    this.extended = new TreeMap<>();
  }

  private FsNode(FsNode from) {
    this.type = from.type;
    this.mode = from.mode;
    this.uid = from.uid;
    this.gid = from.gid;
    this.links = from.links;
    this.accessed = from.accessed;
    this.modified = from.modified;
    this.changed = from.changed;
    this.created = from.created;
    this.generation = from.generation;
    this.content = from.content;
    this.target = from.target;
    this.entries = new TreeMap<>(from.entries);
    this.extended = new TreeMap<>(from.extended);
    this.parent = from.parent;
  }

  FsNode copy() {
    return new FsNode(this);
  }

  boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  long size() {
    return switch (type) {
      case REGULAR -> content.size();
      case SYMLINK -> target.length;
      case DIRECTORY -> entries.size();
    };
  }
}
