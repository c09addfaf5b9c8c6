package io.bezoar.cli.control;

import io.bezoar.media.ByteRange;
import java.util.List;
import java.util.Set;

/**
 * One thing asked of the files in a pool. Paths are absolute paths in the pool, unless something
 * else is said.
 */
public sealed interface FileRequest extends Request {
  /** How something is done. Which of them go with what is said there. */
  enum Flag {
    /** Everything in directories, too. */
    RECURSIVE,
    /** Directories themselves, and not what is in them. */
    SELF,
    /** Names that begin with a dot, too. */
    ALL,
    /** Attributes, too. */
    LONG,
    /** Places on the volume, too. */
    EXTENTS,
    /** Sums only. */
    SUMMARY,
    /** Directories on the way, too; what is there already will do. */
    PARENTS,
    /** What is in the way is replaced; what is not there need not be. */
    FORCE,
    /** What is there already is not replaced. */
    KEEP,
    /** A symbolic link. */
    SYMBOLIC,
    /** Symbolic links themselves, and not what they lead to. */
    LINKS,
    /** The last path is the new name, also when there is a directory of this name. */
    EXACT,
    /** Says what was done, one by one. */
    VERBOSE,
    /** The sum of all, too. */
    TOTAL,
    /** Says beforehand how much there is to do. */
    MEASURE
  }

  /**
   * What is in directories, and files themselves.
   *
   * @param flags of RECURSIVE, SELF, ALL, LONG
   */
  record Ls(List<String> paths, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Ls {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Everything that is known about files.
   *
   * @param flags of EXTENTS
   */
  record Stat(List<String> paths, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Stat {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /** The bytes of files. */
  record Cat(List<String> paths) implements FileRequest {
    /** Copies. */
    public Cat {
      paths = List.copyOf(paths);
    }
  }

  /** How much space there is. */
  record Df() implements FileRequest {}

  /**
   * How much space files take.
   *
   * @param flags of SUMMARY, ALL (files, too), TOTAL
   */
  record Du(List<String> paths, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Du {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Make directories.
   *
   * @param mode of each that is named, {@code 07777}
   * @param flags of PARENTS
   */
  record Mkdir(List<String> paths, int mode, Set<Flag> flags) implements FileRequest {
    /** Of a directory for which nobody says another one. */
    public static final int MODE = 0755;

    /** Copies. */
    public Mkdir {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /** Remove empty directories. */
  record Rmdir(List<String> paths) implements FileRequest {
    /** Copies. */
    public Rmdir {
      paths = List.copyOf(paths);
    }
  }

  /**
   * Remove files.
   *
   * @param flags of RECURSIVE, SELF (empty directories, too), FORCE, VERBOSE
   */
  record Rm(List<String> paths, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Rm {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Give files other names.
   *
   * @param paths what
   * @param to into it when it is a directory, else the new name
   * @param flags of KEEP, EXACT, VERBOSE
   */
  record Mv(List<String> paths, String to, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Mv {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Give a file one more name, or make a symbolic link.
   *
   * @param target the file, or what stands in the symbolic link
   * @param link into it when it is a directory, else the new name
   * @param flags of SYMBOLIC, FORCE, LINKS, VERBOSE
   */
  record Ln(String target, String link, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Ln {
      flags = Set.copyOf(flags);
    }
  }

  /** Between what files are copied. */
  enum CopyWay {
    /** From this machine into the pool. */
    IN,
    /** Out of the pool. */
    OUT,
    /** Within the pool. */
    WITHIN
  }

  /**
   * Copy files. The process that has the pool reads and writes the files of this machine, too.
   *
   * @param paths what: absolute paths, in the pool or of this machine
   * @param to into it when it is a directory, else the name of the copy; an absolute path, too
   * @param flags of RECURSIVE, LINKS, KEEP, EXACT, VERBOSE, MEASURE
   */
  record Cp(CopyWay way, List<String> paths, String to, Set<Flag> flags) implements FileRequest {
    /** Copies. */
    public Cp {
      paths = List.copyOf(paths);
      flags = Set.copyOf(flags);
    }
  }

  /**
   * Keep everything as it is now.
   *
   * @param name of the snapshot
   */
  record SnapshotCreate(String name) implements FileRequest {}

  /** Which snapshots there are. */
  record SnapshotList() implements FileRequest {}

  /**
   * Give a snapshot up.
   *
   * @param name of the snapshot
   */
  record SnapshotDelete(String name) implements FileRequest {}

  /**
   * What bytes of the volume belong to.
   *
   * @param range bytes of the volume
   */
  record Owners(ByteRange range) implements FileRequest {}

  /** Verify every structure. */
  record Check() implements FileRequest {}

  /** True when it changes files. */
  default boolean changes() {
    return switch (this) {
      case Ls _, Stat _, Cat _, Df _, Du _, SnapshotList _, Owners _, Check _ -> false;
      case Cp copy -> copy.way() != CopyWay.OUT;
      case Mkdir _, Rmdir _, Rm _, Mv _, Ln _, SnapshotCreate _, SnapshotDelete _ -> true;
    };
  }
}
