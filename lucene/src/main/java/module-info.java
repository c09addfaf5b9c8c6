/** A Lucene directory that survives bad pages. */
module io.bezoar.lucene {
  requires static org.jspecify;
  requires transitive io.bezoar.guard;
  requires transitive org.apache.lucene.core;

  exports io.bezoar.lucene;
}
