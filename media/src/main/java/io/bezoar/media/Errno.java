package io.bezoar.media;

import java.util.Map;
import java.util.Set;

/** What the kernel's error numbers mean for media. */
final class Errno {
  /** Bytes that the medium does not give back or take: a fault of those bytes. */
  private static final Set<Integer> FAULTS =
      Set.of(
          Posix.EIO,
          Posix.ENODATA,
          Posix.EILSEQ,
          Posix.EREMOTEIO,
          Posix.EBADMSG,
          Posix.EUCLEAN,
          Posix.ETIMEDOUT,
          Posix.ENOLINK,
          Posix.EHWPOISON);

  /** The whole device or its file system is not there any more. */
  private static final Set<Integer> ABSENCES =
      Set.of(
          Posix.ENXIO,
          Posix.ENODEV,
          Posix.ENOTCONN,
          Posix.ESHUTDOWN,
          Posix.ESTALE,
          Posix.ENOMEDIUM);

  private static final Map<Integer, String> TEXTS =
      Map.ofEntries(
          Map.entry(Posix.EPERM, "operation not permitted"),
          Map.entry(Posix.EIO, "input/output error"),
          Map.entry(Posix.ENXIO, "no such device or address"),
          Map.entry(Posix.EBADF, "bad file descriptor"),
          Map.entry(Posix.EACCES, "permission denied"),
          Map.entry(Posix.ENODEV, "no such device"),
          Map.entry(Posix.EINVAL, "invalid argument"),
          Map.entry(Posix.ENFILE, "too many open files in the system"),
          Map.entry(Posix.EMFILE, "too many open files: raise ulimit -n"),
          Map.entry(Posix.EFBIG, "file too large"),
          Map.entry(Posix.ENOSPC, "no space left on device"),
          Map.entry(Posix.EROFS, "read-only file system"),
          Map.entry(Posix.EDQUOT, "disk quota exceeded"),
          Map.entry(Posix.EOPNOTSUPP, "operation not supported"),
          Map.entry(Posix.ESTALE, "stale file handle"));

  private Errno() {}

  static boolean isFault(int errno) {
    return FAULTS.contains(errno);
  }

  static boolean isAbsence(int errno) {
    return ABSENCES.contains(errno);
  }

  static boolean isFull(int errno) {
    return errno == Posix.ENOSPC || errno == Posix.EDQUOT;
  }

  static String text(int errno) {
    String text = TEXTS.get(errno);
    return text == null ? "errno " + errno : text + " (errno " + errno + ")";
  }
}
