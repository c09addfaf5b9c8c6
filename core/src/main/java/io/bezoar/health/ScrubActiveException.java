package io.bezoar.health;

/** A scrub is running or paused already; there is one at a time. */
public final class ScrubActiveException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  private final transient ScrubProgress progress;

  ScrubActiveException(ScrubProgress progress) {
    super("a scrub is " + (progress.state() == ScrubProgress.State.PAUSED ? "paused" : "running"));
    this.progress = progress;
  }

  /** How far that one is. */
  public ScrubProgress progress() {
    return progress;
  }
}
