package io.bezoar.nio;

import io.bezoar.media.Media;
import java.nio.file.Path;

/** Says what to do when a JVM that was told to does not let media call the system. */
final class NativeAccess {
  private NativeAccess() {}

  /**
   * What to throw instead of an error that came while a pool was being opened.
   *
   * @return the error itself when it is another one
   */
  static IllegalCallerException explain(Path pool, Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof IllegalCallerException) {
        return new IllegalCallerException(
            pool + " cannot be opened: run java with --enable-native-access=" + module(), error);
      }
    }
    if (error instanceof Error other) {
      throw other;
    }
    throw (RuntimeException) error;
  }

  private static String module() {
    Module media = Media.class.getModule();
    return media.isNamed() ? media.getName() : "ALL-UNNAMED";
  }
}
