package io.bezoar.media;

/** The media as a whole is not there (any more): absence is a state, not damage. */
public final class MediaUnavailableException extends MediaException {
  private static final long serialVersionUID = 1L;

  private final Presence presence;

  /** Creates the exception for media in state {@code presence}. */
  public MediaUnavailableException(String file, Presence presence, String detail) {
    super(file, detail, null);
    this.presence = presence;
  }

  /** What was found in place of the media. */
  public Presence presence() {
    return presence;
  }
}
