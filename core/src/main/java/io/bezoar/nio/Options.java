package io.bezoar.nio;

import io.bezoar.fs.PathWalk.LastLink;
import java.nio.file.CopyOption;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/** What callers of {@code java.nio.file} ask for, understood once. */
final class Options {
  private Options() {}

  /** What to do with a symbolic link at the end of a path. */
  static LastLink last(LinkOption... options) {
    for (LinkOption option : options) {
      if (Objects.requireNonNull(option) == LinkOption.NOFOLLOW_LINKS) {
        return LastLink.KEEP;
      }
    }
    return LastLink.FOLLOW;
  }

  /**
   * One of the options in {@code com.sun.nio.file}; by its name, because not every runtime has the
   * module {@code jdk.unsupported}.
   */
  private static boolean isOfTheJdk(Object option, String type, String name) {
    return option instanceof Enum<?> constant
        && constant.getDeclaringClass().getName().equals("com.sun.nio.file." + type)
        && constant.name().equals(name);
  }

  /**
   * How a file is opened.
   *
   * @param options the standard ones, without what has no effect together with others
   * @param last what to do with a symbolic link at the end of the path
   */
  record Open(Set<StandardOpenOption> options, LastLink last) {
    /**
     * Understands open options, as the default provider does.
     *
     * @throws UnsupportedOperationException for one that is not known here
     * @throws IllegalArgumentException for those that contradict each other
     */
    static Open of(Collection<? extends OpenOption> asked) {
      EnumSet<StandardOpenOption> options = EnumSet.noneOf(StandardOpenOption.class);
      LastLink last = LastLink.FOLLOW;
      for (OpenOption option : asked) {
        switch (Objects.requireNonNull(option)) {
          case StandardOpenOption standard -> options.add(standard);
          case LinkOption _ -> last = LastLink.KEEP;
          default -> {
            // No cache lies between a pool and who reads it, and any buffer will do.
            if (!isOfTheJdk(option, "ExtendedOpenOption", "DIRECT")) {
              throw new UnsupportedOperationException(option + " is not supported");
            }
          }
        }
      }
      if (options.contains(StandardOpenOption.APPEND)) {
        exclude(options, StandardOpenOption.READ);
        exclude(options, StandardOpenOption.TRUNCATE_EXISTING);
        options.add(StandardOpenOption.WRITE);
      }
      if (!options.contains(StandardOpenOption.WRITE)) {
        options.add(StandardOpenOption.READ);
        options.removeAll(
            EnumSet.of(
                StandardOpenOption.CREATE,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.TRUNCATE_EXISTING));
      }
      if (options.contains(StandardOpenOption.DELETE_ON_CLOSE)
          && !options.contains(StandardOpenOption.CREATE_NEW)) {
        last = LastLink.KEEP;
      }
      return new Open(options, last);
    }

    private static void exclude(Set<StandardOpenOption> options, StandardOpenOption other) {
      if (options.contains(other)) {
        throw new IllegalArgumentException("APPEND and " + other + " cannot go together");
      }
    }

    boolean has(StandardOpenOption option) {
      return options.contains(option);
    }

    /** True when nothing is to be changed. */
    boolean isForReadingOnly() {
      return !has(StandardOpenOption.WRITE) && !has(StandardOpenOption.DELETE_ON_CLOSE);
    }

    /** True when each write is to be durable before it returns. */
    boolean isSynced() {
      return has(StandardOpenOption.SYNC) || has(StandardOpenOption.DSYNC);
    }
  }

  /**
   * How something is copied or moved.
   *
   * @param options the standard ones
   * @param last what to do with a symbolic link at the end of the source
   * @param isInterruptible true when an interrupt of the thread ends a copy
   */
  record Copy(Set<StandardCopyOption> options, LastLink last, boolean isInterruptible) {
    /**
     * Understands copy options.
     *
     * @throws UnsupportedOperationException for one that is not known here
     */
    static Copy of(CopyOption... asked) {
      EnumSet<StandardCopyOption> options = EnumSet.noneOf(StandardCopyOption.class);
      boolean interruptible = false;
      LastLink last = LastLink.FOLLOW;
      for (CopyOption option : asked) {
        switch (Objects.requireNonNull(option)) {
          case StandardCopyOption standard -> options.add(standard);
          case LinkOption _ -> last = LastLink.KEEP;
          default -> {
            if (!isOfTheJdk(option, "ExtendedCopyOption", "INTERRUPTIBLE")) {
              throw new UnsupportedOperationException(option + " is not supported");
            }
            interruptible = true;
          }
        }
      }
      return new Copy(options, last, interruptible);
    }

    boolean has(StandardCopyOption option) {
      return options.contains(option);
    }
  }

  /**
   * Permission bits of something new.
   *
   * @param standard those that it has when nobody asks for others
   * @throws UnsupportedOperationException for initial attributes other than permissions
   */
  static int mode(int standard, FileAttribute<?>... attributes) {
    int mode = standard;
    for (FileAttribute<?> attribute : attributes) {
      String name = attribute.name();
      if (!name.equals("posix:permissions") && !name.equals("unix:permissions")) {
        throw new UnsupportedOperationException("'" + name + "' cannot be set on creation");
      }
      mode = mode((Set<?>) attribute.value());
    }
    return mode;
  }

  /** Permission bits of a set of permissions. */
  static int mode(Set<?> permissions) {
    int mode = 0;
    for (Object permission : permissions) {
      mode |= bit((PosixFilePermission) Objects.requireNonNull(permission));
    }
    return mode;
  }

  /** The set of permissions of permission bits. */
  static Set<PosixFilePermission> permissions(int mode) {
    EnumSet<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (PosixFilePermission permission : PosixFilePermission.values()) {
      if ((mode & bit(permission)) != 0) {
        permissions.add(permission);
      }
    }
    return permissions;
  }

  private static int bit(PosixFilePermission permission) {
    return switch (permission) {
      case OWNER_READ -> 0400;
      case OWNER_WRITE -> 0200;
      case OWNER_EXECUTE -> 0100;
      case GROUP_READ -> 0040;
      case GROUP_WRITE -> 0020;
      case GROUP_EXECUTE -> 0010;
      case OTHERS_READ -> 0004;
      case OTHERS_WRITE -> 0002;
      case OTHERS_EXECUTE -> 0001;
    };
  }
}
