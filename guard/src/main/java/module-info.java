/** Plain files where they are: typed faults in place of crashes, sidecars that repair, salvage. */
module io.bezoar.guard {
  requires static transitive org.jspecify;
  requires transitive io.bezoar.media;
  requires jdk.jfr;

  exports io.bezoar.guard;
  exports io.bezoar.guard.salvage;
  exports io.bezoar.guard.sidecar;
}
