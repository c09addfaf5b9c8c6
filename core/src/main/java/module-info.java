/** Self-healing direct-access storage: DAX devices, targets, health and pools. */
module io.bezoar.core {
  requires static transitive org.jspecify;
  requires transitive io.bezoar.media;

  exports io.bezoar.dax;
  exports io.bezoar.fs;
  exports io.bezoar.health;
  exports io.bezoar.nio;
  exports io.bezoar.pool;
  exports io.bezoar.target;
  exports io.bezoar.tree;

  provides java.nio.file.spi.FileSystemProvider with
      io.bezoar.nio.BezoarFileSystemProvider;
}
