/** The {@code bezoar} command. */
module io.bezoar.cli {
  requires info.picocli;
  requires io.bezoar.core;
  requires io.bezoar.guard;
  requires io.bezoar.nbd;
  requires me.tongfei.progressbar;
  requires static org.jspecify;
  requires tools.jackson.databind;

  // picocli fills the commands' fields by reflection.
  opens io.bezoar.cli to
      info.picocli;
}
