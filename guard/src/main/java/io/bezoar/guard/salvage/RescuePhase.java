package io.bezoar.guard.salvage;

/** What a rescue is doing; the characters are those of a ddrescue mapfile's status line. */
public enum RescuePhase {
  /** Reading what was never tried, in large pieces, skipping away from bad places. */
  COPYING('?'),
  /** Looking for the edges of bad places; done by ddrescue only, taken as {@link #SCRAPING}. */
  TRIMMING('*'),
  /** Reading what is left around bad places, in small pieces. */
  SCRAPING('/'),
  /** Trying bad granules once more. */
  RETRYING('-'),
  /** Writing marks over what was not rescued; done by ddrescue only. */
  FILLING('F'),
  /** Guessing a map from a copy; done by ddrescue only. */
  GENERATING('G'),
  /** Nothing is left to do but to try bad granules again. */
  FINISHED('+');

  private final char symbol;

  RescuePhase(char symbol) {
    this.symbol = symbol;
  }

  /** The character in a mapfile. */
  public char symbol() {
    return symbol;
  }
}
