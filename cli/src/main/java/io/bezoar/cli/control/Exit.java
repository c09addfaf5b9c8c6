package io.bezoar.cli.control;

/** Exit codes of the {@code bezoar} command; {@code docs/exit-codes.md} explains them. */
public final class Exit {
  /** Done; of {@code status}: healthy. */
  public static final int OK = 0;

  /** Every byte is there, but something has to be done to keep it so. */
  public static final int DEGRADED = 1;

  /** Bytes are lost. */
  public static final int DAMAGED = 2;

  /** The pool cannot be used now. */
  public static final int UNAVAILABLE = 3;

  /** What was asked is not done, on purpose. */
  public static final int REFUSED = 4;

  /** A file was changed since it was protected: it differs, and is not damaged. */
  public static final int CHANGED = 5;

  /** The command line is wrong (EX_USAGE). */
  public static final int USAGE = 64;

  /** A fault of the program itself (EX_SOFTWARE). */
  public static final int INTERNAL = 70;

  /** Stopped by Ctrl-C before it was done. */
  public static final int INTERRUPTED = 130;

  /** Nobody reads the output any more: what SIGPIPE does to others. */
  public static final int PIPE = 141;

  private Exit() {}
}
