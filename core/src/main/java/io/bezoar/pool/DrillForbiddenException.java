package io.bezoar.pool;

import java.nio.file.FileSystemException;

/** The pool was not made for drills: what lies on it may be somebody's only copy. */
public final class DrillForbiddenException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  DrillForbiddenException(String pool) {
    super(
        pool,
        null,
        "faults are only injected into pools made for it:"
            + " make one with: bezoar create POOL --size 1G --drill");
  }
}
