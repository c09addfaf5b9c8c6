/** Block devices over the NBD protocol. */
module io.bezoar.nbd {
  requires transitive io.bezoar.core;
  requires static org.jspecify;

  exports io.bezoar.nbd;
}
