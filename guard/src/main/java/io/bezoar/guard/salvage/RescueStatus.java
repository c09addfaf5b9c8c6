package io.bezoar.guard.salvage;

/** What is known of a block of the source; the characters are those of a ddrescue mapfile. */
public enum RescueStatus {
  /** Nobody has tried to read it. */
  UNTRIED('?'),
  /** Part of a read that failed; nothing more is known of it. */
  UNTRIMMED('*'),
  /** Part of a read that failed, with a bad granule found beside it; to be read in small pieces. */
  UNSCRAPED('/'),
  /** Every granule of it was tried, and refused to be read. */
  BAD('-'),
  /** Its bytes are in the destination, durably. Never read again. */
  RESCUED('+');

  private final char symbol;

  RescueStatus(char symbol) {
    this.symbol = symbol;
  }

  /** The character in a mapfile. */
  public char symbol() {
    return symbol;
  }
}
