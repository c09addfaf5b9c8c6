/** Measurements, side by side with their peers. */
module io.bezoar.bench {
  requires io.bezoar.core;
  requires io.bezoar.nbd;
  requires static org.jspecify;
}
