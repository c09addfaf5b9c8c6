/** Raw bytes of files, mappings and devices, and what can go wrong under them. */
module io.bezoar.media {
  requires static transitive org.jspecify;
  requires jdk.nio.mapmode;

  exports io.bezoar.media;
}
