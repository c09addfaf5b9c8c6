package io.bezoar.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.opentest4j.TestAbortedException;

class ToolsTest {
  @Test
  void shouldSkipByNameAndSayWhatToInstall() {
    assertThatThrownBy(() -> Tools.require("no-such-program", "some-package"))
        .isInstanceOf(TestAbortedException.class)
        .hasMessageContaining("ToolsTest.")
        .hasMessageContaining("no-such-program")
        .hasMessageContaining("apt-get install some-package");
    assertThat(Tools.require("sh", "dash")).isExecutable();
  }

  @Test
  void shouldKeepOutputAndExitCode() throws Exception {
    Tools.Result result = Tools.run("sh", "-c", "echo out; echo err >&2; exit 3");
    assertThat(result).isEqualTo(new Tools.Result(3, "out\nerr\n"));
    assertThatThrownBy(result::orFail)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("err");
  }
}
