package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.cli.control.Exit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What people are used to from the Unix tools, above all where those lose nothing. */
@Timeout(120)
class UnixHabitsTest extends FilesFixture {
  @ParameterizedTest
  @EnumSource
  void shouldNotMoveOverWhatItHasJustMoved(Had had) throws Exception {
    try (AutoCloseable _ = had(had)) {
      ok("mkdir", in("/a"), in("/b"), in("/c"));
      put("/a/x", "first");
      put("/b/x", "second");
      put("/b/y", "other");
      put("/c/x", "old");
      String[] move = {"mv", in("/a/x"), in("/b/x"), in("/b/y"), in("/c")};
      fails(Exit.REFUSED, "/b/x: does not replace /c/x, which has just been put there", move);
      assertThat(get("/c/x")).isEqualTo("first");
      assertThat(get("/b/x")).isEqualTo("second");
      assertThat(get("/c/y")).isEqualTo("other");
    }
  }
}
