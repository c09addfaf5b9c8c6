package io.bezoar.dax;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** Something that a device cannot do, in terms of its own address space. */
public abstract sealed class DeviceException extends FileSystemException
    permits PoisonedRangeException, DeviceUnavailableException, DeviceClaimedException {

  private static final long serialVersionUID = 1L;

  DeviceException(String device, String reason, @Nullable Throwable cause) {
    super(device, null, reason);
    if (cause != null) {
      initCause(cause);
    }
  }
}
