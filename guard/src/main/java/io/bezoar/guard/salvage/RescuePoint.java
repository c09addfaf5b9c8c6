package io.bezoar.guard.salvage;

/**
 * Where a rescue is: the status line of a mapfile.
 *
 * @param offset the byte being tried: start of the piece in a forward pass, end of it in a backward
 *     pass
 * @param phase what is being done
 * @param pass which pass of that phase, from 1; odd passes go forward, even ones backward
 */
public record RescuePoint(long offset, RescuePhase phase, int pass) {
  /** Nothing was done yet. */
  public static final RescuePoint START = new RescuePoint(0, RescuePhase.COPYING, 1);

  /** Checks the values. */
  public RescuePoint {
    if (offset < 0 || pass < 1) {
      throw new IllegalArgumentException("not a place in a rescue: " + offset + ", pass " + pass);
    }
  }
}
