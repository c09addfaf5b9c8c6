/** Measurements, side by side with their peers. */
module io.bezoar.bench {
  requires info.picocli;
  requires io.bezoar.core;
  requires io.bezoar.guard;
  requires io.bezoar.lucene;
  requires io.bezoar.nbd;
  requires static org.jspecify;

  opens io.bezoar.bench to
      info.picocli;
}
