/** Self-healing direct-access storage: media, DAX devices, targets, health and pools. */
module io.bezoar.core {
  requires static transitive org.jspecify;
  requires jdk.nio.mapmode;

  exports io.bezoar.media;
  exports io.bezoar.dax;
  exports io.bezoar.health;
  exports io.bezoar.pool;
  exports io.bezoar.target;
}
