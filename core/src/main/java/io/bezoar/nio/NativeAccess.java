package io.bezoar.nio;

import io.bezoar.media.Media;
import java.io.IOException;
import java.nio.file.Path;

/** Says what to do when a JVM does not let media call the system because nobody allowed it. */
final class NativeAccess {
  private static final Module MEDIA = Media.class.getModule();

  private NativeAccess() {}

  /**
   * Does something with the pool at a path.
   *
   * @throws IllegalCallerException when the JVM refuses native access; names the option that allows
   *     it
   */
  static <T> T explaining(Path pool, PoolFileSystem.Op<T> op) throws IOException {
    try {
      return op.run();
    } catch (ExceptionInInitializerError | NoClassDefFoundError | IllegalCallerException error) {
      if (isRefusal(error)) {
        throw new IllegalCallerException(
            pool + " cannot be opened: run java with --enable-native-access=" + module(), error);
      }
      throw error;
    }
  }

  /** The first time the refusal is the cause; later the class is known not to work. */
  private static boolean isRefusal(Throwable error) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof IllegalCallerException) {
        return true;
      }
    }
    return error instanceof NoClassDefFoundError && !MEDIA.isNativeAccessEnabled();
  }

  private static String module() {
    return MEDIA.isNamed() ? MEDIA.getName() : "ALL-UNNAMED";
  }
}
